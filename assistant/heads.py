"""What a question asks for, learnt from the reviewed bank: outcome and facts.

Kernel ridge regression (RBF kernel) on the questions' features, projected to their principal
components: one output an outcome, one a fact. Trained at ingest in closed form, some seconds for
some thousand questions; serving is a matrix product. The scores that the calibration sees are
held-out ones, leaving whole groups of like questions out, also in closed form, so that
near-duplicates do not flatter it.

Shapes: n questions, w feature width, d projected dimensions, k outcomes, f facts.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.bank import Knowledge
from assistant.encoder import Vectors
from assistant.errors import FootnoteError
from assistant.values import Kind

Floats = NDArray[np.float32]

ANSWERED, SILENT, URGENT = 0, 1, 3
KINDS = (Kind.ANSWER, Kind.NOT_COVERED, Kind.PERSONAL, Kind.URGENT, Kind.SMALLTALK, Kind.REFUSED)
DIMENSIONS = 384
GAMMA = 0.7
"""Width of the RBF kernel on unit vectors."""
RIDGE = 0.1
FEWEST = 500
"""Questions that a bank must hold to decide: trained on fewer, heads answer almost anything, and
similarity is the safer guide (docs/new-collection.md)."""
NEIGHBOURS = 20
GROUPS = 100
"""Clusters of like questions; each is left out in turn for the held-out scores."""


@dataclass(frozen=True)
class Heads:
    """The trained decision. With too small a bank all arrays are empty and `known` is False."""

    mean: Floats
    """(w,) mean of the bank's features."""
    projection: Floats
    """(w, d) their principal components."""
    questions: Floats
    """(n, d) the bank, projected, rows of length 1."""
    weights: Floats
    """(n, k) dual weights of the outcomes, from the whole bank."""
    fact_weights: Floats
    """(n, f) dual weights of the facts, from the questions that quote some; 0 elsewhere."""
    scale: Floats
    """(k, k + 1) multinomial logistic calibration of the outcome scores; last column: bias."""
    covered: Floats
    """(3,) logistic weights of the log odds of answer against not covered, of the best fact's
    score, and bias: a fact that is clearly asked for makes the question a covered one."""

    @property
    def known(self) -> bool:
        """Whether there is anything to decide with."""
        return len(self.questions) > 0

    def score(self, features: Vectors) -> list["Scored"]:
        """Return what each of (b, w) features of questions is likely to ask for."""
        projected = project(features, self.mean, self.projection)
        cosine = np.asarray(projected @ self.questions.T, dtype=np.float32)
        near = _kernel_of(cosine)
        facts = near @ self.fact_weights
        outcomes = _outcomes(near @ self.weights, self.scale)
        if facts.shape[1]:
            answered = _sigmoid(_covered_features(outcomes, facts) @ self.covered)
            both = outcomes[:, ANSWERED] + outcomes[:, SILENT]
            outcomes[:, ANSWERED], outcomes[:, SILENT] = both * answered, both * (1 - answered)
        urgent = _log_odds(outcomes[:, URGENT])
        return [
            Scored(outcomes[row], facts[row], _nearest(cosine[row]), float(urgent[row]))
            for row in range(len(features))
        ]

    def save(self, path: Path) -> None:
        """Write to an npz file."""
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Heads":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{f.name: arrays[f.name] for f in fields(cls)})


@dataclass(frozen=True)
class Scored:
    """What the heads make of one question."""

    outcomes: Floats
    """(k,) calibrated probabilities."""
    facts: Floats
    """(f,) scores, about 1 for a fact that is asked for and 0 for others."""
    neighbours: tuple[tuple[int, float], ...]
    """The nearest questions of the bank, nearest first: row and cosine."""
    urgent: float
    """Log odds of an emergency, for the alarm."""


class HeldOut(NamedTuple):
    """What the bank's own questions score without their group of like questions."""

    urgent: Floats
    """(n,) log odds of an emergency."""
    groups: NDArray[np.int64]
    """(n,) which were left out together."""


def train(knowledge: Knowledge, features: Vectors, fewest: int = FEWEST) -> tuple[Heads, HeldOut]:
    """Learn from the bank; `features` are its questions' features, shape (n, w)."""
    n, k = len(knowledge.questions), len(KINDS)
    if n < max(fewest, 1):
        empty = np.zeros((0, 0), np.float32)
        scale = np.zeros((k, k + 1), np.float32)
        heads = Heads(empty.ravel(), empty, empty, empty, empty, scale, np.zeros(3, np.float32))
        return heads, HeldOut(empty.ravel(), np.zeros(0, np.int64))
    mean, projection = principal(features)
    questions = project(features, mean, projection)
    targets = bank_targets(knowledge)
    near = kernel(questions, questions)
    groups = cluster(questions, GROUPS)
    inverse, weights = solve(near, targets[:, :k])
    held_out = leave_groups_out(inverse, weights, targets[:, :k], groups)
    labels = targets[:, :k].argmax(axis=1)
    scale = _calibrate(held_out, labels)
    fact_weights, fact_scores = _learn_facts(near, targets[:, k:], groups)
    outcomes = _outcomes(held_out, scale)
    covered = _learn_covered(outcomes, fact_scores, labels)
    trained = (weights, fact_weights, scale, covered)
    heads = Heads(mean, projection, questions, *(a.astype(np.float32) for a in trained))
    return heads, HeldOut(_log_odds(outcomes[:, URGENT]), groups)


def _learn_facts(near: Floats, targets: Floats, groups: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return dual weights of the facts, and everybody's held-out scores."""
    weights = np.zeros_like(targets)
    quoting = np.flatnonzero(targets.any(axis=1))
    if not len(quoting):
        return weights, weights
    inverse, weights[quoting] = solve(near[np.ix_(quoting, quoting)], targets[quoting])
    scores = near @ weights  # of questions that quote nothing: they were not learnt from
    scores[quoting] = leave_groups_out(inverse, weights[quoting], targets[quoting], groups[quoting])
    return weights, scores


def _learn_covered(outcomes: Floats, facts: Floats, labels: NDArray[np.int64]) -> Floats:
    from sklearn.linear_model import LogisticRegression

    rows = np.isin(labels, (ANSWERED, SILENT))
    if len(np.unique(labels[rows])) < 2 or not facts.shape[1]:
        return np.array([1, 0, 0], np.float32)
    given = _covered_features(outcomes, facts)[rows, :2]
    model = LogisticRegression().fit(given, labels[rows] == ANSWERED)
    return np.array([*model.coef_[0], model.intercept_[0]], np.float32)


def _covered_features(outcomes: Floats, facts: NDArray[Any]) -> Floats:
    odds = np.log((outcomes[:, ANSWERED] + 1e-9) / (outcomes[:, SILENT] + 1e-9))
    return np.column_stack([odds, facts.max(axis=1), np.ones(len(odds))]).astype(np.float32)


def _outcomes(scores: NDArray[Any], scale: Floats) -> Floats:
    k = len(KINDS)
    return _softmax(np.asarray(scores @ scale[:, :k].T + scale[:, k], np.float32))


def _nearest(cosine: Floats) -> tuple[tuple[int, float], ...]:
    count = min(NEIGHBOURS, len(cosine))
    chosen = np.argpartition(-cosine, count - 1)[:count]
    chosen = chosen[(-cosine[chosen]).argsort()]
    return tuple(zip(chosen.tolist(), cosine[chosen].tolist(), strict=True))


def _log_odds(chance: Floats) -> Floats:
    odds: Floats = np.log((chance + 1e-6) / (1 - chance + 1e-6))
    return odds


def _sigmoid(values: Floats) -> Floats:
    result: Floats = np.asarray(1 / (1 + np.exp(-values)), dtype=np.float32)
    return result


def principal(features: Vectors) -> tuple[Floats, Floats]:
    """Return mean (w,) and principal components (w, d) of features."""
    mean = features.mean(axis=0)
    centred = (features - mean).astype(np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    order = np.argsort(-values)[: min(DIMENSIONS, len(features))]
    # The sign of an axis is arbitrary; fix it, so that two runs agree.
    chosen = axes[:, order]
    chosen *= np.sign(chosen[np.abs(chosen).argmax(axis=0), range(chosen.shape[1])])
    return mean, chosen.astype(np.float32)


def project(features: Vectors, mean: Floats, projection: Floats) -> Floats:
    """Return unit rows (n, d)."""
    rows = (features - mean) @ projection
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def solve(near: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return the regularised kernel's inverse (lower triangle) and the ridge's dual weights.

    By Cholesky, in place and in single precision: with more than ten thousand questions, memory
    and time are what matters, and the weights differ from double precision's by less than 1e-3.

    Raises:
        FootnoteError: the kernel holds something that is no number.

    """
    from scipy.linalg import cho_solve, lapack

    work = np.array(near, np.float32, order="F")
    work[np.diag_indices(len(work))] += RIDGE
    factor, _ = lapack.spotrf(work, lower=1, clean=0, overwrite_a=1)
    weights = cho_solve((factor, True), targets, check_finite=False)
    if not np.isfinite(weights).all():
        raise FootnoteError("The bank's features are not finite numbers. Use another encoder.")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)  # cannot fail after that
    return inverse, weights


def bank_targets(knowledge: Knowledge) -> Floats:
    """Return (n, k + f): 1 for the outcome and the facts of each question, else 0."""
    position = {fact.id: len(KINDS) + i for i, fact in enumerate(knowledge.facts)}
    targets = np.zeros((len(knowledge.questions), len(KINDS) + len(position)), np.float32)
    for row, question in enumerate(knowledge.questions):
        targets[row, KINDS.index(question.kind)] = 1
        targets[row, [position[fact] for fact in question.facts]] = 1
    return targets


def kernel(a: Vectors, b: Vectors) -> Floats:
    """RBF kernel of unit vectors, (len(a), len(b))."""
    return _kernel_of(a @ b.T)


def _kernel_of(cosine: Floats) -> Floats:
    near: Floats = np.exp(2 * GAMMA * (cosine - 1), dtype=np.float32)
    return near


def leave_groups_out(
    inverse: Floats,
    weights: Floats,
    targets: Floats,
    groups: NDArray[np.int64],
) -> Floats:
    """Return the scores that each row would get from a model trained without its group.

    Closed form (block version of the leave-one-out identity of ridge regression); `inverse` is
    read below its diagonal only, as `solve` returns it.
    """
    held_out = np.empty_like(targets)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        lower = np.tril(inverse[np.ix_(rows, rows)])
        block = lower + np.tril(lower, -1).T
        residual = np.linalg.solve(block, weights[rows])
        held_out[rows] = targets[rows] - residual
    return held_out


def cluster(vectors: Vectors, count: int) -> NDArray[np.int64]:
    """Group like questions; deterministic."""
    from sklearn.cluster import MiniBatchKMeans

    count = min(count, len(vectors))
    model = MiniBatchKMeans(count, n_init=1, random_state=0, max_iter=30).fit(vectors)
    return np.asarray(model.labels_, dtype=np.int64)


def _calibrate(scores: Floats, labels: NDArray[np.int64]) -> Floats:
    from sklearn.linear_model import LogisticRegression

    k = len(KINDS)
    scale = np.zeros((k, k + 1), np.float32)
    scale[:, k] = -20  # an outcome that the bank does not have
    present = np.unique(labels)
    if len(present) == 1:
        scale[present[0], k] = 0
        return scale
    model = LogisticRegression(max_iter=1000).fit(scores, labels)
    coefficients, bias = model.coef_, model.intercept_
    if len(present) == 2:
        coefficients = np.vstack([-coefficients[0], coefficients[0]]) / 2
        bias = np.array([-bias[0], bias[0]]) / 2
    scale[present, :k] = coefficients
    scale[present, k] = bias
    return scale


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result
