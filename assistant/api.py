"""HTTP, version 1: the contract that the page, the widget and others build on.

In: JSON. Out: JSON, or the same as server-sent events. Every body, errors included, carries the
notice. Question and answer texts are never logged.
"""

import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import anyio
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant import rendering, wording
from assistant.engine import Engine
from assistant.errors import RequestError
from assistant.feedback import FeedbackStore
from assistant.pipeline import clean_ask
from assistant.schemas import (
    PROBLEM,
    AskBody,
    FeedbackBody,
    ReplyOut,
    SourceOut,
    SourceTextOut,
)
from assistant.values import Ask, Kind, Reply, Source

MAX_BODY = 64 * 1024
SITES = frozenset({"default"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
RAW_HEADERS = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
CLOSED_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
log = logging.getLogger(__name__)


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
        self.errors = Counter(
            "footnote_problems", "Problem documents by status", ["status"], registry=self.registry
        )


class Guard:
    """Sets the security headers on every response and refuses bodies over `MAX_BODY`.

    Plain ASGI: a body of the API is read here, once, before anything else sees the request.
    """

    def __init__(self, app: ASGIApp, refuse: Callable[[], Response]) -> None:
        self.app = app
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                missing = [h for h in RAW_HEADERS if h[0] not in present]
                message = {**message, "headers": [*message["headers"], *missing]}
            await send(message)

        if scope["method"] != "POST" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, guarded)
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if len(body) > MAX_BODY:
                await self.refuse()(scope, receive, guarded)
                return
            if not part.get("more_body"):
                break
        first = True

        async def replay() -> Message:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await self.app(scope, replay, guarded)


def create_api(engine: Engine, feedback: FeedbackStore) -> FastAPI:
    """Return the HTTP application over a working engine."""
    api = FastAPI(
        title="Footnote",
        version="1",
        description="Answers from a clinic's reviewed source texts, every statement footnoted.",
        docs_url="/docs",
        redoc_url=None,
    )
    metrics = Metrics()
    emergency = engine.assistant.replies.clinic.emergency_number
    default_locale = engine.assistant.default_locale
    sources = engine.assistant.sources
    api.state.engine, api.state.metrics, api.state.feedback = engine, metrics, feedback

    def problem(status: int, detail: str, locale: str = default_locale) -> JSONResponse:
        metrics.errors.labels(str(status)).inc()
        notice = wording.notice_for(Kind.UNAVAILABLE, locale, emergency)
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "notice": {"text": notice.text, "version": notice.version},
        }
        return JSONResponse(body, status, media_type="application/problem+json")

    @api.exception_handler(RequestError)
    async def request_error(_: Request, error: RequestError) -> JSONResponse:
        return problem(error.status, error.detail)

    @api.exception_handler(StarletteHTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # Name the field and the rule, never the value: it is a visitor's text.
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return problem(422, f"{where}: {first['msg']}")

    @api.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> JSONResponse:
        log.error("request failed: %s", type(error).__name__)
        return problem(500, "Something broke on our side. Try again in a minute.")

    too_large = f"The body is larger than {MAX_BODY} bytes. Send less."
    api.add_middleware(Guard, refuse=lambda: problem(413, too_large))

    def counted(reply: Reply, started: float) -> Reply:
        metrics.replies.labels(reply.kind.value).inc()
        metrics.seconds.observe(time.perf_counter() - started)
        return reply

    @api.post(
        "/api/v1/ask",
        response_model=ReplyOut,
        responses={413: PROBLEM, 415: PROBLEM, 422: PROBLEM, 404: PROBLEM},
        summary="Ask a question",
    )
    async def ask(body: AskBody, request: Request) -> Response:
        """Answer with JSON, or with events when `Accept` is `text/event-stream`."""
        if body.site is not None and body.site not in SITES:
            raise RequestError(404, "There is no such site. Leave `site` out or name a known one.")
        asked = Ask(body.question, tuple(body.history), body.locale)
        if "text/event-stream" in request.headers.get("accept", ""):
            clean_ask(asked)  # refuse before the first event: afterwards there is no status
            return EventSourceResponse(_events(engine, asked, emergency, counted))
        started = time.perf_counter()
        reply = counted(await engine.answer(asked), started)
        return JSONResponse(rendering.as_json(reply, emergency))

    @api.get("/api/v1/sources", response_model=list[SourceOut], summary="List the sources")
    async def list_sources() -> list[dict[str, Any]]:
        return [_source_json(source) for source in sources.values()]

    @api.get(
        "/api/v1/sources/{source_id}",
        response_model=SourceTextOut,
        responses={404: PROBLEM},
        summary="A source's full text",
    )
    async def get_source(source_id: str) -> dict[str, Any]:
        source = _source(source_id)
        return {**_source_json(source), "text": source.text}

    @api.get("/sources/{source_id}", include_in_schema=False)
    async def read_source(
        source_id: str, start: int | None = None, end: int | None = None
    ) -> HTMLResponse:
        page = rendering.source_page(_source(source_id), start, end, default_locale, emergency)
        return HTMLResponse(page, headers={"Content-Security-Policy": CLOSED_POLICY})

    def _source(source_id: str) -> Source:
        if source_id not in sources:
            raise RequestError(404, "There is no such source. GET /api/v1/sources lists them.")
        return sources[source_id]

    @api.post("/api/v1/feedback", status_code=204, responses={422: PROBLEM}, summary="Rate a reply")
    async def rate(body: FeedbackBody) -> Response:
        await anyio.to_thread.run_sync(
            feedback.add, body.reply, body.kind.value, body.helpful, body.reason
        )
        return Response(status_code=204)

    @api.get("/healthz", summary="Is the process alive?")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @api.get("/readyz", summary="Can it answer?", responses={503: PROBLEM})
    async def readyz() -> Response:
        reply = await engine.answer(Ask("How long does bruising last?"))
        if reply.kind is Kind.UNAVAILABLE:
            return problem(503, "The index cannot be searched. Run: python ingest.py")
        index = engine.assistant.decider.index
        newer = index.storage.current() != index.record["generation"]
        return JSONResponse(
            {"status": "ready", "index": index.record["generation"], "newer_index": newer}
        )

    @api.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics")
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    return api


async def _events(
    engine: Engine, asked: Ask, emergency: str | None, counted: Callable[[Reply, float], Reply]
) -> AsyncIterator[bytes]:
    """Stream a reply: `meta` with the notice, `status`, checked statements, `done`.

    An emergency is one `urgent` event, first and alone: so nothing is sent before it is known
    that this is none.
    """
    started = time.perf_counter()
    stages: list[str] = []
    reply = counted(await engine.answer(asked, stages.append), started)
    whole = rendering.as_json(reply, emergency)
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
