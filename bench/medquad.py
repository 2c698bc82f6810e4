"""MedQuAD (CC BY 4.0): real health texts in bulk, read where they lie, made into collections.

The index cannot tell them from a clinic's own; there is no bank, so nothing is trained.
"""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from bench.place import ROOT

FILE = ROOT.parent / "shared" / "data" / "medquad.jsonl.gz"
NAME = "medquad"
SHORTEST, LONGEST = 50, 250
"""Characters of a sentence that is taken as a short passage."""


def answers() -> list[str]:
    """Return the answers, each once, in the file's order."""
    return list(dict.fromkeys(row["answer"] for row in _rows() if row["answer"]))


def questions(count: int) -> list[str]:
    """Return `count` questions from all over the file."""
    rows = _rows()
    return [row["question"] for row in rows[:: len(rows) // count][:count]]


def sentences(count: int) -> list[str]:
    """Return up to `count` sentences of sensible length, each once, from all over the file."""
    import sentencex

    found = dict.fromkeys(
        " ".join(piece.split()) for text in answers() for piece in sentencex.segment("en", text)
    )
    fit = [s for s in found if SHORTEST <= len(s) <= LONGEST and s.endswith(".")]
    if len(fit) <= count:
        return fit
    return [fit[n * len(fit) // count] for n in range(count)]


def write_collection(texts: Sequence[str], corpus: Path) -> None:
    """Write the texts, each a source of its own, as the only collection of a corpus folder."""
    folder = corpus / NAME
    folder.mkdir(parents=True)
    manifest = ['title = "MedQuAD"', 'about = "health"']
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
        entry = f'[[source]]\nid = "s{number}"\nfile = "{number}.txt"\ntitle = "Text {number}"'
        manifest.append(entry)
    (folder / "manifest.toml").write_text("\n".join(manifest), encoding="utf-8")


def _rows() -> list[dict[str, str]]:
    if not FILE.exists():
        raise FileNotFoundError(f"{FILE} is missing. Put MedQuAD there.")
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
