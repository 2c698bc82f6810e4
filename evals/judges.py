"""Does a claim follow from its passages? Judges are interchangeable."""

from collections.abc import Sequence
from typing import Protocol

from assistant.sentences import sentence_spans

MARKS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})


class Judge(Protocol):
    """Tells whether passages support a claim."""

    name: str
    reads_paraphrase: bool

    def supports(self, claim: str, passages: Sequence[str]) -> bool:
        """Return whether the passages say what the claim says."""
        ...


class Exact:
    """A claim is supported when it is made of whole sentences of its passages, word for word."""

    name = "exact"
    reads_paraphrase = False

    def supports(self, claim: str, passages: Sequence[str]) -> bool:
        """Compare sentence by sentence."""
        known = {sentence for passage in passages for sentence in sentences(passage)}
        said = sentences(claim)
        return bool(said) and known.issuperset(said)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text as they are read."""
    read = as_read(text)
    return [read[span.start : span.end] for span, _ in sentence_spans(read)] if read else []


def as_read(text: str) -> str:
    """Return a text without what a reader does not see: white space, form of quotation marks."""
    return " ".join(text.translate(MARKS).split())
