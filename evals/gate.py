"""Results → a verdict. Thresholds are read from `thresholds.toml`; nothing else decides.

Three outcomes a metric: `pass`, `fail`, and `inconclusive` where the cases are too few to tell,
which is no pass. A hard metric passes without a single failure, and says what that proves. A rate
passes when the lower end of its 95 % interval reaches the threshold; it fails when the upper end
does not. Errors block.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import FootnoteError
from evals.metrics import METRICS, TITLES, Metric, Result, by_metric
from evals.statistics import ALPHA, Change, Rate, at_most, change, difference_interval, holm, rate

THRESHOLDS = Path(__file__).with_name("thresholds.toml")
Outcome = Literal["pass", "fail", "inconclusive", "error"]


class Least(BaseModel):
    """The threshold of one metric, with its reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: float = Field(gt=0, lt=1)
    reason: str = Field(min_length=10)


class Thresholds(BaseModel):
    """`thresholds.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: float = Field(gt=0, lt=0.2)
    hard: dict[str, str]
    least: dict[str, Least]


@dataclass(frozen=True)
class Judged:
    """One metric of a run with its verdict."""

    id: str
    title: str
    hard: bool
    rate: Rate
    errors: int
    threshold: float | None
    reason: str
    outcome: Outcome
    says: str
    """The verdict in a sentence."""
    change: Change | None = None


def read_thresholds(path: Path = THRESHOLDS, metrics: Sequence[Metric] = METRICS) -> Thresholds:
    """Read the thresholds; every metric must have one, and nothing else.

    Raises:
        FootnoteError: names the field at fault.

    """
    try:
        found = Thresholds.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise FootnoteError(f"{path}: {error}. Mend it.") from None
    wanted = {m.id for m in metrics if not m.hard} | {"search"}
    hard = {m.id for m in metrics if m.hard} | {"faces"}
    if set(found.least) != wanted or set(found.hard) != hard:
        odd = sorted((set(found.least) ^ wanted) | (set(found.hard) ^ hard))
        raise FootnoteError(
            f"{path}: metrics and thresholds differ in {', '.join(odd)}. Add or remove."
        )
    return found


def judge(
    results: Sequence[Result],
    thresholds: Thresholds,
    baseline: Sequence[Result] | None = None,
) -> list[Judged]:
    """Judge every metric that has results; with a baseline, also against it."""
    groups = by_metric(results)
    changes = _changes(groups, by_metric(baseline)) if baseline is not None else {}
    judged = []
    for metric, rows in groups.items():
        found = rate([r.value for r in rows], [r.cluster for r in rows])
        errors = sum(r.error for r in rows)
        hard = metric in thresholds.hard
        least = None if hard else thresholds.least[metric].least
        reason = thresholds.hard[metric] if hard else thresholds.least[metric].reason
        outcome, says = _verdict(found, errors, least)
        moved = changes.get(metric)
        if moved is not None:
            outcome, says = _against_baseline(outcome, says, moved, thresholds.margin)
        judged.append(
            Judged(metric, TITLES[metric], hard, found, errors, least, reason, outcome, says, moved)
        )
    return judged


def passed(judged: Sequence[Judged]) -> bool:
    """Tell whether a release may go out: everything passes, and there is something."""
    return bool(judged) and all(j.outcome == "pass" for j in judged)


def _verdict(found: Rate, errors: int, least: float | None) -> tuple[Outcome, str]:
    failed = found.count - found.passes
    if errors:
        return "error", f"{errors} of {found.count} could not be measured"
    if least is None:
        if failed:
            return "fail", f"{failed:.0f} of {found.count} fail; none may"
        bound = at_most(found.count)
        return "pass", (
            f"no failure in {found.count}: with 95 % confidence fewer than {bound:.2%} of replies "
            "to questions like these fail, and not less than that is shown"
        )
    span = f"{found.value:.3f}, 95 % interval {found.low:.3f} to {found.high:.3f}"
    if found.low >= least:
        return "pass", f"{span}, above {least:.2f}"
    if found.high < least:
        return "fail", f"{span}, below {least:.2f}"
    return "inconclusive", f"{span} holds {least:.2f}: these cases cannot tell, which is no pass"


def _against_baseline(
    outcome: Outcome, says: str, moved: Change, margin: float
) -> tuple[Outcome, str]:
    counts = f"{len(moved.broken)} newly broken, {len(moved.mended)} newly mended"
    if moved.difference >= 0:
        return outcome, f"{says}; {counts}"
    if moved.p_holm < ALPHA:
        return "fail", f"{says}; worse than the baseline ({counts}, p = {moved.p_holm:.3g} by Holm)"
    low = min(difference_interval(moved)[0], moved.difference)
    if low < -margin and outcome == "pass":
        return "inconclusive", (
            f"{says}; {counts}: too few cases to tell whether it is worse than the baseline by "
            f"more than {margin:.0%}, which is no pass"
        )
    return outcome, f"{says}; {counts}, within {margin:.0%}"


def _changes(
    now: Mapping[str, list[Result]], before: Mapping[str, list[Result]]
) -> dict[str, Change]:
    found = {}
    for metric in now:
        if metric in before:
            old = {r.case: r.verdict == "pass" for r in before[metric]}
            new = {r.case: r.verdict == "pass" for r in now[metric]}
            clusters = {r.case: r.cluster for r in now[metric]}
            found[metric] = change(old, new, clusters)
    return holm(found)
