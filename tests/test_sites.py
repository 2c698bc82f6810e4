"""Sites: what the file may say, who may ask from where and how often, what a browser is told."""

import asyncio
import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import brotli
import pytest
import uvicorn
from fastapi.testclient import TestClient
from limits.errors import StorageError
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant import server, wiring
from assistant.api import create_api
from assistant.errors import FootnoteError
from assistant.feedback import FeedbackStore
from assistant.limiter import Limiter
from assistant.service import Embedded, Service, _warn_of_a_proxy
from assistant.settings import load_settings
from assistant.sites import read_sites
from assistant.widget import assets, tag
from assistant.wording import notice_for
from tests.web import Watched

HOME, OTHER, FOREIGN = "https://www.clinic.test", "https://other.test:8443", "https://foreign.test"
SITES = f"""
[clinic]
origins = ["{HOME}"]
name = "Linden Skin Clinic"
phone = "+49 30 1234567"
booking = "https://www.clinic.test/book"
emergency_number = "112"
leave = "https://www.weather.test/"
logo = "https://www.clinic.test/logo.svg"
[clinic.theme]
accent = "#7a2e5d"
[clinic.limits]
address = "1000/minute"

[other]
origins = ["{OTHER}"]
locale = "ar"
keep = true

[busy]
origins = ["{HOME}"]
limits = {{ address = "2/minute", site = "5/minute" }}
"""
SPOKEN = {"question": "How long does bruising last?"}


def read(folder: Path, text: str, **rest: object):
    """Read sites from a file with this text."""
    path = folder / "sites.toml"
    path.write_text(text, encoding="utf-8")
    return read_sites(load_settings(sites=path, **rest))


# ------------------------------------------------------------------------------ what the file says

ALLOWED = 'origins = ["https://clinic.test"]'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[clinic]\norigins = ["https://clinic.test/"]', 2, 'send it as "https://clinic.test"'),
        ('[clinic]\norigins = ["https://Clinic.test"]', 2, 'send it as "https://clinic.test"'),
        ('[clinic]\norigins = ["https://clinic.test:443"]', 2, 'send it as "https://clinic.test"'),
        ('[clinic]\norigins = ["https://clinic.test/a"]', 2, 'send it as "https://clinic.test"'),
        ('[clinic]\n\norigins = ["https://*.clinic.test"]', 3, "write one such as"),
        ('[clinic]\norigins = ["null"]', 2, "not an origin"),
        ('[clinic]\norigins = ["*"]', 2, "not an origin"),
        ('[clinic]\norigins = ["clinic.test"]', 2, "not an origin"),
        ('[clinic]\norigins = ["https://clinic.test:abc"]', 2, "not an origin"),
        ('[clinic]\nname = "Linden"', 1, 'Add: origins = ["https://'),
        (f'[clinic]\n{ALLOWED}\ncolour = "red"', 3, "no such key; there are origins, collection"),
        (f"[clinic]\n{ALLOWED}\n[clinic.theme]\nsize = 1", 4, "no such key; there are accent"),
        (f'[clinic]\n{ALLOWED}\n[clinic.theme]\naccent = "#ffcc00"', 4, "a darker shade of it: #"),
        (f'[clinic]\n{ALLOWED}\n[clinic.theme]\naccent = "red"', 4, "not a colour; write one"),
        (f"[clinic]\n{ALLOWED}\n[clinic.theme]\nwidth = 10", 4, "280"),
        (f'[clinic]\n{ALLOWED}\n[clinic.theme]\nfont = "x; }} * {{"', 4, "must look like"),
        (f'[clinic]\n{ALLOWED}\n[clinic.limits]\naddress = "many"', 4, '"20/minute;200/hour"'),
        (f'[clinic]\n{ALLOWED}\nlocale = "xx"', 3, "no such locale; there are ar"),
        (f'[clinic]\n{ALLOWED}\nphone = "call us"', 3, "must look like"),
        (f'[clinic]\n{ALLOWED}\nemergency_number = "help"', 3, "must look like"),
        (f'[clinic]\n{ALLOWED}\nbooking = "javascript:alert(1)"', 3, 'begins with "https://"'),
        (f'[clinic]\n{ALLOWED}\nleave = "weather.test"', 3, 'begins with "https://"'),
        (f'[clinic]\n{ALLOWED}\nlogo = "https://cdn.test/a.png"', 1, "put it on the site"),
        (f'[clinic]\n{ALLOWED}\nkeep = "perhaps"', 3, "keep"),
        (f"[one]\n{ALLOWED}\n\n[Clinic_2]\n{ALLOWED}", 4, "small letters, digits and hyphens"),
        (f'[clinic]\n{ALLOWED}\nid = "me"', 1, "begin one with [clinic-name]"),
        ("clinic = 3", 1, "begin one with [clinic-name]"),
        (f"[clinic]\n{ALLOWED}\nname = Linden", 3, "Mend it"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_line_and_the_remedy(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(FootnoteError) as caught:
        read(tmp_path, text)
    assert f"line {line}" in str(caught.value)
    assert words in str(caught.value)
    assert "sites.toml" in str(caught.value)


def test_a_file_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FootnoteError, match=r"No file .*none\.toml\. Mend FOOTNOTE_SITES"):
        read_sites(load_settings(sites=tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("clinic_phone", "call us", "FOOTNOTE_CLINIC_PHONE='call us'"),
        ("clinic_url", "clinic.test", "FOOTNOTE_CLINIC_URL='clinic.test'"),
        ("emergency_number", "help", "FOOTNOTE_EMERGENCY_NUMBER='help'"),
        ("url", "https://ask.test/path", "FOOTNOTE_URL='https://ask.test/path'"),
    ],
)
def test_a_setting_that_makes_no_site_is_refused_by_its_name(setting, value, words) -> None:
    with pytest.raises(FootnoteError, match=re.escape(words)):
        read_sites(load_settings(**{setting: value}))


def test_a_site_takes_what_the_file_leaves_open_from_the_settings(tmp_path: Path) -> None:
    """A site without its operator's emergency number would name another country's."""
    text = f'[default]\nphone = "+1 555 0100"\n[clinic]\n{ALLOWED}\nname = "Oak"'
    sites = read(
        tmp_path, text, clinic_name="Linden", clinic_phone="+1 555 0199", emergency_number="112"
    )
    assert (sites["default"].name, sites["default"].phone) == ("Linden", "+1 555 0100")
    assert (sites["clinic"].name, sites["clinic"].phone) == ("Oak", "+1 555 0199")
    assert sites["clinic"].emergency_number == sites["default"].emergency_number == "112"
    assert sites["default"].origins == ()


def test_collections_that_share_a_sources_id_are_refused_by_both_names() -> None:
    def engine(*ids: str) -> SimpleNamespace:
        return SimpleNamespace(assistant=SimpleNamespace(sources=dict.fromkeys(ids)))

    wiring._refuse_shared_ids({"one": engine("a", "b"), "two": engine("c")})
    with pytest.raises(FootnoteError, match=r"one and two both have a source 'b'.*manifests"):
        wiring._refuse_shared_ids({"one": engine("a", "b"), "two": engine("b")})


# ----------------------------------------------------------------------------- who may ask


class Peer:
    """Takes the address of the asker from a header of the test."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            told = dict(scope["headers"]).get(b"x-test-peer", b"203.0.113.9").decode()
            scope = {**scope, "client": (told, 50000)}
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def watched(engine) -> Watched:
    """The real engine, counting what it is asked."""
    return Watched(engine)


@pytest.fixture
def service(watched, tmp_path: Path) -> Service:
    """Three sites and the assistant's own page, over the one index."""
    sites = read(tmp_path, SITES, url="https://ask.test")
    embedded = {
        name: Embedded(site, watched.for_clinic(site.clinic, site.locale or "en"))
        for name, site in sites.items()
    }
    watched.asked.clear()
    return Service(embedded, FeedbackStore(f"sqlite:///{tmp_path}/f.db"), url="https://ask.test")


@pytest.fixture
def embedding(service: Service) -> Iterator[TestClient]:
    with TestClient(Peer(create_api(service)), raise_server_exceptions=False) as client:
        yield client


def ask(client: TestClient, site: str | None = "clinic", origin: str | None = HOME, **headers: str):
    if origin:
        headers["origin"] = origin
    body = SPOKEN | ({"site": site} if site else {})
    return client.post("/api/v1/ask", json=body, headers=headers)


def test_an_allowed_origin_is_named_exactly_and_no_credentials_are_let_in(embedding) -> None:
    for response in (ask(embedding), embedding.get("/widget.js", headers={"origin": HOME})):
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == HOME
        assert "Origin" in response.headers["vary"]
        assert "access-control-allow-credentials" not in response.headers


def test_what_went_wrong_can_be_read_by_the_page_that_asked(embedding) -> None:
    """Without the header the widget could not tell a wait from a broken line."""
    embedding.post("/api/v1/ask", content=b"x" * 70_000, headers={"origin": HOME})
    for response in (
        embedding.post("/api/v1/ask", content=b"x" * 70_000, headers={"origin": HOME}),
        embedding.post("/api/v1/ask", json={}, headers={"origin": HOME}),
        [ask(embedding, "busy") for _ in range(3)][-1],
    ):
        assert response.status_code in (413, 422, 429)
        assert response.headers["access-control-allow-origin"] == HOME
    assert "Retry-After" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("clinic", FOREIGN),
        ("clinic", "null"),
        ("clinic", OTHER),  # allowed, but for another site
        ("clinic", f"{HOME}.evil.test"),
        ("clinic", HOME.replace("https", "http")),
        ("clinic", f"{HOME}:8443"),
        (None, HOME),  # the assistant's own page is embedded nowhere
        ("default", FOREIGN),
    ],
)
def test_a_page_that_the_site_does_not_list_is_refused_before_anything_is_computed(
    embedding, watched, service, site: str | None, origin: str
) -> None:
    for headers in ({}, {"accept": "text/event-stream"}):
        response = ask(embedding, site, origin, **headers)
        assert response.status_code == 403
        assert response.json()["notice"]["text"]
        assert "origins" in response.json()["detail"]
    rating = {"reply": "1", "kind": "answer", "helpful": True} | ({"site": site} if site else {})
    rated = embedding.post("/api/v1/feedback", json=rating, headers={"origin": origin})
    assert rated.status_code == 403
    assert watched.asked == []
    assert service.feedback.all() == []


@pytest.mark.parametrize("origin", [FOREIGN, "null"])
def test_a_foreign_page_may_read_nothing(embedding, origin: str) -> None:
    asking = {"access-control-request-method": "POST"}
    preflight = embedding.options("/api/v1/ask", headers={"origin": origin, **asking})
    assert preflight.status_code == 400
    for response in (
        preflight,
        ask(embedding, "clinic", origin),
        embedding.get("/api/v1/sites/clinic", headers={"origin": origin}),
        embedding.get("/widget.js", headers={"origin": origin}),
    ):
        assert "access-control-allow-origin" not in response.headers


def test_a_preflight_allows_what_the_widget_sends_and_no_more(embedding) -> None:
    def preflight(method: str, header: str):
        asking = {
            "access-control-request-method": method,
            "access-control-request-headers": header,
        }
        return embedding.options("/api/v1/ask", headers={"origin": HOME, **asking})

    allowed = preflight("POST", "content-type")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == HOME
    assert "*" not in str(allowed.headers)
    assert preflight("POST", "authorization").status_code == 400
    assert preflight("DELETE", "content-type").status_code == 400


def test_the_own_page_and_whoever_is_no_browser_may_ask(embedding) -> None:
    assert ask(embedding, None, "https://ask.test").status_code == 200
    assert ask(embedding, "clinic", "https://ask.test").status_code == 200  # the demo
    assert ask(embedding, "clinic", None).status_code == 200
    assert ask(embedding, "nowhere").status_code == 404


# ----------------------------------------------------------------------------- how often


def statuses(client: TestClient, *peers: str, site: str = "busy", **headers: str) -> list[int]:
    return [ask(client, site, **{"x-test-peer": p, **headers}).status_code for p in peers]


def test_an_address_that_asks_too_much_is_told_how_long_to_wait(embedding, watched) -> None:
    assert statuses(embedding, "203.0.113.9", "203.0.113.9") == [200, 200]
    refused = ask(embedding, "busy", **{"x-test-peer": "203.0.113.9"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["retry-after"] in refused.json()["detail"]
    assert refused.json()["notice"]["text"]
    assert len(watched.asked) == 2
    assert statuses(embedding, "203.0.113.10") == [200]
    assert statuses(embedding, "203.0.113.9", site="clinic") == [200]


def test_nobody_is_too_many_for_an_emergencys_card(embedding, watched) -> None:
    statuses(embedding, *["203.0.113.9"] * 3)
    searched = len(watched.asked)
    body = {"question": "my throat is closing up and I can't breathe", "site": "busy"}
    for accept in ("application/json", "text/event-stream"):
        headers = {"origin": HOME, "accept": accept}
        response = embedding.post("/api/v1/ask", json=body, headers=headers)
        assert response.status_code == 200
        assert '"kind":"urgent"' in response.text.replace(": ", ":")
    assert len(watched.asked) == searched


def test_a_site_is_counted_as_a_whole_too(embedding) -> None:
    peers = [f"198.51.100.{n}" for n in range(7)]
    assert statuses(embedding, *peers) == [200] * 5 + [429] * 2


def test_feedback_is_counted_like_a_question(embedding) -> None:
    rating = {"reply": "1", "kind": "answer", "helpful": True, "site": "busy"}
    send = lambda: embedding.post("/api/v1/feedback", json=rating).status_code  # noqa: E731
    assert [send() for _ in range(3)] == [204, 204, 429]


def test_a_households_ipv6_addresses_count_as_one(embedding) -> None:
    assert statuses(embedding, "2001:db8:1:2::1", "2001:db8:1:2:ffff::9") == [200, 200]
    assert statuses(embedding, "2001:db8:1:2:abcd::7") == [429]
    assert statuses(embedding, "2001:db8:1:3::1") == [200]


def test_an_ipv4_address_counts_as_itself_in_ipv6_clothes(embedding) -> None:
    assert statuses(embedding, "192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7") == [200, 200, 429]
    assert statuses(embedding, "::ffff:192.0.2.8") == [200]


@pytest.mark.parametrize("here", ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_not_counted_unless_browsers_come_by_a_name(service, here: str) -> None:
    """Then a proxy that says nothing of whom it speaks for must not lift every limit."""
    for url, expected in ((None, {200}), ("https://ask.test", {200, 429})):
        limited = replace(service, url=url, limiter=Limiter())
        with TestClient(Peer(create_api(limited))) as client:
            asked = [ask(client, "busy", None, **{"x-test-peer": here}) for _ in range(5)]
        assert {response.status_code for response in asked} == expected


@pytest.mark.parametrize("fails", [StorageError(ConnectionError()), None], ids=["down", "hangs"])
def test_when_counting_fails_or_hangs_questions_are_let_through(
    embedding, service, fails, monkeypatch, caplog
) -> None:
    monkeypatch.setattr("assistant.limiter.PATIENCE", 0.05)

    async def broken(*_: object) -> bool:
        if fails:
            raise fails
        return await asyncio.Event().wait()

    monkeypatch.setattr(service.limiter._counter, "test", broken)
    assert statuses(embedding, *["203.0.113.9"] * 4) == [200] * 4
    assert caplog.text.count("questions cannot be counted") == 1
    assert "203.0.113" not in caplog.text


def test_what_is_kept_of_an_address_is_a_hash_with_a_key() -> None:
    one, other = Limiter(), Limiter()
    assert one._name("203.0.113.9") == one._name("::ffff:203.0.113.9") != other._name("203.0.113.9")
    assert "203" not in one._name("203.0.113.9")


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_this_machine_is_counted_when_it_speaks_for_others(embedding, header: str) -> None:
    """A proxy that nobody named must not lift the limit for the whole world."""
    asked = [statuses(embedding, "127.0.0.1", **{header: f"203.0.113.{n}"}) for n in range(3)]
    assert asked == [[200], [200], [429]]


@pytest.fixture
def serve(service: Service, settings, monkeypatch) -> Iterator[Callable[[str, str], TestClient]]:
    """Return a function (proxies, peer) → a client of the application as uvicorn is told to run it."""
    started: list[uvicorn.Config] = []

    class Started(uvicorn.Server):
        def run(self, sockets: object = None) -> None:
            started.append(self.config)

    nowhere = SimpleNamespace(getsockname=lambda: ("", 0))
    monkeypatch.setattr(server, "_listen", lambda *_: nowhere)
    monkeypatch.setattr(uvicorn, "Server", Started)
    monkeypatch.setattr(Service, "close", lambda self: None)  # the engine is the session's
    with ExitStack() as stack:

        def client(proxies: str, peer: str) -> TestClient:
            told = {"page": False, "port": 0, "proxies": proxies}
            server.serve(settings.model_copy(update=told), service)
            started[-1].load()
            app = started[-1].loaded_app
            return stack.enter_context(TestClient(app, client=(peer, 50000)))

        yield client


def forwarded(client: TestClient, *addresses: str) -> list[int]:
    return [ask(client, "busy", **{"x-forwarded-for": a}).status_code for a in addresses]


def test_visitors_behind_a_named_proxy_are_counted_one_by_one(serve) -> None:
    client = serve("10.0.0.1,10.0.0.2", "10.0.0.2")
    asked = forwarded(client, "203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2")
    assert asked == [200, 200, 429, 200]


def test_a_named_proxy_is_known_on_a_socket_for_both_kinds_of_address(serve) -> None:
    client = serve("10.0.0.0/24", "::ffff:10.0.0.7")
    assert forwarded(client, *(f"203.0.113.{n}" for n in range(4))) == [200] * 4


def test_a_proxy_that_is_no_address_is_refused(serve) -> None:
    with pytest.raises(FootnoteError, match=r"'proxy.local' is no address. Write"):
        serve("10.0.0.1, proxy.local", "10.0.0.1")


def test_an_unnamed_proxy_is_told_of_once_and_nobodys_address_with_it(service, caplog) -> None:
    _warn_of_a_proxy.cache_clear()
    with TestClient(Peer(create_api(service))) as client:
        forwarded(client, "203.0.113.1", "203.0.113.2")
        ask(client, **{"x-test-peer": "198.51.100.7", "x-forwarded-for": "203.0.113.3"})
    assert caplog.text.count("set FOOTNOTE_PROXIES") == 1
    assert "203.0.113" not in caplog.text
    assert "198.51.100" not in caplog.text


def test_what_an_unnamed_proxy_says_is_not_believed(serve) -> None:
    """Otherwise whoever invents addresses has no limit."""
    client = serve("10.0.0.1", "198.51.100.4")
    assert forwarded(client, "203.0.113.1", "203.0.113.2", "127.0.0.1") == [200, 200, 429]


def test_an_invented_address_before_the_proxys_own_entry_is_not_believed(serve) -> None:
    client = serve("10.0.0.1", "10.0.0.1")
    asked = forwarded(client, *(f"192.0.2.{n}, 203.0.113.7" for n in range(3)))
    assert asked == [200, 200, 429]


def test_no_proxy_is_believed_unless_one_is_named(serve) -> None:
    client = serve("", "127.0.0.1")
    assert forwarded(client, "203.0.113.1", "203.0.113.2", "203.0.113.3") == [200, 200, 429]


# ----------------------------------------------------------------- what every response says

SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def is_safe(response) -> bool:
    headers = response.headers
    return (
        all(headers.get(name) == value for name, value in SAFE.items())
        and "default-src 'none'" in headers.get("content-security-policy", "")
        and "server" not in headers
        and "set-cookie" not in headers
    )


def test_every_route_sends_the_security_headers(embedding, service) -> None:
    blanks = {"{source_id}": next(iter(service.sources)), "{site_id}": "clinic"}
    routes = {route.path for route in create_api(service).routes if isinstance(route, Route)}
    paths = [re.sub(r"\{\w+\}", lambda m: blanks[m[0]], path) for path in sorted(routes)]
    assert len(paths) >= 12
    for path in paths:
        response = embedding.get(path)
        assert response.status_code in (200, 405), path
        assert is_safe(response), path


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, {"method": "GET", "url": "/nowhere"}),
        (404, {"method": "GET", "url": "/sources/none"}),
        (404, {"method": "GET", "url": "/api/v1/sites/none"}),
        (405, {"method": "DELETE", "url": "/api/v1/ask"}),
        (413, {"method": "POST", "url": "/api/v1/ask", "content": b" " * 70_000}),
        (422, {"method": "POST", "url": "/api/v1/ask", "content": b"{not json"}),
        (422, {"method": "POST", "url": "/api/v1/ask", "json": {"question": "x" * 5000}}),
        (
            403,
            {
                "method": "POST",
                "url": "/api/v1/ask",
                "json": SPOKEN,
                "headers": {"origin": FOREIGN},
            },
        ),
        (
            400,
            {
                "method": "OPTIONS",
                "url": "/api/v1/ask",
                "headers": {"origin": FOREIGN, "access-control-request-method": "POST"},
            },
        ),
        (
            200,
            {
                "method": "OPTIONS",
                "url": "/api/v1/ask",
                "headers": {"origin": HOME, "access-control-request-method": "POST"},
            },
        ),
    ],
)
def test_every_refusal_sends_the_security_headers(embedding, status: int, request_: dict) -> None:
    response = embedding.request(**request_)
    assert response.status_code == status
    assert is_safe(response)


def test_a_failure_is_a_problem_with_the_notice_and_names_nothing_of_the_visitor(
    embedding, monkeypatch, caplog
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the visitor said: itching")

    monkeypatch.setattr(FeedbackStore, "add", fail)
    rating = {"reply": "1", "kind": "answer", "helpful": True, "site": "clinic"}
    response = embedding.post("/api/v1/feedback", json=rating, headers={"origin": HOME})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == HOME
    assert response.json()["notice"]["text"]
    assert "itching" not in response.text
    assert "RuntimeError" in caplog.text
    assert "itching" not in caplog.text
    assert is_safe(response)


# ------------------------------------------------------------------------- the widget's files


@pytest.mark.parametrize("path", ["/widget.js", "/widget-chat.js"])
def test_a_file_whose_address_names_its_version_is_cached_for_ever(embedding, path: str) -> None:
    version = assets()[path].version
    cache = lambda query: embedding.get(path + query).headers["cache-control"]  # noqa: E731
    assert cache(f"?v={version}") == "public, max-age=31536000, immutable"
    assert cache("") == cache("?v=older") == "public, no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding", "unpack"),
    [
        ("gzip, deflate", "gzip", gzip.decompress),
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip;q=0, br;q=0", None, bytes),
    ],
)
@pytest.mark.parametrize("path", ["/widget.js", "/widget-chat.js", "/api/v1/sites/clinic"])
def test_a_file_is_the_same_compressed_and_not(
    embedding, path: str, accepted: str, encoding: str | None, unpack
) -> None:
    plain = embedding.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with embedding.stream("GET", path, headers={"accept-encoding": accepted}) as response:
        raw = b"".join(response.iter_raw())
        assert response.headers.get("content-encoding") == encoding
        assert int(response.headers["content-length"]) == len(raw)
        assert "Accept-Encoding" in response.headers["vary"]
    assert unpack(raw) == plain.content
    assert plain.headers["cross-origin-resource-policy"] == "cross-origin"
    known = embedding.get(path, headers={"if-none-match": plain.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_both_files_are_scripts_of_twelve_kilobytes_together(embedding) -> None:
    size = 0
    for path in ("/widget.js", "/widget-chat.js"):
        response = embedding.get(path, headers={"accept-encoding": "gzip"})
        assert response.headers["content-type"].startswith("text/javascript")
        assert response.content == assets()[path].body
        size += int(response.headers["content-length"])
    assert size <= 12 * 1024


def test_the_tag_pins_what_the_server_serves_and_so_does_the_launcher(embedding, service) -> None:
    text = tag(service.at("clinic").site, "https://ask.test")
    tagged = dict(re.findall(r'([\w-]+)="([^"]*)"', text.split("</script>")[0]))
    assert tagged["src"].startswith("https://ask.test/widget.js?v=")
    served = embedding.get(tagged["src"])
    assert served.headers["cache-control"].endswith("immutable")
    assert tagged["integrity"] == sri(served.content)
    assert tagged["crossorigin"] == "anonymous"
    assert tagged["data-site"] == "clinic"
    assert tagged["data-accent"] == "#7a2e5d"
    assert "data-label" not in tagged  # the launcher speaks the page's language by itself
    pinned = dict(re.findall(r'"(chat|integrity)":"([^"]+)"', served.text))
    assert pinned["integrity"] == sri(embedding.get(pinned["chat"]).content)
    assert "script-src https://ask.test;" in text
    assert "img-src https://www.clinic.test;" in text


def sri(body: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_the_tag_of_a_site_with_the_usual_look_says_no_more_than_it_must(service) -> None:
    text = tag(service.at("other").site, "https://ask.test")
    assert "data-accent" not in text
    assert 'data-locale="ar"' in text
    assert "img-src" not in text


# ------------------------------------------------------------------------- what a site is told


def test_a_site_is_told_its_clinics_words_numbers_and_colours(embedding) -> None:
    site = embedding.get("/api/v1/sites/clinic").json()
    assert site["name"] == "Linden Skin Clinic"
    assert site["emergency"]["href"] == "tel:112"
    assert {a["href"] for a in site["actions"]} >= {
        "tel:+49301234567",
        "https://www.clinic.test/book",
    }
    assert "Linden Skin Clinic" in site["texts"]["failed"]
    assert "112" in site["texts"]["offline"]
    assert site["notice"]["text"] == notice_for("answer", "en", "112").text
    assert site["theme"]["accent"] == "#7a2e5d"
    assert site["suggestions"]
    assert site["covers"]
    assert (site["leave"], site["keep"]) == ("https://www.weather.test/", False)


def test_a_site_speaks_its_own_locale_unless_the_visitor_has_another(embedding) -> None:
    spoken = lambda query: embedding.get(f"/api/v1/sites/other{query}").json()  # noqa: E731
    assert (spoken("")["locale"], spoken("")["direction"]) == ("ar", "rtl")
    assert (spoken("?locale=de-CH")["locale"], spoken("?locale=de-CH")["direction"]) == (
        "de",
        "ltr",
    )
    assert spoken("?locale=xx")["locale"] == "ar"


def test_an_emergency_calls_the_sites_number(embedding) -> None:
    body = {"question": "I can't breathe", "site": "clinic"}
    reply = embedding.post("/api/v1/ask", json=body).json()
    assert reply["kind"] == "urgent"
    assert reply["actions"][0]["href"] == "tel:112"
    other = embedding.post("/api/v1/ask", json=body | {"site": None}).json()
    assert other["actions"][0]["href"] == "tel:911"
