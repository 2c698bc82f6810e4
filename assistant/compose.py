"""Chosen facts → statements in reading order, with both sides of every known disagreement.

Everything that a reply quotes passes here: the other side of a disagreement is added, passages
that touch are quoted as one, and what belongs together stands together. Which facts were asked
for is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.bank import Fact, Knowledge, KnownDisagreement
from assistant.values import Citation, Disagreement, Span, Statement


@dataclass
class _Draft:
    """A statement in the making: which facts it speaks for."""

    facts: list[str]
    quoted: Citation
    also: list[Citation]
    theme: str


BRINGS = 0.15
"""Score from which the other side of a disagreement counts as asked about."""


def compose(
    chosen: Sequence[Fact], knowledge: Knowledge, scores: Mapping[str, float]
) -> tuple[tuple[Statement, ...], tuple[Disagreement, ...]]:
    """Return the statements for the chosen facts, best first, and the disagreements they hold.

    `scores` tell how much each fact was asked about.
    """
    by_id: Mapping[str, Fact] = {fact.id: fact for fact in [*knowledge.facts, *chosen]}
    titles = {theme.id: theme.title for theme in knowledge.themes}
    wanted = list(dict.fromkeys(fact.id for fact in chosen))
    _complete_list(wanted, knowledge)
    active = _complete_sides(wanted, knowledge, scores)
    drafts: list[_Draft] = []
    for fact_id in _in_reading_order(wanted, by_id, active):
        fact = by_id[fact_id]
        _add(drafts, _Draft([fact_id], fact.citations[0], list(fact.citations[1:]), fact.theme))
    _drop_repeated(drafts)
    statements = tuple(Statement(d.quoted, tuple(d.also), titles.get(d.theme, "")) for d in drafts)
    place = {fact_id: n for n, draft in enumerate(drafts) for fact_id in draft.facts}
    return statements, tuple(_as_shown(d, place) for d in active)


def _complete_list(wanted: list[str], knowledge: Knowledge) -> None:
    """Add the rest of the overview, in place, if the facts span enough of its themes."""
    theme = {fact.id: fact.theme for fact in knowledge.facts}
    listed = knowledge.overview.facts
    themes = {theme[fact] for fact in wanted if fact in listed}
    if len(themes) >= knowledge.overview.themes:
        wanted += [fact for fact in listed if fact not in wanted]


def _complete_sides(
    wanted: list[str], knowledge: Knowledge, scores: Mapping[str, float]
) -> list[KnownDisagreement]:
    """Add missing sides, in place, until none is missing: what one brings may need another."""
    while True:
        before = len(wanted)
        active = [d for d in knowledge.disagreements if _complete(d, wanted, scores)]
        if len(wanted) == before:
            return active


def _complete(
    disagreement: KnownDisagreement, wanted: list[str], scores: Mapping[str, float]
) -> bool:
    """Add the missing side, in place, if one is there and it matters; tell if both now are."""
    present = [any(fact in wanted for fact in side) for side in disagreement.sides]
    if not any(present):
        return False
    if all(present):
        return True
    missing = disagreement.sides[present.index(False)]
    asked = max(scores.get(fact, 0.0) for fact in missing)
    if asked < BRINGS and not any(fact in wanted for fact in disagreement.always):
        return False
    wanted.append(
        max(missing, key=lambda fact: (scores.get(fact, 0.0) >= BRINGS, -missing.index(fact)))
    )
    return True


def _in_reading_order(
    wanted: Sequence[str], by_id: Mapping[str, Fact], active: Sequence[KnownDisagreement]
) -> list[str]:
    """Keep the best first; pull the rest of its theme and its other side up behind it."""
    ordered: list[str] = []
    for fact_id in wanted:
        if fact_id in ordered:
            continue
        ordered.append(fact_id)
        sides = {
            f
            for d in active
            for side in d.sides
            for f in side
            if any(fact_id in s for s in d.sides)
        }
        theme = by_id[fact_id].theme
        rest = [f for f in wanted if f not in ordered]
        ordered += [f for f in rest if f in sides]
        ordered += [f for f in rest if f not in sides and theme and by_id[f].theme == theme]
    return ordered


def _add(drafts: list[_Draft], new: _Draft) -> None:
    """Append, or widen the statement of the same source that it touches."""
    for draft in drafts:
        joined = _joined(draft.quoted, new.quoted)
        if joined is not None:
            draft.quoted = joined
            draft.facts += new.facts
            draft.also += new.also
            return
    drafts.append(new)


def _joined(a: Citation, b: Citation) -> Citation | None:
    """Return one citation over both if nothing but spaces of one line lies between them."""
    if a.source.id != b.source.id:
        return None
    first, second = sorted((a.span, b.span))
    between = a.source.text[first.end : second.start] if first.end < second.start else ""
    if between.strip() or "\n" in between:
        return None
    return Citation(a.source, Span(first.start, max(first.end, second.end)))


def _drop_repeated(drafts: Sequence[_Draft]) -> None:
    """Take out further passages that some statement already quotes."""
    for draft in drafts:
        seen: list[Citation] = [other.quoted for other in drafts]
        kept = []
        for citation in draft.also:
            inside = any(
                citation.source.id == other.source.id and citation.span.overlaps(other.span)
                for other in seen
            )
            if not inside:
                kept.append(citation)
                seen.append(citation)
        draft.also = kept


def _as_shown(disagreement: KnownDisagreement, place: Mapping[str, int]) -> Disagreement:
    sides = tuple(
        tuple(sorted({place[fact] for fact in side if fact in place}))
        for side in disagreement.sides
    )
    return Disagreement(disagreement.about, sides)
