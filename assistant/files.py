"""What a browser opens or loads as it is: sources, the widget's files, the demonstration, `/docs`.

In: the application and its service. Nothing here answers a question; each document comes with the
policy that it works under.
"""

import gzip
import json
from collections.abc import Callable
from functools import lru_cache

import brotli
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from assistant.reader import source_page
from assistant.schemas import PROBLEM, SiteOut
from assistant.service import Service
from assistant.widget import STATIC, Asset, assets, site_json

SOURCE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""A site may frame the page, and the page frames a source: so the sites' origins are added."""
DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
"""As strict as a clinic's may be: the widget must work under it."""
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PRESSES: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
}
FOR_EVER = "public, max-age=31536000, immutable"
FOR_NOW = "public, no-cache"
"""Asked for again each time, by its ETag: old files must not meet new ones."""


def add_files(api: FastAPI, service: Service) -> None:
    """Add the routes to the application."""
    source_policy = " ".join((SOURCE_POLICY, *service.origins))

    @api.get("/sources/{source_id}", include_in_schema=False)
    async def read_source(
        source_id: str,
        start: int | None = None,
        end: int | None = None,
        site: str | None = None,
        locale: str | None = None,
    ) -> HTMLResponse:
        here = service.at(site)
        source = service.source(source_id)
        page = source_page(
            source, start, end, here.locale(locale), here.emergency, service.language(source)
        )
        return HTMLResponse(page, headers={"Content-Security-Policy": source_policy})

    @api.get("/widget.js", include_in_schema=False)
    @api.get("/widget-chat.js", include_in_schema=False)
    async def widget(request: Request, v: str = "") -> Response:
        return deliver(request, assets()[request.url.path], "text/javascript", v)

    @api.get(
        "/api/v1/sites/{site_id}",
        response_model=SiteOut,
        responses={404: PROBLEM},
        summary="What the widget shows around the replies",
    )
    async def get_site(request: Request, site_id: str, locale: str | None = None) -> Response:
        told = json.dumps(site_json(service.at(site_id), locale), ensure_ascii=False)
        return deliver(request, Asset(told.encode()), "application/json")

    @api.get("/demo", include_in_schema=False)
    async def demo() -> FileResponse:
        headers = {"Content-Security-Policy": DEMO_POLICY, "X-Robots-Tag": "noindex"}
        return FileResponse(STATIC / "demo.html", headers=headers)

    @api.get("/demo.css", include_in_schema=False)
    async def demo_style() -> FileResponse:
        return FileResponse(STATIC / "demo.css", headers={"Cache-Control": FOR_NOW})

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title="Footnote: HTTP, version 1",
            swagger_js_url="docs/files/swagger-ui-bundle.js",
            swagger_css_url="docs/files/swagger-ui.css",
            swagger_favicon_url="data:,",
        )
        page.headers["Content-Security-Policy"] = DOCS_POLICY
        return page

    # FastAPI's own page loads these from elsewhere.
    files = StaticFiles(packages=[("fastapi_swagger", "resources")])
    api.mount("/docs/files", files, name="docs")


def deliver(request: Request, asset: Asset, media_type: str, version: str = "") -> Response:
    """Send what does not change while the server runs, as small as the browser takes it.

    For ever, if its address names its version.
    """
    headers = {
        "Cache-Control": FOR_EVER if version == asset.version else FOR_NOW,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": f'W/"{asset.version}"',  # weak: the same for every encoding
        "Vary": "Accept-Encoding, Origin",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    accepted = request.headers.get("accept-encoding", "").replace(" ", "").split(",")
    encoding = next((name for name in PRESSES if name in accepted), None)
    if encoding:
        headers["Content-Encoding"] = encoding
    body = _pressed(asset.body, encoding) if encoding else asset.body
    return Response(body, media_type=media_type, headers=headers)


@lru_cache(maxsize=256)
def _pressed(body: bytes, encoding: str) -> bytes:
    return PRESSES[encoding](body)
