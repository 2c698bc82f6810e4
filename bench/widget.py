"""widget: bytes and time to a usable question box, beside an iframe of the page.

Fair because both stand in the same bare page of another origin, are loaded by the same browser
with an empty cache, over the same slow line (1.6 Mbit/s, 150 ms) and with a processor slowed down
four times. The widget's figures include the press on its button and all that this loads.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.measure import Row, by_turns, medians
from bench.place import Place
from bench.server import ours

SLOW = {"offline": False, "latency": 150, "downloadThroughput": 2e5, "uploadThroughput": 9.4e4}
"""A slow 4G line; bytes a second."""
SLOWED = 4
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = "<!doctype html><html lang=en><title>Clinic</title><body><h1>Clinic</h1>{}"
TAG = '<script src="http://127.0.0.1:{}/widget.js" data-site="clinic" defer></script>'
FRAME = '<iframe src="http://127.0.0.1:{}/" width="400" height="640" title="Chat"></iframe>'


def measure(place: Place) -> Iterator[Row]:
    """Load both by turns, in a browser of their own each time."""
    from playwright.sync_api import sync_playwright

    pages: dict[str, str] = {}
    with _host(pages) as origin, sync_playwright() as playwright:
        sites = place.folder / "sites.toml"
        sites.write_text(f"[clinic]\norigins = [{origin!r}]\n")
        with ours(place, page=True, sites=sites) as server:
            server.first_page()
            pages |= {"/widget": TAG.format(server.port), "/frame": FRAME.format(server.port)}
            chromium = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
            sides = [
                lambda: _load(chromium, f"{origin}/widget", _press),
                lambda: _load(chromium, f"{origin}/frame", _wait_for_frame),
            ]
            (seconds, size, requests), (theirs, weight, many) = map(medians, by_turns(sides))
            chromium.close()
    yield Row("widget: to a usable box", seconds, theirs, "s", at_most=0.25)
    yield Row("widget: bytes over the line", size, weight, "KB", at_most=1 / 30)
    yield Row("widget: requests", requests, many)


def _load(
    chromium: Any, address: str, usable: Callable[[Any], object]
) -> tuple[float, float, float]:
    """Return seconds to a usable box, kilobytes (10^3 bytes) and requests, the host page's less."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sizes: dict[str, float] = {}
    session = context.new_cdp_session(page)
    session.on(
        "Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]})
    )
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    usable(page)
    seconds = time.perf_counter() - started
    page.wait_for_load_state("networkidle")
    context.close()
    return seconds, sum(sizes.values()) / 1e3, float(len(sizes) - 1)


def _press(page: Any) -> None:
    page.get_by_role("button", name="Ask a question").click()
    page.locator("footnote-assistant textarea").click()


def _wait_for_frame(page: Any) -> None:
    page.frame_locator("iframe").locator("#question textarea").click()


def _chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise RuntimeError("no Chromium; install it, for example: apt-get install chromium")
    return found


@contextmanager
def _host(pages: dict[str, str]) -> Iterator[str]:
    """Serve bare pages of another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.format(pages.get(self.path, "")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
