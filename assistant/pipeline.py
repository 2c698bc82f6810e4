"""One question, start to end: clean, triage, understand, search, decide, compose, check.

`respond` is a generator that does no I/O: it yields texts to be searched for, is sent what was
found, and returns the reply. Whoever drives it (in process, in a server's event loop) decides
how to encode and search, so there is one pipeline and no asynchronous twin. What a client
claims that the assistant said is never looked at: earlier turns are answered anew.
"""

import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from assistant import wording
from assistant.clean import MAX_HISTORY, clean, says_something
from assistant.compose import compose
from assistant.decide import Decider, Decision, Found
from assistant.errors import RequestError
from assistant.followup import FollowUps, Meta, Reading, Topic
from assistant.grounding import verify
from assistant.language import language_of
from assistant.replies import Replies
from assistant.spelling import SHORTEST, WORD
from assistant.triage import RedFlag, triage
from assistant.values import CITING, Ask, Kind, Reply

log = logging.getLogger(__name__)

Searching = Generator[list[str], Sequence[Found], "Turn"]
Responding = Generator[list[str], Sequence[Found], Reply]

REMEMBERED = 4
"""Earlier questions that are read again to understand a follow-up."""
READABLE = 0.4
"""Share of words that must be English or the collection's for a question to be one."""
SURE_TALK = 0.6
"""Probability from which small talk and misuse are believed although a question leans."""
STANDS_ALONE = 0.5
"""Fact score from which a question needs no earlier topic to be answered."""
RESOLVED = (
    "false alarm", "joke", "kidding", "just testing", "i'm fine now", "im fine now", "i am fine now",
    "fine now", "it went away", "ambulance", "paramedic", "at the hospital", "in the er", "called 911",
    "hypothetical", "better now", "all good", "broma", "scherz", "blague",
)  # fmt: skip
"""Words after an emergency that say it is over or being seen to."""


@dataclass(frozen=True)
class Turn:
    """How one question was read and decided, with what it leaves for the next one."""

    reading: Reading
    decision: Decision
    topic: Topic | None


class Assistant:
    """The finished assistant, but for encoding and searching."""

    def __init__(
        self, decider: Decider, replies: Replies, default_locale: str, multilingual: bool = False
    ) -> None:
        self.decider = decider
        self.replies = replies
        self.default_locale = default_locale
        self.multilingual = multilingual
        index = decider.index
        self.knowledge = index.knowledge
        self.sources = {source.id: source for source in index.collection.sources}
        self.speller = index.speller
        self.follow_ups = FollowUps(index.knowledge.themes)
        self.known_words = index.speller.asked

    def respond(self, ask: Ask) -> Responding:
        """Answer a question; see the module for the protocol.

        Raises:
            RequestError: the question is too long, or there is too much history.

        """
        question, history = clean_ask(ask)
        locale = wording.match_locale(ask.locale, self.default_locale)
        offers = self.decider.suggestions()
        if not says_something(question):
            return self.replies.fixed(locale, "unclear", offers)
        language = language_of(question, self.known_words)
        spoken = wording.match_locale(language, locale) if language != "en" else locale
        if flag := triage(question) or _open_emergency(question, history):
            return self.replies.urgent(flag, spoken)
        if language != "en" and not self.multilingual:
            return self.replies.fixed(spoken, "language")
        if not self._is_readable(question):
            return self.replies.fixed(locale, "unclear", offers)
        last: Turn | None = None
        quoted: Turn | None = None
        for earlier in history[-REMEMBERED:]:
            last = (yield from self._earlier(earlier, last)) or last
            quoted = last if last and last.decision.kind in CITING else quoted
        meta = self.follow_ups.meta(question) if last else None
        if meta:
            return verify(self._about(quoted, meta, locale), self.sources)
        turn = yield from self._turn(question, last)
        return verify(self._reply(turn, locale), self.sources)

    def _is_readable(self, question: str) -> bool:
        """Tell whether enough of it are words (a keyboard mash is not)."""
        words = WORD.findall(self.speller.repair(question).lower())
        known = sum(len(w) < SHORTEST or w in self.speller.known for w in words)
        return self.multilingual or known >= READABLE * len(words)

    def _earlier(
        self, question: str, last: Turn | None
    ) -> Generator[list[str], Sequence[Found], Turn | None]:
        """Read an earlier question again; None if it leaves nothing for later ones."""
        if not says_something(question) or triage(question) or self.follow_ups.meta(question):
            return None
        if language_of(question, self.known_words) != "en" and not self.multilingual:
            return None
        turn = yield from self._turn(question, last)
        return turn if turn.decision.kind in (*CITING, Kind.NOT_COVERED) else None

    def _turn(self, question: str, last: Turn | None) -> Searching:
        """Understand and decide one question after another."""
        repaired = self.speller.repair(question)
        readings = self.follow_ups.readings(repaired, last.topic if last else None)
        found = yield [reading.text for reading in readings]
        decisions = [self.decider.decide(f) for f in found]
        best = _choose(readings, decisions)
        reading, decision = readings[best], decisions[best]
        theme = decision.facts[0].theme if decision.facts else None
        topic = self.follow_ups.topic(reading.text, theme)
        if not topic.noun and last:
            topic = last.topic or topic
        return Turn(reading, decision, topic)

    def _reply(self, turn: Turn, locale: str) -> Reply:
        decision = turn.decision
        understood = turn.reading.text if turn.reading.bound else None
        match decision.kind:
            case Kind.URGENT:
                return self.replies.urgent(RedFlag(decision.topic or "default", ""), locale)
            case Kind.SMALLTALK:
                return self.replies.smalltalk(decision.topic, locale, self.decider.suggestions())
            case Kind.REFUSED:
                return self.replies.refused(decision.topic, locale)
            case Kind.NOT_COVERED:
                offers = self.decider.suggestions(decision)
                return self.replies.not_covered(locale, offers, understood)
        statements, disagreements = compose(decision.facts, self.knowledge, decision.scores)
        make = self.replies.personal if decision.kind is Kind.PERSONAL else self.replies.answer
        return make(locale, statements, disagreements, understood)

    def _about(self, quoted: Turn | None, meta: Meta, locale: str) -> Reply:
        """Answer "which source says that?", "simpler", "summarise" from what was quoted."""
        if quoted is None or not quoted.decision.facts:
            return self.replies.fixed(locale, "nothing_before", self.decider.suggestions())
        decision = quoted.decision
        statements, disagreements = compose(decision.facts, self.knowledge, decision.scores)
        lead = wording.say(locale, "lead", meta.value)
        return self.replies.answer(locale, statements, disagreements, None, lead)


def clean_ask(ask: Ask) -> tuple[str, tuple[str, ...]]:
    """Return question and history as they are read.

    Raises:
        RequestError: 422, one of them is too long.

    """
    if len(ask.history) > MAX_HISTORY:
        raise RequestError(
            422,
            f"history has {len(ask.history)} questions; at most {MAX_HISTORY} are read. Send the last.",
        )
    return clean(ask.question), tuple(clean(earlier) for earlier in ask.history)


def _open_emergency(question: str, history: Sequence[str]) -> RedFlag | None:
    """Return the emergency of the question before, unless this one says that it is over.

    Somebody who asks "is that normal?" after "my throat is closing" still needs the card.
    """
    if not history or not (flag := triage(history[-1])):
        return None
    text = question.lower()
    if any(words in text for words in RESOLVED) or len(text.split()) > 14:
        return None
    return flag


def _choose(readings: Sequence[Reading], decisions: Sequence[Decision]) -> int:
    """Return which reading is meant: bound ones come first, the plain one last."""
    if len(readings) == 1:
        return 0
    plain = decisions[-1]
    if plain.kind in (Kind.SMALLTALK, Kind.REFUSED, Kind.URGENT) and plain.confidence >= SURE_TALK:
        return len(readings) - 1
    if len(readings) == 2:
        bound = decisions[0]
        stands_alone = (
            bound.kind is Kind.NOT_COVERED
            and plain.kind in CITING
            and plain.confidence > bound.confidence
            and max(plain.scores.values(), default=0.0) >= STANDS_ALONE
        )
        return 1 if stands_alone else 0
    votes: dict[Kind, float] = {}
    for decision in decisions:
        votes[decision.kind] = votes.get(decision.kind, 0.0) + decision.confidence
    kind = max(votes, key=lambda k: votes[k])
    return next(i for i, decision in enumerate(decisions) if decision.kind is kind)
