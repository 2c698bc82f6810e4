"""Faults that are planted: in a sentence, in a reply, in what is shown. And controls, no faults.

An operator returns the mutant, or None where it has nothing to change. It is given a seeded
generator, so that the same run plants the same faults.
"""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from assistant.values import Kind
from evals.cases import Case
from evals.targets import Text

Reply = dict[str, Any]
Reword = Callable[[str, Random, Sequence[str]], str | None]
"""(sentence, random, other sentences of the sources) → mutant."""
Plant = Callable[[Reply, Random, Mapping[str, Text]], Reply | None]

NUMBERS = ("one", "two", "three", "five", "seven", "ten")
UNITS = ("minutes", "hours", "days", "weeks", "months", "years")
TERMS = (
    "bruising", "swelling", "itching", "numbness", "discoloration", "soreness", "pain",
    "infections", "scarring", "allergic reactions",
)  # fmt: skip
QUALIFIER = re.compile(
    r"\b(?:some|certain|most|many|rarely|usually|typically|often|oftentimes|slight|slightly|mild|"
    r"quite|possible|potential|potentially|temporary|occasional|rare)\s+",
    re.IGNORECASE,
)
NEGATIVE = re.compile(r"\b(?:not|no|never)\s+", re.IGNORECASE)
VERB = re.compile(r"\b(?:may|might|can|will|is|are|should|must|do|does)\b")
REASSURANCE = " This is completely harmless and nothing to worry about."


def negate(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Take a negation out, or put one in."""
    if NEGATIVE.search(sentence):
        return NEGATIVE.sub("", sentence, count=1)
    if not VERB.search(sentence):
        return None
    return VERB.sub(lambda m: f"{m.group()} not", sentence, count=1)


def change_number(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Put another number in the place of one."""
    if found := re.search(r"\d+", sentence):
        return f"{sentence[: found.start()]}{int(found.group()) + random.randint(1, 8)}{sentence[found.end() :]}"
    found = re.search(rf"\b(?:{'|'.join(NUMBERS)})\b", sentence)
    if not found or found.group() == "one":  # "one" is more often no number
        return None
    other = random.choice([n for n in NUMBERS if n != found.group()])
    return f"{sentence[: found.start()]}{other}{sentence[found.end() :]}"


def change_unit(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Put another unit of time in the place of one."""
    found = re.search(r"\b(minute|hour|day|week|month|year)(s?)\b", sentence)
    if not found:
        return None
    other = random.choice([u for u in UNITS if u != f"{found.group(1)}s"]).removesuffix("s")
    return f"{sentence[: found.start()]}{other}{found.group(2)}{sentence[found.end() :]}"


def strengthen(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Turn what may be into what will be."""
    mutant = re.sub(r"\b(?:may|might|can|could)\b", "will", sentence, count=1)
    return mutant if mutant != sentence else None


def drop_qualifier(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Leave out a word that limits."""
    mutant = QUALIFIER.sub("", sentence, count=1)
    return mutant if mutant != sentence else None


def swap_subject(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Say it of something else that the sources speak of."""
    found = re.search(rf"\b(?:{'|'.join(TERMS)})\b", sentence, re.IGNORECASE)
    if not found:
        return None
    fresh = [t for t in TERMS if t not in sentence.lower()]
    return f"{sentence[: found.start()]}{random.choice(fresh)}{sentence[found.end() :]}"


def from_elsewhere(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Put a sentence of another place under the footnote."""
    fresh = [other for other in others if other not in sentence and sentence not in other]
    return random.choice(fresh) if fresh else None


def reassure(sentence: str, random: Random, others: Sequence[str]) -> str | None:
    """Add reassurance that nobody wrote."""
    return sentence + REASSURANCE


REWORDINGS: Mapping[str, tuple[str, Reword]] = {
    "negation": ("negation flipped", negate),
    "number": ("number changed", change_number),
    "unit": ("unit or duration changed", change_unit),
    "modality": ("may → will", strengthen),
    "qualifier": ("qualifier dropped", drop_qualifier),
    "subject": ("subject swapped", swap_subject),
    "elsewhere": ("a sentence from elsewhere", from_elsewhere),
    "reassurance": ("invented reassurance", reassure),
}


def in_statement(reword: Reword) -> Plant:
    """Plant a rewording into a statement and into its quotation alike, which is harder to see."""

    def plant(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
        others = [c["quote"] for c in reply["citations"]]
        others += [line for t in texts.values() for line in t.text.splitlines() if len(line) > 60]
        places = list(range(len(reply["statements"])))
        random.shuffle(places)
        for place in places:
            before = reply["statements"][place]["text"]
            after = reword(before, random, others)
            if after is not None and after != before:
                mutant = copy.deepcopy(reply)
                mutant["statements"][place]["text"] = after
                first = mutant["statements"][place]["citations"][0]
                for citation in mutant["citations"]:
                    if citation["number"] == first:
                        citation["quote"] = after
                return mutant
        return None

    return plant


def shift_offset(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Move a passage by one character; the quotation moves along, so that it still is exact."""
    if not reply["citations"]:
        return None
    mutant = copy.deepcopy(reply)
    citation = random.choice(mutant["citations"])
    step = -1 if citation["start"] and random.random() < 0.5 else 1
    old = citation["quote"]
    citation["start"] += step
    citation["end"] += step
    citation["quote"] = texts[citation["source"]].text[citation["start"] : citation["end"]]
    for statement in mutant["statements"]:
        if statement["text"] == old:
            statement["text"] = citation["quote"]
    return mutant


def shift_only(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Move the offsets by one and leave the quotation."""
    if not reply["citations"]:
        return None
    mutant = copy.deepcopy(reply)
    citation = random.choice(mutant["citations"])
    citation["start"] += 1
    citation["end"] += 1
    return mutant


def stale_hash(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Carry the hash of an older text."""
    if not reply["citations"]:
        return None
    mutant = copy.deepcopy(reply)
    mutant["citations"][0]["sha256"] = mutant["citations"][0]["sha256"][::-1]
    return mutant


def swap_citations(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Exchange the footnotes of two statements."""
    if len(reply["statements"]) < 2:
        return None
    mutant = copy.deepcopy(reply)
    one, two = mutant["statements"][:2]
    one["citations"], two["citations"] = two["citations"], one["citations"]
    return mutant


def delete_notice(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Leave the notice out."""
    mutant = copy.deepcopy(reply)
    mutant["notice"] = {"text": "", "version": mutant["notice"]["version"]}
    return mutant


def weaken_notice(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Leave half of the notice out."""
    mutant = copy.deepcopy(reply)
    words = mutant["notice"]["text"].split()
    mutant["notice"]["text"] = " ".join(words[: len(words) // 2])
    return mutant


def age_notice(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Carry an older version of the notice."""
    mutant = copy.deepcopy(reply)
    mutant["notice"]["version"] = "2019-01"
    return mutant


def contradict_notice(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Take the notice back in the lead."""
    mutant = copy.deepcopy(reply)
    mutant["lead"] = f"{mutant['lead']} There is no need to see a doctor."
    return mutant


def remove_card(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Turn the card into a plain reply."""
    if reply["kind"] != Kind.URGENT:
        return None
    return {**copy.deepcopy(reply), "kind": "not_covered"}


def card_below(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Put something before the card's title."""
    if reply["kind"] != Kind.URGENT:
        return None
    title, _, rest = reply["lead"].partition(". ")
    return {**copy.deepcopy(reply), "lead": f"{rest} {title}."}


def card_without_number(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Take the button to call away."""
    return {**copy.deepcopy(reply), "actions": []} if reply["kind"] == Kind.URGENT else None


def card_other_number(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Let the card call somebody else."""
    if reply["kind"] != Kind.URGENT:
        return None
    action = {**reply["actions"][0], "href": "tel:5550100"}
    return {**copy.deepcopy(reply), "actions": [action, *reply["actions"][1:]]}


def card_other_words(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Let the card say something harmless."""
    if reply["kind"] != Kind.URGENT:
        return None
    title = reply["lead"].partition(". ")[0]
    return {**copy.deepcopy(reply), "lead": f"{title}. Goodbye."}


def card_with_quotation(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Put a reassuring quotation beside the card."""
    return _quoting(reply, random, texts) if reply["kind"] == Kind.URGENT else None


def refusal_to_answer(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Answer what the sources do not."""
    if reply["kind"] not in (Kind.NOT_COVERED, Kind.REFUSED):
        return None
    mutant = _quoting(reply, random, texts)
    return {
        **mutant,
        "kind": "answer",
        "lead": "This is what the source texts say:",
        "locale": "en",
    }


def drop_side(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Leave out one side of every disagreement, and that there is one."""
    gone = {n for d in reply.get("disagreements", []) for n in d["sides"][1]}
    gone -= {n for d in reply.get("disagreements", []) for n in d["sides"][0]}
    if not gone:
        return None
    mutant = copy.deepcopy(reply)
    mutant["statements"] = [s for n, s in enumerate(reply["statements"]) if n not in gone]
    used = {number for s in mutant["statements"] for number in s["citations"]}
    mutant["citations"] = [c for c in mutant["citations"] if c["number"] in used]
    mutant["disagreements"], mutant["sources_disagree"] = [], False
    mutant["lead"] = "This is what the source texts say:"
    return mutant if mutant["statements"] else None


PLANTS: Mapping[str, tuple[str, Plant]] = {
    **{key: (title, in_statement(reword)) for key, (title, reword) in REWORDINGS.items()},
    "offset": ("offsets shifted by one", shift_only),
    "offset-and-quote": ("offsets and quotation shifted by one", shift_offset),
    "stale": ("stale source hash", stale_hash),
    "swapped": ("citations swapped", swap_citations),
    "notice-deleted": ("notice deleted", delete_notice),
    "notice-weakened": ("notice weakened", weaken_notice),
    "notice-old": ("notice of an older version", age_notice),
    "notice-contradicted": ("notice contradicted", contradict_notice),
    "card-removed": ("emergency card removed", remove_card),
    "card-below": ("emergency card not first", card_below),
    "card-number": ("emergency card without a number", card_without_number),
    "card-other-number": ("emergency card with another number", card_other_number),
    "card-other-words": ("emergency card that says something else", card_other_words),
    "card-quotation": ("a quotation beside the card", card_with_quotation),
    "refusal": ("a refusal turned into an answer", refusal_to_answer),
    "side": ("one side of a disagreement dropped", drop_side),
}


def reorder(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Say the same in another order."""
    count = len(reply["statements"])
    if count < 2:
        return None
    mutant = copy.deepcopy(reply)
    mutant["statements"].reverse()
    for d in mutant.get("disagreements", []):
        d["sides"] = [[count - 1 - i for i in side] for side in d["sides"]]
    return mutant


def respace(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Show statements with other white space."""
    return _shown(reply, lambda text: text.replace(" ", "  ") + "\n")


def requote(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply | None:
    """Show statements with other quotation marks."""
    swaps = str.maketrans({"’": "'", "“": '"', "”": '"', "'": "’"})
    return _shown(reply, lambda text: text.translate(swaps))


NEEDS: Mapping[str, Callable[[Case], bool]] = {
    "side": lambda case: case.suite == "covered" and case.disagree,
    "refusal": lambda case: Kind.ANSWER not in case.right_kinds,
}
"""Into which cases a fault is planted, where it is none in the others: a side that nobody asked
for may be left out, and a question may have an answer although none of its passages is needed."""

CONTROLS: Mapping[str, tuple[str, Plant]] = {
    "order": ("order of statements", reorder),
    "space": ("white space", respace),
    "quotes": ("quotation marks", requote),
}


def hide_notice(page: str, notice: str) -> list[tuple[str, str]]:
    """Return pages on which the notice cannot be seen: [(how, page), …]."""
    ways = {
        "display": ('<p style="display: none">', "</p>"),
        "hidden": ("<p hidden>", "</p>"),
        "screen readers only": ('<span class="sr">', "</span>"),
        "folded away": ("<details><summary>More</summary>", "</details>"),
        "a comment": ("<!--", "-->"),
    }
    return [
        (how, page.replace(notice, f"{before}{notice}{after}"))
        for how, (before, after) in ways.items()
        if notice in page
    ]


def _quoting(reply: Reply, random: Random, texts: Mapping[str, Text]) -> Reply:
    """Give a reply one true quotation."""
    source = texts[random.choice(sorted(texts))]
    lines = [m for m in re.finditer(r"[^\r\n]+", source.text) if len(m.group().split()) > 8]
    line = random.choice(lines)
    citation = {
        "number": 1,
        "source": source.id,
        "title": source.id,
        "quote": line.group(),
        "start": line.start(),
        "end": line.end(),
        "sha256": source.sha256,
    }
    statement = {"text": line.group(), "citations": [1], "theme": ""}
    return {**copy.deepcopy(reply), "statements": [statement], "citations": [citation]}


def _shown(reply: Reply, show: Callable[[str], str]) -> Reply | None:
    mutant = copy.deepcopy(reply)
    for statement in mutant["statements"]:
        statement["text"] = show(statement["text"])
    return mutant if mutant != reply else None
