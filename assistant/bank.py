"""A collection's reviewed knowledge: themes, facts, disagreements and the question bank.

Files that a clinician reads and extends, beside the sources: `facts.toml` (what the texts say,
point by point, with the passages), `disagreements.toml` (where they differ) and `bank/*.toml`
(questions in patients' words with the right reply). All are optional; a collection without
them answers by similarity alone, more cautiously. Nothing here knows of vectors.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from assistant.corpus import Collection, read_toml, validate
from assistant.errors import FootnoteError
from assistant.sentences import CONTRAST, sentence_spans
from assistant.values import CITING, Citation, Kind, Source, Span


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Theme(_Strict):
    """What several facts are about, for headings, suggestions and follow-ups."""

    id: str
    title: str
    ask: str
    """A question that the sources answer, offered to visitors."""
    noun: str
    """What a pronoun stands for when this was talked about: "the bruising"."""
    terms: list[str] = []
    """Words by which people name it."""


class _Quote(_Strict):
    source: str
    text: str


class _Fact(_Strict):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    theme: str
    quotes: list[_Quote] = Field(min_length=1)


class Overview(_Strict):
    """The facts of a complete list, and from how many of its themes on it is shown."""

    themes: int = Field(default=4, ge=2)
    facts: list[str] = []


class _FactsFile(_Strict):
    overview: Overview = Overview()
    theme: list[Theme] = []
    fact: list[_Fact] = []


class _Disagreement(_Strict):
    id: str
    about: str
    sides: list[list[str]] = Field(min_length=2, max_length=2)
    always: list[str] = []


class _DisagreementsFile(_Strict):
    disagreement: list[_Disagreement] = []


class _Entry(_Strict):
    kind: Kind
    facts: list[str] = []
    topic: str = ""
    facet: str = ""
    questions: list[str] = Field(min_length=1)


class _BankFile(_Strict):
    author: str
    entry: list[_Entry]


@dataclass(frozen=True)
class Fact:
    """One point that the sources make: the passages that state it, the first to be quoted."""

    id: str
    theme: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class KnownDisagreement:
    """Two sides on which the sources differ; the first fact of a side speaks for it."""

    id: str
    about: str
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    always: tuple[str, ...] = ()
    """Facts that reassure and that the other side limits: they bring it whatever was asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """A reviewed question with its right reply; `topic` says what kind of talk, facet or misuse."""

    text: str
    kind: Kind
    facts: tuple[str, ...]
    topic: str
    author: str


@dataclass(frozen=True)
class Knowledge:
    """Everything that was reviewed for a collection."""

    themes: tuple[Theme, ...] = ()
    facts: tuple[Fact, ...] = ()
    disagreements: tuple[KnownDisagreement, ...] = ()
    questions: tuple[Question, ...] = ()
    overview: Overview = field(default_factory=Overview)


def read_knowledge(collection: Collection) -> Knowledge:
    """Read and check facts, disagreements and bank of a collection.

    Raises:
        FootnoteError: naming the file, the entry and the remedy.

    """
    folder = collection.folder
    themes, facts, overview = _read_facts(folder / "facts.toml", collection)
    ids = {fact.id for fact in facts}
    disagreements = _read_disagreements(folder / "disagreements.toml", ids)
    questions: list[Question] = []
    for path in sorted((folder / "bank").glob("*.toml")):
        questions.extend(_read_questions(path, ids))
    _refuse_contradictions(questions, folder)
    return Knowledge(themes, facts, disagreements, tuple(questions), overview)


def normal(text: str) -> str:
    """Return a question as it is compared for sameness: lower case, words only."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _read_facts(
    path: Path, collection: Collection
) -> tuple[tuple[Theme, ...], tuple[Fact, ...], Overview]:
    if not path.exists():
        return (), (), Overview()
    file = validate(_FactsFile, read_toml(path), path)
    themes = {theme.id for theme in file.theme}
    sources = {source.id: source for source in collection.sources}
    contrasts = {
        source.id: _limited_ends(source, collection.language) for source in collection.sources
    }
    facts: dict[str, Fact] = {}
    for entry in file.fact:
        if entry.id in facts:
            raise FootnoteError(f"{path}: two facts have the id {entry.id!r}. Rename one.")
        if entry.theme not in themes:
            raise FootnoteError(f"{path}: fact {entry.id}: no theme {entry.theme!r}. Add it.")
        citations = []
        for quote in entry.quotes:
            source = sources.get(quote.source)
            if source is None:
                raise FootnoteError(f"{path}: fact {entry.id}: no source {quote.source!r}.")
            span = _locate(quote.text, source, f"{path}: fact {entry.id}")
            if span.end in contrasts[source.id]:
                raise FootnoteError(
                    f"{path}: fact {entry.id}: the next sentence of {source.id} limits this one "
                    f"({source.text[span.end : span.end + 40].strip()!r}). Quote both."
                )
            citations.append(Citation(source, span))
        facts[entry.id] = Fact(entry.id, entry.theme, tuple(citations))
    _refuse_unknown(file.overview.facts, set(facts), f"{path}: overview")
    return tuple(file.theme), tuple(facts.values()), file.overview


def _locate(quote: str, source: Source, where: str) -> Span:
    """Find a reviewed quote in its source, once; spaces of any kind count alike."""
    pattern = r"\s+".join(re.escape(word) for word in quote.split())
    found = [Span(*match.span()) for match in re.finditer(pattern, source.text)]
    if len(found) != 1:
        how = "is no longer in" if not found else f"stands {len(found)} times in"
        raise FootnoteError(
            f"{where}: its evidence {how} {source.id}: {quote[:70]!r}. Copy it anew from the source."
        )
    return found[0]


def _limited_ends(source: Source, language: str) -> set[int]:
    """Return where sentences end that the next sentence of the same line limits."""
    spans = sentence_spans(source.text, language)
    return {
        span.end
        for (span, line), (following, next_line) in pairwise(spans)
        if line == next_line and CONTRAST.match(source.text[following.start : following.end])
    }


def _read_disagreements(path: Path, ids: set[str]) -> tuple[KnownDisagreement, ...]:
    if not path.exists():
        return ()
    file = validate(_DisagreementsFile, read_toml(path), path)
    for entry in file.disagreement:
        named = [*entry.always, *(fact for side in entry.sides for fact in side)]
        _refuse_unknown(named, ids, f"{path}: {entry.id}")
    return tuple(
        KnownDisagreement(d.id, d.about, (tuple(d.sides[0]), tuple(d.sides[1])), tuple(d.always))
        for d in file.disagreement
    )


def _read_questions(path: Path, ids: set[str]) -> Iterable[Question]:
    file = validate(_BankFile, read_toml(path), path)
    for number, entry in enumerate(file.entry, 1):
        where = f"{path}: entry {number} ({entry.questions[0][:50]!r})"
        _refuse_unknown(entry.facts, ids, where)
        if entry.kind is Kind.ANSWER and not entry.facts:
            raise FootnoteError(f"{where}: an answer needs facts. Name them.")
        if entry.facts and entry.kind not in CITING:
            raise FootnoteError(f"{where}: {entry.kind} cites nothing. Take its facts out.")
        for text in entry.questions:
            if not text.strip():
                raise FootnoteError(f"{where}: an empty question. Take it out.")
            yield Question(
                text, entry.kind, tuple(entry.facts), entry.topic or entry.facet, file.author
            )


def _refuse_unknown(names: Iterable[str], ids: set[str], where: str) -> None:
    for name in names:
        if name not in ids:
            raise FootnoteError(f"{where}: there is no fact {name!r}. Name one of facts.toml.")


def _refuse_contradictions(questions: Iterable[Question], folder: Path) -> None:
    seen: dict[str, Question] = {}
    for question in questions:
        first = seen.setdefault(normal(question.text), question)
        if first.kind is not question.kind:
            raise FootnoteError(
                f"{folder}/bank: {question.text!r} stands as {first.kind} and as {question.kind}. "
                "Keep one."
            )
