"""The conversation in Gradio's components.

In: Gradio (imported by whoever needs it) and a conversation. Out: its blocks. What happens in a
conversation is `conversation`'s.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from assistant import wording
from assistant.clean import MAX_QUESTION
from assistant.conversation import Conversation, View
from assistant.document import TITLE
from assistant.feedback import MAX_REASON
from assistant.messages import REWORD
from assistant.values import Kind
from assistant.visit import Visit

AT_ONCE = 32
"""Answers in the making at the same time; Gradio's own default is one."""
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}
"""How every event is heard."""
THUMBS = {True: "Like", False: "Dislike", None: None}
"""Gradio's names, from which it also chooses the icons."""


class _Parts(NamedTuple):
    """The components that react."""

    visit: Any
    chat: Any
    box: Any
    send: Any
    stop: Any
    clear: Any
    notice: Any
    reasons: Any
    reason: Any
    send_reason: Any
    transcript: Any


def blocks(gr: Any, talk: Conversation) -> Any:
    """Return the page's components, joined to the conversation."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        _wire(gr, page, _Components(gr, talk, _parts(gr)))
    return page


def _parts(gr: Any) -> _Parts:
    """Return the components without a word: what they say comes with the session."""
    visit = gr.State(None)
    chat = gr.Chatbot(
        [],
        elem_id="chat",
        show_label=False,
        container=False,
        height=None,
        autoscroll=False,
        buttons=[],
        latex_delimiters=[],
        layout="bubble",
        group_consecutive_messages=False,
    )
    with gr.Row(elem_id="reasons", visible=False) as reasons:
        reason = gr.Textbox(max_length=MAX_REASON, lines=2, max_lines=4, elem_id="reason")
        send_reason = gr.Button("", elem_id="send-reason")
    with gr.Column(elem_id="composer"):
        with gr.Row(elem_id="asking"):
            box = gr.Textbox(max_length=MAX_QUESTION, lines=1, max_lines=5, elem_id="question")
            send = gr.Button("", variant="primary", elem_id="send")
            stop = gr.Button("", elem_id="stop", visible=False)
            clear = gr.Button("", elem_id="clear")
        notice = gr.Markdown("", elem_id="notice", container=False)
    transcript = gr.Textbox(visible="hidden", elem_id="transcript")
    return _Parts(
        visit, chat, box, send, stop, clear, notice, reasons, reason, send_reason, transcript
    )


@dataclass(frozen=True)
class _Components:
    """The components and the conversation that they show."""

    gr: Any
    talk: Conversation
    parts: _Parts

    def visit(self, given: Visit | None, request: Any) -> Visit:
        """Return the visit; it may have been forgotten, while its page still stands."""
        return given or self.talk.begin(request.query_params)

    def set(self, **changes: Any) -> dict[Any, Any]:
        """Return changes, named by their component, as Gradio takes them."""
        return {getattr(self.parts, name): change for name, change in changes.items()}

    def show(self, view: View, **more: Any) -> dict[Any, Any]:
        """Return what changes with a view."""
        gr = self.gr
        changes = {
            "chat": gr.Chatbot(view.messages, feedback_value=_icons(view)),
            "box": gr.Textbox(view.box, info=view.hint),
            "send": gr.Button(visible=not view.working),
            "stop": gr.Button(visible=view.working),
            "reasons": gr.Row(visible=view.reasons),
            "transcript": view.transcript,
        }
        return self.set(**(changes | more))

    def begin(self, visit: Visit) -> dict[Any, Any]:
        """Return everything with the words of a visit's site and locale."""
        gr, say = self.gr, self.talk.messages(visit).labels
        rtl = wording.direction(visit.locale) == "rtl"
        view = self.talk.view(visit)
        notice = self.talk.here(visit).notice(Kind.ANSWER, visit.locale).text
        return self.show(
            view,
            visit=visit,
            chat=gr.Chatbot(view.messages, feedback_value=[], rtl=rtl),
            box=gr.Textbox(label=say["ask"], placeholder=say["placeholder"], rtl=rtl),
            send=gr.Button(say["send"]),
            stop=gr.Button(say["stop"]),
            clear=gr.Button(say["clear"]),
            notice=gr.Markdown(notice, rtl=rtl),
            reason=gr.Textbox(label=say["reason"], rtl=rtl),
            send_reason=gr.Button(say["send_reason"]),
        )


def _icons(view: View) -> list[str | None]:
    return [THUMBS[thumb] for thumb in view.thumbs]


def _wire(gr: Any, page: Any, shown: _Components) -> None:
    """Join what a visitor does with what the conversation makes of it."""

    def begin(request: gr.Request) -> dict[Any, Any]:
        return shown.begin(shown.talk.begin(request.query_params))

    page.load(begin, None, list(shown.parts), **QUIET)
    _wire_asking(gr, shown)
    _wire_ending(gr, shown)
    _wire_feedback(gr, shown)


def _wire_asking(gr: Any, shown: _Components) -> None:
    parts, talk = shown.parts, shown.talk

    async def ask(
        question: str, given: Visit | None, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        if not question.strip():
            yield {parts.box: gr.skip()}
            return
        visit = shown.visit(given, request)
        first = True
        async for view in talk.ask(question, visit, request.request):
            # After the first view, the next question may stand in the box.
            more = {} if first else {"box": gr.skip()}
            yield shown.show(view, visit=visit, **more)
            first = False
        if visit.work:
            # At the end Gradio repeats what came last, over what the other question shows by then.
            yield {parts.box: gr.skip()}

    async def pick(
        given: Visit | None, request: gr.Request, event: gr.SelectData
    ) -> AsyncIterator[dict[Any, Any]]:
        if event.value == REWORD:
            visit = shown.visit(given, request)
            yield shown.show(talk.reword(visit), visit=visit)
            return
        async for change in ask(str(event.value), given, request):
            yield change

    changing = [
        parts.visit, parts.chat, parts.box, parts.send, parts.stop, parts.reasons, parts.transcript,
    ]  # fmt: skip
    asked = [parts.send.click, parts.box.submit]
    # While one question is worked on, another may be asked: it may be an emergency.
    also = QUIET | {"trigger_mode": "multiple"}
    gr.on(asked, ask, [parts.box, parts.visit], changing, **also)
    parts.chat.option_select(pick, [parts.visit], changing, **also)


def _wire_ending(gr: Any, shown: _Components) -> None:
    parts, talk = shown.parts, shown.talk

    # Not in a thread, as Gradio runs what is no coroutine: a task is cancelled in its own loop.
    async def stop(given: Visit | None) -> None:
        if given:
            talk.stop(given)

    async def clear(given: Visit | None, request: gr.Request) -> dict[Any, Any]:
        visit = shown.visit(given, request)
        return shown.show(talk.forget(visit), visit=visit, reason="")

    parts.stop.click(stop, [parts.visit], None, **QUIET)
    parts.clear.click(clear, [parts.visit], list(parts), **QUIET)


def _wire_feedback(gr: Any, shown: _Components) -> None:
    parts, talk = shown.parts, shown.talk

    async def rate(given: Visit | None, request: gr.Request, event: gr.LikeData) -> dict[Any, Any]:
        visit, index = shown.visit(given, request), int(event.index)
        view = await talk.rate(visit, index, event.liked, request.request)
        icons, place = _icons(view), index // 2
        if place < len(icons) and view.thumbs[place] is not event.liked:
            # Gradio shows a thumb before it is kept, and takes it back only for a value that is
            # new to it; one that is no icon's name shows none.
            icons[place] = f"not kept {time.monotonic_ns()}"
        return shown.set(
            chat=gr.Chatbot(feedback_value=icons), reasons=gr.Row(visible=view.reasons)
        )

    async def explain(given: Visit | None, reason: str, request: gr.Request) -> dict[Any, Any]:
        visit = shown.visit(given, request)
        if wrong := await talk.explain(visit, reason, request.request):
            return shown.set(reason=gr.Textbox(info=wrong))
        reasons = gr.Row(visible=visit.rated is not None)
        return shown.set(reasons=reasons, reason=gr.Textbox("", info=""))

    changing = [parts.chat, parts.reasons, parts.reason]
    parts.chat.like(rate, [parts.visit], changing, **QUIET)
    parts.send_reason.click(explain, [parts.visit, parts.reason], changing, **QUIET)
