"""HTTP, version 1: the contract that the page, the widget and others build on.

In: JSON. Out: JSON, or the same as server-sent events. Every body, errors included, carries the
notice. Question and answer texts are never logged.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

import anyio
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import (
    JSONResponse,
    PlainTextResponse,
    Response,
)
from fastapi.sse import EventSourceResponse, format_sse_event
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware

from assistant import rendering, wording
from assistant.errors import RequestError
from assistant.files import add_files
from assistant.guard import Guard, Headers
from assistant.pipeline import clean_ask
from assistant.schemas import (
    PROBLEM,
    AskBody,
    FeedbackBody,
    ReplyOut,
    SourceOut,
    SourceTextOut,
)
from assistant.service import Embedded, Service
from assistant.values import Ask, Kind, Reply, Source

Answer = Callable[[Ask, Callable[[str], object]], Awaitable[Reply]]
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""So that a proxy passes events on as they come."""


class Metrics:
    """Counts and durations by outcome; no text, no address."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.replies = Counter(
            "footnote_replies", "Replies by outcome", ["kind"], registry=self.registry
        )
        self.seconds = Histogram(
            "footnote_reply_seconds",
            "Time to a reply",
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.stopped = Counter(
            "footnote_stopped",
            "Questions whose asker left before the reply",
            registry=self.registry,
        )
        self.errors = Counter(
            "footnote_problems", "Problem documents by status", ["status"], registry=self.registry
        )

    def counted(self, reply: Reply, started: float) -> Reply:
        """Count a reply that took since `started` (of `time.perf_counter`); return it."""
        self.replies.labels(reply.kind.value).inc()
        self.seconds.observe(time.perf_counter() - started)
        return reply


def create_api(service: Service) -> FastAPI:
    """Return the HTTP application over a working service."""
    api = FastAPI(
        title="Footnote",
        version="1",
        description="Answers from a clinic's reviewed source texts, every statement footnoted.",
        docs_url=None,
        redoc_url=None,
    )
    metrics = Metrics()
    api.state.service, api.state.metrics = service, metrics
    default = service.default

    def problem(status: int, detail: str, wait: int = 0, here: Embedded = default) -> JSONResponse:
        metrics.errors.labels(str(status)).inc()
        notice = here.notice(Kind.UNAVAILABLE, here.locale())
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "notice": {"text": notice.text, "version": notice.version},
        }
        headers = {"Retry-After": str(wait)} if wait else None
        return JSONResponse(body, status, headers, media_type="application/problem+json")

    @api.exception_handler(RequestError)
    async def request_error(request: Request, error: RequestError) -> JSONResponse:
        here = getattr(request.state, "here", default)  # whose emergency number the notice names
        return problem(error.status, error.detail, error.wait, here)

    @api.exception_handler(StarletteHTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        named = error.body.get("site") if isinstance(error.body, dict) else None
        here = service.embedded.get(str(named), default)
        # Name the field and the rule, never the value: it is a visitor's text.
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return problem(422, f"{where}: {first['msg']}", here=here)

    api.add_middleware(Guard, problem=problem)
    api.add_middleware(
        CORSMiddleware,
        allow_origins=service.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type"],
        expose_headers=["Retry-After"],
    )
    api.add_middleware(Headers)

    @api.post(
        "/api/v1/ask",
        response_model=ReplyOut,
        responses=dict.fromkeys((403, 404, 413, 422, 429), PROBLEM),
        summary="Ask a question",
    )
    async def ask(body: AskBody, request: Request) -> Response:
        """Answer with JSON, or with events when `Accept` is `text/event-stream`."""
        here = request.state.here = service.at(body.site)
        service.admit(request, here.site)
        asked = Ask(body.question, tuple(body.history), body.locale)
        answer: Answer = here.engine.answer
        try:
            await service.admit_asker(request, here.site)
        except RequestError:
            # Nobody is too many for the card; it costs no search.
            card = here.engine.assistant.red_flag(body.question, body.locale)
            if card is None:
                raise
            answer = _at_once(card)
        if "text/event-stream" in request.headers.get("accept", ""):
            clean_ask(asked)  # refuse before the first event: afterwards there is no status
            return EventSourceResponse(_events(here, asked, answer, metrics), headers=UNBUFFERED)
        started = time.perf_counter()
        reply = metrics.counted(await answer(asked, lambda _: None), started)
        return JSONResponse(rendering.as_json(reply, here.emergency))

    @api.get("/api/v1/sources", response_model=list[SourceOut], summary="List the sources")
    async def list_sources(site: str | None = None) -> list[dict[str, Any]]:
        return [_source_json(source) for source in service.at(site).sources.values()]

    @api.get(
        "/api/v1/sources/{source_id}",
        response_model=SourceTextOut,
        responses={404: PROBLEM},
        summary="A source's full text",
    )
    async def get_source(source_id: str) -> dict[str, Any]:
        source = service.source(source_id)
        return {**_source_json(source), "text": source.text}

    @api.post(
        "/api/v1/feedback",
        status_code=204,
        responses=dict.fromkeys((403, 404, 422, 429), PROBLEM),
        summary="Rate a reply",
    )
    async def rate(body: FeedbackBody, request: Request) -> Response:
        here = request.state.here = service.at(body.site)
        service.admit(request, here.site)
        await service.admit_asker(request, here.site)
        add = service.feedback.add
        await anyio.to_thread.run_sync(add, body.reply, body.kind.value, body.helpful, body.reason)
        return Response(status_code=204)

    @api.get("/healthz", summary="Is the process alive?")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @api.get("/readyz", summary="Can it answer?", responses={503: PROBLEM})
    async def readyz() -> Response:
        newer = False
        for engine in service.engines:
            reply = await engine.answer(Ask("How long does bruising last?"))
            if reply.kind is Kind.UNAVAILABLE:
                return problem(503, "An index cannot be searched. Run: python ingest.py")
            index = engine.assistant.decider.index
            newer |= index.storage.current() != index.record["generation"]
        generation = default.engine.assistant.decider.index.record["generation"]
        return JSONResponse({"status": "ready", "index": generation, "newer_index": newer})

    @api.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics")
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    add_files(api, service)
    return api


def _at_once(reply: Reply) -> Answer:
    """Return an answerer that has its reply already."""

    async def answer(_: Ask, __: Callable[[str], object]) -> Reply:
        return reply

    return answer


async def _events(
    here: Embedded, asked: Ask, answer: Answer, metrics: Metrics
) -> AsyncIterator[bytes]:
    """Stream a reply: `meta` with the notice, `status`, checked statements, `done`.

    An emergency is one `urgent` event, first and alone: so nothing is sent before it is known
    that this is none. Who leaves before the reply is made ends the work on it.
    """
    started = time.perf_counter()
    stages: list[str] = []
    try:
        reply = metrics.counted(await answer(asked, stages.append), started)
    except asyncio.CancelledError:
        metrics.stopped.inc()
        raise
    whole = rendering.as_json(reply, here.emergency)
    if reply.kind is Kind.URGENT:
        yield _event("urgent", whole)
        return
    parts = ("statements", "citations")
    yield _event("meta", {k: v for k, v in whole.items() if k not in parts})
    for stage in dict.fromkeys(stages):
        yield _event("status", {"stage": stage, "text": wording.say(reply.locale, "status", stage)})
    for statement in whole["statements"]:
        yield _event("statement", statement)
    yield _event("citations", whole["citations"])
    yield _event("done", {"id": whole["id"], "kind": whole["kind"]})


def _event(name: str, data: Any) -> bytes:
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=name)


def _source_json(source: Source) -> dict[str, Any]:
    return {
        "id": source.id,
        "title": source.title,
        "kind": source.kind,
        "author": source.author,
        "publisher": source.publisher,
        "url": source.url,
        "added": source.added.isoformat() if source.added else None,
        "reviewed_by": source.reviewed_by,
        "reviewed_on": source.reviewed_on.isoformat() if source.reviewed_on else None,
        "caution": source.caution,
        "sha256": source.sha256,
    }
