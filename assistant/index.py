"""Corpus → index, and index → what serving needs.

Build: read a collection, embed what is new, write Chroma through langchain-chroma, train the
decision heads, verify every vector as a reader would see it, then publish. Open: check that the
index fits this code, this encoder and this corpus, and load it. Nothing is ever written into an
index that is open for reading.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings

from assistant.alarm import Alarm
from assistant.alarm import train as train_alarm
from assistant.bank import (
    Fact,
    Knowledge,
    KnownDisagreement,
    Overview,
    Question,
    Theme,
    read_knowledge,
)
from assistant.corpus import Collection, fingerprint, read_collection
from assistant.encoder import Encoder, Vectors
from assistant.errors import FootnoteError
from assistant.heads import Heads, train
from assistant.retrieval import save_words
from assistant.sentences import passages, planted
from assistant.spelling import Speller, learn
from assistant.storage import Storage
from assistant.values import Citation, Kind, Passage, Source, Span

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection as ChromaCollection

FORMAT = 3
"""Raise it when what is written changes; an older index is then rebuilt."""
MAKERS = ("alarm", "encoder", "heads", "injection", "retrieval", "sentences", "spelling")
"""Modules whose change makes an index stale."""
CHROMA_BATCH = 5000
ENCODE_BATCH = 256
Progress = Callable[[str, int, int], None]


@dataclass
class Summary:
    """What an ingest did, source ids by fate."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)
    """Sentences that speak to a machine, which are never quoted: `source: sentence`."""
    passages: int = 0
    questions: int = 0
    encoded: int = 0
    seconds: float = 0.0


@dataclass
class Index:
    """An open index: everything that answering needs, and the Chroma collection of passages."""

    collection: Collection
    knowledge: Knowledge
    passages: tuple[Passage, ...]
    heads: Heads
    alarm: Alarm
    speller: Speller
    vectors: "ChromaCollection"
    bundle: Path
    record: dict[str, Any]
    storage: Storage

    def close(self) -> None:
        """Let other processes have it."""
        self.storage.close()


def embedded_text(passage: Passage, source: Source) -> str:
    """Return what of a passage is embedded: its heading, if any, and its words."""
    words = " ".join(source.text[passage.span.start : passage.span.end].split())
    return f"{passage.heading}: {words}" if passage.heading else words


def build(
    corpus: Path,
    name: str,
    storage: Storage,
    identity: str,
    encoder: Callable[[], Encoder],
    progress: Progress = lambda *_: None,
    asker: Callable[[], Encoder] | None = None,
) -> Summary:
    """Bring the index of a collection up to date with its folder.

    `identity` names the encoder that `encoder` would load: it is loaded only if needed. `asker`
    encodes the bank's questions: the encoder that will encode visitors' questions.

    Raises:
        FootnoteError: the corpus is at fault, or another process writes; the index is untouched.

    """
    started = time.perf_counter()
    before = fingerprint(corpus / name)  # taken first: a file that changes meanwhile is stale
    collection = read_collection(corpus, name)
    knowledge = read_knowledge(collection)
    with storage.writing():
        stale, old = why_stale(storage, corpus, name, identity)
        summary = _compare(collection, old)
        if stale:
            known = _known_vectors(storage, old, identity)
            maker = _Maker(collection, knowledge, storage, identity, before, old)
            work = _Encoding(known, encoder, asker or encoder, summary, progress)
            try:
                maker.write(work, summary, progress)
            finally:
                storage.close()
        else:
            summary.passages, summary.questions = old["passages"], old["questions"]
    summary.seconds = time.perf_counter() - started
    return summary


def why_stale(
    storage: Storage, corpus: Path, name: str, identity: str
) -> tuple[str | None, dict[str, Any]]:
    """Return why the current index does not fit (None if it does) and its record ({} if none).

    A machine without the corpus takes the index as it is.
    """
    generation = storage.current()
    if generation is None:
        return f"No index of {name!r} at {storage.place}", {}
    record: dict[str, Any] = json.loads((storage.bundle(generation) / "record.json").read_text())
    if record["format"] != FORMAT:
        return f"The index has format {record['format']}, this version needs {FORMAT}", {}
    if record.get("code") != code():
        return "The index was made by another version of the code", record
    if record["encoder"] != identity:
        return f"The index was made with encoder {record['encoder']}, not {identity}", record
    folder = corpus / name
    if folder.is_dir() and record["fingerprint"] != fingerprint(folder):
        return f"The files of {folder} have changed since the index was made", record
    return None, record


def open_index(corpus: Path, name: str, storage: Storage, identity: str) -> Index:
    """Open the current index for reading.

    Raises:
        FootnoteError: there is none, or it does not fit; the message has the command that mends it.

    """
    stale, record = why_stale(storage, corpus, name, identity)
    if stale:
        raise FootnoteError(f"{stale}. Run: python ingest.py {name}")
    bundle = storage.bundle(record["generation"])
    content = json.loads((bundle / "content.json").read_text())
    sources = {s["id"]: _source_from(s) for s in content["sources"]}
    collection = Collection(
        name,
        content["title"],
        content["about"],
        content["language"],
        corpus / name,
        tuple(sources.values()),
        content["about_in"],
    )
    knowledge = _knowledge_from(content, sources)
    found = tuple(Passage(i, s, Span(*span), h) for i, s, span, h in content["passages"])
    heads, alarm = Heads.load(bundle / "heads.npz"), Alarm.load(bundle / "alarm.npz")
    speller = Speller.load(bundle / "spelling.json")
    # Chroma last: it takes the lock, which must not be kept by what fails before it.
    client = storage.chroma(record["generation"])
    vectors = client.get_collection(f"{name}-{record['generation']}", embedding_function=None)
    return Index(
        collection, knowledge, found, heads, alarm, speller, vectors, bundle, record, storage
    )


@dataclass(frozen=True)
class _Maker:
    """Writes one generation."""

    collection: Collection
    knowledge: Knowledge
    storage: Storage
    identity: str
    fingerprint: str
    old: dict[str, Any]
    """The record of the index before, {} if there is none that fits."""

    def write(self, encoding: "_Encoding", summary: Summary, progress: Progress) -> None:
        """Write, verify and publish it."""
        generation = f"gen-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        bundle = self.storage.create(generation)
        collection, asked = self.collection, [q.text for q in self.knowledge.questions]
        speller = learn((s.text for s in collection.sources), asked)
        questions = [speller.repair(text) for text in asked]
        found = [p for s in collection.sources for p in passages(s, collection.language)]
        if not found:
            raise FootnoteError(f"{collection.folder}: no quotable sentence in any source.")
        texts = [embedded_text(p, collection.source(p.source_id)) for p in found]
        vectors, features = encoding.passages(texts), encoding.questions(questions)
        _check_vectors(vectors)
        lesson = _lesson(self.knowledge, questions)
        self._learn(bundle, lesson, questions, features, progress)
        save_words(texts, bundle / "bm25")
        speller.save(bundle / "spelling.json")
        np.savez(bundle / "encoded.npz", vectors=vectors, features=features)
        content = _content(collection, self.knowledge, found)
        (bundle / "content.json").write_text(json.dumps(content, ensure_ascii=False))
        name = f"{collection.id}-{generation}"
        _write_chroma(self.storage, generation, name, found, texts, vectors, progress)
        _verify(self.storage, generation, name, found, vectors, progress)
        summary.passages, summary.questions = len(found), len(questions)
        record = self._record(generation, len(found), lesson)
        (bundle / "record.json").write_text(json.dumps(record, indent=1))
        self.storage.publish(generation)

    def _learn(
        self,
        bundle: Path,
        lesson: str,
        questions: Sequence[str],
        features: Vectors,
        progress: Progress,
    ) -> None:
        """Train heads and alarm, or take the old ones if they learnt from the very same."""
        learnt = ("heads.npz", "alarm.npz")
        if (self.old.get("lesson"), self.old.get("encoder")) == (lesson, self.identity):
            for name in learnt:
                shutil.copy(self.storage.bundle(self.old["generation"]) / name, bundle / name)
            return
        progress("training", 0, 1)
        heads, held_out = train(self.knowledge, features)
        heads.save(bundle / learnt[0])
        urgent = np.array([q.kind is Kind.URGENT for q in self.knowledge.questions], bool)
        train_alarm(questions, urgent, *held_out).save(bundle / learnt[1])

    def _record(self, generation: str, count: int, lesson: str) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "generation": generation,
            "collection": self.collection.id,
            "fingerprint": self.fingerprint,
            "sources": {s.id: s.sha256 for s in self.collection.sources},
            "encoder": self.identity,
            "code": code(),
            "lesson": lesson,
            "passages": count,
            "questions": len(self.knowledge.questions),
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def _check_vectors(vectors: Vectors) -> None:
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        raise FootnoteError("The encoder gave vectors that are not of length 1. Use another.")


def _compare(collection: Collection, old: dict[str, Any]) -> Summary:
    before: dict[str, str] = old.get("sources", {})
    now = {source.id: source.sha256 for source in collection.sources}
    return Summary(
        planted=[
            f"{source.id}: {source.text[span.start : span.end]}"
            for source in collection.sources
            for span in planted(source, collection.language)
        ],
        added=[i for i in now if i not in before],
        changed=[i for i in now if i in before and before[i] != now[i]],
        removed=[i for i in before if i not in now],
        unchanged=[i for i in now if before.get(i) == now[i]],
    )


def _known_vectors(storage: Storage, old: dict[str, Any], identity: str) -> dict[str, Any]:
    """Return the old index's vectors by text hash, if they are of the same encoder."""
    if not old or old["encoder"] != identity:
        return {}
    bundle = storage.bundle(old["generation"])
    content = json.loads((bundle / "content.json").read_text())
    sources = {s["id"]: _source_from(s) for s in content["sources"]}
    texts = [
        embedded_text(Passage(i, s, Span(*span), h), sources[s])
        for i, s, span, h in content["passages"]
    ]
    with np.load(bundle / "encoded.npz") as arrays:
        vectors, features = arrays["vectors"], arrays["features"]
    speller = Speller.load(bundle / "spelling.json")
    questions = [speller.repair(q["text"]) for q in content["questions"]]
    passages_known = {_key("passage", t): row for t, row in zip(texts, vectors, strict=True)}
    return passages_known | {
        _key("question", q): row for q, row in zip(questions, features, strict=True)
    }


@dataclass
class _Encoding:
    """Encodes what is not known yet; loads an encoder only for that."""

    known: dict[str, Any]
    encoder: Callable[[], Encoder]
    asker: Callable[[], Encoder]
    summary: Summary
    progress: Progress

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) vectors of passages."""
        return self._rows("passage", texts, lambda batch: self.encoder().encode(batch).vectors)

    def questions(self, texts: Sequence[str]) -> Vectors:
        """Return (n, w) features of questions."""
        return self._rows("question", texts, lambda batch: self.asker().encode(batch).features)

    def _rows(
        self, role: str, texts: Sequence[str], encode: Callable[[list[str]], Vectors]
    ) -> Vectors:
        missing = {text for text in texts if _key(role, text) not in self.known}
        new = sorted(missing, key=lambda text: (len(text), text))
        for start in range(0, len(new), ENCODE_BATCH):
            self.progress(f"encoding {role}s", start, len(new))
            batch = new[start : start + ENCODE_BATCH]
            for text, row in zip(batch, encode(batch), strict=True):
                self.known[_key(role, text)] = row
        self.summary.encoded += len(new)
        return np.array([self.known[_key(role, text)] for text in texts], dtype=np.float32)


def _write_chroma(
    storage: Storage,
    generation: str,
    name: str,
    found: Sequence[Passage],
    texts: Sequence[str],
    vectors: Vectors,
    progress: Progress,
) -> None:
    from langchain_chroma import Chroma

    store = Chroma(
        collection_name=name,
        client=storage.chroma(generation),
        embedding_function=_Given(vectors),
        collection_configuration={"hnsw": {"space": "cosine"}},
    )
    for start in range(0, len(found), CHROMA_BATCH):
        progress("writing", start, len(found))
        part = slice(start, start + CHROMA_BATCH)
        store.add_texts(
            texts=list(texts[part]),
            ids=[p.id for p in found[part]],
            metadatas=[
                {"source": p.source_id, "start": p.span.start, "end": p.span.end}
                for p in found[part]
            ],
        )
    storage.close()


def _verify(
    storage: Storage,
    generation: str,
    name: str,
    found: Sequence[Passage],
    vectors: Vectors,
    progress: Progress,
) -> None:
    """Read every vector back through a fresh client: Chroma can lose them without a word."""
    stored = storage.chroma(generation).get_collection(name, embedding_function=None)
    if stored.count() != len(found):
        raise FootnoteError(
            f"{name}: {stored.count()} of {len(found)} passages arrived. Run again."
        )
    for start in range(0, len(found), CHROMA_BATCH):
        progress("verifying", start, len(found))
        part = slice(start, start + CHROMA_BATCH)
        ids = [p.id for p in found[part]]
        got = stored.get(ids=ids, include=["embeddings"])
        rows = dict(zip(got["ids"], got["embeddings"], strict=True))  # type: ignore[arg-type]
        if set(rows) != set(ids) or not np.allclose(
            np.array([rows[i] for i in ids]), vectors[: len(found)][part], atol=1e-6
        ):
            raise FootnoteError(f"{name}: vectors were damaged on the way to disk. Run again.")
    storage.close()


class _Given(Embeddings):
    """Hands langchain-chroma the vectors that are already there, in order."""

    def __init__(self, vectors: Vectors) -> None:
        self.rows = iter(vectors)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [next(self.rows).tolist() for _ in texts]

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError("only documents are written")


def _content(collection: Collection, knowledge: Knowledge, found: Sequence[Passage]) -> Any:
    def plain(source: Source) -> dict[str, Any]:
        fields = asdict(source)
        fields["residue"] = [[s.start, s.end] for s in source.residue]
        for key in ("added", "reviewed_on"):
            fields[key] = fields[key].isoformat() if fields[key] else None
        return fields

    return {
        "title": collection.title,
        "about": collection.about,
        "about_in": dict(collection.about_in),
        "language": collection.language,
        "sources": [plain(s) for s in collection.sources],
        "passages": [(p.id, p.source_id, (p.span.start, p.span.end), p.heading) for p in found],
        "overview": knowledge.overview.model_dump(),
        "themes": [t.model_dump() for t in knowledge.themes],
        "facts": [
            (f.id, f.theme, [(c.source.id, c.span.start, c.span.end) for c in f.citations])
            for f in knowledge.facts
        ],
        "disagreements": [asdict(d) for d in knowledge.disagreements],
        "questions": [asdict(q) for q in knowledge.questions],
    }


def _source_from(fields: dict[str, Any]) -> Source:
    dates = {
        key: date.fromisoformat(fields[key]) if fields[key] else None
        for key in ("added", "reviewed_on")
    }
    return Source(**{**fields, **dates, "residue": tuple(Span(*s) for s in fields["residue"])})


def _knowledge_from(content: dict[str, Any], sources: dict[str, Source]) -> Knowledge:
    return Knowledge(
        themes=tuple(Theme(**t) for t in content["themes"]),
        facts=tuple(
            Fact(i, theme, tuple(Citation(sources[s], Span(a, b)) for s, a, b in citations))
            for i, theme, citations in content["facts"]
        ),
        disagreements=tuple(
            KnownDisagreement(
                d["id"],
                d["about"],
                (tuple(d["sides"][0]), tuple(d["sides"][1])),
                tuple(d["always"]),
            )
            for d in content["disagreements"]
        ),
        overview=Overview(**content["overview"]),
        questions=tuple(
            Question(q["text"], Kind(q["kind"]), tuple(q["facts"]), q["topic"], q["author"])
            for q in content["questions"]
        ),
    )


@cache
def code() -> str:
    """Hash the modules that make an index: with others, it would have become another."""
    digest = hashlib.sha256()
    for name in MAKERS:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def _lesson(knowledge: Knowledge, questions: Sequence[str]) -> str:
    """Hash all that heads and alarm learn from, but the encoder."""
    asked = [(q.kind, q.facts) for q in knowledge.questions]
    taught = json.dumps([code(), list(questions), asked, [f.id for f in knowledge.facts]])
    return hashlib.sha256(taught.encode()).hexdigest()


def _key(role: str, text: str) -> str:
    return role + hashlib.sha256(text.encode()).hexdigest()
