"""What the page shows: a conversation of quotations, in Gradio's components.

In: the API's application, for its engine, feedback and metrics. Out: an application that serves
Gradio. Of a visitor, the session's last turns are kept, in memory, until the tab is gone: what a
browser claims was said before is never read.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from assistant import rendering, wording
from assistant.clean import MAX_HISTORY, MAX_QUESTION
from assistant.engine import Engine
from assistant.errors import RequestError
from assistant.settings import Settings
from assistant.values import Ask, Kind, Reply

EXAMPLES = 6
AT_ONCE = 32
"""Answers in the making at the same time; Gradio's own default is one."""
QUEUE = 500
"""Questions that may wait; one more is turned away at once."""
GLANCE = 0.3
"""Seconds after which a stage that is still going on is shown."""
IDLE = 3600
"""Seconds after which an idle session's turns are forgotten."""


@dataclass(frozen=True)
class Turn:
    """A question and its reply, as the session remembers them."""

    question: str
    reply: Reply


Turns = tuple[Turn, ...]
Message = dict[str, Any]


class Conversation:
    """Answers one turn after another and shows them as Gradio's messages."""

    def __init__(self, api: FastAPI, locale: str) -> None:
        self.engine: Engine = api.state.engine
        self.metrics = api.state.metrics
        self.feedback = api.state.feedback
        self.locale = locale
        self.emergency = self.engine.assistant.replies.clinic.emergency_number

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

    def rate(self, turns: Turns, index: int, helpful: bool) -> bool:
        """Keep a thumb for the message at `index`; False if it is no reply of this session."""
        place = index // 2
        if not 0 <= place < len(turns):
            return False
        reply = turns[place].reply
        self.feedback.add(reply.id, reply.kind.value, helpful, "")
        return True

    async def _answer(self, question: str, turns: Turns, stages: list[str]) -> Reply:
        started = time.perf_counter()
        earlier = tuple(turn.question for turn in turns[-MAX_HISTORY:])
        try:
            reply = await self.engine.answer(Ask(question, earlier, self.locale), stages.append)
        except RequestError:  # longer than what the box lets through
            reply = self.engine.assistant.replies.fixed(self.locale, "unclear")
        self.metrics.replies.labels(reply.kind.value).inc()
        self.metrics.seconds.observe(time.perf_counter() - started)
        return reply

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


def make_chat(api: FastAPI, settings: Settings) -> FastAPI:
    """Return an application that serves the page at its root."""
    import gradio as gr

    shell = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # Without this, Gradio lets every origin read its answers.
    shell.add_middleware(CORSMiddleware, allow_origins=[])
    page = _blocks(gr, Conversation(api, wording.match_locale(settings.locale)), settings)
    page.queue(default_concurrency_limit=AT_ONCE, max_size=QUEUE, api_open=False)
    app: FastAPI = gr.mount_gradio_app(
        shell, page, "/", theme=_theme(gr), footer_links=[], run_history=False, show_error=False,
        ssr_mode=False, mcp_server=False, enable_monitoring=False, pwa=False,
    )
    return app


def _blocks(gr: Any, talk: Conversation, settings: Settings) -> Any:
    locale = talk.locale
    about = wording.raw(locale, "about") or talk.engine.assistant.replies.about
    title = wording.say(locale, "page", "title", about=about)
    name = settings.clinic_name or "Footnote"
    rtl = wording.raw(locale, "direction") == "rtl"

    def say(key: str) -> str:
        return wording.say(locale, "page", key)

    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as page:
        turns = gr.State((), time_to_live=IDLE)
        with gr.Column(elem_id="top"):
            gr.Markdown(rendering.heading_html(name, title, say("tagline")), container=False)
        chat = gr.Chatbot(
            [talk.welcome()], elem_id="chat", show_label=False, container=False, height=None,
            autoscroll=False, buttons=[], latex_delimiters=[], rtl=rtl, layout="bubble",
            group_consecutive_messages=False,
        )
        with gr.Column(elem_id="composer"):
            with gr.Row(elem_id="asking"):
                box = gr.Textbox(
                    label=say("ask"), placeholder=say("placeholder"), max_length=MAX_QUESTION,
                    lines=1, max_lines=5, elem_id="question", rtl=rtl,
                )
                send = gr.Button(say("send"), variant="primary", elem_id="send")
                clear = gr.Button(say("clear"), elem_id="clear")
            gr.Markdown(
                wording.notice_for(Kind.ANSWER, locale, talk.emergency).text,
                elem_id="notice", container=False,
            )
        _wire(gr, talk, turns, chat, box, send, clear)
    return page


def _wire(gr: Any, talk: Conversation, turns: Any, chat: Any, box: Any, send: Any, clear: Any) -> None:
    quiet = {"show_progress": "hidden", "api_visibility": "private"}

    async def ask(question: str, said: Turns) -> AsyncIterator[tuple[Any, Any, Any]]:
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip()
            return
        async for messages, now in talk.ask(question[:MAX_QUESTION], said):
            yield "", messages, now

    async def pick(said: Turns, event: gr.SelectData) -> AsyncIterator[tuple[Any, Any, Any]]:
        async for shown in ask(str(event.value), said):
            yield shown

    def rate(said: Turns, event: gr.LikeData) -> None:
        index = event.index if isinstance(event.index, int) else event.index[0]
        if talk.rate(said, index, bool(event.liked)):
            gr.Info(wording.say(talk.locale, "page", "feedback_thanks"), duration=3, title="")

    def forget() -> tuple[str, list[Message], Turns]:
        return "", [talk.welcome()], ()

    all_three = [box, chat, turns]
    gr.on([send.click, box.submit], ask, [box, turns], all_three, concurrency_limit=AT_ONCE, **quiet)
    chat.option_select(pick, [turns], all_three, concurrency_limit=AT_ONCE, **quiet)
    chat.like(rate, [turns], None, **quiet)
    clear.click(forget, None, all_three, **quiet)


def _theme(gr: Any) -> Any:
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
