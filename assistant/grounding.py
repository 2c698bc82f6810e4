"""The last check before a reply leaves: every quotation is exact and quotable.

Citations are exact by construction; this proves it again against the sources as they are
served, on every reply, so that a mistake in the code cannot reach a patient.
"""

from collections.abc import Mapping

from assistant.values import Reply, Source


class GroundingError(Exception):
    """A reply does not match its sources: a bug, never shown to a visitor."""


def verify(reply: Reply, sources: Mapping[str, Source]) -> Reply:
    """Return the reply if each of its quotations stands where it says in the served text.

    Raises:
        GroundingError: one does not.

    """
    for statement in reply.statements:
        for citation in statement.citations:
            source = sources.get(citation.source.id)
            start, end = citation.span.start, citation.span.end
            if source is None or source.sha256 != citation.source.sha256:
                raise GroundingError(f"{citation.source.id} is not the text that is served")
            if source.text[start:end] != citation.quote:
                raise GroundingError(f"{citation.source.id}[{start}:{end}] is not the quotation")
            if any(citation.span.overlaps(residue) for residue in source.residue):
                raise GroundingError(f"{citation.source.id}[{start}:{end}] quotes page residue")
        if statement.text != statement.quoted.quote:
            raise GroundingError("a statement says more than it quotes")
    return reply
