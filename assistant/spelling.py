"""Spelling repair against the words of the collection.

A word that English does not know, and that is near to one of the collection's words, is read as
that word: "constapation" → "constipation". Only what is searched for changes; triage and
replies see what was typed. English is pyspellchecker's dictionary, read at ingest; similarity
is rapidfuzz's.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from assistant.language import language_of

SHORTEST = 5
"""Shorter words have too many neighbours to be sure."""
LONG = 7
"""From this length on, two edits are allowed."""
OFTEN = 12
"""A word of so many questions of the bank is one to repair towards."""
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Speller:
    """Repairs words towards `targets`; words in `english` are right as they are."""

    english: frozenset[str]
    targets: tuple[str, ...]
    asked: frozenset[str] = frozenset()
    """Words of the texts and of the bank's English questions: at home here."""

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word that is left alone."""
        return self.english | set(self.targets)

    def repair(self, text: str) -> str:
        """Return the text with unknown words replaced by the nearest target, if one is near."""
        return WORD.sub(lambda match: self._repair(match.group()), text)

    def _repair(self, word: str) -> str:
        lower = word.lower()
        if len(lower) < SHORTEST or lower in self.known or not lower.isascii():
            return word
        allowed = 1 if len(lower) < LONG else 2
        best = extractOne(lower, self.targets, scorer=OSA.distance, score_cutoff=allowed)
        return best[0] if best else word

    def save(self, path: Path) -> None:
        """Write the word lists."""
        path.write_text(json.dumps([sorted(self.english), self.targets, sorted(self.asked)]))

    @classmethod
    def load(cls, path: Path) -> "Speller":
        """Read what `save` wrote."""
        english, targets, asked = json.loads(path.read_text())
        return cls(frozenset(english), tuple(targets), frozenset(asked))


def learn(sources: Iterable[str], questions: Iterable[str]) -> Speller:
    """Take the words of the sources, and those that many questions use, as targets."""
    from spellchecker import SpellChecker

    dictionary = SpellChecker(language="en").word_frequency.dictionary
    english = {word.replace("'", "") for word in dictionary}
    texts = [WORD.findall(text.lower()) for text in sources]
    found = Counter(word for words in texts for word in words)
    asked, foreign = Counter[str](), Counter[str]()
    for question in questions:
        words = set(WORD.findall(question.lower().replace("'", "")))
        (asked if language_of(question) == "en" else foreign).update(words)
    # Short questions in other languages pass for English; what mostly those use is not.
    asked = Counter({w: count for w, count in asked.items() if count >= foreign[w]})
    # A source's own misspelling ("sscratch") must not become a target: English, or said twice.
    targets = {w for w, count in found.items() if w in english or count > 1}
    targets |= {w for w, count in asked.items() if count >= OFTEN and w in english}
    targets = {w for w in targets if len(w) >= SHORTEST}
    return Speller(frozenset(english), tuple(sorted(targets)), frozenset(asked) | set(found))
