"""Red flags: does a message describe an emergency that is happening now?

In: whatever a visitor wrote, in any language, already cleaned (NFC, no control characters).
Out: a `RedFlag`, or None. Pure and deterministic; the work grows linearly with the text.

What counts as a red flag is not decided here but in `redflags/<language>.toml`, which a
clinician can read and change; its grammar is explained at the head of `redflags/en.toml`.
All languages are always tried: nothing may be missed because a language was guessed wrongly.

It does not know who is asking, what was said before or what the sources say, and None does not
mean that a message is harmless: it means that no reviewed pattern matched.
"""

import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
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
GAPS = {">": 3, ">>": 8, "+": 4, "++": 9}  # words that may stand between two steps of a pattern
VETO_REACH = 6  # words around a match in which `unless` counts
LIST_REACH = 10  # "no fever, chills, redness or trouble breathing"
NEAR_MATCH = 3  # words before a match that still belong to its statement
LONGEST = 8  # words in a phrase
FRAGMENT = 2  # "My throat. It closes up": so few words are read with the next sentence

CJK = "\u3040-\u30ff\u4e00-\u9fff"
TOKEN = re.compile(rf"\d+(?:[.,]\d+)?|[{CJK}]|[^\W\d_{CJK}]+|[.!?;\n。！？；؟؛…]+")
PATTERN_TOKEN = re.compile(rf"(?:\d+(?:\.\d+)?|[{CJK}]|[^\W\d_{CJK}]+)\*?|[*^$]")
CONTRACTION = re.compile(r"(?<=\w)['’‘ʼ`´](?=(?:s|t|re|ve|ll|d|m)\b)")
ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
LINK = re.compile(r"\s(>>|>|\+\+|\+)\s")

Span = tuple[int, int]  # first word, one past the last
Phrase = tuple[str, ...]
Found = dict[int, list[Span]]  # group number -> where it occurs, in order
Guard = Callable[[str], list[Span]]
Story = dict[tuple[str, str], bool]  # (language, "past" or "general") -> still being told


@dataclass(frozen=True)
class RedFlag:
    """An emergency: its category (one of `ORDER`) and the words that gave it away.

    `matched` is for a clinician who tries a pattern out; it is never logged.
    """

    category: str
    matched: str


@dataclass(frozen=True)
class Rule:
    """Groups of words that must occur near each other, and what that means."""

    language: str
    kind: str  # "flag", "sign" (half a flag) or "guard" (makes a flag harmless)
    name: str  # the category, the sign or the guard
    steps: tuple[int, ...]
    links: tuple[str, ...]
    unless: int
    ignores: frozenset[str]  # guards that do not excuse this one


@dataclass
class Rulebook:
    """What all the TOML files say, compiled once. A group is a set of phrases with a number."""

    starts: dict[str, list[tuple[Phrase, int]]] = field(default_factory=lambda: defaultdict(list))
    stems: dict[str, list[tuple[Phrase, int]]] = field(default_factory=lambda: defaultdict(list))
    groups: dict[tuple[Phrase, ...], int] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    filed: dict[int, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    together: list[tuple[frozenset[str], str]] = field(default_factory=list)
    respell: dict[str, str] = field(default_factory=dict)
    near: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    keep: set[str] = field(default_factory=set)


@dataclass
class Clause:
    """One sentence: its words between `^` and `$`, whether it asks, and what was found in it."""

    words: list[str]
    asks: bool
    found: Found
    rules: list[Rule]
    guards: dict[tuple[str, str], list[Span]] = field(default_factory=dict)


def triage(text: str) -> RedFlag | None:
    """The red flag that the message raises, or None."""
    book = _rulebook()
    clauses = [_read(book, words, asks) for words, asks in _sentences(book, text)]
    if all(rule.kind == "guard" for clause in clauses for rule in clause.rules):
        return None
    clauses = [_with_guards(clause) for clause in clauses]
    best: RedFlag | None = None
    signs: dict[str, str] = {}
    story: Story = {}
    for clause, after in zip(clauses, [*clauses[1:], None], strict=True):
        for rule in clause.rules:
            if rule.kind == "guard" or (rule.kind == "sign" and rule.name in signs):
                continue
            if rule.kind == "flag" and best and _rank(rule.name) >= _rank(best.category):
                continue
            for match in _matches(rule, clause.found):
                if not _excused(rule, match, clause, after, story):
                    words = " ".join(clause.words[match[0][0] : max(end for _, end in match)])
                    if rule.kind == "sign":
                        signs[rule.name] = words
                    else:
                        best = RedFlag(rule.name, words)
                    break
        story = _continue(story, clause)
    for needed, category in book.together:
        if needed <= signs.keys() and not (best and _rank(category) >= _rank(best.category)):
            best = RedFlag(category, " + ".join(signs[sign] for sign in sorted(needed)))
    return best


def _rank(category: str) -> int:
    return ORDER.index(category)


# --- from text to clauses ---


def _fold(text: str) -> str:
    """Lower case, no accents, no apostrophes ("can't" -> "cant", "l'air" -> "l air")."""
    text = CONTRACTION.sub("", text.lower())
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if unicodedata.category(c) != "Mn").replace("ß", "ss")
    return ELONGATED.sub(r"\1\1", text)


def _sentences(book: Rulebook, text: str) -> Iterator[tuple[list[str], bool]]:
    """Sentences as word lists; a fragment of one or two words is read with what follows."""
    words = ["^"]
    for token in TOKEN.findall(_fold(text)):
        if token[0].isalnum():
            words.append(_spell(book, token))
        elif len(words) > FRAGMENT + 1:
            yield [*words, "$"], token[0] in "?？؟"
            words = ["^"]
    if len(words) > 1:
        yield [*words, "$"], False


def _spell(book: Rulebook, word: str) -> str:
    """The key word that a misspelt one stands for: one letter wrong, missing, added or swapped."""
    if word in book.keep or len(word) < 4:
        return word
    if word in book.respell:
        return book.respell[word]
    if len(word) < 5 or any(word[:end] in book.stems for end in range(3, len(word) + 1)):
        return word
    for part in (word, *_shortened(word)):
        for key in book.near.get(part, ()):
            if key[0] == word[0] and _one_slip(key, word):
                return key
    return word


def _shortened(word: str) -> Iterator[str]:
    return (word[:cut] + word[cut + 1 :] for cut in range(len(word)))


def _one_slip(one: str, other: str) -> bool:
    """Both have lost at most one letter to the same stump; two different letters are too many."""
    if len(one) != len(other):
        return True
    wrong = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    return len(wrong) == 1 or (
        len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and one[wrong[0]] == other[wrong[1]]
        and one[wrong[1]] == other[wrong[0]]
    )


def _read(book: Rulebook, words: list[str], asks: bool) -> Clause:
    """Find every group in the words, then every rule whose groups are all there."""
    found: dict[int, list[Span]] = defaultdict(list)
    for at, word in enumerate(words):
        entries = [book.starts.get(word, ())]
        entries += [book.stems.get(word[:end], ()) for end in range(2, len(word) + 1)]
        for phrases in entries:
            for rest, group in phrases:
                if not rest or _follows(rest, words[at + 1 : at + 1 + len(rest)]):
                    found[group].append((at, at + 1 + len(rest)))
    rules = [
        rule
        for group in found
        for rule in book.filed.get(group, ())
        if all(step in found for step in rule.steps)
    ]
    return Clause(words, asks, found, rules)


def _follows(rest: Phrase, words: list[str]) -> bool:
    """Whether the words are the rest of a phrase; "x*" is any word that begins with x."""
    return len(words) == len(rest) and all(
        word.startswith(part[:-1]) if part[-1] == "*" else word == part
        for part, word in zip(rest, words, strict=True)
    )


# --- rules and their guards ---


def _matches(rule: Rule, found: Found, done: tuple[Span, ...] = ()) -> Iterator[tuple[Span, ...]]:
    """Every way in which the rule's groups stand in its order and near enough."""
    if len(done) == len(rule.steps):
        yield done
        return
    spans = found[rule.steps[len(done)]]
    if not done:
        for span in spans:
            yield from _matches(rule, found, (span,))
        return
    link = rule.links[len(done) - 1]
    start, end = _hull(done)
    for at in range(bisect_left(spans, (start - GAPS[link] - LONGEST, 0)), len(spans)):
        if spans[at][0] > end + GAPS[link]:
            return
        if _linked(link, done, spans[at]):
            yield from _matches(rule, found, (*done, spans[at]))


def _linked(link: str, done: tuple[Span, ...], span: Span) -> bool:
    start, end = _hull(done)
    if link[0] == ">":
        return 0 <= span[0] - done[-1][1] <= GAPS[link]
    return 0 <= span[0] - end <= GAPS[link] or 0 <= start - span[1] <= GAPS[link]


def _hull(match: tuple[Span, ...]) -> Span:
    return min(start for start, _ in match), max(end for _, end in match)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _with_guards(clause: Clause) -> Clause:
    """Note where the clause denies, supposes, remembers ...; a guard `not_x` takes `x` back."""
    for rule in clause.rules:
        if rule.kind == "guard":
            spans = clause.guards.setdefault((rule.language, rule.name), [])
            spans.extend(_hull(match) for match in _matches(rule, clause.found))
    for (language, name), spans in clause.guards.items():
        void = clause.guards.get((language, f"not_{name}"), ())
        spans[:] = [span for span in spans if not any(_overlap(span, other) for other in void)]
    return clause


def _excused(
    rule: Rule, match: tuple[Span, ...], clause: Clause, after: Clause | None, story: Story
) -> bool:
    """Whether the words around a match say that nothing is happening now."""
    start, end = _hull(match)
    if any(
        _overlap(span, (start - VETO_REACH, end + VETO_REACH))
        for span in clause.found.get(rule.unless, ())
    ):
        return True

    def guard(name: str) -> list[Span]:
        return clause.guards.get((rule.language, name), [])

    if any(_overlap(span, step) for span in guard("figure") for step in match):
        return True
    if "negation" not in rule.ignores and _negated(match, clause.words, guard):
        return True
    breaks = [at for at, _ in guard("break")]
    low = max((at for at in breaks if at <= start), default=0)
    high = min((at for at in breaks if at >= end), default=len(clause.words))

    def said(name: str, first: int = low, last: int = high) -> bool:
        return any(begin < last and finish > first for begin, finish in guard(name))

    if said("now"):
        return False
    language = rule.language
    supposed = said("general") or story.get((language, "general"), False)
    if supposed and "general" not in rule.ignores:
        return not said("asserting", max(low, start - NEAR_MATCH), end)
    if said("present", start - NEAR_MATCH, end):
        return False
    told = story.get((language, "past"), False) and not said("treatment")
    if (said("past") or told) and "past" not in rule.ignores:
        return True
    over = said("resolved", end, len(clause.words)) or (
        after is not None and bool(after.guards.get((language, "resolved")))
    )
    back = said("relapse", end, len(clause.words)) or (
        after is not None and bool(after.guards.get((language, "relapse")))
    )
    return over and not back and "resolved" not in rule.ignores


def _negated(match: tuple[Span, ...], words: list[str], guard: Guard) -> bool:
    """Whether a denial reaches one of the steps over nothing but filler, or at the end of a list.

    A denial inside a step ("not able to") belongs to the sign and denies nothing.
    """
    filler = {at for span in guard("filler") for at in range(*span)}
    links = {at for at, _ in guard("or")}
    subjects = {at for at, _ in guard("subject")} | {at for at, _ in guard("break")}
    for negation in guard("negation"):
        if any(_overlap(negation, step) for step in match):
            continue
        for start, _ in match:
            if not 0 <= start - negation[1] <= LIST_REACH:
                continue
            last = start - 1
            while last >= negation[1] and last in filler:
                last -= 1
            listed = last in links and subjects.isdisjoint(range(negation[1], last))
            if last < negation[1] or listed:
                return True
    return False


def _continue(story: Story, clause: Clause) -> Story:
    """What the next sentence inherits: a tale of the past, or a general question going on."""
    told: Story = {}
    for language in {key[0] for key in (*story, *clause.guards)}:
        past, now, general, treatment = (
            bool(clause.guards.get((language, name)))
            for name in ("past", "now", "general", "treatment")
        )
        told[language, "past"] = not now and (
            past or (story.get((language, "past"), False) and not treatment)
        )
        told[language, "general"] = clause.asks and general
    return told


# --- from the files to the rulebook ---


@cache
def _rulebook() -> Rulebook:
    """All files of `redflags/`, read at the first message."""
    book = Rulebook()
    for path in sorted(FOLDER.glob("*.toml")):
        _load(book, path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    uses = Counter(step for rule in book.rules for step in set(rule.steps))
    for rule in book.rules:
        book.filed[min(rule.steps, key=lambda step: uses[step])].append(rule)
    return book


def _load(book: Rulebook, language: str, data: dict[str, Any]) -> None:
    words = data.get("words", {})

    def add(kind: str, name: str, lines: list[str], unless: str = "", ignores: Any = ()) -> None:
        veto = _group(book, unless, words) if unless else -1
        for line in lines:
            parts = LINK.split(line)
            steps = tuple(_group(book, part, words) for part in parts[::2])
            book.rules.append(
                Rule(language, kind, name, steps, tuple(parts[1::2]), veto, frozenset(ignores))
            )

    for flag in data.get("flag", []):
        kind = "flag" if "category" in flag else "sign"
        name = flag.get("category") or flag["sign"]
        add(kind, name, flag["any"], flag.get("unless", ""), flag.get("ignores", ()))
    for name, lines in data.get("guards", {}).items():
        add("guard", name, lines)
    for pair in data.get("together", []):
        for signs in pair["signs"]:
            book.together.append((frozenset(signs.split(" + ")), pair["category"]))
    _load_spelling(book, data.get("spelling", {}))


def _group(book: Rulebook, text: str, words: dict[str, str]) -> int:
    """The number of a group written as "one phrase | another, <a named group>"."""
    phrases = tuple(sorted(set(_phrases(text, words))))
    if phrases not in book.groups:
        book.groups[phrases] = len(book.groups)
        for first, *rest in phrases:
            table = book.stems if first[-1] == "*" else book.starts
            table[first.rstrip("*")].append((tuple(rest), book.groups[phrases]))
            book.keep.update(part for part in (first, *rest) if part[-1] != "*")
    return book.groups[phrases]


def _phrases(text: str, words: dict[str, str]) -> Iterator[Phrase]:
    for phrase in re.split(r"\s*[|,]\s*", text.strip(" ,|\n")):
        if phrase.startswith("<"):
            if phrase[1:-1] not in words:
                raise ValueError(f"No group {phrase} in [words]: {text!r}")
            yield from _phrases(words[phrase[1:-1]], words)
        elif not (found := tuple(PATTERN_TOKEN.findall(_fold(phrase)))):
            raise ValueError(f"Empty phrase in {text!r}")
        else:
            yield found


def _load_spelling(book: Rulebook, spelling: dict[str, Any]) -> None:
    """`keys`: words that misspellings stand for; `keep`: look-alikes that are right as they are."""
    book.keep.update(_fold(spelling.get("keep", "")).split())
    for right, wrong in spelling.get("as", {}).items():
        book.respell.update(dict.fromkeys(_fold(wrong).split(), right))
    for key in _fold(spelling.get("keys", "")).split():
        book.keep.add(key)
        for part in (key, *_shortened(key)):
            book.near[part].append(key)
