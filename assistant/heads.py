"""What a question asks for, learnt from the reviewed bank: outcome and facts.

Kernel ridge regression on the questions' embeddings (RBF kernel): one output an outcome, one a
fact. Trained at ingest in closed form, a few seconds for some thousand questions; serving is a
matrix product. The scores that the calibration sees are held-out ones, leaving whole groups of
like questions out, also in closed form, so that near-duplicates do not flatter it.

Shapes: n questions, d dimensions, k outcomes, f facts.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.bank import Knowledge
from assistant.encoder import Vectors
from assistant.values import Kind

Floats = NDArray[np.float32]

KINDS = (Kind.ANSWER, Kind.NOT_COVERED, Kind.PERSONAL, Kind.URGENT, Kind.SMALLTALK, Kind.REFUSED)
GAMMA = 1.5
"""Width of the RBF kernel on unit vectors."""
RIDGE = 0.3
GROUPS = 100
"""Clusters of like questions; each is left out in turn for the held-out scores."""


@dataclass(frozen=True)
class Heads:
    """The trained decision. Without a bank all arrays are empty and `known` is False."""

    questions: Floats
    """(n, d) embeddings of the bank."""
    weights: Floats
    """(n, k + f) dual weights, outcomes first."""
    scale: Floats
    """(k, k + 1) multinomial logistic calibration of the outcome scores; last column: bias."""

    @property
    def known(self) -> bool:
        """Whether there is anything to decide with."""
        return len(self.questions) > 0

    def decide(self, vectors: Vectors) -> tuple[Floats, Floats]:
        """Return (outcome probabilities (b, k), fact scores (b, f)) for b question vectors."""
        scores = kernel(vectors, self.questions) @ self.weights
        k = len(KINDS)
        return _softmax(scores[:, :k] @ self.scale[:, :k].T + self.scale[:, k]), scores[:, k:]

    def neighbours(self, vector: Vectors, count: int) -> list[tuple[int, float]]:
        """Return the nearest bank questions of one vector: [(row, cosine), …]."""
        cosine = self.questions @ vector
        order = np.argsort(-cosine)[:count]
        return [(int(i), float(cosine[i])) for i in order]

    def save(self, path: Path) -> None:
        """Write to an npz file."""
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Heads":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{f.name: arrays[f.name] for f in fields(cls)})


def train(knowledge: Knowledge, vectors: Vectors) -> Heads:
    """Learn from the bank; `vectors` are its questions' embeddings, shape (n, d)."""
    n, k = len(knowledge.questions), len(KINDS)
    if n == 0:
        empty = np.zeros((0, 0), np.float32)
        return Heads(empty, empty, np.zeros((k, k + 1), np.float32))
    targets = bank_targets(knowledge)
    inverse = np.linalg.inv(kernel(vectors, vectors).astype(np.float64) + RIDGE * np.eye(n))
    weights = inverse @ targets
    held_out = leave_groups_out(inverse, weights, targets, cluster(vectors, GROUPS))
    labels = targets[:, :k].argmax(axis=1)
    scale = _calibrate(held_out[:, :k], labels)
    return Heads(vectors, weights.astype(np.float32), scale)


def bank_targets(knowledge: Knowledge) -> NDArray[np.float64]:
    """Return (n, k + f): 1 for the outcome and the facts of each question, else 0."""
    position = {fact.id: len(KINDS) + i for i, fact in enumerate(knowledge.facts)}
    targets = np.zeros((len(knowledge.questions), len(KINDS) + len(position)))
    for row, question in enumerate(knowledge.questions):
        targets[row, KINDS.index(question.kind)] = 1
        targets[row, [position[fact] for fact in question.facts]] = 1
    return targets


def kernel(a: Vectors, b: Vectors) -> Floats:
    """RBF kernel of unit vectors, (len(a), len(b))."""
    return np.exp(2 * GAMMA * (a @ b.T - 1), dtype=np.float32)


def leave_groups_out(
    inverse: NDArray[np.float64], weights: NDArray[np.float64], targets: NDArray[np.float64],
    groups: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the scores that each row would get from a model trained without its group.

    Closed form (block version of the leave-one-out identity of ridge regression).
    """
    held_out = np.empty_like(targets)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        residual = np.linalg.solve(inverse[np.ix_(rows, rows)], weights[rows])
        held_out[rows] = targets[rows] - residual
    return held_out


def cluster(vectors: Vectors, count: int) -> NDArray[np.int64]:
    """Group like questions; deterministic."""
    from sklearn.cluster import KMeans

    count = min(count, len(vectors))
    model = KMeans(count, n_init=1, random_state=0, max_iter=30).fit(vectors)
    return np.asarray(model.labels_, dtype=np.int64)


def _calibrate(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Floats:
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
