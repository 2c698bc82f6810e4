"""How hard the wording is to read: the Flesch–Kincaid grade (Kincaid et al. 1975), in English.

Syllables are counted by hyphenation, which is right for most words and one off for some.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from assistant import wording
from evals.targets import Answered


def grade(text: str) -> float:
    """Return the school grade that a text needs; 0 for no words."""
    words = re.findall(r"[A-Za-z’']+", text)
    sentences = max(1, len(re.findall(r"[.!?:](?:\s|$)", text)))
    if not words:
        return 0.0
    syllables = sum(len(_hyphens().positions(word)) + 1 for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def levels(answered: Sequence[Answered]) -> list[dict[str, object]]:
    """Return the grade of the fixed wording, section by section, and of what replies quote."""
    fixed = {name: " ".join(wording.section("en", name).values()) for name in SECTIONS}
    quoted = [s["text"] for a in answered if a.reply for s in a.reply["statements"]]
    whole = {**{f"fixed wording: {k}": v for k, v in fixed.items()}, "quotations": " ".join(quoted)}
    return [
        {"what": what, "words": len(text.split()), "grade": round(grade(text), 1)}
        for what, text in whole.items()
        if text
    ]


SECTIONS = ("notice", "lead", "urgent", "smalltalk", "refused")


@cache
def _hyphens() -> Any:
    import pyphen

    return pyphen.Pyphen(lang="en_US")
