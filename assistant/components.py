"""The conversation in Gradio's components.

In: Gradio (imported by whoever needs it) and a conversation. Out: its blocks. What happens in a
conversation is `conversation`'s.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from assistant import wording
from assistant.clean import MAX_QUESTION
from assistant.conversation import Conversation, View
from assistant.document import TITLE
from assistant.feedback import MAX_REASON
from assistant.messages import REWORD, Session
from assistant.values import Kind

AT_ONCE = 32
"""Answers in the making at the same time; Gradio's own default is one."""
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}
"""How every event is heard."""
THUMBS = {True: "Like", False: "Dislike", None: None}
"""Gradio's names, from which it also chooses the icons."""


class _Parts(NamedTuple):
    """The components that react."""

    session: Any
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
    session = gr.State(None)
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
        session, chat, box, send, stop, clear, notice, reasons, reason, send_reason, transcript
    )


@dataclass(frozen=True)
class _Components:
    """The components and the conversation that they show."""

    gr: Any
    talk: Conversation
    parts: _Parts

    def session(self, given: Session | None, request: Any) -> Session:
        """Return the session; it may have been forgotten, while its page still stands."""
        return given or self.talk.begin(request.query_params)

    def set(self, **changes: Any) -> dict[Any, Any]:
        """Return changes, named by their component, as Gradio takes them."""
        return {getattr(self.parts, name): change for name, change in changes.items()}

    def show(self, view: View, **more: Any) -> dict[Any, Any]:
        """Return what changes with a view."""
        gr, session = self.gr, view.session
        thumbs = [THUMBS[turn.helpful] for turn in session.turns]
        changes = {
            "session": session,
            "chat": gr.Chatbot(view.messages, feedback_value=thumbs),
            "box": gr.Textbox(view.box, info=view.hint),
            "send": gr.Button(visible=not view.working),
            "stop": gr.Button(visible=view.working),
            "reasons": gr.Row(visible=session.rated is not None),
            "transcript": self.talk.messages(session).transcript(),
        }
        return self.set(**(changes | more))

    def begin(self, session: Session) -> dict[Any, Any]:
        """Return everything with the words of a session's site and locale."""
        gr, say = self.gr, self.talk.messages(session).labels
        rtl = wording.direction(session.locale) == "rtl"
        view = self.talk.empty(session)
        notice = self.talk.here(session).notice(Kind.ANSWER, session.locale).text
        return self.show(
            view,
            chat=gr.Chatbot(view.messages, feedback_value=[], rtl=rtl),
            box=gr.Textbox(label=say["ask"], placeholder=say["placeholder"], rtl=rtl),
            send=gr.Button(say["send"]),
            stop=gr.Button(say["stop"]),
            clear=gr.Button(say["clear"]),
            notice=gr.Markdown(notice, rtl=rtl),
            reason=gr.Textbox(label=say["reason"], rtl=rtl),
            send_reason=gr.Button(say["send_reason"]),
        )


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
        question: str, given: Session | None, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        if not question.strip():
            yield {parts.box: gr.skip()}
            return
        session, name = shown.session(given, request), request.session_hash
        first = True
        async for view in talk.ask(question, session, name, request.request):
            # After the first view, the next question may stand in the box.
            yield shown.show(view) if first else shown.show(view, box=gr.skip())
            first = False

    async def pick(
        given: Session | None, request: gr.Request, event: gr.SelectData
    ) -> AsyncIterator[dict[Any, Any]]:
        if event.value == REWORD:
            yield shown.show(talk.reword(shown.session(given, request)))
            return
        async for change in ask(str(event.value), given, request):
            yield change

    changing = [
        parts.session, parts.chat, parts.box, parts.send, parts.stop, parts.reasons, parts.transcript,
    ]  # fmt: skip
    asked = [parts.send.click, parts.box.submit]
    gr.on(asked, ask, [parts.box, parts.session], changing, **QUIET)
    parts.chat.option_select(pick, [parts.session], changing, **QUIET)


def _wire_ending(gr: Any, shown: _Components) -> None:
    parts, talk = shown.parts, shown.talk

    def stop(request: gr.Request) -> None:
        talk.stop(request.session_hash)

    def clear(given: Session | None, request: gr.Request) -> dict[Any, Any]:
        view = talk.forget(shown.session(given, request), request.session_hash)
        return shown.show(view, reason="")

    parts.stop.click(stop, None, None, **QUIET)
    parts.clear.click(clear, [parts.session], list(parts), **QUIET)


def _wire_feedback(gr: Any, shown: _Components) -> None:
    parts, talk = shown.parts, shown.talk

    async def rate(
        given: Session | None, request: gr.Request, event: gr.LikeData
    ) -> dict[Any, Any]:
        session, place = shown.session(given, request), int(event.index)
        now = await talk.rate(session, place, event.liked, request.request)
        return shown.set(session=now, reasons=gr.Row(visible=now.rated is not None))

    async def explain(given: Session | None, reason: str, request: gr.Request) -> dict[Any, Any]:
        now = await talk.explain(shown.session(given, request), reason, request.request)
        return shown.set(session=now, reasons=gr.Row(visible=False), reason="")

    changing = [parts.session, parts.reasons, parts.reason]
    parts.chat.like(rate, [parts.session], changing, **QUIET)
    parts.send_reason.click(explain, [parts.session, parts.reason], changing, **QUIET)
