"""A source text and spans in it → excerpts: the spans marked, with some of the text around them.

Spans are `text[start:end]` and are never cut; where two overlap, each gets an excerpt of its own.
Where a sentence stands is found by its words. What a mark means is its label; nothing here knows.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

AROUND = 200
"""How many characters are shown before and behind a mark."""


@dataclass(frozen=True)
class Mark:
    """A span to mark, and what it is."""

    start: int
    end: int
    label: str
    missing: bool = False


@dataclass(frozen=True)
class Piece:
    """A stretch of text, marked or not."""

    text: str
    mark: Mark | None = None


@dataclass(frozen=True)
class Excerpt:
    """Part of a source; whether text before and behind it was left out."""

    pieces: tuple[Piece, ...]
    cut_before: bool
    cut_after: bool


def excerpts(text: str, marks: Iterable[Mark], around: int = AROUND) -> list[Excerpt]:
    """Cut the text to what stands around its marks, in the order of the text."""
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: (m.start, m.end)):
        last = groups[-1][-1] if groups else None
        if last and last.end <= mark.start <= last.end + 2 * around:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return [_excerpt(text, group, around) for group in groups]


def find(sentences: Iterable[str], texts: Mapping[str, str]) -> tuple[str, int, int] | None:
    """Return where the first of the sentences that stands in a text stands."""
    for sentence in sentences:
        for source, text in texts.items():
            if span := _span(sentence, text):
                return source, *span
    return None


def compare(before: str, after: str) -> list[tuple[str, str]]:
    """Return both texts as one, in pieces: `same`, `gone` and `new`."""
    old, new = _tokens(before), _tokens(after)
    pieces: list[tuple[str, str]] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        pieces += [("gone", "".join(old[a:b]))] if b > a else []
        pieces += [("new", "".join(new[c:d]))] if d > c else []
    return pieces


def _excerpt(text: str, marks: list[Mark], around: int) -> Excerpt:
    low, high = max(0, marks[0].start - around), min(len(text), marks[-1].end + around)
    if low:  # begin and end with whole words
        low = min(text.find(" ", low - 1, marks[0].start) + 1 or low, marks[0].start)
    if high < len(text):
        high = max(text.rfind(" ", marks[-1].end, high + 1), marks[-1].end)
    pieces, at = [], low
    for mark in marks:
        pieces += [Piece(text[at : mark.start]), Piece(text[mark.start : mark.end], mark)]
        at = mark.end
    pieces.append(Piece(text[at:high]))
    return Excerpt(tuple(p for p in pieces if p.text), low > 0, high < len(text))


@cache
def _span(sentence: str, text: str) -> tuple[int, int] | None:
    """Return where a sentence stands, by its words alone, with the mark that ends it."""
    words = [re.escape(word) for word in re.findall(r"\w+", sentence)]
    pattern = r"\b" + r"\W+".join(words) + r"\b[.!?]?"
    found = re.search(pattern, text, re.IGNORECASE) if words else None
    return found.span() if found else None


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)
