"""One reply against one case: was the outcome right, is the evidence complete, is it on topic?

Works on the JSON of HTTP version 1, so that a running server can be scored as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.sentences import sentence_spans
from assistant.values import Kind
from evals.cases import Case


@dataclass(frozen=True)
class Score:
    """What one reply achieved; None where it does not apply."""

    case: Case
    kind: Kind
    right_kind: bool
    complete: bool | None
    on_topic: tuple[int, int] | None
    """(cited sentences on topic, cited sentences)."""
    both_sides: bool | None
    exact: bool
    reply: dict[str, Any]

    @property
    def right(self) -> bool:
        """Right outcome and, where evidence is needed, all of it."""
        return self.right_kind and self.complete is not False


def score(case: Case, reply: dict[str, Any], texts: Mapping[str, str]) -> Score:
    """Score a reply; `texts` are the sources by id."""
    kind = Kind(reply["kind"])
    cited = {normal(s) for c in reply["citations"] for s in sentences(texts[c["source"]], c)}
    wanted = [{normal(alternative) for alternative in group} for group in case.needed]
    fine = {sentence for group in wanted for sentence in group}
    fine |= {normal(sentence) for sentence in case.acceptable}
    answered = case.kind is Kind.ANSWER and kind in (Kind.ANSWER, Kind.PERSONAL)
    complete = None
    if wanted:
        complete = all(group & cited for group in wanted) or kind in case.also_ok
    return Score(
        case=case,
        kind=kind,
        right_kind=kind in case.right_kinds,
        complete=complete,
        on_topic=(len(cited & fine), len(cited)) if wanted and answered and cited else None,
        both_sides=(bool(complete) and reply["sources_disagree"]) if case.disagree else None,
        exact=all(
            texts[c["source"]][c["start"] : c["end"]] == c["quote"] for c in reply["citations"]
        ),
        reply=reply,
    )


def sentences(text: str, citation: Mapping[str, Any]) -> list[str]:
    """Return the sentences of a source that a citation covers."""
    return [
        text[span.start : span.end]
        for span, _ in sentence_spans(text)
        if span.start >= citation["start"] - 2 and span.end <= citation["end"] + 2
    ]


def normal(sentence: str) -> str:
    """Return a sentence as it is compared."""
    return re.sub(r"\W+", " ", sentence).strip().lower()
