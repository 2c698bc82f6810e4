"""What holds of every response, whatever made it: security headers, a body's limit, no bare 500.

Plain ASGI. In: the application, and how to say what is wrong. It knows no route and no text.
`Headers` is outside everything else; `Guard` is inside what lets other origins read, so that a
widget can read what it refuses.
"""

import logging
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 64 * 1024
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What a response says unless the route that made it says otherwise."""
log = logging.getLogger(__name__)

Problem = Callable[[int, str], Response]


class Headers:
    """Sets the headers of every response, preflights included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)


class Guard:
    """Refuses a body over `MAX_BODY`, turns a failure into a problem."""

    def __init__(self, app: ASGIApp, problem: Problem) -> None:
        self.app = app
        self.problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            if scope["method"] == "POST" and scope["path"].startswith("/api/"):
                whole = await self._read(scope, receive, guarded)
                if whole is None:
                    return
                receive = whole
            await self.app(scope, receive, guarded)
        except Exception as error:  # HTTP's edge; the text may hold a visitor's words
            log.error("request failed: %s", type(error).__name__)  # noqa: TRY400
            log.debug("request failed at", exc_info=error)
            if begun:
                raise
            broken = self.problem(500, "Something broke on our side. Try again in a minute.")
            await broken(scope, receive, guarded)

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Read a body once, before anything else sees it; None if it was refused or broke off."""
        body = b""
        while True:
            part = await receive()
            if part["type"] == "http.disconnect":
                return None
            body += part.get("body", b"")
            if len(body) > MAX_BODY:
                detail = f"The body is larger than {MAX_BODY} bytes. Send less."
                await self.problem(413, detail)(scope, receive, send)
                return None
            if not part.get("more_body"):
                break
        first = True

        async def replay() -> Message:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        return replay
