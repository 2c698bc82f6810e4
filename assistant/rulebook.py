"""The reviewed red-flag patterns of all languages, compiled for `triage`.

In: `redflags/<language>.toml`; their grammar is explained at the head of `redflags/en.toml`.
Out: a `Rulebook`, built once, at the first message. A mistake in a file (an unknown group, an
unknown category, an empty phrase) is a ValueError that quotes the line.

It knows words and how near they must stand; it does not know what a message says.
"""

import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("redflags")
# When a message raises several flags, the one whose advice differs most from the rest wins.
ORDER = (
    "suicide", "child", "sight", "circulation", "anaphylaxis",
    "fainting", "bleeding", "overdose", "necrosis", "infection",
)  # fmt: skip
CJK = "\u3040-\u30ff\u4e00-\u9fff"  # scripts without spaces: every character is a word
CONTRACTION = re.compile(r"(?<=\w)['’‘ʼ`´](?=(?:s|t|re|ve|ll|d|m)\b)")
ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
PATTERN_WORD = re.compile(rf"(?:\d+\.?\d*|[{CJK}]|[^\W\d_{CJK}]+)\*?|[*^$?]")
DISGUISED = re.compile(r"(?<=[a-z])[01345](?=[a-z])")  # "k1ll", "br3athe"
LIGATURES = str.maketrans({"ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "ı": "i"})
LINK = re.compile(r"\s(~|>>|>|\+\+|\+)\s")
SHORTEST_KEY = 5  # letters; shorter words have too many neighbours to be respelt

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Groups of phrases (numbers) that must occur near each other, and what that means."""

    language: str
    kind: str  # "flag", "sign" (half a flag) or "guard" (makes a flag harmless)
    name: str  # the category, the sign or the guard
    steps: tuple[int, ...]
    links: tuple[str, ...]  # between the steps: "~", ">", ">>", "+" or "++"
    unless: int  # a group that excuses it, or -1
    ignores: frozenset[str]  # guards that do not excuse it


@dataclass
class Node:
    """A place in the tree of all phrases; `stems` are continuations written "x*"."""

    words: dict[str, "Node"] = field(default_factory=dict)
    stems: dict[str, "Node"] = field(default_factory=dict)
    phrase: int = -1


@dataclass
class Rulebook:
    """What all the files say. Phrases and groups (sets of phrases) go by number.

    `flags` and `guards` file a rule under the phrases of its rarest group; `cues` are the guards
    that are one phrase.
    """

    root: Node = field(default_factory=Node)
    groups: list[frozenset[int]] = field(default_factory=list)
    flags: dict[int, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    guards: dict[int, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    cues: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    together: list[tuple[frozenset[str], int, str]] = field(default_factory=list)
    right: set[str] = field(default_factory=set)  # words that are never respelt
    wrong: dict[str, str] = field(default_factory=dict)
    near: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def fold(text: str) -> str:
    """Lower case, no accents, no apostrophes, no drawl ("caaan't" -> "cant")."""
    text = DISGUISED.sub(lambda digit: "oi?eas"[int(digit[0])], CONTRACTION.sub("", text.lower()))
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(LIGATURES))
        text = "".join(c for c in text if c.isascii() or unicodedata.category(c) != "Mn")
    return ELONGATED.sub(r"\1", text)


def spell(book: Rulebook, word: str) -> str:
    """Return the key word that a misspelt one stands for, one letter wrong, or the word itself."""
    if word in book.right:
        return word
    if word in book.wrong:
        return book.wrong[word]
    if len(word) < SHORTEST_KEY or not word.isalpha():
        return word
    stems = book.root.stems
    if any(word[:end] in stems for end in range(3, len(word) + 1)):
        return word
    for part in (word, *_shortened(word)):
        for key in book.near.get(part, ()):
            if key[0] == word[0] and _one_slip(key, word):
                return key
    return word


def _shortened(word: str) -> Iterator[str]:
    return (word[:cut] + word[cut + 1 :] for cut in range(len(word)))


def _one_slip(one: str, other: str) -> bool:
    """Of two words that lose one letter and are then alike: whether one slip parts them."""
    if len(one) != len(other):
        return True
    wrong = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    swapped = [one[place] for place in reversed(wrong)] == [other[place] for place in wrong]
    return len(wrong) == 1 or (len(wrong) == 2 and wrong[1] == wrong[0] + 1 and swapped)


@cache
def rulebook() -> Rulebook:
    """All files of `redflags/`."""
    return compile_rules(
        {
            path.stem: tomllib.loads(path.read_text("utf-8"))
            for path in sorted(FOLDER.glob("*.toml"))
        }
    )


def compile_rules(files: dict[str, dict[str, Any]]) -> Rulebook:
    """Compile parsed files, by language."""
    builder = _Builder()
    for language, data in files.items():
        builder.read(language, data)
    return builder.finish()


class _Builder:
    """Numbers phrases and groups while the files are read."""

    def __init__(self) -> None:
        self.book = Rulebook()
        self.phrases: dict[Phrase, int] = {}
        self.numbers: dict[frozenset[int], int] = {}
        self.rules: list[Rule] = []

    def read(self, language: str, data: dict[str, Any]) -> None:
        words = data.get("words", {})
        for flag in data.get("flag", []):
            if "category" in flag and flag["category"] not in ORDER:
                raise ValueError(f"No category {flag['category']!r}; there are {ORDER}")
            kind = "flag" if "category" in flag else "sign"
            self._rules(language, kind, flag.get("category") or flag["sign"], flag, words)
        for name, lines in data.get("guards", {}).items():
            self._rules(language, "guard", name, {"any": lines}, words)
        for pair in data.get("together", []):
            for line in pair["signs"]:
                signs = frozenset(line.split(" + "))
                count = pair.get("count", len(signs))
                self.book.together.append((signs, count, pair["category"]))
        self._spelling(data.get("spelling", {}))

    def _rules(
        self, language: str, kind: str, name: str, entry: dict[str, Any], words: dict[str, str]
    ) -> None:
        unless = self._group(entry["unless"], words) if "unless" in entry else -1
        ignores = frozenset(entry.get("ignores", ()))
        for line in entry["any"]:
            parts = LINK.split(line)
            steps = tuple(self._group(part, words) for part in parts[::2])
            links = tuple(parts[1::2])
            self.rules.append(Rule(language, kind, name, steps, links, unless, ignores))

    def _group(self, text: str, words: dict[str, str]) -> int:
        """Return the number of a group written "one phrase | another, <a named group>"."""
        group = frozenset(self._phrase(phrase) for phrase in _phrases(text, words))
        if group not in self.numbers:
            self.numbers[group] = len(self.numbers)
            self.book.groups.append(group)
        return self.numbers[group]

    def _phrase(self, phrase: Phrase) -> int:
        if phrase not in self.phrases:
            self.phrases[phrase] = len(self.phrases)
            node = self.book.root
            for word in phrase:
                if word[-1] == "*":
                    node = node.stems.setdefault(word[:-1], Node())
                else:
                    node = node.words.setdefault(word, Node())
                    self.book.right.add(word)
            node.phrase = self.phrases[phrase]
        return self.phrases[phrase]

    def _spelling(self, spelling: dict[str, Any]) -> None:
        """`keys`: words that slips stand for; `keep`: look-alikes that are right as they are."""
        book = self.book
        book.right.update(fold(spelling.get("keep", "")).split())
        for right, wrong in spelling.get("as", {}).items():
            book.wrong.update(dict.fromkeys(fold(wrong).split(), fold(right)))
        for key in fold(spelling.get("keys", "")).split():
            book.right.add(key)
            for part in (key, *_shortened(key)):
                book.near[part].append(key)

    def finish(self) -> Rulebook:
        """File every rule under the phrases of its rarest step, so that few are looked at."""
        groups = self.book.groups
        uses = Counter(
            phrase for rule in self.rules for step in rule.steps for phrase in groups[step]
        )
        for rule in self.rules:
            if rule.kind == "guard" and len(rule.steps) == 1:
                for phrase in groups[rule.steps[0]]:
                    self.book.cues[phrase].append((rule.language, rule.name))
                continue
            rarest = min(rule.steps, key=lambda step: max(uses[phrase] for phrase in groups[step]))
            filed = self.book.guards if rule.kind == "guard" else self.book.flags
            for phrase in groups[rarest]:
                filed[phrase].append(rule)
        return self.book


def _phrases(text: str, words: dict[str, str]) -> Iterator[Phrase]:
    for phrase in re.split(r"\s*[|,]\s*", text.strip(" ,|\n")):
        if phrase.startswith("<"):
            if phrase[1:-1] not in words:
                raise ValueError(f"No group {phrase} in [words]: {text!r}")
            yield from _phrases(words[phrase[1:-1]], words)
        elif not (found := tuple(PATTERN_WORD.findall(fold(phrase)))):
            raise ValueError(f"Empty phrase in {text!r}")
        else:
            yield found
