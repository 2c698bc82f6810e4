"""A small web of our own for a real browser: the assistant at one origin, clinics' pages at others.

In: settings and a file of sites. Out: two HTTPS servers in threads, which Chromium finds by name
because it is told that every host under `.test` is this machine.
"""

import asyncio
import re
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path

import trustme
import uvicorn
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api import Metrics, create_api
from assistant.engine import Engine
from assistant.service import Embedded, Service
from assistant.settings import Settings
from assistant.values import Ask, Clinic, Reply
from assistant.widget import tag
from assistant.wiring import build_service

ASSISTANT, CLINIC, FOREIGN = "assistant.test", "clinic.test", "foreign.test"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
FLAGS.append("--host-resolver-rules=MAP *.test 127.0.0.1")
MISSING = (
    "The browser tests need Chromium. Install it: apt-get install -y chromium, "
    "or: python -m playwright install chromium"
)


def find_browser(own: str) -> str | None:
    """Return an installed Chromium, or Playwright's own if it lies at `own`; None: neither."""
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    return installed or (own if Path(own).exists() else None)


# ----------------------------------------------------------------------- the assistant, watched


class Watched(Engine):
    """An engine that remembers what it was asked, and can be told to keep the next asker waiting."""

    def __init__(self, engine: Engine, like: "Watched | None" = None) -> None:
        super().__init__(engine.assistant, engine.encoder, engine.retriever, engine._together)
        self.asked: list[Ask] = like.asked if like else []
        self.left: list[Ask] = like.left if like else []
        """Those whose asker left before the reply."""
        self.hold = like.hold if like else threading.Event()
        """Set: the next question waits until its asker leaves."""

    def for_clinic(self, clinic: Clinic, locale: str) -> "Watched":
        return Watched(super().for_clinic(clinic, locale), self)

    async def answer(self, ask: Ask, stage: Callable[[str], object] = lambda _: None) -> Reply:
        self.asked.append(ask)
        if not self.hold.is_set():
            return await super().answer(ask, stage)
        self.hold.clear()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.append(ask)
            raise
        raise AssertionError("unreachable")


class Trouble:
    """Breaks the next question, or cuts its reply in two, inside the application."""

    def __init__(self, app: ASGIApp, armed: list[str]) -> None:
        self.app = app
        self.armed = armed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["path"] == "/api/v1/ask"
        trouble = self.armed.pop() if asks and self.armed else None
        if trouble == "break":
            raise RuntimeError("broken for the test")

        async def cut(message: Message) -> None:
            await send(message)
            if b"event: statement" in message.get("body", b""):
                raise ConnectionError("cut for the test")

        await self.app(scope, receive, cut if trouble == "cut" else send)


class FromOutside:
    """Lets every request come from an address that is not this machine's, so that it is counted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "client": ("203.0.113.9", 1)}, receive, send)


# ---------------------------------------------------------------------------- clinics' pages


@dataclass
class HostPages:
    """Pages by path, as the test wrote them, each with its style and its policy."""

    pages: dict[str, tuple[str, str | None, str]] = field(default_factory=dict)

    def put(self, body: str, policy: str | None = None, css: str = "", lang: str = "en") -> str:
        """Keep a page; return its path."""
        path = f"/page{len(self.pages)}"
        link = f'<link rel="stylesheet" href="{path}.css">'
        turned = ' dir="rtl"' if lang == "ar" else ""
        html = f'<!doctype html><html lang="{lang}"{turned}><meta charset="utf-8">{link}{body}'
        self.pages[path] = (html, policy, css)
        return path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        html, policy, css = self.pages.get(path.removesuffix(".css"), ("", None, ""))
        if scope["type"] != "http":
            return
        if path.endswith(".css"):
            response: Response = Response(css, media_type="text/css")
        elif html:
            headers = {"Content-Security-Policy": policy} if policy else None
            response = HTMLResponse(html, headers=headers)
        else:
            response = Response(status_code=204)  # such as /favicon.ico
        await response(scope, receive, send)


# ------------------------------------------------------------------------------- all together


@dataclass
class Web:
    """What the tests hold in their hands."""

    assistant: str
    clinic: str
    foreign: str
    service: Service
    engine: Watched
    metrics: Metrics
    hosts: HostPages
    armed: list[str]
    """What befalls the next question: `break` or `cut`."""

    def stopped(self) -> float:
        """Return how many askers left before their reply, as the metrics say."""
        return self.metrics.registry.get_sample_value("footnote_stopped_total") or 0.0

    def tag(self, site: str, **attributes: str | None) -> str:
        """Return the snippet that a clinic is given, with attributes changed; None: left out."""
        text = tag(self.service.at(site).site, self.assistant)
        found = re.search(r"<script ([^>]*) defer></script>", text)
        assert found, text
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', found[1]))
        given |= {name.replace("_", "-"): value for name, value in attributes.items()}
        kept = " ".join(f'{k}="{escape(v)}"' for k, v in given.items() if v is not None)
        return f"<script {kept} defer></script>"


@contextmanager
def running(settings: Settings, folder: Path, sites: str) -> Iterator[Web]:
    """Serve the assistant and the clinics' pages; `{clinic}` in `sites` is the page's origin."""
    ports = [_listener(), _listener()]
    assistant, clinic, foreign = (
        f"https://{name}:{port.getsockname()[1]}"
        for name, port in zip(
            (ASSISTANT, CLINIC, FOREIGN), (ports[0], ports[1], ports[1]), strict=True
        )
    )
    path = folder / "sites.toml"
    path.write_text(sites.replace("{clinic}", clinic), encoding="utf-8")
    told = {"sites": path, "url": assistant, "database": f"sqlite:///{folder}/feedback.db"}
    service, engine = _watched(build_service(settings.model_copy(update=told)))
    api, hosts, armed = create_api(service), HostPages(), []
    api.user_middleware.append(Middleware(Trouble, armed=armed))  # inside everything else
    certificate = trustme.CA().issue_cert(ASSISTANT, CLINIC, FOREIGN)
    try:
        with (
            _served(FromOutside(api), ports[0], certificate),
            _served(hosts, ports[1], certificate),
        ):
            yield Web(
                assistant, clinic, foreign, service, engine, api.state.metrics, hosts, armed
            )  # fmt: skip
    finally:
        service.close()


def _watched(service: Service) -> tuple[Service, Watched]:
    first = Watched(service.default.engine)
    embedded: Mapping[str, Embedded] = {
        name: Embedded(one.site, Watched(one.engine, first))
        for name, one in service.embedded.items()
    }
    return replace(service, embedded=embedded), first


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@contextmanager
def _served(app: ASGIApp, listener: socket.socket, certificate: trustme.LeafCert) -> Iterator[None]:
    """Run uvicorn in a thread, over TLS."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    config.timeout_graceful_shutdown = 2
    config.load()
    config.ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(config.ssl)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server does not start"
        assert time.monotonic() < until, "the server does not start"
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
