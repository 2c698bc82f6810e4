"""Text → what it says, as far as words tell: stems, concepts, markers, quantities.

Comes in: plain English and the tables of `equivalents.toml`. Goes out: a `Reading` for a
claim or a passage, in a form in which both can be compared. What a fault is, it does not know.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assistant.errors import FootnoteError

TABLES = Path(__file__).with_name("equivalents.toml")
TOKEN = re.compile(r"\d+(?:\.\d+)?s?|[a-z]+|[.,;:!?()—]")
SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]*\s+")
NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
    if number != 1
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "hundred": "100"}
IRREGULAR = {
    form: root
    for root, forms in {
        "use": "used uses using", "go": "went gone goes going", "get": "got gotten", "feel": "felt",
        "give": "gave given", "take": "took taken", "break": "broke broken", "come": "came",
        "know": "known knew", "show": "shown", "see": "seen saw", "swell": "swollen swelled",
        "wear": "wore worn", "keep": "kept", "find": "found", "mean": "meant", "choose": "chose chosen choosing",
        "understand": "understood", "hold": "held", "bring": "brought", "think": "thought",
        "die": "died dying dies", "tie": "tied", "say": "said", "tell": "told", "lead": "led",
        "stand": "stood", "leave": "left", "do": "does did done doing", "become": "became",
        "begin": "began begun beginning", "burst": "bursting", "make": "made", "seek": "sought",
        "speak": "spoke spoken", "arise": "arose arisen", "put": "putting", "spread": "spreading",
        "reduce": "reduction reductions", "produce": "production", "destroy": "destruction",
        "child": "children", "need": "needed", "need le": "needles", "be": "is are was were been being",
        "have": "has had having", "bad": "worse worst", "safe": "safely safety", "study": "studied studies",
        "clothes": "clothing", "beneath": "underneath", "less": "lesser", "very": "", "lay": "laid",
        "likely": "likely", "extremely": "extremely", "strongly": "strongly", "highly": "highly", "hardly": "hardly", "every": "every", "evertime": "ever", "mainly": "mainly", "mostly": "mostly",
    }.items()
    for form in forms.split()
    if form not in ("worse", "worst", "clothing", "underneath")
}  # fmt: skip
UNITS = "second|minute|hour|day|week|month|year|decade|night"
HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0}
AT_MOST = r"up to|at most|a maximum of|maximum of|less than|fewer than|under|at the outside"
AT_LEAST = r"more than|longer than|over|at least|beyond|past|after|exceeding|exceeds?|upwards of"
WITHIN = r"within|during|throughout|in|inside|after|for|over|by"
NUM = r"\d+(?:\.\d+)?|few|several|many|some|one|an?"
QUANTITY = re.compile(
    rf"(?:\b(?P<bound>{AT_MOST}|{AT_LEAST}|{WITHIN})\s+)?(?:\b(?:about|around|roughly|only|just|another|approximately)\s+)*"
    rf"(?:\b(?:a|the|an)\s+(?:first\s+|next\s+|last\s+|past\s+)?(?=few|several|\d))?"
    rf"\b(?P<low>{NUM})(?:\s*(?:to|or|and|-|–)\s*(?:a\s+)?(?P<high>{NUM}))?\s+"
    rf"(?:(?:more|full|short|further|whole)\s+)?(?P<unit>{UNITS})s?\b(?:\s+(?:to|or|and)\s+(?P<also>{UNITS})s\b)?"
    r"(?P<tail>\s+(?:at most|maximum|or less|or more|or longer))?"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of time: `bound` is most, least, after, within or nothing."""

    bound: str
    low: str
    high: str
    unit: str


@dataclass(frozen=True, slots=True)
class Span:
    """Positions [start, end) of a text and what stands there."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Reading:
    """One text: its tokens and what was recognised in them, by position."""

    text: str
    tokens: tuple[str, ...]
    stems: tuple[str, ...]
    concepts: tuple[Span, ...]
    """What the text can be said to say."""
    senses: tuple[Span, ...]
    """What would have to be said for the words to hold; differs for broader words."""
    markers: tuple[Span, ...]
    quantities: tuple[Quantity, ...]
    counted: frozenset[int]
    """Where the quantities stand."""

    def content(self, start: int = 0, end: int | None = None) -> list[int]:
        """Return the positions of the words that carry meaning of their own."""
        skip = {n for m in self.markers for n in range(m.start, m.end)}
        known = lexicon()
        last = len(self.tokens) if end is None else end
        return [
            n
            for n in range(start, last)
            if self.tokens[n][0].isalnum()
            and n not in skip
            and self.stems[n] not in known.filler
            and self.tokens[n] not in NEGATIONS
            and not self.tokens[n][0].isdigit()
            and n not in self.counted
            and not re.fullmatch(f"(?:{UNITS})s?", self.tokens[n])
        ]

    def classes(self, start: int = 0, end: int | None = None) -> set[str]:
        """Return the names of the markers in a stretch."""
        last = len(self.tokens) if end is None else end
        return {m.name for m in self.markers if start <= m.start < last}


NEGATIONS = frozenset({"not", "no", "never", "none", "without", "nothing"})


@dataclass(frozen=True)
class Lexicon:
    """The tables, ready to look up."""

    rewrites: tuple[tuple[re.Pattern[str], str], ...]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]]
    """By first stem: (stems, concept, role); role is both, said or read."""
    markers: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    filler: frozenset[str]
    advice: tuple[tuple[str, ...], ...]
    reassurance: tuple[tuple[str, ...], ...]
    limits: frozenset[str]
    order: Mapping[str, tuple[tuple[str, ...], ...]]
    obligation: tuple[tuple[str, ...], ...]
    obliged: tuple[tuple[str, ...], ...]
    imperatives: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """Read the tables, once.

    Raises:
        FootnoteError: the file is not as it should be.

    """
    try:
        raw = tomllib.loads(TABLES.read_text(encoding="utf-8"))
        rewrites = tuple(
            (re.compile(pattern), re.sub(r"\$(\d)", r"\\\1", new))
            for pattern, new in raw["rewrites"]
        )
        return _indexed(raw, rewrites)
    except (OSError, tomllib.TOMLDecodeError, KeyError, ValueError, re.error) as error:
        raise FootnoteError(f"{TABLES}: {error!r}. Mend the table.") from None


def _indexed(raw: Mapping[str, Any], rewrites: tuple[tuple[re.Pattern[str], str], ...]) -> Lexicon:
    def stems(phrase: str) -> tuple[str, ...]:
        return tuple(stem(t) for t in TOKEN.findall(rewrite(phrase.strip(), rewrites)))

    def group(line: str) -> list[tuple[str, ...]]:
        return [found for phrase in line.split("|") if (found := stems(phrase))]

    phrases: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    for number, line in enumerate(filter(str.strip, raw["same"].splitlines())):
        for words in group(line):
            phrases.setdefault(words[0], []).append((words, f"same {number}", "both"))
    for number, line in enumerate(filter(str.strip, raw["broader"].splitlines())):
        wide, narrow = line.split("<")
        for role, side in (("said", wide), ("read", narrow)):
            for words in group(side):
                phrases.setdefault(words[0], []).append((words, f"broader {number}", role))
    marked: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, line in {**raw["markers"], **raw["scale"]}.items():
        for words in group(line):
            marked.setdefault(words[0], []).append((words, name))
    return Lexicon(
        rewrites,
        {first: tuple(rows) for first, rows in phrases.items()},
        {first: tuple(sorted(rows, key=lambda r: -len(r[0]))) for first, rows in marked.items()},
        frozenset(stem(word) for word in raw["filler"].split()),
        tuple(group(raw["advice"])),
        tuple(group(raw["reassurance"])),
        frozenset(s for words in group(raw["limits"]) for s in words[-1:]),
        {side: tuple(group(line)) for side, line in raw["order"].items()},
        tuple(group(raw["obligation"])),
        tuple(group(raw["obliged"])),
        frozenset(raw["imperatives"].split()),
    )


def plain(text: str) -> str:
    """Make white space, quotes and dashes uniform."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[‘’ʼ`´]", "'", text)
    text = re.sub("[“”„«»]", '"', text)
    return " ".join(re.sub("[‐‑‒–—−]", lambda m: " — " if m.group() == "—" else "-", text).split())


def rewrite(text: str, rewrites: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """Bring variants of one wording to one form, lower case."""
    text = re.sub(r"\b(?:U\.S\.A?\.?|USA?)(?=\W|$)", "america", plain(text)).lower()
    text = re.sub(r"\b[a-z]+\b", lambda m: NUMBERS.get(m.group(), m.group()), text)
    for pattern, new in rewrites:
        text = pattern.sub(new, text)
    return re.sub(r"\s+", " ", text)


def stem(word: str) -> str:
    """Strip the endings of inflection; roots need not be words."""
    if (root := IRREGULAR.get(word)) is not None:
        return _bare(root)
    for ending, least, new in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: len(word) - len(ending)] + new
            if ending in ("ing", "ed") and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            if not re.search("[aeiouy]", word):
                word += "e"
            if ending not in _PLURALS:
                break
    return _bare(word)


def _bare(word: str) -> str:
    final = len(word) > 3 and word[-1] in "eiy" and not word.endswith("ee")
    return word[:-1] if final else word


_PLURALS = ("ies", "sses", "xes", "ches", "shes", "s")
_ENDINGS = (
    ("ies", 2, "y"), ("sses", 1, "ss"), ("xes", 1, "x"), ("ches", 1, "ch"), ("shes", 1, "sh"),
    ("iness", 3, ""), ("ness", 3, ""), ("ss", 0, "ss"), ("us", 0, "us"), ("is", 0, "is"), ("s", 3, ""),
    ("ically", 3, "ic"), ("ingly", 3, ""), ("edly", 3, ""), ("ing", 3, ""), ("ied", 2, "y"),
    ("ed", 3, ""), ("ation", 4, ""), ("ition", 5, ""), ("ion", 4, ""), ("ly", 3, ""), ("ment", 4, ""),
)  # fmt: skip


@cache
def read(text: str) -> Reading:
    """Read a claim or a passage."""
    known = lexicon()
    said = rewrite(text, known.rewrites)
    found = list(TOKEN.finditer(said))
    tokens = tuple(m.group() for m in found)
    stems = tuple(stem(t) for t in tokens)
    matched = [
        (Span(at, at + len(words), concept), role)
        for at, first in enumerate(stems)
        for words, concept, role in known.phrases.get(first, ())
        if stems[at : at + len(words)] == words
    ]
    return Reading(
        said,
        tokens,
        stems,
        tuple(span for span, role in matched if role != "said"),
        tuple(span for span, role in matched if role != "read"),
        tuple(_markers(stems, known)),
        tuple(_quantities(said)),
        frozenset(
            n
            for q in QUANTITY.finditer(said)
            for n, m in enumerate(found)
            if q.start() <= m.start() < q.end()
        ),
    )


def sentences(text: str) -> list[str]:
    """Split a text at full stops; crude, but the same for claims and passages."""
    return [s for s in SENTENCE.split(plain(text)) if s]


def has_phrase(stems: Sequence[str], phrases: Iterable[tuple[str, ...]]) -> bool:
    """Tell whether one of the phrases stands in a text."""
    return any(
        tuple(stems[at : at + len(words)]) == words for words in phrases for at in range(len(stems))
    )


def _markers(stems: tuple[str, ...], known: Lexicon) -> Iterable[Span]:
    at = 0
    while at < len(stems):
        longest = 1
        for words, name in known.markers.get(stems[at], ()):
            if stems[at : at + len(words)] == words and len(words) >= longest:
                longest = len(words)
                yield Span(at, at + longest, name)
        at += longest


def _quantities(text: str) -> Iterable[Quantity]:
    vague = {"several": "few", "some": "few"}
    for match in QUANTITY.finditer(text):
        low, high, unit = (vague.get(match[k], match[k] or "") for k in ("low", "high", "unit"))
        low = "1" if low in ("one", "a", "an") else low
        bound = _bound((match["bound"] or "").strip(), (match["tail"] or "").strip())
        yield Quantity(bound, *_hours(low, high or low, unit))
        if match["also"]:
            yield Quantity(bound, *_hours(low, high or low, match["also"]))


def _hours(low: str, high: str, unit: str) -> tuple[str, str, str]:
    if unit in HOURS and low[0].isdigit() and high[0].isdigit():
        return f"{float(low) * HOURS[unit]:g}", f"{float(high) * HOURS[unit]:g}", "hour"
    return low, high, unit


def _bound(before: str, tail: str) -> str:
    if re.fullmatch(AT_MOST, before) or re.match("at|max|or less", tail):
        return "most"
    if before in ("after", "over", "beyond", "past"):
        return "after"
    if re.fullmatch(AT_LEAST, before) or tail.startswith("or "):
        return "least"
    return "within" if before in ("within", "in", "inside", "by", "during", "throughout") else ""
