"""A visitor's conversation, apart from the components that show it.

In: what a visitor does, and the visit. Out: views: what is to be shown. Every view is of the visit
as it stands at that moment, whoever asked for it; so none that comes late can show what is over.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection

from assistant.clean import MAX_HISTORY, MAX_QUESTION
from assistant.errors import RequestError
from assistant.feedback import MAX_REASON
from assistant.messages import Message, Messages
from assistant.service import Embedded, Service
from assistant.values import Ask, Reply
from assistant.visit import Turn, Visit, Work, arrive

log = logging.getLogger(__name__)
GLANCE = 0.3
"""Seconds after which a stage that is still going on is shown."""


@dataclass(frozen=True)
class View:
    """What is to be shown of a visit."""

    messages: list[Message]
    thumbs: list[bool | None]
    """One for each question."""
    transcript: str
    working: bool
    """Whether it takes so long that it can be stopped."""
    reasons: bool
    """Whether a thumb is down and a reason may follow."""
    box: str = ""
    hint: str = ""


class Conversation:
    """Answers one turn after another, for the site and in the locale of each visit."""

    def __init__(self, service: Service, metrics: Any) -> None:
        self.service = service
        self.metrics = metrics

    def begin(self, query: Mapping[str, str]) -> Visit:
        """Return a new visit; `site` and `locale` of the address are looked up, never shown."""
        here, locale = arrive(self.service, query)
        return Visit(here.site.id, locale)

    def here(self, visit: Visit) -> Embedded:
        """Return the site that a visit is to."""
        return self.service.embedded[visit.site]

    def messages(self, visit: Visit) -> Messages:
        """Return what makes the messages of a visit."""
        return Messages(self.here(visit), visit)

    def view(self, visit: Visit, box: str = "", hint: str = "") -> View:
        """Return a visit as it stands now."""
        messages = self.messages(visit)
        return View(
            messages.all() or [messages.welcome()],
            [turn.helpful for turn in visit.turns],
            messages.transcript(),
            working=visit.work is not None and visit.work.long,
            reasons=visit.rated is not None,
            box=box,
            hint=hint,
        )

    async def ask(
        self, question: str, visit: Visit, request: HTTPConnection
    ) -> AsyncIterator[View]:
        """Answer at once, whatever is worked on; yield the stage that is on, at last the reply."""
        if visit.work and visit.work.question == question:
            return  # pressed twice
        work = visit.begin(question)
        ask = Ask(question[:MAX_QUESTION], visit.history()[-MAX_HISTORY:], visit.locale)
        work.task = asyncio.create_task(self._answer(ask, work, visit, request))
        try:
            async for _ in _watch(work, work.task):
                yield self.view(visit)
            if not work.task.cancelled():
                work.task.result()
            yield self.view(visit)
        finally:
            visit.drop(work)

    def stop(self, visit: Visit) -> None:
        """End the work on a question; whoever watches it shows that."""
        visit.stop()

    def forget(self, visit: Visit) -> View:
        """End the work, and forget what was said."""
        visit.forget()
        return self.view(visit)

    def reword(self, visit: Visit) -> View:
        """Take the last question back into the box; what follows is read by itself."""
        if not visit.turns:
            return self.view(visit)
        hint = self.messages(visit).labels["reword"]
        return self.view(visit, visit.take_back(), hint)

    async def rate(self, visit: Visit, index: int, thumb: object, request: HTTPConnection) -> View:
        """Keep a thumb for the message at `index`, if it is a reply; show those that are kept."""
        place = index // 2
        reply = visit.turns[place].reply if 0 <= place < len(visit.turns) else None
        if reply and isinstance(thumb, bool):
            wrong = await self._keep(reply, visit, request, helpful=thumb)
            if not wrong:
                visit.rate(reply.id, helpful=thumb)
        return self.view(visit)

    async def explain(self, visit: Visit, reason: str, request: HTTPConnection) -> str:
        """Keep the reason for the thumb that is down, in one entry with it.

        Return what is to be said where it could not be kept.
        """
        rated, text = visit.rated, reason.strip()[:MAX_REASON]
        replies = [t.reply for t in visit.turns if t.reply and t.reply.id == rated]
        if replies and text:
            wrong = await self._keep(replies[0], visit, request, helpful=False, reason=text)
            if wrong:
                return wrong
        if visit.rated == rated:
            visit.rated = None
        return ""

    async def _keep(
        self,
        reply: Reply,
        visit: Visit,
        request: HTTPConnection,
        *,
        helpful: bool,
        reason: str = "",
    ) -> str:
        """Keep feedback; return why it was not kept, in the visitor's words."""
        labels, add = self.messages(visit).labels, self.service.feedback.add
        try:
            await self.service.admit_asker(request, self.here(visit).site)
            await anyio.to_thread.run_sync(add, reply.id, reply.kind.value, helpful, reason)
        except RequestError as error:
            return labels["busy"].format(seconds=error.wait)
        except SQLAlchemyError as error:  # its text holds what was to be kept
            log.error("feedback was not kept: %s", type(error).__name__)  # noqa: TRY400
            return labels["failed"]
        return ""

    async def _answer(self, ask: Ask, work: Work, visit: Visit, request: HTTPConnection) -> None:
        """Answer, and remember it in the same step: an answer that is there is never lost."""
        started = time.perf_counter()
        here = self.here(visit)
        try:
            await self.service.admit_asker(request, here.site)
        except RequestError as error:
            # Nobody is too many for the card; it costs no search.
            card = here.engine.assistant.red_flag(ask.question, ask.locale)
            turn = Turn(work.question, self.metrics.counted(card, started)) if card else None
            visit.end(work, turn or Turn(work.question, wait=error.wait))
            return
        try:
            reply = await here.engine.answer(ask, work.stages.append)
        except RequestError:  # longer than what the box lets through
            reply = here.engine.assistant.replies.fixed(visit.locale, "unclear")
        except asyncio.CancelledError:
            self.metrics.stopped.inc()
            raise
        visit.end(work, Turn(work.question, self.metrics.counted(reply, started)))


async def _watch(work: Work, task: "asyncio.Task[None]") -> AsyncIterator[None]:
    """Tell when a stage takes a while, and when the whole takes long."""
    shown: tuple[str, bool] | None = None
    started = time.monotonic()
    while not task.done():
        work.long = time.monotonic() - started >= GLANCE
        now = work.stages[-1], work.long
        if now != shown:
            shown = now
            yield
        await asyncio.wait({task}, timeout=GLANCE)
