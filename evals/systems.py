"""Systems with one part taken out: each must make the gate fail, or the part earns nothing.

Every mutant is a context manager over a working engine, so nothing is ingested again and the
engine is whole afterwards.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from assistant import decide
from assistant.bank import Knowledge, KnownDisagreement
from assistant.engine import Engine
from assistant.sentences import sentence_spans
from assistant.values import Citation, Source, Span
from evals import cases as data
from evals.cases import Case
from evals.checks import Grounds
from evals.evidence import Progress
from evals.gate import Thresholds, judge
from evals.metrics import Result, score
from evals.searching import search
from evals.targets import InProcess, ask_all

Without = Callable[[Engine], AbstractContextManager[None]]


@dataclass(frozen=True)
class System:
    """A mutant of the system: what is taken out, and which suites can show it."""

    id: str
    title: str
    without: Without
    suites: tuple[str, ...]
    required: bool = True
    """Whether a gate that does not notice cannot be trusted; the others inform."""
    unseen: str = ""
    """Why it may not be noticed."""


@contextmanager
def without_threshold(engine: Engine) -> Iterator[None]:
    """Answer whatever has a nearest fact."""
    with patch.object(decide, "ANSWER_CUT", -1.0), patch.object(decide, "FACT_FLOOR", -9.0):
        yield


@contextmanager
def without_triage(engine: Engine) -> Iterator[None]:
    """See no emergency."""
    with patch.object(engine.assistant.decider, "emergency", lambda *_: None):
        yield


@contextmanager
def without_bank(engine: Engine) -> Iterator[None]:
    """Decide by similarity alone."""
    heads, index = engine.assistant.decider.index.heads, engine.assistant.decider.index
    empty = np.zeros((0, 0), np.float32)
    with patch.object(index, "heads", replace(heads, questions=empty)):
        yield


@contextmanager
def without_bm25(engine: Engine) -> Iterator[None]:
    """Find passages by their vectors alone."""
    with patch.object(engine.retriever, "lexical", lambda _: []):
        yield


@contextmanager
def without_context(engine: Engine) -> Iterator[None]:
    """Quote bare sentences, without what they lean on."""
    assistant = engine.assistant
    bare = tuple(
        replace(f, citations=tuple(_last_sentence(c) for c in f.citations))
        for f in assistant.knowledge.facts
    )
    with (
        patch.object(assistant, "knowledge", replace(assistant.knowledge, facts=bare)),
        patch.object(assistant.decider, "facts", bare),
    ):
        yield


@contextmanager
def stale_index(engine: Engine) -> Iterator[None]:
    """Serve texts that were edited after the index was made."""
    assistant, log = engine.assistant, logging.getLogger("assistant.engine")
    edited = {i: replace(s, text=f" {s.text}", residue=()) for i, s in assistant.sources.items()}
    with patch.object(assistant, "sources", edited), patch.object(log, "disabled", True):
        yield  # every reply fails, and would be logged


@contextmanager
def without_disagreements(engine: Engine) -> Iterator[None]:
    """Know of no disagreement."""
    knowledge: Knowledge = engine.assistant.knowledge
    none: tuple[KnownDisagreement, ...] = ()
    with patch.object(engine.assistant, "knowledge", replace(knowledge, disagreements=none)):
        yield


@contextmanager
def without_follow_ups(engine: Engine) -> Iterator[None]:
    """Read every question by itself."""
    with patch.object(engine.assistant.follow_ups, "readings", lambda *_: []):
        yield


@contextmanager
def without_spelling(engine: Engine) -> Iterator[None]:
    """Take words as they were typed."""
    with patch.object(type(engine.assistant.speller), "repair", lambda _, text: text):
        yield


SEARCH = "search"
"""Not a suite of replies: what is found without a bank, see `searching`."""

SYSTEMS: Sequence[System] = (
    System("threshold", "threshold removed", without_threshold, ("uncovered",)),
    System("triage", "triage off", without_triage, ("urgent",)),
    System("bank", "bank emptied", without_bank, ("covered", "uncovered", "personal")),
    System(
        "bm25",
        "BM25 off",
        without_bm25,
        (SEARCH,),
        required=False,
        unseen="With a bank the replies do not depend on it, and in so small a collection vectors "
        "alone find as much.",
    ),
    System("context", "context expansion off", without_context, ("covered",)),
    System("stale", "stale index", stale_index, ("covered",)),
    System(
        "disagreements",
        "disagreements forgotten",
        without_disagreements,
        ("covered",),
        required=False,
    ),
    System("follow-ups", "follow-ups not read", without_follow_ups, ("dialogues",), required=False),
    System(
        "spelling",
        "spelling repair off",
        without_spelling,
        ("covered", "terse", "odd"),
        required=False,
        unseen="Few questions are misspelt beyond what the encoder reads anyway.",
    ),
)


def _last_sentence(citation: Citation) -> Citation:
    source: Source = citation.source
    spans = [
        s
        for s, _ in _spans(source)
        if citation.span.start <= s.start and s.end <= citation.span.end
    ]
    return Citation(source, Span(spans[-1].start, spans[-1].end)) if spans else citation


def _spans(source: Source) -> Sequence[tuple[Span, Any]]:
    return sentence_spans(source.text)


def try_systems(
    target: InProcess,
    folder: Path,
    grounds: Grounds,
    thresholds: Thresholds,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Take one part out after the other; the gate must fail each time, and because of that.

    What is lost without a part that is not required shows on more cases only: those for tuning are
    asked as well, for nothing is reported of them here but the loss.
    """
    found = []
    for number, system in enumerate(SYSTEMS, 1):
        progress(f"without: {system.title}", number, len(SYSTEMS))
        places = (folder,) if system.required else dict.fromkeys((folder, data.TUNING))
        cases = [c for place in places for suite in system.suites for c in _cases(suite, place)]
        whole = _results(target, system, cases, grounds)
        with system.without(target.engine):
            results = _results(target, system, cases, grounds)
        found.append(_compare(system, whole, results, thresholds))
    return found


def _cases(suite: str, place: Path) -> list[Case]:
    """Return a suite's cases, named so that those of two folders do not meet."""
    if not (place / f"{suite}.jsonl").is_file():
        return []
    return [
        case.model_copy(
            update={"id": f"{place.name}/{case.id}", "cluster": f"{place.name}/{case.cluster}"}
        )
        for case in data.load(suite, place)
    ]


def _results(
    target: InProcess, system: System, cases: Sequence[Case], grounds: Grounds
) -> list[Result]:
    if SEARCH in system.suites:
        return search(target.engine)
    return score(ask_all(target, cases), grounds)


def _compare(
    system: System, intact: list[Result], results: list[Result], thresholds: Thresholds
) -> dict[str, Any]:
    whole = {j.id: j for j in judge(intact, thresholds)}
    fell = [
        j
        for j in judge(results, thresholds, intact)
        if j.outcome in ("fail", "error") and j.rate.value < whole[j.id].rate.value
    ]
    return {
        "id": system.id,
        "title": system.title,
        "caught": bool(fell),
        "required": system.required,
        "fell": [
            {
                "id": j.id,
                "title": j.title,
                "before": whole[j.id].rate.value,
                "after": j.rate.value,
                "outcome": j.outcome,
            }
            for j in fell
        ],
        "says": "; ".join(f"{j.title}: {j.says}" for j in fell[:2])
        or f"nothing fell. {system.unseen}".strip(),
    }
