"""What a claim must not add to its passages: words, numbers, certainty, advice, reassurance.

Comes in: a claim with its passages. Goes out: for each aspect the reason why it does not hold, or
None. What the claim leaves out, it mostly does not know.
"""

import re
from difflib import SequenceMatcher

from evals.paraphrase.kept import ALTERNATIVES
from evals.paraphrase.lexicon import (
    NEGATIONS,
    QUANTITY,
    UNITS,
    Quantity,
    Reading,
    Span,
    has_phrase,
    lexicon,
    read,
    sentences,
    stem,
)
from evals.paraphrase.pairs import BREAKS, Pair, covered, heads, meet, spelled, stands

SOURCES = {
    "some": {"some", "possible", "ability", "sometimes", "few", "rare", "several", "bit", "low"},
    "bit": {"bit", "low"},
    "few": {"few", "some", "several"},
    "sometimes": {"sometimes", "possible", "ability", "some"},
    "rare": {"rare", "sometimes"},
    "top": {"top"},
    "often": {"often", "usual", "many", "most", "oftener", "top"},
    "oftener": {"oftener", "usual", "most"},
    "usual": {"usual", "most", "often", "oftener"},
    "most": {"most", "usual", "oftener"},
    "many": {"many", "often", "several"},
    "several": {"several", "few", "many", "some"},
    "only": {"only", "few", "rare", "some", "low"},
    "will": {"will"},
    "all": {"all"},
}
"""A marker of the claim must come from one of these of the passage."""


UNHEDGED = frozenset({"quite", "approx", "will", "ability", "all", "several"})
"""Markers that may be left out without a claim becoming stronger."""


ALMOST = 0.8
"""A claim this like a sentence is a quotation with a change."""


COMPARES = re.compile(
    r"\b(?:than|compared (?:to|with)|instead of|alternative to|unlike|next to|comparison (?:to|with))\b"
)


def content(pair: Pair) -> str | None:
    """Check that every content word stands in the passages, or an equivalent does."""
    words = pair.claim.content()
    if not words and not pair.claim.markers:
        return "it says nothing that could be compared"
    held = covered(words, pair.claim, pair.stems, pair.concepts, pair.claim.senses)
    held += heads(pair)
    odd = [pair.claim.tokens[n] for n in words if n not in held]
    return f"not in the passages: {', '.join(odd)}" if odd else None


def numbers(pair: Pair) -> str | None:
    """Check that every number and quantity stands in the passages with its unit and bound."""
    stated = {t for p in pair.passages for t in p.tokens if t[0].isdigit()}
    theirs = [q for p in pair.passages for q in p.quantities]
    for quantity in pair.claim.quantities:
        if not any(_same_quantity(quantity, other) for other in theirs):
            return f"the passages have no {_spoken(quantity)}"
    for token in re.findall(r"\b\d[\d.]*s?\b", QUANTITY.sub("", pair.claim.text)):
        if token.rstrip(".") not in stated:
            return f"the passages have no {token}"
    return _bare_unit(pair)


def _bare_unit(pair: Pair) -> str | None:
    """Check that a unit is in the passages, and counted where they count it."""
    bare = QUANTITY.sub("", pair.claim.text)
    for unit in re.findall(rf"\b({UNITS})s?\b", bare):
        if not any(re.search(rf"\b{unit}s?\b", p.text) for p in pair.passages):
            return f"the passages speak of no {unit}s"
    for unit in re.findall(rf"\b({UNITS})s\b", pair.claim.text):
        said = [
            q
            for q in pair.claim.quantities
            if q.unit == unit or (q.unit == "hour" and q.low[0].isdigit())
        ]
        theirs = {q.unit for p in pair.passages for q in p.quantities if not q.low[0].isdigit()}
        loose = sum(len(re.findall(rf"\b{unit}s?\b", p.text)) for p in pair.passages)
        counted = sum(q.unit == unit for p in pair.passages for q in p.quantities)
        if not said and unit in theirs and loose <= counted:
            return f"how many {unit}s is left out"
    return None


def _same_quantity(said: Quantity, other: Quantity) -> bool:
    bounds = {
        "": {"", "within", "after"}, "within": {"", "within", "most", "after"}, "most": {"most", "within"},
        "least": {"least", "after"}, "after": {"after", "least", "", "within"},
    }  # fmt: skip
    if said.unit != other.unit:
        return False
    if (said.low, said.high) == (other.low, other.high):
        return other.bound in bounds[said.bound]
    return (
        said.bound == "most"
        and said.low == said.high == other.high
        and other.bound in ("", "within")
    )


def _spoken(quantity: Quantity) -> str:
    bound = {"most": "at most ", "least": "more than ", "after": "after "}.get(quantity.bound, "")
    amount = quantity.low if quantity.low == quantity.high else f"{quantity.low} to {quantity.high}"
    return f"{bound}{amount} {quantity.unit}s"


def added_markers(pair: Pair) -> str | None:
    """Check that no certainty, frequency or share is claimed that the passages do not have."""
    for marker in pair.claim.markers:
        if marker.name in SOURCES and not SOURCES[marker.name] & pair.classes:
            words = spelled(pair.claim, range(marker.start, marker.end))
            if not _spelled_out(pair, marker) and not stands(
                pair, pair.claim.stems[marker.start : marker.end]
            ):
                return f"'{words}' is added"
    return None


def _spelled_out(pair: Pair, marker: Span) -> bool:
    """Tell whether the passages have the phrase around a marker in other words."""
    return any(
        s.start <= marker.start
        and marker.end <= s.end
        and (s.end - s.start > 1 or marker.name in ("several", "many"))
        and s.name in pair.concepts
        for s in pair.claim.senses
    )


def order(pair: Pair) -> str | None:
    """Check that before and after are not exchanged."""
    table = lexicon().order
    ours = {side for side, words in table.items() if has_phrase(pair.claim.stems, words)}
    theirs = {
        side
        for side, words in table.items()
        if any(has_phrase(p.stems, words) for p in pair.passages)
    }
    if "before" in ours and "before" not in theirs:
        return "'before' is not in the passages"
    if ours == {"after"} and theirs == {"before"}:
        return "'before' has become 'after'"
    return None


def advice(pair: Pair) -> str | None:
    """Check that advice is given only where the passages give some, and no duty is made of it."""
    known = lexicon()
    says = has_phrase(pair.claim.stems, known.advice) or _orders(pair.claim)
    theirs = any(
        has_phrase(p.stems, known.advice)
        or p.stems[0] in {stem(v) for v in known.imperatives}
        or any(t in known.imperatives for t in re.findall(r"(?:^|[,;:.] )([a-z]+)", p.text))
        for p in pair.passages
    )
    if says and not theirs:
        return "it gives advice that the passages do not give"
    duty = has_phrase(pair.claim.stems, known.obligation)
    if duty and not any(
        has_phrase(p.stems, (*known.obligation, *known.obliged)) for p in pair.passages
    ):
        return "it makes a duty of what the passages advise"
    return None


def _orders(text: Reading) -> bool:
    """Tell whether a sentence, or its main clause behind a condition, starts with a verb of advice."""
    firsts = re.findall(
        r"(?:^|[.!?;] )(?:(?:so|then|and|but|always|just|also|instead) )*([a-z]+)", text.text
    )
    firsts += re.findall(
        r"(?:^|[.!?;] )(?:so |and |but )?(?:if|when|until|before|after|once|should|for|during)\b[^,.;]*, (?:then )?([a-z]+)",
        text.text,
    )
    firsts += re.findall(r"[,;:] (?:so|therefore|then) ([a-z]+)", text.text)
    return not lexicon().imperatives.isdisjoint(firsts)


def reassurance(pair: Pair) -> str | None:
    """Check that nobody is reassured in words that the passages do not use."""
    for words in lexicon().reassurance:
        if has_phrase(pair.claim.stems, [words]) and not stands(pair, words):
            return f"it reassures in words of its own: '{' '.join(words)}'"
    return None


def roles(pair: Pair) -> str | None:
    """Check that what is compared with what is not exchanged."""
    ours = _standard(pair.claim)
    theirs = [(p, s) for p in pair.passages if (s := _standard(p))]
    if not ours or not theirs:
        return None
    standard = {p.stems[n] for p, s in theirs for n in s}
    moved = [n for n in ours if pair.claim.stems[n] in pair.stems - standard]
    if not moved and any(meet(pair.claim, ours, p, s) for p, s in theirs):
        return None
    return f"the passages do not compare with '{spelled(pair.claim, ours)}'"


def _standard(text: Reading) -> list[int]:
    joined = " ".join(text.tokens)
    if not (found := COMPARES.search(joined)):
        return []
    after = len(joined[: found.end()].split())
    end = next(
        (n for n in range(after, len(text.tokens)) if text.tokens[n] in BREAKS), len(text.tokens)
    )
    if re.search(r"(?:more|less|longer|fewer) than$", joined[: found.end()]) and _timed(
        text, after
    ):
        return []
    return text.content(after, end)


def _timed(text: Reading, at: int) -> bool:
    return bool(re.search(rf"\b(?:{UNITS})s?\b", " ".join(text.tokens[at : at + 4])))


def near_quotes(pair: Pair) -> str | None:
    """Check that what is almost a quotation does not differ in what matters."""
    for text in sentences(pair.claim.text):
        claim = read(text)
        for passage in pair.passages:
            match = SequenceMatcher(None, claim.tokens, passage.tokens, autojunk=False)
            if match.ratio() < ALMOST or claim.tokens == passage.tokens:
                continue
            edits = [e for e in match.get_opcodes() if e[0] != "equal"]
            added = [n for _, start, end, _, _ in edits for n in range(start, end)]
            gone = [n for _, _, _, start, end in edits for n in range(start, end)]
            named = set(heads(Pair(claim, (passage,))))
            if reason := _edited(claim, [n for n in added if n not in named], passage, gone):
                return reason
    return None


def _edited(claim: Reading, added: list[int], passage: Reading, gone: list[int]) -> str | None:
    if _negations(claim, added) != _negations(passage, gone):
        return "but for a denial it is a quotation"
    new = {m.name for m in claim.markers if m.start in added}
    for marker in passage.markers:
        alike = {marker.name} | ALTERNATIVES.get(marker.name, set())
        if marker.start in gone and marker.name not in UNHEDGED and not alike & new:
            hedge = spelled(passage, range(marker.start, marker.end))
            if hedge not in claim.text:
                return f"but for '{hedge}' it is a quotation"
    words = [n for n in claim.content() if n in added]
    stems = {passage.stems[n] for n in gone}
    concepts = {c.name for c in passage.concepts if any(c.start <= n < c.end for n in gone)}
    held = covered(words, claim, stems, concepts, claim.senses)
    odd = [n for n in words if n not in held]
    return f"but for '{spelled(claim, odd)}' it is a quotation" if odd else None


def _negations(text: Reading, positions: list[int]) -> int:
    return sum(text.tokens[n] in NEGATIONS for n in positions)
