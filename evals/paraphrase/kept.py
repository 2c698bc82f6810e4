"""What a claim must keep of its passages: denials, hedges, strength, conditions, limits.

Comes in: a claim with its passages. Goes out: for each aspect the reason why it does not hold, or
None. Whether the claim adds anything, it does not know.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.retrieval import STOPWORDS
from evals.paraphrase.lexicon import NEGATIONS, Reading, Span, has_phrase, lexicon, read
from evals.paraphrase.pairs import (
    BREAKS,
    KEPT,
    Pair,
    clauses,
    covered,
    is_said,
    meet,
    share_kept,
    share_of,
    spelled,
)

CONDITIONS = frozenset({"if", "when", "unless", "until"})


OPENERS = re.compile(
    r"\b(?:if|when|unless|until|before|prior to|in case|provided|as long as|under (?=(?:\w+ ){0,2}(?:circumstances|conditions))|where"
    r"|compared (?:to|with)|than|(?:associated|related|linked) (?:with|to)"
    r"|(?:in|for|among|with) (?:patients|people|those|individuals)(?= (?:with|who|that)))\b"
)


MODALS = frozenset({"may", "might", "can", "could", "should", "will", "must"})


TAKEN = 0.3
"""From this share of its words on, a clause must keep what limits it."""


ALTERNATIVES = {
    "possible": {"possible", "ability", "sometimes", "some", "often", "rare", "usual"},
    "some": {"some", "possible", "ability", "sometimes", "few", "several"},
    "few": {"few", "some", "several"},
    "bit": {"bit", "low", "some"},
    "sometimes": {"sometimes", "rare", "some", "possible"},
    "rare": {"rare"},
    "top": {"top"},
    "often": {"often", "usual", "many", "most", "oftener", "top"},
    "oftener": {"oftener", "usual", "most"},
    "usual": {"usual", "often", "most", "oftener"},
    "most": {"most", "usual"},
    "many": {"many", "often"},
}
"""A hedge of the passage is kept by any of these."""


SCALE = ("low", "middle", "high", "lethal")


def negation(pair: Pair) -> str | None:
    """Check that claim and passages deny the same."""
    ours = list(_denied(pair.claim, pair.claim.senses, pair.concepts))
    said = {c.name for c in pair.claim.senses}
    theirs = [(p, d) for p in pair.passages for d in _denied(p, p.concepts, said)]
    free = list(theirs)
    for denial in ours:
        match = next(((p, d) for p, d in free if meet(pair.claim, denial.scope, p, d.scope)), None)
        if match:
            free.remove(match)
        elif not denial.excused:
            return f"'{denial.word} … {spelled(pair.claim, denial.scope)}' is not denied in the passages"
    for passage, denial in theirs:
        kept = any(meet(pair.claim, d.scope, passage, denial.scope) for d in ours)
        whole = share_kept(pair, passage, 0) >= KEPT
        if not denial.excused and not kept and (whole or is_said(pair, passage, denial.scope[:1])):
            return f"'{denial.word} … {spelled(passage, denial.scope)}' has lost its denial"
    return None


@dataclass(frozen=True)
class Denial:
    """A word that denies and the positions that it denies."""

    word: str
    scope: list[int]
    excused: bool
    """It is part of a phrase that the other side has in other words."""


def _denied(text: Reading, spans: Sequence[Span], alike: set[str]) -> Iterator[Denial]:
    graded = {n for m in text.markers if m.end - m.start > 1 for n in range(m.start, m.end)}
    excused = {
        n for s in spans if s.name in alike and s.end - s.start > 1 for n in range(s.start, s.end)
    }
    meaning = {
        n
        for n, t in enumerate(text.tokens)
        if t[0].isalpha() and t not in STOPWORDS and t not in NEGATIONS
    } | {m.start for m in text.markers}
    stops = [n for n, t in enumerate(text.tokens) if t in BREAKS | NEGATIONS | CONDITIONS]
    for at, token in enumerate(text.tokens):
        if token in NEGATIONS and at not in graded:
            end = next((n for n in stops if n > at), len(text.tokens))
            start = next((n for n in reversed(stops) if n < at), -1)
            after = [n for n in range(at + 1, end) if n in meaning][:4]
            before = [n for n in range(start + 1, at) if n in meaning][-4:]
            yield Denial(token, after or before, at in excused)


def lost_hedges(pair: Pair) -> str | None:
    """Check that a hedge of the passage is kept where its clause is."""
    ours = pair.claim.classes()
    for passage in pair.passages:
        share = 0.0
        for start, end in clauses(passage):
            # A clause without words of its own ("but in rare cases") belongs to the one before.
            share = share_kept(pair, passage, start, end) if passage.content(start, end) else share
            if share < KEPT:
                continue
            for name in sorted(passage.classes(start, end) & set(ALTERNATIVES)):
                alike = ALTERNATIVES[name]
                if name == "possible" and "some" in passage.classes(start, end):
                    alike = alike - {"some"}
                if name in ("often", "top") and is_said(
                    pair, passage, _at(passage, name, start, end)
                ):
                    continue
                if not alike & ours:
                    words = next(
                        m for m in passage.markers if m.name == name and start <= m.start < end
                    )
                    return f"'{spelled(passage, range(words.start, words.end))}' is left out"
    return None


def _at(text: Reading, name: str, start: int, end: int) -> list[int]:
    return [m.start for m in text.markers if m.name == name and start <= m.start < end]


def strength(pair: Pair) -> str | None:
    """Check that mild stays mild and severe severe, and neither is left out or added."""
    ours = pair.claim.classes() & set(SCALE)
    small = ours | ({"low"} if "bit" in pair.claim.classes() else set())
    if odd := ours - pair.classes:
        marker = next(m for m in pair.claim.markers if m.name in odd)
        return f"'{spelled(pair.claim, range(marker.start, marker.end))}' is not the passages' strength"
    for passage in pair.passages:
        for start, end in clauses(passage):
            lost = (passage.classes(start, end) & set(SCALE)) - small
            if lost and share_kept(pair, passage, start, end) >= KEPT:
                marker = next(
                    m for m in passage.markers if m.name in lost and start <= m.start < end
                )
                return f"'{spelled(passage, range(marker.start, marker.end))}' is left out"
    return None


def conditions(pair: Pair) -> str | None:
    """Check that a limiting condition is kept where its main clause is."""
    for passage in pair.passages:
        joined = " ".join(passage.tokens)
        for opener in OPENERS.finditer(joined):
            start = len(joined[: opener.start()].split())
            end = _condition_end(passage, start)
            if opener.group().startswith(
                ("associated", "related", "linked")
            ) and not NEGATIONS & set(passage.tokens[:start]):
                continue
            rest = [*passage.content(0, start), *passage.content(end)]
            main = {passage.stems[n] for n in rest}
            limited = [n for n in passage.content(start, end) if passage.stems[n] not in main]
            if not limited or not rest:
                continue
            early = opener.group() in ("before", "prior to", "until")
            if early and has_phrase(pair.claim.stems, lexicon().order["before"]):
                continue
            if _same_time(pair, passage, start, end):
                continue
            if share_of(pair, passage, rest) >= KEPT and share_of(pair, passage, limited) < KEPT:
                return f"the condition '{spelled(passage, range(start, end))}' is left out"
    return None


def _same_time(pair: Pair, passage: Reading, start: int, end: int) -> bool:
    """Tell whether the condition is a time that the claim has too."""
    limit = read(" ".join(passage.tokens[start:end])).quantities
    return any((q.low, q.unit) == (c.low, c.unit) for q in limit for c in pair.claim.quantities)


def _condition_end(text: Reading, start: int) -> int:
    """Find where a condition ends: at a stop, or where the main clause starts without one."""
    for n in range(start + 1, len(text.tokens)):
        if text.tokens[n] in ",;.!?":
            return n
        if (
            start == 0
            and n > 2
            and text.tokens[n] in ("you", "they", "it")
            and text.tokens[n + 1] in MODALS
        ):
            return n
    return len(text.tokens)


def limits(pair: Pair) -> str | None:
    """Check that no phrase or word that limits a statement is left out of it."""
    said, stems = {c.name for c in pair.claim.senses}, set(pair.claim.stems)
    for passage in pair.passages:
        for start, end in clauses(passage):
            words = passage.content(start, end)
            kept = covered(words, passage, stems, said, passage.concepts)
            lost = [n for n in words if n not in kept]
            if len(kept) < TAKEN * len(words) or not lost:
                continue
            runs = [n for n, after in pairwise(lost) if words.index(after) == words.index(n) + 1]
            single = [n for n in lost if passage.stems[n] in lexicon().limits]
            if runs or single:
                return f"'{spelled(passage, lost)}' is left out"
    return None
