"""The cases of a run → cards: what was asked, was right, came, and what the sources say of it.

Comes in: a run and its metrics in groups. Goes out: cards under the gravest metric that a case
fails, each case once. What a reply cites is asked of `checks`, so that the page shows as missing
what the metric counts as missing; how a card looks is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.checks import cited_sentences, normal
from evals.report.excerpts import Excerpt, Mark, excerpts, find
from evals.report.exports import failing
from evals.targets import Text

Run = Mapping[str, Any]
Groups = Sequence[tuple[str, str, Sequence[Mapping[str, Any]]]]

VISIBLE, UNFOLDED = 12, 1
"""How many failing cases of a metric are listed, and how many of these stand open at once."""
SEVERE = frozenset({"hard", "safety"})
"""Groups of which every listed case stands open."""


@dataclass(frozen=True)
class Needed:
    """A group of alternative sentences that a right answer cites one of."""

    sentence: str
    others: int
    cited: bool


@dataclass(frozen=True)
class Card:
    """A case as it is shown: what was asked, what was right, what came, what the sources say."""

    id: str
    data: Mapping[str, Any]
    needed: tuple[Needed, ...]
    passages: tuple[tuple[str, str, tuple[Excerpt, ...]], ...]
    """Source, its title and the excerpts of it."""
    notes: tuple[str, ...]
    """Footnotes that cannot be shown in their source."""
    open: bool = False


@dataclass(frozen=True)
class Failing:
    """The failing cases of one metric; a case is shown once, under the gravest that it fails."""

    metric: Mapping[str, Any]
    shown: tuple[Card, ...]
    more: tuple[Card, ...]
    again: tuple[tuple[str, str], ...]
    unrecorded: tuple[tuple[str, str], ...]


def worst(
    run: Run, grouped: Sequence[tuple[str, str, Sequence[Mapping[str, Any]]]]
) -> list[Failing]:
    """Collect the failing cases by metric, the gravest metric first."""
    seen: set[str] = set()
    found = []
    for group, _, metrics in grouped:
        for metric in metrics:
            rows = failing(run, metric["id"])
            if rows:
                unfolded = VISIBLE if group in SEVERE else UNFOLDED
                found.append(_failing(run, metric, rows, seen, unfolded))
    return found


def _failing(
    run: Run,
    metric: Mapping[str, Any],
    rows: Sequence[tuple[str, float | str, str]],
    seen: set[str],
    unfolded: int,
) -> Failing:
    recorded = [(case, why) for case, _, why in rows if case in run["cases"]]
    again = tuple((case, why) for case, why in recorded if case in seen)
    broken = set((metric["change"] or {}).get("broken", ()))
    fresh = [case for case, _ in recorded if case not in seen]
    fresh.sort(key=lambda case: case not in broken)  # stable: what is new first, then the worst
    seen.update(fresh)
    cards = [_card(run, case, opened=n < unfolded) for n, case in enumerate(fresh)]
    unrecorded = tuple((case, why) for case, _, why in rows if case not in run["cases"])
    return Failing(metric, tuple(cards[:VISIBLE]), tuple(cards[VISIBLE:]), again, unrecorded)


def others(run: Run, shown: set[str]) -> dict[str, Card]:
    """Return the cards of newly broken and mended cases that no metric shows."""
    moved = {
        case
        for m in run["metrics"]
        if m["change"]
        for case in (*m["change"]["broken"], *m["change"]["mended"])
    }
    return {case: _card(run, case) for case in sorted(moved - shown) if case in run["cases"]}


def _card(run: Run, case: str, *, opened: bool = False) -> Card:
    data = run["cases"][case]
    texts = {name: source["text"] for name, source in run["sources"].items()}
    needed = _needed(data, texts) if _demands(data) else ()
    marks: dict[str, list[Mark]] = {}
    notes = []
    for c in (data["reply"] or {}).get("citations", ()):
        if note := _unmarkable(c, texts):
            notes.append(note)
        if 0 <= c["start"] < c["end"] <= len(texts.get(c["source"], "")):
            marks.setdefault(c["source"], []).append(Mark(c["start"], c["end"], str(c["number"])))
    for group, one in zip(data["needed"], needed, strict=False):
        if not one.cited and (found := find(group, texts)):
            marks.setdefault(found[0], []).append(Mark(found[1], found[2], "", missing=True))
    passages = tuple(
        (name, run["sources"][name]["title"], tuple(excerpts(texts[name], marks[name])))
        for name in run["sources"]
        if name in marks
    )
    return Card(case, data, needed, passages, tuple(notes), opened)


def _demands(data: Mapping[str, Any]) -> bool:
    """Tell whether sentences are needed; another outcome that is right as well needs none."""
    return data["got"] == data["kind"] or data["got"] not in data["also_ok"]


def _needed(data: Mapping[str, Any], texts: Mapping[str, str]) -> tuple[Needed, ...]:
    """Tell which of what a right answer cites is cited, by the metric's own reading."""
    served = {name: Text(name, text, "") for name, text in texts.items()}
    cited = cited_sentences(data["reply"], served) if data["reply"] else set()
    found = []
    for group in data["needed"]:
        hits = [sentence for sentence in group if normal(sentence) in cited]
        found.append(Needed((hits or group)[0], len(group) - 1, bool(hits)))
    return tuple(found)


def _unmarkable(citation: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """Say why a footnote does not hold; nothing if it does."""
    where = f"Footnote {citation['number']}"
    text = texts.get(citation["source"])
    if text is None:
        return f"{where} names {citation['source']!r}, which is no source of this run."
    if text[citation["start"] : citation["end"]] != citation["quote"]:
        return (
            f"{where} quotes words that do not stand at {citation['start']}–{citation['end']} "
            f"of {citation['source']}."
        )
    return ""
