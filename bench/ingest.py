"""ingest: corpus to published index, beside bare encoding of the same passages.

Fair because encoding is the part that nobody can leave out: the same sentence-transformers
model, loaded once before any clock runs, encodes the same texts on both sides. Ours adds reading,
splitting, Chroma, BM25, reading every vector back, and publishing. Loading the model and
exporting it, once for all ingests, is in neither.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from assistant.encoder import Encoded, Encoder, ReferenceEncoder
from assistant.index import Summary, build
from assistant.sentences import passages
from assistant.storage import LocalStorage
from assistant.values import Source
from bench import medquad
from bench.measure import Row, apart, by_turns, medians
from bench.place import Place

PASSAGES = 1500


def measure(place: Place) -> Iterator[Row]:
    """Ingest anew in every round, and once more with nothing changed."""
    folder = place.folder / "ingest"
    medquad.write_collection(_texts(), folder / "corpus")
    with apart(os.getpid) as process:
        ours, bare, passed = process.submit(_measure, folder).result()
    first, second, encoded = medians(ours)
    yield Row(f"ingest: {passed:,} passages", first, *medians(bare), "s", at_most=1.2)
    yield Row("ingest: again, nothing changed", second, first, "s")
    yield Row("ingest: again, texts encoded", encoded, at_most=0)


class _Noting(Encoder):
    """The reference encoder, noting what it is asked to encode."""

    def __init__(self, reference: ReferenceEncoder) -> None:
        self.reference, self.identity = reference, reference.identity
        self.texts: list[str] = []

    def encode(self, texts: list[str]) -> Encoded:
        """See `Encoder`."""
        self.texts += texts
        return self.reference.encode(texts)


def _measure(folder: Path) -> tuple[list[tuple[float, ...]], list[tuple[float]], int]:
    """Return the rounds of both sides, and how many passages there are."""
    noting = _Noting(ReferenceEncoder("bundled"))
    summary = _build(folder, noting)  # finds the texts, and imports what is imported once
    texts = list(noting.texts)

    def ingest() -> tuple[float, ...]:
        shutil.rmtree(folder / "index")
        noting.texts.clear()
        first = _build(folder, noting)
        again = _build(folder, noting)
        return first.seconds, again.seconds, again.encoded

    def encode() -> tuple[float]:
        started = time.perf_counter()
        noting.reference.model.encode(texts, show_progress_bar=False)
        return (time.perf_counter() - started,)

    ours, bare = by_turns([ingest, encode])
    return ours, bare, summary.passages


def _build(folder: Path, encoder: Encoder) -> Summary:
    storage = LocalStorage(folder / "index", medquad.NAME)
    return build(folder / "corpus", medquad.NAME, storage, encoder.identity, lambda: encoder)


def _texts() -> list[str]:
    """Return answers from all over MedQuAD that have `PASSAGES` passages between them."""
    texts, count = [], 0
    for text in medquad.answers()[::50]:
        texts.append(text)
        count += sum(1 for _ in passages(Source("x", "x", text)))
        if count >= PASSAGES:
            break
    return texts
