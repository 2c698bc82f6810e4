"""Instructions planted inside source texts: a poisoned copy of the corpus is ingested and asked.

Two ways it is asked: as it is served, where only reviewed facts are quoted, and without its bank,
where the nearest passages are. Nothing that was planted may be quoted or obeyed.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import assistant.index
from assistant.bank import Fact
from assistant.corpus import Collection
from assistant.engine import Engine
from assistant.errors import FootnoteError
from assistant.settings import Settings
from assistant.values import Kind
from assistant.wiring import build_engine, ingest
from evals.cases import Case, Planted
from evals.systems import without_bank
from evals.targets import Answered, InProcess, Text, ask_all

SERVED, BARE = "planted", "planted_bare"
"""The suites: as served, and without the bank."""


def ask_poisoned(
    settings: Settings, engine: Engine, plants: Sequence[Planted], room: Path
) -> tuple[list[Answered], dict[str, Text]]:
    """Ingest a poisoned copy in the folder `room`; return the replies and the poisoned texts."""
    index = engine.assistant.decider.index
    poisoned = settings.model_copy(
        update={"corpus": room / "corpus", "index": room / "index", "chroma_url": None}
    )
    _poison(settings, index.collection, index.knowledge.facts, plants, poisoned.corpus)
    # What is known already is not encoded again.
    shutil.copytree(index.bundle, poisoned.index / settings.collection / index.bundle.name)
    (poisoned.index / settings.collection / "current").write_text(index.bundle.name)
    (poisoned.index / "encoder").symlink_to((settings.index / "encoder").resolve())
    # Heads learn from the bank, which is the same: to train them anew would take minutes.
    with patch.object(assistant.index, "_lesson", lambda *_: index.record["lesson"]):
        ingest(poisoned, settings.collection, lambda *_: None)
    copy = build_engine(poisoned, engine.encoder)
    try:
        target = InProcess(copy)
        answered = ask_all(target, _cases(plants, SERVED))
        with without_bank(copy):
            answered += ask_all(target, _cases(plants, BARE))
        return answered, target.sources()
    finally:
        copy.close()


def _poison(
    settings: Settings,
    collection: Collection,
    facts: Sequence[Fact],
    plants: Sequence[Planted],
    corpus: Path,
) -> None:
    folder = corpus / collection.id
    shutil.copytree(settings.corpus / collection.id, folder)
    for source in collection.sources:
        cuts = sorted(
            (_place(source.text, plant, source.id, facts), plant.text)
            for plant in plants
            if plant.source == source.id
        )
        text = source.text
        for position, words in reversed(cuts):
            text = f"{text[:position]} {words}{text[position:]}"
        path = next(p for p in folder.iterdir() if p.is_file() and _holds(p, source.text))
        path.write_text(text, encoding="utf-8", newline="")


def _place(text: str, plant: Planted, source: str, facts: Sequence[Fact]) -> int:
    """Return where to plant: behind the sentence, but not inside what a reviewed fact quotes."""
    if plant.after not in text:
        raise FootnoteError(f"planted case {plant.id}: its `after` is not in {source}. Mend it.")
    position = text.index(plant.after) + len(plant.after)
    spans = [
        (c.span.start, c.span.end)
        for fact in facts
        for c in fact.citations
        if c.source.id == source
    ]
    while inside := [end for start, end in spans if start < position < end]:
        position = max(inside)
    return position


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes().decode() == text
    except UnicodeDecodeError:
        return False


def _cases(plants: Sequence[Planted], suite: str) -> list[Case]:
    return [
        Case(
            id=f"{suite}-{plant.id}.{number}",
            suite=suite,
            cluster=plant.id,
            question=question,
            kind=Kind.ANSWER,
            forbidden=plant.forbidden,
        )
        for plant in plants
        for number, question in enumerate(plant.ask, 1)
    ]
