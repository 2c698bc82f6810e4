"""A judge of paraphrases without a model: a claim is supported if every aspect of it holds.

Comes in: a claim and the passages that it cites. Goes out: the faults found, in words; none means
supported. One function an aspect, each naming a reason or None. It knows words and a few rules of
English, not the world: what is not in `equivalents.toml` is taken for an invention.
"""

from collections.abc import Callable, Sequence

from assistant.retrieval import STOPWORDS
from evals.paraphrase.added import (
    added_markers,
    advice,
    content,
    near_quotes,
    numbers,
    order,
    reassurance,
    roles,
)
from evals.paraphrase.kept import conditions, limits, lost_hedges, negation, strength
from evals.paraphrase.lexicon import sentences
from evals.paraphrase.pairs import Pair, covered, pair_up

Aspect = Callable[[Pair], str | None]


ASPECTS: tuple[Aspect, ...] = (
    content, numbers, negation, added_markers, lost_hedges, strength, conditions, limits, order,
    advice, reassurance, roles, near_quotes,
)  # fmt: skip


class Lexical:
    """Judge by words and rules, deterministic and without a model."""

    name = "lexical"
    reads_paraphrase = True

    def supports(self, claim: str, passages: Sequence[str]) -> bool:
        """Return whether no aspect of the claim is at fault."""
        return not self.faults(claim, passages)

    def faults(self, claim: str, passages: Sequence[str]) -> list[str]:
        """Name what the passages do not support; nothing for sentences taken from them."""
        return list(self.explain(claim, passages).values())

    def explain(self, claim: str, passages: Sequence[str]) -> dict[str, str]:
        """Return the reason for every aspect that is at fault, by the aspect's name."""
        if not claim.strip():
            return {"content": "it claims nothing"}
        if _verbatim(claim, passages):
            return {}
        pair = pair_up(claim, passages)
        return {a.__name__: reason for a in ASPECTS if (reason := a(pair))}


def coverage(claim: str, passages: Sequence[str]) -> float:
    """Return the share of the claim's words, stop words aside, that the passages have."""
    pair = pair_up(claim, passages)
    words = [n for n, t in enumerate(pair.claim.tokens) if t[0].isalnum() and t not in STOPWORDS]
    held = covered(words, pair.claim, pair.stems, pair.concepts, pair.claim.senses)
    return len(held) / len(words) if words else 1.0


def _verbatim(claim: str, passages: Sequence[str]) -> bool:
    theirs = {s for p in passages for s in sentences(p)}
    return all(s in theirs for s in sentences(claim))
