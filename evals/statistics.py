"""What a number of cases can and cannot show.

Intervals are Wilson's at 95 %; cases that are not independent (the turns of a dialogue) count for
as many as their design effect leaves (Kish). Two runs are compared case by case with McNemar's
exact test on clusters, corrected for many metrics by Holm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

ALPHA = 0.05


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval; `effective` is how many independent cases it is worth."""

    passes: float
    count: int
    low: float
    high: float
    effective: float

    @property
    def value(self) -> float:
        """The share itself."""
        return self.passes / self.count if self.count else 0.0


def rate(outcomes: Sequence[float], clusters: Sequence[str]) -> Rate:
    """Return the share of what passed: outcomes are 0 to 1, one for each case."""
    from statsmodels.stats.proportion import proportion_confint

    count = len(outcomes)
    if not count:
        return Rate(0, 0, 0.0, 1.0, 0)
    passes = float(sum(outcomes))
    effective = count / design_effect(outcomes, clusters)
    low, high = proportion_confint(
        passes / count * effective, effective, alpha=ALPHA, method="wilson"
    )
    return Rate(passes, count, max(0.0, float(low)), min(1.0, float(high)), effective)


def design_effect(outcomes: Sequence[float], clusters: Sequence[str]) -> float:
    """Return how much wider clustered cases make the interval's variance; at least 1."""
    values = np.asarray(outcomes, float)
    mean, count = values.mean(), len(values)
    groups: dict[str, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups[cluster] = groups.get(cluster, 0.0) + (value - mean)
    k = len(groups)
    alone = mean * (1 - mean) * count
    if k < 2 or k == count or alone == 0:
        return 1.0
    return max(1.0, float(k / (k - 1) * sum(g * g for g in groups.values()) / alone))


def at_most(count: int) -> float:
    """Return the 95 % upper bound of the failure rate after `count` cases without a failure.

    About 3 / count (the rule of three).
    """
    return 1.0 if not count else 1.0 - ALPHA ** (1.0 / count)


@dataclass(frozen=True)
class Change:
    """One metric in two runs on the same cases."""

    broken: tuple[str, ...]
    mended: tuple[str, ...]
    clusters_broken: int
    clusters_mended: int
    count: int
    clusters: int
    p: float
    """Exact, two-sided, before correction."""
    p_holm: float = 1.0

    @property
    def difference(self) -> float:
        """Change of the rate; negative is worse."""
        return (len(self.mended) - len(self.broken)) / self.count if self.count else 0.0


def change(
    before: Mapping[str, bool], now: Mapping[str, bool], clusters: Mapping[str, str]
) -> Change:
    """Compare two runs of one metric on the cases that both have."""
    from statsmodels.stats.contingency_tables import mcnemar

    both = sorted(set(before) & set(now))
    broken = tuple(c for c in both if before[c] and not now[c])
    mended = tuple(c for c in both if now[c] and not before[c])
    net: dict[str, int] = {}
    for case in both:
        net[clusters[case]] = net.get(clusters[case], 0) + now[case] - before[case]
    worse, better = sum(n < 0 for n in net.values()), sum(n > 0 for n in net.values())
    p = float(mcnemar([[0, worse], [better, 0]], exact=True).pvalue) if worse + better else 1.0
    return Change(broken, mended, worse, better, len(both), len(net), min(p, 1.0))


def holm(changes: Mapping[str, Change]) -> dict[str, Change]:
    """Correct the p values of all metrics together."""
    from statsmodels.stats.multitest import multipletests

    if not changes:
        return {}
    corrected = multipletests([c.p for c in changes.values()], method="holm")[1]
    return {
        name: replace(c, p_holm=float(p))
        for (name, c), p in zip(changes.items(), corrected, strict=True)
    }


def difference_interval(change: Change) -> tuple[float, float]:
    """Return the 95 % interval of a change, by clusters (Agresti and Min 2005, for pairs)."""
    n = change.clusters + 2
    worse, better = change.clusters_broken + 0.5, change.clusters_mended + 0.5
    mean = (better - worse) / n
    spread = 1.96 * (better + worse - (better - worse) ** 2 / n) ** 0.5 / n
    return mean - spread, mean + spread


def risk_coverage(
    confidence: Sequence[float], wrong: Sequence[bool]
) -> tuple[list[tuple[float, float]], float]:
    """Return [(share answered, share of these wrong), …] by falling confidence, and its area."""
    order = sorted(range(len(confidence)), key=lambda i: (-confidence[i], i))
    errors, curve = 0, []
    for answered, i in enumerate(order, 1):
        errors += wrong[i]
        curve.append((answered / len(order), errors / answered))
    return curve, float(np.mean([risk for _, risk in curve])) if curve else 0.0
