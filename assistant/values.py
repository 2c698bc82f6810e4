"""The values that flow between the stages: frozen, exact, small.

A citation is a source and a span of it; its quotation is sliced from the source's text, so it
cannot be inexact. A statement is its citations; a reply is its kind, and carries the notice of
that kind: nobody passes either in. What patients read as fixed wording is not known here.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """The outcome of a question."""

    ANSWER = "answer"
    NOT_COVERED = "not_covered"
    PERSONAL = "personal"
    URGENT = "urgent"
    SMALLTALK = "smalltalk"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a source's text, in Unicode code points: `text[start:end]`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    def overlaps(self, other: "Span") -> bool:
        """Tell whether the two share a code point."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Source:
    """A source text of a collection, with what a reader should know about it."""

    id: str
    title: str
    text: str
    kind: str = "text"
    author: str | None = None
    publisher: str | None = None
    url: str | None = None
    added: date | None = None
    reviewed_by: str | None = None
    reviewed_on: date | None = None
    caution: str | None = None
    residue: tuple[Span, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Hash of the UTF-8 text that offsets point into, as lower-case hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence with what it leans on: what is embedded, retrieved and quoted.

    `heading` is the section's heading where the source has one; it is embedded with the
    passage and never quoted.
    """

    id: str
    source_id: str
    span: Span
    heading: str = ""


@dataclass(frozen=True)
class Citation:
    """A passage of a source, quoted exactly, by construction.

    Raises:
        ValueError: the span is not inside the text, or touches residue of a web page.

    """

    source: Source
    span: Span

    def __post_init__(self) -> None:
        if self.span.end > len(self.source.text):
            raise ValueError(f"{self.source.id}: {self.span} is past the end of the text")
        if any(self.span.overlaps(residue) for residue in self.source.residue):
            raise ValueError(f"{self.source.id}: {self.span} touches page residue")

    @property
    def quote(self) -> str:
        """The exact text of the passage."""
        return self.source.text[self.span.start : self.span.end]


@dataclass(frozen=True)
class Statement:
    """Something said: the words of a source, quoted, and further passages that say the same.

    There is no way to give a statement a text of its own.
    """

    quoted: Citation
    also: tuple[Citation, ...] = ()
    theme: str = ""
    """Title of what it is about, for the reader; fixed wording of the collection."""

    @property
    def text(self) -> str:
        """The words, verbatim."""
        return self.quoted.quote

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All passages, the quoted one first."""
        return (self.quoted, *self.also)


@dataclass(frozen=True, slots=True)
class Action:
    """A button under a reply: a call, a booking page."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Clinic:
    """Who answers for the service: name and ways to reach a person."""

    name: str | None = None
    phone: str | None = None
    url: str | None = None
    emergency_number: str | None = None
    booking: str | None = None
    crisis_number: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with what came before it: earlier questions only, oldest first."""

    question: str
    history: tuple[str, ...] = ()
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The medical notice, with the version of its wording."""

    text: str
    version: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Sources that differ: what about, and the indices of the statements on each side."""

    about: str
    sides: tuple[tuple[int, ...], ...]


CITING = frozenset({Kind.ANSWER, Kind.PERSONAL})
"""The kinds that may carry statements; every other reply is fixed wording alone."""


@dataclass(frozen=True)
class Reply:
    """What leaves the pipeline. The notice is not a field: see `wording.notice_for`."""

    id: str
    kind: Kind
    locale: str
    lead: str
    statements: tuple[Statement, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    understood_as: str | None = None
    suggestions: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    topic: str = field(default="", compare=False)
    """Which rule or category spoke, for metrics and the bank's tools; never the visitor's words."""

    def __post_init__(self) -> None:
        if self.statements and self.kind not in CITING:
            raise ValueError(f"a reply of kind {self.kind} quotes nothing")
        if self.kind is Kind.ANSWER and not self.statements:
            raise ValueError("an answer needs a statement")
        indices = {i for d in self.disagreements for side in d.sides for i in side}
        if not indices <= set(range(len(self.statements))):
            raise ValueError("a disagreement names a statement that is not there")

    @property
    def sources_disagree(self) -> bool:
        """Whether the statements hold both sides of a known disagreement."""
        return bool(self.disagreements)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The distinct citations in order of first appearance; number = index + 1."""
        return tuple(dict.fromkeys(c for s in self.statements for c in s.citations))
