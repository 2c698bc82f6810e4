"""A claim beside its passages, and which words of one the other has.

Comes in: readings of the lexicon. Goes out: the shares and positions that the aspects of the
lexical judge ask for. What is a fault, it does not know.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from evals.paraphrase.lexicon import Reading, Span, has_phrase, plain, read, sentences

KEPT = 0.5
"""A clause of the passage counts as taken over when this share of its words is in the claim."""


BREAKS = frozenset(
    {",", ";", ":", ".", "!", "?", "(", ")", "—", "which", "but", "because", "although", "though"}
)


POINTERS = frozenset(
    {"this", "these", "such", "it", "its", "they", "those", "that", "one", "other"}
)


POINTS = re.compile(r"\bof (?:these|those|them)\b|\bon this\b|\bsuch\b|\bones\b")


HEADS = frozenset(
    "reaction reactions effect effects complication complications problem problems symptom symptoms case cases side".split()
)


@dataclass(frozen=True)
class Pair:
    """A claim and its passages, read."""

    claim: Reading
    passages: tuple[Reading, ...]

    @cached_property
    def stems(self) -> set[str]:
        """All stems of the passages."""
        return {s for p in self.passages for s in p.stems}

    @cached_property
    def concepts(self) -> set[str]:
        """All concepts of the passages."""
        return {c.name for p in self.passages for c in p.concepts}

    @cached_property
    def classes(self) -> set[str]:
        """All markers of the passages."""
        return {m.name for p in self.passages for m in p.markers}


def pair_up(claim: str, passages: Sequence[str]) -> Pair:
    """Read a claim and its passages, sentence by sentence."""
    return Pair(read(plain(claim)), tuple(read(s) for p in passages for s in sentences(p)))


def covered(
    words: Sequence[int], of: Reading, stems: set[str], concepts: set[str], spans: Sequence[Span]
) -> list[int]:
    """Return which of the positions have their like among stems and concepts."""
    alike = {n for s in spans if s.name in concepts for n in range(s.start, s.end)}
    return [n for n in words if n in alike or of.stems[n] in stems]


def share_of(pair: Pair, passage: Reading, words: Sequence[int]) -> float:
    """Return the share of some words of the passage that the claim takes over."""
    concepts = {c.name for c in pair.claim.senses}
    kept = covered(words, passage, set(pair.claim.stems), concepts, passage.concepts)
    return len(kept) / len(words) if words else 0.0


def share_kept(pair: Pair, passage: Reading, start: int, end: int | None = None) -> float:
    """Return the share of a stretch of the passage that the claim takes over."""
    return share_of(pair, passage, passage.content(start, end))


def is_said(pair: Pair, passage: Reading, words: Sequence[int]) -> bool:
    """Tell whether the claim has one of some words of the passage."""
    concepts = {c.name for c in pair.claim.senses}
    return bool(covered(words, passage, set(pair.claim.stems), concepts, passage.concepts))


def meet(claim: Reading, scope: list[int], passage: Reading, other: list[int]) -> bool:
    """Tell whether words of the claim have their like among words of the passage."""
    stems = {passage.stems[n] for n in other}
    concepts = {c.name for c in passage.concepts if any(c.start <= n < c.end for n in other)}
    return bool(covered(scope, claim, stems, concepts, claim.senses))


def stands(pair: Pair, stems: tuple[str, ...]) -> bool:
    """Tell whether a phrase stands in the passages."""
    return any(has_phrase(p.stems, [stems]) for p in pair.passages)


def spelled(text: Reading, positions: Sequence[int]) -> str:
    """Spell out the words at some positions."""
    return " ".join(text.tokens[n] for n in positions)


def clauses(text: Reading) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text between its stops."""
    start = 0
    for n, token in enumerate((*text.tokens, ".")):
        if token in BREAKS:
            if n > start:
                yield start, n
            start = n + 1 if not token.isalpha() else n


def heads(pair: Pair) -> list[int]:
    """Find general nouns that stand with a pronoun for what a passage only points at."""
    if not any(p.tokens[0] in POINTERS or POINTS.search(p.text) for p in pair.passages if p.tokens):
        return []
    return [
        n
        for n, t in enumerate(pair.claim.tokens)
        if n and t in HEADS and POINTERS & set(pair.claim.tokens[max(0, n - 3) : n])
    ]
