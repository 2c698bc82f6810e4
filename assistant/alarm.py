"""How sure the reviewed bank makes us that a message is an emergency, in any language.

Two views that err differently, joined by logistic regression on held-out scores: the encoder's
(the heads' score, good at meaning, weak in other languages than its own) and the letters'
(character n-grams, which read every language that the bank has emergencies in). Whether a
red-flag pattern matched is added by the decision, with a fixed weight: the patterns were
written with this bank in view, so a weight learnt from it would trust them too much.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.rulebook import fold

Floats = NDArray[np.float32]

BUCKETS = 1 << 16
LENGTHS = (2, 3, 4, 5)
"""Of character n-grams; words are padded with a space on either side."""
PENALTY = 10.0
"""Inverse strength of the regularisation of the n-grams' weights."""
FOLDS = 3
FEWEST = 200
"""Emergencies that a bank must hold before it may speak: a small one must not outvote patterns."""


@dataclass(frozen=True)
class Alarm:
    """The trained alarm. Without enough emergencies in the bank `grams` is empty."""

    rarity: Floats
    """(BUCKETS,) inverse document frequency of each n-gram."""
    grams: Floats
    """(BUCKETS + 1,) their weights; last: bias."""
    joint: Floats
    """(3,) weights of the encoder's and the letters' scores; last: bias."""

    def log_odds(self, text: str, score: float) -> float | None:
        """Return the log odds of an emergency; None if it has nothing to go by.

        `score` is the heads' log odds.
        """
        if not len(self.grams):
            return None
        buckets, weights = self._weigh(text)
        letters = float(weights @ self.grams[buckets] + self.grams[-1])
        return float(self.joint @ np.array([score, letters, 1.0], np.float32))

    def _weigh(self, text: str) -> tuple[NDArray[np.int64], Floats]:
        buckets, counts = ngrams(text)
        return buckets, _unit((1 + np.log(counts)) * self.rarity[buckets])

    def save(self, path: Path) -> None:
        """Write to an npz file."""
        np.savez(path, rarity=self.rarity, grams=self.grams, joint=self.joint)

    @classmethod
    def load(cls, path: Path) -> "Alarm":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["rarity"], arrays["grams"], arrays["joint"])


def ngrams(text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the buckets of a text's character n-grams, and how often each occurs."""
    found: Counter[int] = Counter()
    for word in fold(text).split():
        padded = f" {word} ".encode()
        for length in LENGTHS:
            for start in range(len(padded) - length + 1):
                found[zlib.crc32(padded[start : start + length]) % BUCKETS] += 1
    return np.fromiter(found, np.int64, len(found)), np.fromiter(found.values(), np.float32)


def train(
    texts: Sequence[str],
    urgent: NDArray[np.bool_],
    scores: Floats,
    groups: NDArray[np.int64],
    fewest: int = FEWEST,
) -> Alarm:
    """Learn from the bank.

    `scores` are the heads' held-out log odds; `groups` are the clusters that were left out for them.
    """
    nothing = np.zeros(0, np.float32)
    if not len(scores) or urgent.sum() < fewest or urgent.all():
        return Alarm(nothing, nothing, nothing)
    from scipy.sparse import csr_matrix

    found = [ngrams(text) for text in texts]
    seen = np.bincount(np.concatenate([b for b, _ in found]), minlength=BUCKETS)
    rarity = (np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32)
    rows = np.repeat(np.arange(len(texts)), [len(b) for b, _ in found])
    weighed = [_unit((1 + np.log(counts)) * rarity[buckets]) for buckets, counts in found]
    matrix = csr_matrix(
        (np.concatenate(weighed), (rows, np.concatenate([b for b, _ in found]))),
        shape=(len(texts), BUCKETS),
    )
    letters = np.zeros(len(texts))
    for part in range(FOLDS):
        rest = groups % FOLDS == part
        if len(np.unique(urgent[~rest])) == 2:
            letters[rest] = _fit(matrix[~rest], urgent[~rest]).decision_function(matrix[rest])
    joint = _fit(np.column_stack([scores, letters]), urgent)
    whole = _fit(matrix, urgent)
    return Alarm(
        rarity,
        np.append(whole.coef_[0], whole.intercept_).astype(np.float32),
        np.append(joint.coef_[0], joint.intercept_).astype(np.float32),
    )


def _fit(given: Any, wanted: NDArray[np.bool_]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=PENALTY, max_iter=2000).fit(given, wanted)


def _unit(values: NDArray[np.float32]) -> Floats:
    unit: Floats = (values / max(float(np.linalg.norm(values)), 1e-9)).astype(np.float32)
    return unit
