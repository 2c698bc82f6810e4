"""The blind cases: JSON Lines under `cases/`, written from the sources alone, never in the bank.

Every second case of a file is for tuning and may be looked at; the others are only reported on.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from assistant.values import Kind

FOLDER = Path(__file__).with_name("cases")
Part = Literal["tune", "report", "all"]


class Case(BaseModel):
    """One question with its right replies."""

    model_config = ConfigDict(extra="ignore")

    id: str = ""
    question: str
    kind: Kind
    also_ok: list[Kind] = []
    needed: list[list[str]] = []
    """Groups of alternative sentences; a right answer cites one of each group."""
    acceptable: list[str] = []
    history: list[str] = []
    disagree: bool = False
    hard: bool = False
    near: bool = True
    lang: str = "en"

    @property
    def right_kinds(self) -> set[Kind]:
        """Every outcome that is right for it."""
        return {self.kind, *self.also_ok}


class Dialogue(BaseModel):
    """Questions of one visitor, in order."""

    id: str
    turns: list[Case]


def suite_names() -> list[str]:
    """Name the suites: the files."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def load(suite: str, part: Part = "report") -> list[Case]:
    """Return the cases of a suite; turns of dialogues carry the questions before them."""
    rows = [json.loads(line) for line in (FOLDER / f"{suite}.jsonl").open(encoding="utf-8")]
    chosen = [r for n, r in enumerate(rows) if part == "all" or (n % 2 == 0) == (part == "tune")]
    return [case for row in chosen for case in _cases(row)]


def _cases(row: dict[str, object]) -> Iterator[Case]:
    if "turns" not in row:
        yield Case.model_validate(row)
        return
    asked: list[str] = []
    dialogue = Dialogue.model_validate(row)
    for number, turn in enumerate(dialogue.turns, 1):
        yield turn.model_copy(update={"id": f"{dialogue.id}.{number}", "history": list(asked)})
        asked.append(turn.question)
