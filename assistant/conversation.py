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

from assistant import markup, wording
from assistant.clean import MAX_HISTORY, MAX_QUESTION
from assistant.errors import RequestError
from assistant.feedback import MAX_REASON
from assistant.rendering import as_text
from assistant.service import Embedded, Service
from assistant.sites import DEFAULT
from assistant.values import Ask, Kind, Reply

EXAMPLES = 6
GLANCE = 0.3
"""Seconds after which a stage that is still going on is shown."""
REWORD = "#reword"
"""What the button "not what I meant" says."""

Message = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """A question, its reply and the thumb it got, as the session remembers them."""

    question: str
    reply: Reply
    helpful: bool | None = None


@dataclass(frozen=True)
class Session:
    """What is remembered of a visitor; site and locale are those that were looked up."""

    site: str = DEFAULT
    locale: str = wording.FALLBACK
    turns: tuple[Turn, ...] = ()
    alone: bool = False
    """Whether the next question is read by itself, because the last one was misunderstood."""
    rated: int | None = None
    """The turn whose thumb was down, while a reason may follow."""


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

    def labels(self, session: Session) -> dict[str, str]:
        """Return the texts around the replies."""
        return self.here(session).engine.assistant.replies.labels(session.locale)

    def empty(self, session: Session) -> View:
        """Forget what was said; show the first message, with questions that the sources answer."""
        here = self.here(session)
        assistant = here.engine.assistant
        text = (
            here.site.greeting or assistant.replies.smalltalk("greeting", session.locale, ()).lead
        )
        first = {
            "role": "assistant",
            "content": markup.welcome_html(text, session.locale),
            "options": [{"value": v} for v in assistant.decider.suggestions()[:EXAMPLES]],
        }
        return View([first], Session(session.site, session.locale))

    async def ask(
        self, question: str, session: Session, name: str, request: HTTPConnection
    ) -> AsyncIterator[View]:
        """Answer; yield the stage that is on, at last the reply, or why there is none.

        `name` is the browser session's, by which `stop` and `forget` find the work.
        """
        said = [*self._messages(session), self._asked(question, session)]
        try:
            await self.service.admit_asker(request, self.here(session).site)
        except RequestError as error:
            text = self.labels(session)["busy"].format(seconds=error.wait)
            yield View([*said, self._trouble(text, question, session)], session)
            return
        stages = ["reading"]
        answering = asyncio.create_task(self._answer(question, session, stages))
        self._working[name] = answering
        try:
            async for stage, long in _watch(answering, stages):
                working = {
                    "role": "assistant",
                    "content": markup.status_html(stage, session.locale),
                }
                yield View([*said, working], session, working=long)
            yield self._ended(answering, question, session, said, name)
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
        shown = self._messages(before) if before.turns else self.empty(before).messages
        hint = self.labels(session)["reword"]
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

    def transcript(self, session: Session) -> str:
        """Return the conversation as text, to be copied and saved."""
        asked = self.labels(session)["you_asked"]
        emergency = self.here(session).emergency
        return "\n\n".join(
            f"{asked} {turn.question}\n\n{as_text(turn.reply, emergency)}" for turn in session.turns
        )

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
        self,
        answering: "asyncio.Task[Reply]",
        question: str,
        session: Session,
        said: list[Message],
        name: str,
    ) -> View:
        """Return the last view of an ask: answered, stopped, or forgotten meanwhile."""
        if self._working.get(name) is not answering:
            return self.empty(session)
        if answering.cancelled():
            stopped = self.labels(session)["stopped"]
            return View([*said, self._trouble(stopped, question, session)], session)
        turns = (*session.turns, Turn(question, answering.result()))[-MAX_HISTORY:]
        session = Session(session.site, session.locale, turns)
        return View(self._messages(session), session)

    def _messages(self, session: Session) -> list[Message]:
        return [
            message
            for turn in session.turns
            for message in (self._asked(turn.question, session), self._message(session, turn))
        ]

    def _asked(self, question: str, session: Session) -> Message:
        return {"role": "user", "content": markup.asked_html(question, session.locale)}

    def _message(self, session: Session, turn: Turn) -> Message:
        labels, reply = self.labels(session), turn.reply
        options = [{"value": suggestion} for suggestion in reply.suggestions]
        if reply.understood_as:
            options.append({"label": labels["understood_wrong"], "value": REWORD})
        if reply.kind is Kind.UNAVAILABLE:
            options.append({"label": labels["retry"], "value": turn.question})
        content = markup.as_html(reply, self.here(session).emergency, session.site)
        return {"role": "assistant", "content": content, "options": options}

    def _trouble(self, text: str, question: str, session: Session) -> Message:
        notice = self.here(session).notice(Kind.UNAVAILABLE, session.locale).text
        retry = {"label": self.labels(session)["retry"], "value": question}
        content = markup.trouble_html(text, notice, session.locale)
        return {"role": "assistant", "content": content, "options": [retry]}


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
