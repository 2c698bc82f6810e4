"""A visitor's conversation, apart from the components that show it.

In: what a visitor does. Out: views: the messages, and what is remembered of the session. Of a
visitor, the session's last turns are kept, in memory, until "Clear" or an idle hour; what a
browser claims was said before is never read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
from starlette.requests import HTTPConnection

from assistant.clean import MAX_HISTORY, MAX_QUESTION
from assistant.errors import RequestError
from assistant.feedback import MAX_REASON
from assistant.messages import Message, Messages, Session, Turn
from assistant.service import Embedded, Service
from assistant.sites import DEFAULT
from assistant.values import Ask, Reply

GLANCE = 0.3
"""Seconds after which a stage that is still going on is shown."""


@dataclass(frozen=True)
class View:
    """What is to be shown after something happened."""

    messages: list[Message]
    session: Session
    working: bool = False
    """Whether it takes so long that it can be stopped."""
    box: str = ""
    hint: str = ""


class Conversation:
    """Answers one turn after another, for the site and in the locale of each session."""

    def __init__(self, service: Service, metrics: Any) -> None:
        self.service = service
        self.metrics = metrics
        self._working: dict[str, asyncio.Task[Reply]] = {}

    def begin(self, query: Mapping[str, str]) -> Session:
        """Return a new session; `site` and `locale` of the address are looked up, never shown."""
        here = find(self.service, query.get("site"))
        return Session(here.site.id, here.locale(query.get("locale")))

    def here(self, session: Session) -> Embedded:
        """Return the site that a session speaks for."""
        return find(self.service, session.site)

    def messages(self, session: Session) -> Messages:
        """Return what makes the messages of a session."""
        return Messages(self.here(session), session)

    def empty(self, session: Session) -> View:
        """Forget what was said; show the first message."""
        new = Session(session.site, session.locale)
        return View([self.messages(new).welcome()], new)

    async def ask(
        self, question: str, session: Session, name: str, request: HTTPConnection
    ) -> AsyncIterator[View]:
        """Answer; yield the stage that is on, at last the reply, or why there is none.

        `name` is the browser session's, by which `stop` and `forget` find the work.
        """
        messages = self.messages(session)
        said = [*messages.all(), messages.asked(question)]
        try:
            await self.service.admit_asker(request, self.here(session).site)
        except RequestError as error:
            text = messages.labels["busy"].format(seconds=error.wait)
            yield View([*said, messages.trouble(text, question)], session)
            return
        stages = ["reading"]
        answering = asyncio.create_task(self._answer(question, session, stages))
        self._working[name] = answering
        try:
            async for stage, long in _watch(answering, stages):
                yield View([*said, messages.working(stage)], session, working=long)
            yield self._ended(answering, question, session, name)
        finally:
            answering.cancel()
            if self._working.get(name) is answering:
                del self._working[name]

    def stop(self, name: str) -> None:
        """End the work on a session's question."""
        if answering := self._working.get(name):
            answering.cancel()

    def forget(self, session: Session, name: str) -> View:
        """End the work, and forget what was said."""
        if answering := self._working.pop(name, None):
            answering.cancel()
        return self.empty(session)

    def reword(self, session: Session) -> View:
        """Take the last question back into the box; what follows is read by itself."""
        if not session.turns:
            return self.empty(session)
        before = replace(session, turns=session.turns[:-1], alone=True, rated=None)
        messages = self.messages(before)
        shown = messages.all() if before.turns else [messages.welcome()]
        hint = messages.labels["reword"]
        return View(shown, before, box=session.turns[-1].question, hint=hint)

    async def rate(
        self, session: Session, index: int, thumb: object, request: HTTPConnection
    ) -> Session:
        """Keep a thumb for the message at `index`, if it is a reply of this session."""
        place = index // 2
        if not isinstance(thumb, bool) or not 0 <= place < len(session.turns):
            return session
        turn = replace(session.turns[place], helpful=thumb)
        await self._keep(turn, "", session, request)
        turns = (*session.turns[:place], turn, *session.turns[place + 1 :])
        return replace(session, turns=turns, rated=None if thumb else place)

    async def explain(self, session: Session, reason: str, request: HTTPConnection) -> Session:
        """Keep the reason for the thumb that was down last: a further entry for the same reply."""
        if session.rated is not None and session.rated < len(session.turns) and reason.strip():
            turn = session.turns[session.rated]
            await self._keep(turn, reason.strip()[:MAX_REASON], session, request)
        return replace(session, rated=None)

    async def _keep(
        self, turn: Turn, reason: str, session: Session, request: HTTPConnection
    ) -> None:
        try:
            await self.service.admit_asker(request, self.here(session).site)
        except RequestError:  # a thumb too many is nothing to trouble a visitor with
            return
        reply, helpful = turn.reply, bool(turn.helpful)
        add = self.service.feedback.add
        await anyio.to_thread.run_sync(add, reply.id, reply.kind.value, helpful, reason)

    async def _answer(self, question: str, session: Session, stages: list[str]) -> Reply:
        started = time.perf_counter()
        engine = self.here(session).engine
        turns = () if session.alone else session.turns[-MAX_HISTORY:]
        ask = Ask(question[:MAX_QUESTION], tuple(t.question for t in turns), session.locale)
        try:
            reply = await engine.answer(ask, stages.append)
        except RequestError:  # longer than what the box lets through
            reply = engine.assistant.replies.fixed(session.locale, "unclear")
        except asyncio.CancelledError:
            self.metrics.stopped.inc()
            raise
        counted: Reply = self.metrics.counted(reply, started)
        return counted

    def _ended(
        self, answering: "asyncio.Task[Reply]", question: str, session: Session, name: str
    ) -> View:
        """Return the last view of an ask: answered, stopped, or forgotten meanwhile."""
        if self._working.get(name) is not answering:
            return self.empty(session)
        messages = self.messages(session)
        if answering.cancelled():
            stopped = messages.trouble(messages.labels["stopped"], question)
            return View([*messages.all(), messages.asked(question), stopped], session)
        turns = (*session.turns, Turn(question, answering.result()))[-MAX_HISTORY:]
        session = Session(session.site, session.locale, turns)
        return View(self.messages(session).all(), session)


def find(service: Service, name: str | None) -> Embedded:
    """Return a site by its id, the default one where there is none: a page is shown in any case."""
    return service.embedded.get(name or DEFAULT, service.default)


async def _watch(
    answering: "asyncio.Task[Reply]", stages: list[str]
) -> AsyncIterator[tuple[str, bool]]:
    """Yield each stage that takes a while, and whether the whole takes long by now."""
    shown: tuple[str, bool] | None = None
    started = time.monotonic()
    while not answering.done():
        now = stages[-1], time.monotonic() - started >= GLANCE
        if now != shown:
            shown = now
            yield now
        await asyncio.wait({answering}, timeout=GLANCE)
