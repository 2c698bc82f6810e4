"""What is remembered of a visitor's session → the messages that show it.

In: a session and its site. Out: messages as Gradio takes them: HTML, and what can be pressed
below it; the same as text, to be copied and saved.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assistant import markup, wording
from assistant.rendering import as_text
from assistant.service import Embedded
from assistant.sites import DEFAULT
from assistant.values import Kind, Reply

EXAMPLES = 6
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
class Messages:
    """The messages of one session."""

    here: Embedded
    session: Session

    @cached_property
    def labels(self) -> dict[str, str]:
        """The texts around the replies."""
        return self.here.engine.assistant.replies.labels(self.session.locale)

    def all(self) -> list[Message]:
        """Return the conversation."""
        return [m for t in self.session.turns for m in (self.asked(t.question), self._reply(t))]

    def transcript(self) -> str:
        """Return the conversation as text."""
        return "\n\n".join(
            f"{self.labels['you_asked']} {turn.question}\n\n"
            f"{as_text(turn.reply, self.here.emergency)}"
            for turn in self.session.turns
        )

    def welcome(self) -> Message:
        """Return the first message, with questions that the sources answer."""
        assistant, locale = self.here.engine.assistant, self.session.locale
        greeting = assistant.replies.smalltalk("greeting", locale, ()).lead
        examples = assistant.decider.suggestions()[:EXAMPLES]
        return _said(
            markup.welcome_html(self.here.site.greeting or greeting, locale),
            [{"value": example} for example in examples],
        )

    def asked(self, question: str) -> Message:
        """Return a question."""
        return {"role": "user", "content": markup.asked_html(question, self.session.locale)}

    def working(self, stage: str) -> Message:
        """Return what stands in a reply's place while it is made."""
        return _said(markup.status_html(stage, self.session.locale), [])

    def trouble(self, text: str, question: str) -> Message:
        """Return why there is no reply, with a button that asks again."""
        notice = self.here.notice(Kind.UNAVAILABLE, self.session.locale).text
        return _said(
            markup.trouble_html(text, notice, self.session.locale), [self._retry(question)]
        )

    def _reply(self, turn: Turn) -> Message:
        reply = turn.reply
        options = [{"value": suggestion} for suggestion in reply.suggestions]
        if reply.understood_as:
            options.append({"label": self.labels["understood_wrong"], "value": REWORD})
        if reply.kind is Kind.UNAVAILABLE:
            options.append(self._retry(turn.question))
        return _said(markup.as_html(reply, self.here.emergency, self.session.site), options)

    def _retry(self, question: str) -> dict[str, str]:
        return {"label": self.labels["retry"], "value": question}


def _said(content: str, options: list[dict[str, str]]) -> Message:
    return {"role": "assistant", "content": content, "options": options}
