"""scale: the same questions on an index of 100 k short passages and on one of 1 k.

Fair because both indexes are built by the product's own `build` and opened by its own reader,
each in a process of its own, so that memory can be told apart. The question's encoding, which no
index makes slower, is left out of the ratio that has the aim: it would only flatter.

The vectors of the passages take minutes to make and are kept under `bench/cache/`.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.encoder import Encoded, Encoder, OnnxEncoder, Vectors, export_folder, identify
from assistant.index import build, open_index
from assistant.storage import LocalStorage
from bench import medquad
from bench.measure import Row, apart, by_turns, disk_mb, medians, memory_mb
from bench.place import CACHE, Place

if TYPE_CHECKING:
    from assistant.retrieval import Retriever

MANY, FEW = 100_000, 1_000
LINES = 1_000
"""Sentences in a source file."""
BATCH = 2_048
ROUNDS = 15
QUESTIONS = 50
_side: dict[str, Any] = {}
"""What the process that measures an index holds open."""


def measure(place: Place) -> Iterator[Row]:
    """Encode or reuse the vectors, build both indexes, query them by turns."""
    model = export_folder(place.settings.index, identify(place.settings.encoder))
    sentences = medquad.sentences(MANY)
    encoder = OnnxEncoder(model)
    kept = _Kept(encoder, sentences, _vectors(sentences, encoder))
    samples = sentences, sentences[:: len(sentences) // FEW][:FEW]
    folders = [place.folder / f"scale-{len(sample)}" for sample in samples]
    for folder, sample in zip(folders, samples, strict=True):
        _make(folder, sample, kept)
    with apart(_open, folders[0], model) as big, apart(_open, folders[1], model) as small:
        many, few = by_turns([_round(big), _round(small)], ROUNDS)
        (count, memory), (_, small_memory) = (p.submit(_size).result() for p in (big, small))
    (query, whole), (small_query, small_whole) = medians(many), medians(few)
    name = f"scale: {count / 1e3:.0f} k beside {FEW / 1e3:.0f} k passages"
    yield Row(f"{name}, query p50", query, small_query, "ms", at_most=1.5)
    yield Row(f"{name}, with encoding", whole, small_whole, "ms")
    yield Row(f"{name}, memory", memory, small_memory, "MB")
    yield Row(f"{name}, disk", *(disk_mb(f / "index") for f in folders), "MB")


class _Kept(Encoder):
    """An encoder that has most vectors already; it has no features, which passages do not need."""

    def __init__(self, encoder: OnnxEncoder, texts: Sequence[str], vectors: Vectors) -> None:
        self.encoder, self.identity = encoder, encoder.identity
        self.rows = dict(zip(texts, vectors, strict=True))

    def encode(self, texts: list[str]) -> Encoded:
        """See `Encoder`. A passage may differ from its line, for example by a bullet: encode it."""
        new = [text for text in texts if text not in self.rows]
        if new:
            self.rows.update(zip(new, self.encoder.encode(new).vectors, strict=True))
        vectors = np.array([self.rows[text] for text in texts])
        return Encoded(vectors, vectors[:, :0])


def _vectors(sentences: Sequence[str], encoder: OnnxEncoder) -> Vectors:
    """Return the sentences' vectors; encode them only if the cache does not hold just these."""
    key = hashlib.sha256(json.dumps([encoder.identity, *sentences]).encode()).hexdigest()[:16]
    file = CACHE / f"medquad-{key}.npy"
    if file.exists():
        return np.load(file)
    order = sorted(range(len(sentences)), key=lambda n: len(sentences[n]))
    vectors = np.empty((len(sentences), 384), dtype=np.float32)
    started = time.perf_counter()
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        vectors[rows] = encoder.encode([sentences[n] for n in rows]).vectors
        if start // BATCH % 5 == 0:
            seconds = time.perf_counter() - started
            print(
                f"scale: {start + len(rows):,} of {len(order):,} encoded, {seconds:.0f} s",
                flush=True,
            )
    CACHE.mkdir(exist_ok=True)
    np.save(file, vectors)
    return vectors


def _make(folder: Path, sentences: Sequence[str], encoder: Encoder) -> None:
    """Build an index with the sentences as its passages, a line each."""
    texts = ["\n".join(sentences[n : n + LINES]) for n in range(0, len(sentences), LINES)]
    medquad.write_collection(texts, folder / "corpus")
    storage = LocalStorage(folder / "index", medquad.NAME)
    summary = build(folder / "corpus", medquad.NAME, storage, encoder.identity, lambda: encoder)
    print(f"scale: {summary.passages:,} passages indexed in {summary.seconds:.0f} s", flush=True)


def _open(folder: Path, model: Path) -> None:
    from assistant.retrieval import Retriever

    encoder = OnnxEncoder(model)
    storage = LocalStorage(folder / "index", medquad.NAME)
    index = open_index(folder / "corpus", medquad.NAME, storage, encoder.identity)
    retriever = Retriever(index.passages, index.vectors, index.bundle / "bm25")
    _side.update(encoder=encoder, retriever=retriever, questions=medquad.questions(QUESTIONS))


def _round(process: Any) -> Callable[[], tuple[float, float]]:
    return lambda: process.submit(_p50).result()


def _p50() -> tuple[float, float]:
    """Ask all questions; return the median milliseconds without and with encoding."""
    retriever: Retriever = _side["retriever"]
    times = []
    for question in _side["questions"]:
        started = time.perf_counter()
        vectors = _side["encoder"].encode([question]).vectors
        encoded = time.perf_counter()
        retriever.fuse(question, retriever.dense(vectors)[0])
        ended = time.perf_counter()
        times.append((ended - encoded, ended - started))
    without, whole = zip(*times, strict=True)
    return 1e3 * median(without), 1e3 * median(whole)


def _size() -> tuple[int, float]:
    """Return how many passages are open, and this process's memory."""
    return len(_side["retriever"].passages), memory_mb()
