"""Which passages are nearest to a question: dense (Chroma) and words (BM25), fused.

Ranks are fused by reciprocal rank (Cormack et al., SIGIR 2009). The dense similarity is kept
beside the fused score because decisions need a number that means the same for every question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.encoder import Vectors
from assistant.values import Passage

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection as ChromaCollection

CANDIDATES = 20
RRF_K = 60
"""The constant of the paper; results are flat around it."""
STOPWORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in is "
    "it its may me mesotherapy my of on or our should so than that the their them then there these "
    "they this those to was we were what when where which while who why will with would you your".split()
)
SUFFIX = re.compile(r"(?:ings?|edly|ed|es|s|ly|ation|ations|iness|ness)$")


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its cosine similarity to the question and its fused score."""

    passage: Passage
    similarity: float
    score: float


def words(text: str) -> list[str]:
    """Return the words that count, lower case, roughly stemmed."""
    found = re.findall(r"[^\W_]+", text.lower())
    return [SUFFIX.sub("", w) if len(w) > 5 else w for w in found if w not in STOPWORDS]


def save_words(texts: Sequence[str], folder: Path) -> None:
    """Write a BM25 index of the texts."""
    import bm25s

    index = bm25s.BM25()
    index.index([words(t) or [""] for t in texts], show_progress=False)
    index.save(str(folder), show_progress=False)


class Retriever:
    """Dense and BM25 search over the passages of an open index."""

    def __init__(
        self, passages: Sequence[Passage], vectors: "ChromaCollection", bm25: Path
    ) -> None:
        import bm25s

        self.passages = passages
        self.position = {p.id: n for n, p in enumerate(passages)}
        self.vectors = vectors
        self.bm25: Any = bm25s.BM25.load(str(bm25))

    def dense(self, queries: Vectors) -> list[list[tuple[int, float]]]:
        """Return for each query vector the nearest passages: [(position, cosine), …]."""
        found = self.vectors.query(
            query_embeddings=queries,
            n_results=min(CANDIDATES, len(self.passages)),
            include=["distances"],
        )
        distances = found["distances"] or []
        return [
            [(self.position[i], 1.0 - d) for i, d in zip(ids, row, strict=True)]
            for ids, row in zip(found["ids"], distances, strict=True)
        ]

    def lexical(self, query: str) -> list[int]:
        """Return the positions of the best passages by BM25, best first, none without a match."""
        if not (tokens := words(query)):
            return []
        scores = self.bm25.get_scores(tokens)
        count = min(CANDIDATES, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        return [int(i) for i in best[np.argsort(-scores[best], kind="stable")] if scores[i] > 0]

    def fuse(self, query: str, dense: Sequence[tuple[int, float]]) -> list[Hit]:
        """Fuse dense results with BM25's for the same query, best first."""
        scores: dict[int, float] = {}
        for rank, (position, _) in enumerate(dense):
            scores[position] = scores.get(position, 0.0) + 1 / (RRF_K + rank)
        for rank, position in enumerate(self.lexical(query)):
            scores[position] = scores.get(position, 0.0) + 1 / (RRF_K + rank)
        similarity = dict(dense)
        order = sorted(scores, key=lambda position: -scores[position])
        return [Hit(self.passages[n], similarity.get(n, 0.0), scores[n]) for n in order]
