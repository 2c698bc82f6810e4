"""What is remembered of one visitor, and the work on their question.

All that a visitor does changes the same visit, in one event loop: whatever ends meanwhile adds to
what is there, and nothing puts an older state back. It is kept in memory until "Clear" or an idle
hour; what a browser claims was said before is never read.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assistant import wording
from assistant.clean import MAX_HISTORY
from assistant.service import Embedded, Service
from assistant.sites import DEFAULT
from assistant.values import Reply


@dataclass(frozen=True)
class Turn:
    """A question, its reply and the thumb that the reply got."""

    question: str
    reply: Reply | None = None
    """None: the question was stopped, or refused."""
    wait: int = 0
    """Seconds for which it was refused."""
    helpful: bool | None = None


@dataclass(eq=False)
class Work:
    """A question that is being answered."""

    question: str
    stages: list[str] = field(default_factory=lambda: ["reading"])
    long: bool = False
    """Whether it takes so long that it can be stopped."""
    task: "asyncio.Task[None] | None" = None


@dataclass(eq=False)
class Visit:
    """A visitor's conversation; site and locale are those that were looked up."""

    site: str = DEFAULT
    locale: str = wording.FALLBACK
    turns: tuple[Turn, ...] = ()
    work: Work | None = None
    alone: bool = False
    """Whether the next question is read by itself, because the last one was misunderstood."""
    rated: str | None = None
    """The reply whose thumb is down, while a reason may follow."""

    def history(self) -> tuple[str, ...]:
        """Return the questions before, as far as they were answered and are to be read along."""
        return () if self.alone else tuple(t.question for t in self.turns if t.reply)

    def begin(self, question: str) -> Work:
        """Take up a question: the one that is worked on is stopped, one asked again stands once."""
        self.stop()
        if self.turns and self.turns[-1].reply is None and self.turns[-1].question == question:
            self.turns = self.turns[:-1]
        self.rated = None
        self.work = Work(question)
        return self.work

    def end(self, work: Work, turn: Turn) -> None:
        """Remember how work ended, unless it was ended before by something else."""
        if self.work is work:
            self.work = None
            self.turns = (*self.turns, turn)[-MAX_HISTORY:]
            self.alone = self.alone and turn.reply is None

    def stop(self) -> None:
        """End the work; its question stays, without a reply."""
        if work := self.work:
            self.end(work, Turn(work.question))
            _cancel(work)

    def drop(self, work: Work) -> None:
        """End work that nobody waits for any more; nothing stays of it."""
        if self.work is work:
            self.work = None
            _cancel(work)

    def forget(self) -> None:
        """End the work and forget what was said."""
        if self.work:
            self.drop(self.work)
        self.turns, self.alone, self.rated = (), False, None

    def take_back(self) -> str:
        """Forget the last question, and return it; what follows is read by itself."""
        self.stop()
        *before, last = self.turns
        self.turns, self.alone, self.rated = tuple(before), True, None
        return last.question

    def rate(self, reply: str, *, helpful: bool) -> None:
        """Remember a thumb, if the reply still stands."""
        self.turns = tuple(
            replace(t, helpful=helpful) if t.reply and t.reply.id == reply else t
            for t in self.turns
        )
        self.rated = None if helpful else reply


def arrive(service: Service, query: Mapping[str, str]) -> tuple[Embedded, str]:
    """Return the site and the locale that an address asks for, the default ones otherwise.

    Unlike the API, which refuses an unknown site: a page is shown in any case.
    """
    here = service.embedded.get(query.get("site") or DEFAULT, service.default)
    return here, here.locale(query.get("locale"))


def _cancel(work: Work) -> None:
    if work.task:
        work.task.cancel()
