"""HTTP version 1 as pydantic models: what is accepted, what is documented. No logic."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.clean import MAX_HISTORY
from assistant.values import Kind

Earlier = Annotated[str, Field(max_length=8000)]


class AskBody(BaseModel):
    """A question; `history` holds the same visitor's earlier questions, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "How long does bruising last?"},
                {"question": "and the itching?", "history": ["How long does bruising last?"]},
            ]
        }
    )

    question: str = Field(description="at most 2,000 characters after cleaning")
    history: list[Earlier] = Field([], max_length=MAX_HISTORY, description="earlier questions")
    site: str | None = Field(None, max_length=64, description="the embedding site's id")
    locale: str | None = Field(None, max_length=16, description="the visitor's locale")


class StatementOut(BaseModel):
    """Something said, with the numbers of its footnotes."""

    text: str
    citations: list[int]
    theme: str


class CitationOut(BaseModel):
    """A footnote: `source text[start:end] == quote`, in Unicode code points."""

    number: int
    source: str
    title: str
    kind: str
    caution: str | None
    quote: str
    start: int
    end: int
    sha256: str
    href: str


class DisagreementOut(BaseModel):
    """Where the sources differ: indices into `statements`, by side."""

    about: str
    sides: list[list[int]]


class ActionOut(BaseModel):
    """A button."""

    label: str
    href: str


class NoticeOut(BaseModel):
    """The medical notice."""

    text: str
    version: str


class ReplyOut(BaseModel):
    """A reply."""

    id: str
    kind: Kind
    lead: str
    statements: list[StatementOut]
    citations: list[CitationOut]
    sources_disagree: bool
    disagreements: list[DisagreementOut]
    understood_as: str | None
    suggestions: list[str]
    actions: list[ActionOut]
    notice: NoticeOut
    locale: str


class SourceOut(BaseModel):
    """A source without its text."""

    id: str
    title: str
    kind: str
    author: str | None
    publisher: str | None
    url: str | None
    added: str | None
    reviewed_by: str | None
    reviewed_on: str | None
    caution: str | None
    sha256: str


class SourceTextOut(SourceOut):
    """A source with the full text that offsets point into."""

    text: str


class FeedbackBody(BaseModel):
    """A thumb for a reply."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reply": "3f2a…", "kind": "answer", "helpful": True}]}
    )

    reply: str = Field(min_length=1, max_length=64, description="the reply's id")
    kind: Kind
    helpful: bool
    reason: str = Field("", max_length=500)
    site: str | None = Field(None, max_length=64, description="the embedding site's id")


class TopicOut(BaseModel):
    """A theme of the sources, with a question that they answer."""

    title: str
    question: str


class SiteOut(BaseModel):
    """A site as its widget needs it, in one locale."""

    id: str
    locale: str
    direction: Literal["ltr", "rtl"]
    name: str | None
    logo: str | None
    greeting: str
    suggestions: list[str]
    covers: list[TopicOut]
    actions: list[ActionOut]
    emergency: ActionOut
    leave: str | None
    keep: bool
    theme: dict[str, Any]
    notice: NoticeOut
    texts: dict[str, str]


class ProblemOut(BaseModel):
    """RFC 9457 problem document; carries the notice too."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    notice: NoticeOut


PROBLEM: dict[str, Any] = {
    "model": ProblemOut,
    "description": "what is wrong and how to mend it",
    "content": {"application/problem+json": {}},
}
