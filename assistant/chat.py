"""What the page shows: a conversation of quotations, in Gradio's components.

In: the API's application, for its engine, feedback and metrics. Out: an application that serves
Gradio. Of a visitor, the session's last turns are kept, in memory, until "Clear" or an idle hour;
what a browser claims was said before is never read.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from assistant import rendering, wording
from assistant.clean import MAX_HISTORY, MAX_QUESTION
from assistant.engine import Engine
from assistant.errors import RequestError
from assistant.service import Embedded
from assistant.values import Ask, Kind, Reply

EXAMPLES = 6
AT_ONCE = 32
"""Answers in the making at the same time; Gradio's own default is one."""
QUEUE = 500
"""Questions that may wait; one more is turned away at once."""
SESSIONS = 2000
"""Visitors remembered at the same time; the longest idle is forgotten first."""
GLANCE = 0.3
"""Seconds after which a stage that is still going on is shown."""
IDLE = 3600.0
"""Seconds after which an idle session is forgotten."""
SWEEP = 60.0


@dataclass(frozen=True)
class Turn:
    """A question, its reply and the thumb it got, as the session remembers them."""

    question: str
    reply: Reply
    helpful: bool | None = None


Turns = tuple[Turn, ...]
Message = dict[str, Any]
THUMBS = {True: "Like", False: "Dislike", None: None}
"""Gradio's names, from which it also chooses the icons."""


class Conversation:
    """Answers one turn after another and shows them as Gradio's messages."""

    def __init__(self, api: FastAPI, here: Embedded, locale: str) -> None:
        self.engine: Engine = here.engine
        self.metrics = api.state.metrics
        self.feedback = api.state.service.feedback
        self.locale = locale
        self.emergency = here.emergency

    def welcome(self) -> Message:
        """Return the first message, with questions that the sources answer."""
        examples = tuple(self.engine.assistant.decider.suggestions()[:EXAMPLES])
        reply = self.engine.assistant.replies.smalltalk("greeting", self.locale, ())
        return self._message(replace(reply, suggestions=examples))

    async def ask(self, question: str, turns: Turns) -> AsyncIterator[tuple[list[Message], Turns]]:
        """Answer; yield the conversation with the stage that is on, at last with the reply."""
        before = [*self._messages(turns), self._asked(question)]
        stages = ["reading"]
        answering = asyncio.create_task(self._answer(question, turns, stages))
        try:
            shown = ""
            while not answering.done():
                if stages[-1] != shown:
                    shown = stages[-1]
                    status = rendering.status_html(shown, self.locale)
                    yield [*before, {"role": "assistant", "content": status}], turns
                await asyncio.wait({answering}, timeout=GLANCE)
            reply = answering.result()
        finally:
            answering.cancel()
        turns = (*turns, Turn(question, reply))[-MAX_HISTORY:]
        yield self._messages(turns), turns

    def rate(self, turns: Turns, index: int, thumb: object) -> Turns:
        """Keep a thumb for the message at `index`, if it is a reply of this session."""
        place = index // 2
        if not isinstance(thumb, bool) or not 0 <= place < len(turns):
            return turns
        reply = turns[place].reply
        self.feedback.add(reply.id, reply.kind.value, thumb, "")
        return (*turns[:place], replace(turns[place], helpful=thumb), *turns[place + 1 :])

    async def _answer(self, question: str, turns: Turns, stages: list[str]) -> Reply:
        started = time.perf_counter()
        earlier = tuple(turn.question for turn in turns[-MAX_HISTORY:])
        try:
            reply = await self.engine.answer(Ask(question, earlier, self.locale), stages.append)
        except RequestError:  # longer than what the box lets through
            reply = self.engine.assistant.replies.fixed(self.locale, "unclear")
        counted: Reply = self.metrics.counted(reply, started)
        return counted

    def _messages(self, turns: Turns) -> list[Message]:
        return [m for t in turns for m in (self._asked(t.question), self._message(t.reply))]

    def _asked(self, question: str) -> Message:
        return {"role": "user", "content": rendering.asked_html(question, self.locale)}

    def _message(self, reply: Reply) -> Message:
        return {
            "role": "assistant",
            "content": rendering.as_html(reply, self.emergency),
            "options": [{"value": suggestion} for suggestion in reply.suggestions],
        }


def title_of(engine: Engine, locale: str) -> str:
    """Return the page's title: what can be asked about."""
    about = wording.raw(locale, "about") or engine.assistant.replies.about
    return wording.say(locale, "page", "title", about=about)


def make_chat(api: FastAPI) -> FastAPI:
    """Return an application that serves the page at its root."""
    import gradio as gr

    here: Embedded = api.state.service.default
    page = _blocks(gr, Conversation(api, here, here.locale()), here.site.name)
    page.queue(default_concurrency_limit=AT_ONCE, max_size=QUEUE, api_open=False)
    page.state_session_capacity = SESSIONS

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(page))
        yield
        sweeping.cancel()

    shell = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    # Without this, Gradio lets every origin read its answers.
    shell.add_middleware(CORSMiddleware, allow_origins=[])
    gr.mount_gradio_app(
        shell,
        page,
        "/",
        theme=_theme(gr),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
    )
    # A stream that stays open as long as the tab would keep the server from ending.
    page.config["connect_heartbeat"] = False
    return shell


async def _sweep(page: Any) -> None:
    """Forget idle sessions whole: Gradio itself would keep the last values of each component."""
    while True:
        await asyncio.sleep(SWEEP)
        forget_idle(page.state_holder, datetime.now() - timedelta(seconds=IDLE))  # noqa: DTZ005


def forget_idle(holder: Any, before: datetime) -> None:
    """Drop the sessions of Gradio's state holder that were last used before a (local) time."""
    for session, used in list(holder.time_last_used.items()):
        if used < before:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)


class _Parts(NamedTuple):
    """The components that react."""

    turns: Any
    chat: Any
    box: Any
    send: Any
    clear: Any


def _blocks(gr: Any, talk: Conversation, name: str | None) -> Any:
    title = title_of(talk.engine, talk.locale)
    head = rendering.heading_html(
        name or "Footnote", title, wording.say(talk.locale, "page", "tagline")
    )
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as page:
        with gr.Column(elem_id="top"):
            gr.Markdown(head, container=False, rtl=_rtl(talk.locale))
        _wire(gr, talk, _parts(gr, talk))
    return page


def _parts(gr: Any, talk: Conversation) -> _Parts:
    say = partial(wording.say, talk.locale, "page")
    rtl = _rtl(talk.locale)
    turns = gr.State(())
    chat = gr.Chatbot(
        [talk.welcome()],
        elem_id="chat",
        show_label=False,
        container=False,
        height=None,
        autoscroll=False,
        buttons=[],
        latex_delimiters=[],
        rtl=rtl,
        layout="bubble",
        group_consecutive_messages=False,
    )
    with gr.Column(elem_id="composer"):
        with gr.Row(elem_id="asking"):
            box = gr.Textbox(
                label=say("ask"),
                placeholder=say("placeholder"),
                max_length=MAX_QUESTION,
                lines=1,
                max_lines=5,
                elem_id="question",
                rtl=rtl,
            )
            send = gr.Button(say("send"), variant="primary", elem_id="send")
            clear = gr.Button(say("clear"), elem_id="clear")
        notice = wording.notice_for(Kind.ANSWER, talk.locale, talk.emergency).text
        gr.Markdown(notice, elem_id="notice", container=False, rtl=rtl)
    return _Parts(turns, chat, box, send, clear)


def _wire(gr: Any, talk: Conversation, parts: _Parts) -> None:
    async def ask(question: str, said: Turns) -> AsyncIterator[tuple[Any, Any, Any]]:
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip()
            return
        async for messages, now in talk.ask(question[:MAX_QUESTION], said):
            thumbs = [THUMBS[turn.helpful] for turn in now]
            yield "", gr.Chatbot(messages, feedback_value=thumbs), now

    async def pick(said: Turns, event: gr.SelectData) -> AsyncIterator[tuple[Any, Any, Any]]:
        async for shown in ask(str(event.value), said):
            yield shown

    def rate(said: Turns, event: gr.LikeData) -> Turns:
        return talk.rate(said, int(event.index), event.liked)

    def forget() -> tuple[Any, Any, Any]:
        return "", gr.Chatbot([talk.welcome()], feedback_value=[]), ()

    quiet = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_limit": AT_ONCE,
    }
    shown = [parts.box, parts.chat, parts.turns]
    gr.on([parts.send.click, parts.box.submit], ask, [parts.box, parts.turns], shown, **quiet)
    parts.chat.option_select(pick, [parts.turns], shown, **quiet)
    parts.chat.like(rate, [parts.turns], [parts.turns], **quiet)
    parts.clear.click(forget, None, shown, **quiet)


def _rtl(locale: str) -> bool:
    return wording.raw(locale, "direction") == "rtl"


def _theme(gr: Any) -> Any:
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
