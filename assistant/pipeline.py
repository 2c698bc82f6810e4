"""One question, start to end: clean, triage, understand, search, decide, compose, check.

`respond` is a generator that does no I/O: it yields texts to be searched for, is sent what was
found, and returns the reply. Whoever drives it (in process, in a server's event loop) decides
how to encode and search, so there is one pipeline and no asynchronous twin. What a client
claims that the assistant said is never looked at: earlier turns are answered anew.
"""

import logging
import re
from collections.abc import Generator, Sequence
from copy import copy
from dataclasses import dataclass, replace

from assistant import wording
from assistant.clean import MAX_HISTORY, MAX_QUESTION, clean, says_something
from assistant.compose import compose
from assistant.decide import Decider, Decision, Found
from assistant.errors import RequestError
from assistant.followup import FollowUps, Meta, Topic
from assistant.grounding import verify
from assistant.language import READ, language_of
from assistant.replies import Replies
from assistant.spelling import SHORTEST, WORD
from assistant.triage import RedFlag, triage
from assistant.values import CITING, Ask, Clinic, Kind, Reply

log = logging.getLogger(__name__)

Understanding = Generator[list[str], Sequence[Found], "Turn"]
Searching = Generator[list[str], Sequence[Found], "Turn | None"]
Reads = Generator[list[str], Sequence[Found], "list[Message]"]
Responding = Generator[list[str], Sequence[Found], Reply]

REMEMBERED = 4
"""Earlier questions that are read again to understand a follow-up."""
LONG_AGO = 20
"""A message of so many words after an emergency is taken for what it says itself."""
LEADS_TO_A_QUESTION = ("greeting", "capabilities", "default", "")
"""Small talk after which somebody asks: better told at once that it must be in English."""
READABLE = 0.4
"""Share of words that must be English or the collection's for a question to be one."""
RESOLVED = re.compile(
    r"\b(?:false alarm|(?:just|only|was) (?:a )?(?:jok\w+|kidding|test\w*)|it went away|all good"
    r"|(?:i'?m|am|is|he'?s|she'?s|are|feel\w*|doing|all) (?:\w+ )?(?:fine|better|ok|okay|well|safe) (?:now|again)"
    r"|hypothetical\w*|broma|scherz|blague"
    r"|(?:ambulance|paramedics?|doctor) (?:is|are|has|have|came|here|arrived|on (?:its|the|their))"
    r"|(?:at|in|to) (?:the )?(?:hospital|er|a ?& ?e|emergency room)|(?:i|we|he|she) called)\b",
    re.IGNORECASE,
)
"""Words after an emergency that say it is over or being seen to …"""
UNRESOLVED = re.compile(
    r"\b(?:not|no|never|isn'?t|ain'?t|should|shall|must|do i|can i|cannot|can'?t|won'?t)\b",
    re.IGNORECASE,
)
"""… unless they are asked or denied: "should I go to the hospital?", "it's not a joke"."""


@dataclass(frozen=True)
class Message:
    """A question by itself: as typed, as searched for, decided, and the emergency it tells of."""

    question: str
    language: str
    text: str
    found: Found
    decision: Decision
    flag: RedFlag | None


@dataclass(frozen=True)
class Turn:
    """How one question was read and decided, with what it leaves for the next one."""

    decision: Decision
    topic: Topic
    understood: str | None
    """What the question was read as, if it was read with what came before."""


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

    def for_clinic(self, clinic: Clinic, locale: str) -> "Assistant":
        """Return the same assistant, speaking for another clinic."""
        other = copy(self)
        other.replies = replace(self.replies, clinic=clinic)
        other.default_locale = locale
        return other

    def red_flag(self, question: str, locale: str | None) -> Reply | None:
        """Return the card for what patterns alone take for an emergency.

        For when there is nothing better: the search is broken, or too much was asked.
        """
        flag = triage(question[:MAX_QUESTION])
        language = language_of(question[:MAX_QUESTION], self.known_words)
        locale = wording.match_locale(locale, self.default_locale)
        spoken = wording.match_locale(language, locale) if language != "en" else locale
        return self.replies.urgent(flag, spoken) if flag else None

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
        earlier = [text for text in history[-REMEMBERED:] if says_something(text)]
        read = yield from self._read([question, *earlier])
        language = read[0].language
        spoken = wording.match_locale(language, locale) if language != "en" else locale
        if flag := read[0].flag or _open_emergency(question, read[1:]):
            return self.replies.urgent(flag, spoken)
        if language != "en" and not self.multilingual:
            return self._foreign(read[0], spoken)
        if not self._is_readable(question):
            return self.replies.fixed(locale, "unclear", offers)
        last: Turn | None = None
        quoted: Turn | None = None
        for before in read[1:]:
            last = (yield from self._earlier(before, last)) or last
            quoted = last if last and _quotes(last.decision) else quoted
        meta = self.follow_ups.meta(question) if last else None
        if meta:
            return verify(self._about(quoted, meta, locale), self.sources)
        turn = yield from self._turn(read[0], last)
        return verify(self._reply(turn, locale), self.sources)

    def _foreign(self, message: Message, locale: str) -> Reply:
        """Say that only English is understood; of the bank's other languages thanks and misuse."""
        decision = message.decision
        if message.language in READ and decision.topic not in LEADS_TO_A_QUESTION:
            if decision.kind is Kind.SMALLTALK:
                return self.replies.smalltalk(decision.topic, locale, ())
            if decision.kind is Kind.REFUSED:
                return self.replies.refused(decision.topic, locale)
        return self.replies.fixed(locale, "language")

    def _read(self, questions: Sequence[str]) -> Reads:
        """Read questions by themselves, the visitor's words as they are."""
        repaired = [self.speller.repair(question) for question in questions]
        found = yield repaired
        read = []
        for question, text, one in zip(questions, repaired, found, strict=True):
            language = language_of(question, self.known_words)
            decision = self.decider.decide(one)
            flag = self.decider.emergency(decision, triage(question), language)
            read.append(Message(question, language, text, one, decision, flag))
        return read

    def _is_readable(self, question: str) -> bool:
        """Tell whether enough of it are words (a keyboard mash is not)."""
        words = WORD.findall(self.speller.repair(question).lower())
        known = sum(
            len(w) < SHORTEST or w in self.speller.known or w in self.known_words for w in words
        )
        return self.multilingual or known >= READABLE * len(words)

    def _earlier(self, message: Message, last: Turn | None) -> Searching:
        """Understand an earlier question again; None if it leaves nothing for later ones."""
        if message.flag or self.follow_ups.meta(message.question):
            return None
        if message.language != "en" and not self.multilingual:
            return None
        turn = yield from self._turn(message, last)
        return turn if turn.decision.kind in (*CITING, Kind.NOT_COVERED) else None

    def _turn(self, message: Message, last: Turn | None) -> Understanding:
        """Understand and decide one question after another."""
        readings = self.follow_ups.readings(message.text, last.topic) if last else []
        decision, understood = message.decision, None
        if readings:
            bound = yield readings
            decision = self.decider.decide(message.found, bound)
            if _said(decision) != _said(message.decision):
                understood = readings[0]
        theme = decision.facts[0].theme if decision.facts else None
        topic = self.follow_ups.topic(understood or message.text, theme)
        if not topic.nouns and last:
            topic = last.topic
        return Turn(decision, topic, understood)

    def _reply(self, turn: Turn, locale: str) -> Reply:
        decision = turn.decision
        understood = turn.understood
        match decision.kind:
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
        if quoted is None:
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


def _said(decision: Decision) -> tuple[object, ...]:
    """Return what a visitor sees of a decision."""
    return (decision.kind, decision.facts if decision.kind in CITING else ())


def _quotes(decision: Decision) -> bool:
    return decision.kind in CITING and bool(decision.facts)


def _open_emergency(question: str, before: Sequence[Message]) -> RedFlag | None:
    """Return the emergency of the question before, unless this one says that it is over.

    Somebody who asks "is that normal?" after "my throat is closing" still needs the card.
    """
    if not before or before[-1].flag is None:
        return None
    resolved = RESOLVED.search(question) and not UNRESOLVED.search(question)
    return None if resolved or len(question.split()) >= LONG_AGO else before[-1].flag
