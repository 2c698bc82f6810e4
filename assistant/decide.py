"""What a question is and which facts answer it, from its vector and its nearest passages.

With a bank, the trained heads decide; without one, similarity to the passages does, more
cautiously. The cuts are set on held-out scores of the bank (docs/quality.md),
never on the cases that are reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assistant.bank import Fact
from assistant.encoder import Vectors
from assistant.heads import KINDS
from assistant.index import Index
from assistant.retrieval import Hit, Retriever
from assistant.values import Citation, Kind

FACT_CUT = 0.22
"""A fact is cited when its score reaches this …"""
FACT_SHARE = 0.6
"""… and this share of the best fact's score."""
FACT_FLOOR = 0.12
"""An answer whose best fact scores less has nothing to say: the sources do not cover it."""
MAX_FACTS = 14
ANSWER_CUT = 0.5
"""Probability of `answer` against `not_covered` from which it is answered."""
URGENT_CUT = 0.8
"""Probability from which the heads alone, without a pattern, make it an emergency."""
SIMILAR_CUT = 0.5
"""Without a bank: cosine to the best passage from which it is quoted."""
SIMILAR_SHARE = 0.9
MAX_PASSAGES = 3
NEIGHBOURS = 20


@dataclass(frozen=True)
class Found:
    """What the search brought back for one text."""

    text: str
    features: Vectors
    dense: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Decision:
    """The outcome, the facts to quote (best first), how sure, and the probabilities behind it."""

    kind: Kind
    facts: tuple[Fact, ...]
    confidence: float
    topic: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    """How much each fact was asked about."""


class Decider:
    """Decides for one open index."""

    def __init__(self, index: Index, retriever: Retriever) -> None:
        self.index = index
        self.retriever = retriever
        self.facts = index.knowledge.facts
        self.questions = index.knowledge.questions

    def decide(self, found: Found) -> Decision:
        """Return what a text asks for."""
        if not self.index.heads.known:
            return self._by_similarity(found)
        scores = self.index.heads.decide(found.features[None])
        chances = dict(zip(KINDS, scores.outcomes[0].tolist(), strict=True))
        facts = self._facts(scores.facts[0])
        if chances[Kind.URGENT] < URGENT_CUT:
            chances[Kind.URGENT] = 0.0  # the patterns have spoken already; this is a second net
        kind = max(chances, key=lambda k: chances[k])
        if kind in (Kind.ANSWER, Kind.NOT_COVERED):
            both = chances[Kind.ANSWER] + chances[Kind.NOT_COVERED]
            answered = chances[Kind.ANSWER] / both >= ANSWER_CUT and bool(facts)
            kind = Kind.ANSWER if answered else Kind.NOT_COVERED
        by_fact = dict(zip((f.id for f in self.facts), scores.facts[0].tolist(), strict=True))
        topic = self._topic(scores.similarity[0], kind)
        return Decision(kind, facts, chances[kind], topic, by_fact)

    def suggestions(self, decision: Decision | None = None) -> list[str]:
        """Return questions that the sources answer, those nearest to a decision's first."""
        themes = list(self.index.knowledge.themes)
        if decision is not None and decision.scores:
            best: dict[str, float] = {}
            for fact in self.facts:
                best[fact.theme] = max(best.get(fact.theme, -1.0), decision.scores[fact.id])
            themes.sort(key=lambda theme: -best.get(theme.id, -1.0))
        return [theme.ask for theme in themes]

    def _facts(self, scores: Vectors) -> tuple[Fact, ...]:
        order = (-scores).argsort()[:MAX_FACTS]
        top = float(scores[order[0]]) if len(order) else 0.0
        if top < FACT_FLOOR:
            return ()
        cut = min(max(FACT_CUT, FACT_SHARE * top), top)
        return tuple(self.facts[i] for i in order if scores[i] >= cut)

    def _topic(self, similarity: Vectors, kind: Kind) -> str:
        """Return the topic of the nearest reviewed question of that outcome."""
        for row in similarity.argsort()[::-1][:NEIGHBOURS]:
            if self.questions[row].kind is kind:
                return str(self.questions[row].topic)
        return ""

    def _by_similarity(self, found: Found) -> Decision:
        hits = self.retriever.fuse(found.text, found.dense)
        best = max((hit.similarity for hit in hits), default=0.0)
        if best < SIMILAR_CUT:
            return Decision(Kind.NOT_COVERED, (), 1 - best)
        near = [h for h in hits if h.similarity >= SIMILAR_SHARE * best][:MAX_PASSAGES]
        return Decision(Kind.ANSWER, tuple(self._as_fact(hit) for hit in near), best)

    def _as_fact(self, hit: Hit) -> Fact:
        source = self.index.collection.source(hit.passage.source_id)
        return Fact(hit.passage.id, "", (Citation(source, hit.passage.span),))
