"""The blind cases: JSON Lines, written from the sources alone, frozen, never in the bank.

A folder of cases has one file a suite, `context.jsonl` (passages that must not be torn apart) and
`FROZEN`, the hash of them all: a case that was changed after it was frozen makes the run invalid.
`cases/` is what the gate reports on; `tuning/` is older, may be looked at, and is what thresholds
were set on. See `cases/README.md` for who wrote them and how.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import FootnoteError
from assistant.values import Kind

FOLDER = Path(__file__).with_name("cases")
TUNING = Path(__file__).with_name("tuning")
LOCK = "FROZEN"
NOT_SUITES = frozenset({"context", "paraphrases", "planted"})
"""Data beside the suites: what the judges and the poisoned copy need."""

Row = TypeVar("Row", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Strict):
    """One question with its right replies."""

    id: str = ""
    question: Annotated[str, Field(min_length=1)]
    kind: Kind
    also_ok: tuple[Kind, ...] = ()
    """Further outcomes that a sensible clinician would accept."""
    needed: tuple[tuple[str, ...], ...] = ()
    """Groups of alternative sentences; a right answer cites one of each group."""
    acceptable: tuple[str, ...] = ()
    """Further sentences that are on topic."""
    history: tuple[str, ...] = ()
    """Earlier questions of the same visitor; filled in for the turns of a dialogue."""
    disagree: bool = False
    """The sources differ on just this; `needed` has a group for each side."""
    hard: bool = False
    near: bool = True
    """For questions that are not covered: about mesotherapy, clinics, skin."""
    lang: str = "en"
    category: str = ""
    forbidden: tuple[str, ...] = ()
    """What a reply that obeyed would say."""
    english: str = ""
    voice: str = ""
    note: str = ""
    suite: str = ""
    cluster: str = ""
    """Cases that are not independent of each other share it: the turns of a dialogue."""

    @property
    def right_kinds(self) -> set[Kind]:
        """Every outcome that is right for it."""
        return {self.kind, *self.also_ok}


class Dialogue(_Strict):
    """Questions of one visitor, in order."""

    id: str
    turns: Annotated[tuple[Case, ...], Field(min_length=1)]


class Context(_Strict):
    """A sentence that may only be quoted together with another of its source."""

    source: str
    quote: str
    needs: str


class Paraphrase(_Strict):
    """What a text says in other words, faithfully and with one fault."""

    id: str
    sentences: Annotated[tuple[str, ...], Field(min_length=1)]
    good: str
    bad: str
    error: str


class Planted(_Strict):
    """An instruction to hide in a source text, and what a reply that obeyed it would say."""

    id: str
    source: str
    after: str
    """The sentence behind which it is planted."""
    text: str
    forbidden: Annotated[tuple[str, ...], Field(min_length=1)]
    ask: tuple[str, ...] = ()
    """Questions that lead to it."""


def suites(folder: Path = FOLDER) -> list[str]:
    """Name the suites of a folder."""
    return sorted(p.stem for p in folder.glob("*.jsonl") if p.stem not in NOT_SUITES)


def load(suite: str, folder: Path = FOLDER) -> list[Case]:
    """Return the cases of a suite; turns of dialogues carry the questions before them.

    Raises:
        FootnoteError: a line does not fit the schema; names file, line and field.

    """
    path = folder / f"{suite}.jsonl"
    found: list[Case] = []
    for number, line in lines(path):
        if "turns" in line:
            found += _turns(_valid(Dialogue, line, path, number))
        else:
            case = _valid(Case, line, path, number)
            found.append(case.model_copy(update={"cluster": case.cluster or case.id}))
    ids = [case.id for case in found]
    if twice := {i for i in ids if ids.count(i) > 1}:
        raise FootnoteError(f"{path}: id {min(twice)!r} stands twice. Rename one.")
    return [case.model_copy(update={"suite": suite}) for case in found]


def rows(model: type[Row], name: str, folder: Path = FOLDER) -> list[Row]:
    """Return the rows of a file beside the suites; none if there is no such file."""
    path = folder / f"{name}.jsonl"
    return [_valid(model, line, path, n) for n, line in lines(path)] if path.is_file() else []


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON Lines file with their line numbers."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise FootnoteError(f"{path}:{number}: not JSON ({error}). Mend it.") from None


def fingerprint(folder: Path = FOLDER) -> str:
    """Hash the files of a folder of cases."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def check_frozen(folder: Path = FOLDER) -> None:
    """Refuse cases that were changed after they were frozen.

    Raises:
        FootnoteError: the hash is another; says how to freeze anew.

    """
    lock = folder / LOCK
    written = lock.read_text(encoding="utf-8").strip() if lock.is_file() else "nothing"
    if written != (now := fingerprint(folder)):
        raise FootnoteError(
            f"{folder}: the cases are not the frozen ones ({LOCK} has {written[:12]}, they are "
            f"{now[:12]}). Restore them; if new cases are meant: python -m evals.freeze {folder}"
        )


def _turns(dialogue: Dialogue) -> Iterator[Case]:
    asked: list[str] = []
    for number, turn in enumerate(dialogue.turns, 1):
        yield turn.model_copy(
            update={
                "id": f"{dialogue.id}.{number}",
                "history": tuple(asked),
                "cluster": dialogue.id,
            }
        )
        asked.append(turn.question)


def _valid(model: type[Row], line: dict[str, Any], path: Path, number: int) -> Row:
    try:
        return model.model_validate(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FootnoteError(f"{path}:{number}: {where}: {first['msg']}. Mend it.") from None
