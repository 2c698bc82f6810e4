"""Settings → a working assistant. The only place where the parts are chosen and joined."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from assistant import encoder as encoders
from assistant.decide import Decider
from assistant.encoder import Encoder, OnnxEncoder, ReferenceEncoder
from assistant.engine import Engine
from assistant.errors import FootnoteError
from assistant.feedback import FeedbackStore
from assistant.index import Progress, Summary, build, open_index
from assistant.limiter import Limiter
from assistant.pipeline import Assistant
from assistant.replies import Replies
from assistant.retrieval import Retriever
from assistant.service import Embedded, Service
from assistant.settings import Settings
from assistant.sites import DEFAULT, read_sites
from assistant.storage import Storage, storage_at
from assistant.values import Ask, Kind

QUIET = {
    "ANONYMIZED_TELEMETRY": "False",
    "CHROMA_TELEMETRY": "False",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def be_quiet() -> None:
    """Turn off whatever would phone home; called first by every command.

    Tracing is switched off even if the environment asks for it: it would send patients' words.
    """
    os.environ.update(QUIET)


def storage(settings: Settings, collection: str | None = None) -> Storage:
    """Return where the index of a collection lives."""
    place = settings.chroma_url or str(settings.index)
    return storage_at(place, settings.index, collection or settings.collection)


def ingest(settings: Settings, name: str, progress: Progress) -> Summary:
    """Bring the index of one collection up to date, and the exported encoder with it."""
    identity = encoders.identify(settings.encoder)
    reference = cache(lambda: ReferenceEncoder(settings.encoder))
    asker = cache(lambda: open_encoder(settings))

    folder = encoders.export_folder(settings.index, identity)
    if settings.encoder_backend == "onnx" and encoders.read_export(folder) is None:
        progress("exporting the encoder", 0, 1)
        encoders.export(reference(), folder)
    place = storage(settings, name)
    return build(settings.corpus, name, place, identity, reference, progress, asker)


def open_encoder(settings: Settings) -> Encoder:
    """Return the encoder that serves: the export, or the reference itself."""
    if settings.encoder_backend == "torch":
        return ReferenceEncoder(settings.encoder)
    folder = encoders.export_folder(settings.index, encoders.identify(settings.encoder))
    if encoders.read_export(folder) is None:
        raise FootnoteError(
            f"No exported encoder in {settings.index}. Run: python ingest.py {settings.collection}"
        )
    return OnnxEncoder(folder)


def build_service(settings: Settings) -> Service:
    """Read the sites, open the index of every collection that they name, and join all.

    Raises:
        FootnoteError: a site, an index or the encoder is wrong or missing.

    """
    sites = read_sites(settings)
    encoder: Encoder | None = None  # the first index opens it: a missing index is said first
    engines: dict[str, Engine] = {}
    for name in dict.fromkeys(site.collection or settings.collection for site in sites.values()):
        engines[name] = build_engine(settings.model_copy(update={"collection": name}), encoder)
        encoder = engines[name].encoder
    _refuse_shared_ids(engines)
    embedded = {}
    for site in sites.values():
        engine = engines[site.collection or settings.collection]
        locale = site.locale or settings.locale
        embedded[site.id] = Embedded(site, engine.for_clinic(site.clinic, locale))
    store = FeedbackStore(settings.database)
    limiter = Limiter(settings.limits)
    return Service(embedded, store, limiter, settings.url, bool(settings.proxies))


def _refuse_shared_ids(engines: Mapping[str, Engine]) -> None:
    """Keep a source's id unambiguous: `/sources/{id}` names no collection."""
    owner: dict[str, str] = {}
    for name, engine in engines.items():
        for source in engine.assistant.sources:
            if source in owner:
                raise FootnoteError(
                    f"Collections {owner[source]} and {name} both have a source {source!r}. "
                    "Give it another id in one of their manifests."
                )
            owner[source] = name


def build_engine(settings: Settings, encoder: Encoder | None = None) -> Engine:
    """Open the index and join the parts.

    Raises:
        FootnoteError: the index or the encoder is missing or does not fit.

    """
    place = storage(settings)
    identity = encoder.identity if encoder else encoders.identify(settings.encoder)
    index = open_index(Path(settings.corpus), settings.collection, place, identity)
    encoder = encoder or open_encoder(settings)
    retriever = Retriever(index.passages, index.vectors, index.bundle / "bm25")
    clinic = read_sites(settings)[DEFAULT].clinic
    replies = Replies(clinic, index.collection.about, index.collection.about_in)
    assistant = Assistant(
        Decider(index, retriever), replies, settings.locale, settings.encoder_multilingual
    )
    engine = Engine(assistant, encoder, retriever)
    warm_up(engine)
    return engine


def warm_up(engine: Engine) -> None:
    """Answer once, in every part that loads lazily, before the first visitor waits for it.

    Raises:
        FootnoteError: it cannot; a server that could only apologise must not start.

    """
    for question in ("How long does bruising last?", "¿Cuánto tiempo duran los moretones?"):
        if engine.ask(Ask(question)).kind is Kind.UNAVAILABLE:
            raise FootnoteError(
                "The assistant cannot answer a test question. See the log above, then run: "
                "python ingest.py"
            )
