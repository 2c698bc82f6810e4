"""The page at `/`: built in the background once the API is up, served behind the API's routes.

In: the API's application. Out: whatever no route of the API answers, and of that only what the
page needs: the rest of Gradio (uploads, files, an API of its own) stays shut, and all of it to pages of
other origins. What the page shows is `document`'s and `chat`'s.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.chat import make_chat
from assistant.document import document
from assistant.guard import MAX_BODY
from assistant.service import Service

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
FILES = frozenset({"/page.css", "/page.js", "/reader.js"})
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "frame-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'self'"
)
"""The origins of the sites are added: their pages may frame this one."""
OPEN = re.compile(
    r"/|/config|/theme\.css|/(?:assets|static|svelte)/.*"
    r"|/gradio_api/(?:queue/(?:join|data)|app_id|startup-events|theme\.css)"
)
"""The paths of Gradio that the page asks for; `app_id` when it comes back after a lost connection."""
FRESH = {"Cache-Control": "no-cache"}
"""Scripts and look are asked for anew with each document, by their ETag: an old one does not fit."""


def mount_page(api: FastAPI) -> None:
    """Answer with the page whatever the API does not; build it once the API is up."""
    page = Page(lambda: make_chat(api), api.state.service)
    api.router.default = page
    outer = api.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with outer(app) as state:
            page.start()
            try:
                yield state
            finally:
                await page.stop()

    api.router.lifespan_context = lifespan


class Page:
    """The page as an ASGI application: a request that comes before it is built waits for it."""

    def __init__(self, make: Callable[[], FastAPI], service: Service) -> None:
        self.make = make
        self.service = service
        self.policy = " ".join((POLICY, *service.origins)).encode()
        self._task: asyncio.Task[None] | None = None
        self._built: asyncio.Future[ASGIApp]
        self._over: asyncio.Event

    def start(self) -> None:
        """Begin to build, in a thread of its own."""
        if self._task is None:
            self._built = asyncio.get_running_loop().create_future()
            self._over = asyncio.Event()
            self._task = asyncio.create_task(self._live())
            self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End Gradio's own tasks."""
        if self._task is not None:
            self._over.set()
            await asyncio.wait([self._task])

    async def _live(self) -> None:
        """Build, run Gradio's startup (its queue), and stay until the end."""
        app = await asyncio.to_thread(self.make)
        async with app.router.lifespan_context(app):
            self._built.set_result(app)
            await self._over.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Hand a failure to whoever waits for the page; the API lives on without it."""
        if not task.cancelled() and (error := task.exception()):
            log.error("the page could not be built", exc_info=error)
            if not self._built.done():
                self._built.set_exception(HTTPException(503, "The page cannot be shown."))
                self._built.exception()  # taken note of, even if nobody asks for the page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path in FILES:
            await self._with_policy(FileResponse(STATIC / path[1:], headers=FRESH))(
                scope, receive, send
            )
            return
        if not OPEN.fullmatch(path):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})
                return
            raise HTTPException(404, "There is nothing here.")
        if not self.service.own(HTTPConnection(scope)):
            raise HTTPException(403, "Pages of other origins may not use this page.")
        self.start()
        app = await self._built
        if path == "/":
            app = self._edited(app)
        await self._with_policy(app)(scope, _limited(receive), send)

    def _with_policy(self, app: ASGIApp) -> ASGIApp:
        """Send the policy with every response."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            async def guarded(message: Message) -> None:
                if message["type"] == "http.response.start":
                    policy = (b"content-security-policy", self.policy)
                    message = {**message, "headers": [*message["headers"], policy]}
                await send(message)

            await app(scope, receive, guarded)

        return wrapped

    def _edited(self, app: ASGIApp) -> ASGIApp:
        """Return Gradio's document as ours."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            plain = [h for h in scope["headers"] if h[0] != b"accept-encoding"]
            status, body = 200, b""

            async def collect(message: Message) -> None:
                nonlocal status, body
                status = message.get("status", status)
                body += message.get("body", b"")

            await app({**scope, "headers": plain}, receive, collect)
            ours = document(body.decode(), self.service, QueryParams(scope["query_string"]))
            await HTMLResponse(ours, status)(scope, receive, send)

        return wrapped


def _limited(receive: Receive) -> Receive:
    """Refuse a body that is larger than any question."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MAX_BODY:
            raise HTTPException(413, f"The body is larger than {MAX_BODY} bytes. Send less.")
        return message

    return limited
