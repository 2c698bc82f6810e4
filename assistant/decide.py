"""What a question is and which facts answer it, from its vector and its nearest passages.

With a bank, the trained heads decide; without one, similarity to the passages does, more
cautiously. The cuts are set on held-out scores of the bank, those of the alarm on authors that
were left out (docs/decisions/007), none on the reported half of the blind cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.bank import Fact
from assistant.encoder import Vectors
from assistant.heads import KINDS, Scored
from assistant.index import Index
from assistant.language import READ
from assistant.retrieval import Hit, Retriever
from assistant.triage import RedFlag
from assistant.values import Citation, Kind

FACT_CUT = 0.22
"""A fact is cited when its score reaches this …"""
FACT_SHARE = 0.6
"""… and this share of the best fact's score."""
OWN_CUT = 0.4
"""What is quoted beside "ask a clinician" must be about it: on the tuning cases, scores below are
of facts that have nothing to do with the visitor's illness, and read like an answer to it."""
FACT_FLOOR = 0.12
"""An answer whose best fact scores less has nothing to say: the sources do not cover it."""
MAX_FACTS = 14
ANSWER_CUT = 0.5
"""Probability of `answer` against `not_covered` from which it is answered."""
PATTERN = 2.0
"""What a red-flag pattern that matched adds to the log odds of an emergency."""
SUICIDE = 1.5
"""What is added where the nearest emergency of the bank is about suicide: it is said in veiled
words, to miss it is worst, and a crisis line shown to somebody who is only sad does no harm."""
ALARM_CUT = 0.0
"""The log odds from which on it is an emergency …"""
FOREIGN_ALARM_CUT = 1.0
"""… and in other languages than English, which the bank knows from emergencies mostly."""
VOTERS = 3
"""Near emergencies of the bank that say which one it is; where no two agree, none is named."""
SIMILAR_CUT = 0.5
"""Without a bank: cosine to the best passage from which it is quoted."""
SIMILAR_SHARE = 0.9
MAX_PASSAGES = 3


@dataclass(frozen=True)
class Found:
    """What the search brought back for one text."""

    text: str
    dense: Sequence[tuple[int, float]]
    scored: Scored | None
    """None without a bank."""


@dataclass(frozen=True)
class Decision:
    """The outcome, the facts to quote (best first), how sure, and the probabilities behind it."""

    kind: Kind
    facts: tuple[Fact, ...]
    confidence: float
    topic: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    """How much each fact was asked about."""
    alarm: float | None = None
    """Log odds of an emergency, patterns aside; None if the bank has too few."""
    urgent_topics: tuple[str, ...] = ()
    """What kind of emergency it would be: the topics of the bank's nearest ones."""


class Decider:
    """Decides for one open index."""

    def __init__(self, index: Index, retriever: Retriever) -> None:
        self.index = index
        self.retriever = retriever
        self.facts = index.knowledge.facts
        self.questions = index.knowledge.questions

    def decide(self, found: Found, bound: Sequence[Found] = ()) -> Decision:
        """Return what a text asks for.

        `bound` are the same text read as a follow-up, in several ways: together they have one
        vote, and the text by itself the other.
        """
        scored = [f.scored for f in (found, *bound) if f.scored]
        if found.scored is None:
            return self._by_similarity(bound[0] if bound else found)
        chances = dict(zip(KINDS, _vote([s.outcomes for s in scored]).tolist(), strict=True))
        by_fact = _vote([s.facts for s in scored])
        facts = self._facts(by_fact)
        chances[Kind.URGENT] = 0.0  # `emergency` decides that, with the patterns and more caution
        kind = max(chances, key=lambda k: chances[k])
        if kind in (Kind.ANSWER, Kind.NOT_COVERED):
            both = chances[Kind.ANSWER] + chances[Kind.NOT_COVERED]
            answered = chances[Kind.ANSWER] / both >= ANSWER_CUT and bool(facts)
            kind = Kind.ANSWER if answered else Kind.NOT_COVERED
        if kind is Kind.PERSONAL:
            facts = self._facts(by_fact, OWN_CUT)
        near = [row for row, _ in found.scored.neighbours]
        return Decision(
            kind,
            facts,
            chances[kind],
            self._topic(near, kind),
            dict(zip((f.id for f in self.facts), by_fact.tolist(), strict=True)),
            self.index.alarm.log_odds(found.text, found.scored.urgent),
            self._topics(near, Kind.URGENT)[:VOTERS],
        )

    def emergency(self, decision: Decision, flag: RedFlag | None, language: str) -> RedFlag | None:
        """Return the emergency that a message describes, if it does.

        Patterns and bank vouch for each other: either may be enough when it is sure, and a
        pattern in a message that the bank holds for harmless ("I can't breathe for laughing")
        is not. Without a bank the patterns decide, and so they do in languages that neither the
        encoder nor the bank's emergencies know.
        """
        if decision.alarm is None or language not in READ:
            return flag
        cut = ALARM_CUT if language == "en" else FOREIGN_ALARM_CUT
        odds = decision.alarm + (PATTERN if flag else 0.0)
        if decision.urgent_topics[:1] == ("suicide",):
            odds += SUICIDE
        if odds < cut:
            return None
        return flag or RedFlag(_agreed(decision.urgent_topics), "")

    def suggestions(self, decision: Decision | None = None) -> list[str]:
        """Return questions that the sources answer, those nearest to a decision's first."""
        themes = list(self.index.knowledge.themes)
        if decision is not None and decision.scores:
            best: dict[str, float] = {}
            for fact in self.facts:
                best[fact.theme] = max(best.get(fact.theme, -1.0), decision.scores[fact.id])
            themes.sort(key=lambda theme: -best.get(theme.id, -1.0))
        return [theme.ask for theme in themes]

    def _facts(self, scores: Vectors, floor: float = FACT_FLOOR) -> tuple[Fact, ...]:
        order = (-scores).argsort()[:MAX_FACTS]
        top = float(scores[order[0]]) if len(order) else 0.0
        if top < floor:
            return ()
        cut = min(max(FACT_CUT, FACT_SHARE * top, floor), top)
        return tuple(self.facts[i] for i in order if scores[i] >= cut)

    def _topic(self, near: Sequence[int], kind: Kind) -> str:
        """Return the topic of the nearest reviewed question of that outcome, if one is near."""
        return next(iter(self._topics(near, kind)), "")

    def _topics(self, near: Sequence[int], kind: Kind) -> tuple[str, ...]:
        """Return the topics of the near reviewed questions of that outcome, the nearest's first."""
        return tuple(str(self.questions[r].topic) for r in near if self.questions[r].kind is kind)

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


def _vote(rows: Sequence[Vectors]) -> Vectors:
    """Return the first row, and the mean of the others if there are any, at equal weight."""
    vote: Vectors = rows[0] if len(rows) == 1 else (rows[0] + np.mean(rows[1:], axis=0)) / 2
    return vote


def _agreed(topics: Sequence[str]) -> str:
    """Return the topic that two of them share, else the card that names no emergency."""
    return next((topic for topic in topics if topics.count(topic) > 1), "default")
