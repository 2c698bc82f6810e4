"""What is remembered of a visit → the messages that show it.

In: a visit and its site. Out: messages as Gradio takes them: HTML, and what can be pressed
below it; the same as text, to be copied and saved.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assistant import markup
from assistant.rendering import as_text
from assistant.service import Embedded
from assistant.values import Kind, Reply
from assistant.visit import Turn, Visit

REWORD = "#reword"
"""What the button "not what I meant" sends in a question's place; no visitor reads it."""

Message = dict[str, Any]


@dataclass(frozen=True)
class Messages:
    """The messages of one visit."""

    here: Embedded
    visit: Visit

    @cached_property
    def labels(self) -> dict[str, str]:
        """The texts around the replies."""
        return self.here.engine.assistant.replies.labels(self.visit.locale)

    def all(self) -> list[Message]:
        """Return the conversation, with what is being worked on."""
        shown = [m for t in self.visit.turns for m in (self._asked(t.question), self._answer(t))]
        if work := self.visit.work:
            status = markup.status_html(work.stages[-1], self.visit.locale)
            shown += [self._asked(work.question), _said(status, [])]
        return shown

    def transcript(self) -> str:
        """Return what was answered as text."""
        return "\n\n".join(
            f"{self.labels['you_asked']} {turn.question}\n\n"
            f"{as_text(turn.reply, self.here.emergency)}"
            for turn in self.visit.turns
            if turn.reply
        )

    def welcome(self) -> Message:
        """Return the first message, with questions that the sources answer."""
        locale = self.visit.locale
        return _said(
            markup.welcome_html(self.here.greeting(locale), locale),
            [{"value": example} for example in self.here.examples()],
        )

    def _asked(self, question: str) -> Message:
        return {"role": "user", "content": markup.asked_html(question, self.visit.locale)}

    def _answer(self, turn: Turn) -> Message:
        if turn.reply:
            return self._reply(turn.reply, turn.question)
        locale = self.visit.locale
        notice = self.here.notice(Kind.UNAVAILABLE, locale).text
        content = (
            markup.trouble_html(self.labels["busy"].format(seconds=turn.wait), notice, locale)
            if turn.wait
            else markup.stopped_html(self.labels["stopped"], notice, locale)
        )
        return _said(content, [self._retry(turn.question)])

    def _reply(self, reply: Reply, question: str) -> Message:
        options = [{"value": suggestion} for suggestion in reply.suggestions]
        if reply.understood_as:
            options.append({"label": self.labels["understood_wrong"], "value": REWORD})
        if reply.kind is Kind.UNAVAILABLE:
            options.append(self._retry(question))
        return _said(markup.as_html(reply, self.here.emergency, self.visit.site), options)

    def _retry(self, question: str) -> dict[str, str]:
        return {"label": self.labels["retry"], "value": question}


def _said(content: str, options: list[dict[str, str]]) -> Message:
    return {"role": "assistant", "content": content, "options": options}
