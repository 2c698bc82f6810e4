"""Does a claim follow from its passages? Judges are interchangeable."""

from collections.abc import Sequence
from typing import Protocol


class Judge(Protocol):
    """Tells whether passages support a claim."""

    name: str
    reads_paraphrase: bool

    def supports(self, claim: str, passages: Sequence[str]) -> bool:
        """Return whether the passages say what the claim says."""
        ...


class Exact:
    """A claim is supported when it stands in a passage, word for word."""

    name = "exact"
    reads_paraphrase = False

    def supports(self, claim: str, passages: Sequence[str]) -> bool:
        said = claim.strip()
        return bool(said) and any(said in passage for passage in passages)
