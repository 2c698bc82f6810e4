"""The page: how it is served, and a real browser on a real server."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from assistant import wording
from assistant.api import Metrics
from assistant.document import document
from assistant.page import Page, mount_page
from assistant.values import Kind
from tests.conftest import ROOT
from tests.fakes import slow_service

AXE = (ROOT / "tests" / "vendor" / "axe.min.js").read_text()
PHONE, SMALL, DESK = (390, 844), (320, 568), (1280, 900)

# --------------------------------------------------------------------------- how it is served


def test_importing_the_page_does_not_import_gradio() -> None:
    code = "import assistant.page, assistant.chat, sys; print('gradio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"


def small_api() -> FastAPI:
    api = FastAPI()
    api.state.service, api.state.metrics = slow_service(), Metrics()
    return api


def test_routes_added_later_still_win_over_the_page() -> None:
    from fastapi.testclient import TestClient

    api = small_api()
    mount_page(api)
    api.add_api_route("/demo", lambda: "demo")
    client = TestClient(api)
    assert client.get("/demo").json() == "demo"
    for path in ("/page.css", "/page.js", "/reader.js"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-cache"  # after an upgrade no old one runs
        assert headers["etag"]


def test_a_page_that_cannot_be_built_leaves_the_api_alone(caplog) -> None:
    from fastapi.testclient import TestClient

    def fail() -> FastAPI:
        raise ImportError("no gradio")

    api = FastAPI()
    api.add_api_route("/healthz", lambda: "ok")
    page = Page(fail, slow_service())
    api.router.default = page
    client = TestClient(api)
    assert client.get("/").status_code == 503
    assert client.get("/healthz").json() == "ok"
    assert "no gradio" in caplog.text


def test_only_the_sites_may_frame_the_page() -> None:
    policy = Page(FastAPI, slow_service()).policy.decode()
    assert policy.endswith("frame-ancestors 'self' https://rose.test")
    assert "unsafe-eval" not in policy
    assert "frame-src 'self'" in policy


# ------------------------------------------------------------------ what stands around Gradio

GRADIO = (
    '<html lang="en"><head></head><body><script>{"title":"%TITLE%"}</script>'
    "<gradio-app></gradio-app></body></html>"
)


def around(**query: str) -> str:
    return document(GRADIO, slow_service(), query)


def test_the_document_speaks_the_visitors_language_from_its_first_byte() -> None:
    page = around(locale="ar")
    assert '<html lang="ar" dir="rtl">' in page
    title = wording.say("ar", "page", "title", about="plums & pears")
    assert f"<title>{escape(title)}</title>" in page
    assert json.dumps({"title": title}, ensure_ascii=False, separators=(",", ":")) in page
    for key in ("loading", "tagline", "covers", "reader_empty", "back", "print"):
        assert escape(wording.say("ar", "page", key)) in page
    assert escape(wording.notice_for(Kind.ANSWER, "ar").text) in page


def test_the_document_is_the_sites() -> None:
    page = around(site="rose")
    assert '<p class="brand">Rose</p>' in page
    assert 'href="tel:999"' in page
    assert 'data-to="https://rose.test/weather"' in page
    assert "--accent:#8a2f55" in page
    assert 'href="/?site=rose&amp;locale=de" lang="de"' in page
    other = around()
    assert 'id="leave"' not in other
    assert 'href="/?locale=de" lang="de"' in other


def test_what_an_address_says_is_looked_up_and_never_shown() -> None:
    evil = '"><script>alert(1)</script>'
    assert around(site=evil, locale=evil) == around()


def test_every_theme_can_be_asked_about_and_every_language_chosen() -> None:
    page = around()
    assert 'data-ask="Is it &lt;sweet&gt;?" dir="auto">Sweet &amp; sour<' in page
    for locale in wording.locales():
        assert f'hreflang="{locale}"' in page
    assert page.count('aria-current="true"') == 1


# ----------------------------------------------------------------------------- a real server

SITES = """
[rose]
origins = ["https://www.rose.example"]
name = "Rose Clinic"
phone = "+44 20 7946 0000"
booking = "https://www.rose.example/book"
emergency_number = "999"
greeting = "Welcome to Rose Clinic."
leave = "http://127.0.0.1:{port}/healthz"
theme.accent = "#8a2f55"
limits.address = "2/minute"
"""
SERVER = """
import asyncio, sys
from assistant.engine import Engine

answer = Engine.answer

async def slowly(self, ask, stage=lambda _: None):
    if "slowly" in ask.question:
        stage("searching")
        await asyncio.sleep(60)
    return await answer(self, ask, stage)

Engine.answer = slowly
import app
sys.exit(app.main(sys.argv[1:]))
"""
"""The server itself, but for a question with the word "slowly"."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "feedback.db"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def address(copy_index, corpus_dir: Path, database: Path) -> Iterator[str]:
    """A server process of its own; it must also end while a browser looks at it."""
    port = free_port()
    sites = database.with_name("sites.toml")
    sites.write_text(SITES.format(port=port))
    variables = {
        "SITES": str(sites),
        "CORPUS": str(corpus_dir),
        "INDEX": str(copy_index()),
        "DATABASE": f"sqlite:///{database}",
    }
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FOOTNOTE_")}
    log = database.with_name("server.log")
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-c", SERVER, "--port", str(port)],
            cwd=ROOT,
            env={**clean, **{f"FOOTNOTE_{k}": v for k, v in variables.items()}},
            stdout=out,
            stderr=out,
        ) as server,
    ):
        until = time.monotonic() + 60
        while not (found := re.search(r"at (http://[\d.:]+)", log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.05)
        yield found[1]
        server.terminate()
        server.wait(timeout=20)
    assert "Traceback" not in log.read_text()
    assert "itching" not in log.read_text().lower()


def test_the_api_is_ready_at_once_and_the_page_follows(address: str) -> None:
    started = time.monotonic()
    assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
    assert time.monotonic() - started < 2
    response = httpx.get(address, timeout=30)  # waits until it is built
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://www.rose.example")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in response.headers
    document = response.text
    for outside in ("googleapis", "cdnjs", "githubusercontent", "gradio.app", "@Gradio"):
        assert outside not in document
    assert wording.notice_for(Kind.ANSWER, "en").text.split("'")[0] in document
    assert document.count("<title>Questions about mesotherapy and its side effects</title>") == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/docs", "text/html"),
        ("/openapi.json", "application/json"),
        ("/healthz", "application/json"),
        ("/metrics", "text/plain"),
        ("/api/v1/sources", "application/json"),
        ("/sources/unwanted-effects", "text/html"),
    ],
)
def test_the_apis_own_routes_win(address: str, path: str, kind: str) -> None:
    response = httpx.get(address + path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert "gradio" not in response.text.lower()


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/api/v1/nothing", "/login", "/monitoring", "/manifest.json",
        "/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/gradio_api/info", "/gradio_api/runs",
        "/gradio_api/call/ask", "/gradio_api/heartbeat/x", "/gradio_api/deep_link",
    ],
)  # fmt: skip
def test_everything_else_of_gradio_stays_shut(address: str, path: str) -> None:
    for method in ("GET", "POST"):
        response = httpx.request(method, address + path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["notice"]["text"]


def test_a_page_can_find_out_that_the_server_is_back(address: str) -> None:
    """Gradio's client asks for this until it answers, then loads anew."""
    assert httpx.get(f"{address}/gradio_api/app_id").json()["app_id"]


@pytest.mark.parametrize("origin", ["https://evil.test", "https://www.rose.example", "null"])
def test_pages_of_other_origins_may_not_use_the_page(address: str, origin: str) -> None:
    """A clinic's page may frame it, and embed the widget; it may not speak in the page's name."""
    join = f"{address}/gradio_api/queue/join"
    response = httpx.post(join, json={}, headers={"Origin": origin})
    assert response.status_code == 403
    assert response.json()["notice"]["text"]


def test_long_bodies_are_refused(address: str) -> None:
    join = f"{address}/gradio_api/queue/join"
    response = httpx.post(join, content=b"x" * 70_000, headers={"Origin": address})
    assert response.status_code == 413


# ---------------------------------------------------------------------------- a real browser


@pytest.fixture(scope="module")
def browser(address: str, launch_browser: Callable[[], object]) -> Iterator[object]:
    chromium = launch_browser()
    yield chromium
    # The server must end although this one still looks at it; `address` waits for it.
    chromium.close()


@pytest.fixture
def visit(browser, address: str) -> Iterator[Callable[..., object]]:
    """Open the page; afterwards nothing was sent elsewhere, stored, or complained about."""
    from playwright.sync_api import expect

    opened: list[tuple[object, list[str]]] = []

    def open_page(
        size: tuple[int, int] = PHONE,
        scheme: str = "light",
        query: str = "",
        without: str = "",
        **more: object,
    ) -> object:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            **more,
        )
        page, wrong = context.new_page(), []
        opened.append((context, wrong))
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        context.on(
            "request",
            lambda r: (
                r.url.startswith((address, "data:", "blob:")) or wrong.append(f"asked for {r.url}")
            ),
        )
        if without:
            page.route(f"**/{without}", lambda route: route.fulfill(body=""))
        page.goto(f"{address}/{query}")
        expect(page.locator(".option").last).to_be_visible()
        expect(page.locator("#notice p")).to_be_visible()
        return page

    forgiven: list[str] = []
    open_page.forgive = forgiven.append
    yield open_page
    for context, wrong in opened:
        for page in context.pages:
            kept = page.evaluate("[localStorage, sessionStorage].map(s => Object.keys(s)).flat()")
            assert kept == []
        assert context.cookies() == []
        context.close()
        assert [w for w in wrong if not any(f in w for f in forgiven)] == []


def ask(page, question: str, kind: str) -> object:
    from playwright.sync_api import expect

    before = page.locator(".bot-row .reply").count() if page.locator(".user-row").count() else 0
    page.fill("textarea", question)
    page.keyboard.press("Enter")
    expect(page.locator(".user-row")).to_have_count(before + 1)
    answer = page.locator(".bot-row .reply").nth(before)
    expect(answer).to_have_class(f"reply {kind}")
    return answer


def accessible(page) -> list[object]:
    page.evaluate(AXE)
    found = "r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html])"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return page.evaluate(f"axe.run().then({found})") + (["overflows"] if wide > 0 else [])


def in_view(page, selector: str) -> bool:
    return page.evaluate(
        "s => { const r = [...document.querySelectorAll(s)].at(-1).getBoundingClientRect();"
        " const x = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);"
        " return r.top >= 0 && r.bottom <= innerHeight && !!x.closest(s) }",
        selector,
    )


def read(page, text: str) -> None:
    """Wait until the reader shows a text, marked."""
    from playwright.sync_api import expect

    expect(page.frame_locator("#reader iframe").locator("mark#passage")).to_have_text(text)


@pytest.mark.parametrize(
    ("size", "scheme", "query"),
    [
        (PHONE, "light", ""), (SMALL, "dark", ""), (DESK, "light", "?site=rose"),
        (SMALL, "light", "?locale=ar"), (DESK, "dark", "?locale=ar&site=rose"),
    ],
)  # fmt: skip
def test_the_empty_page_offers_questions_and_shows_the_notice(visit, size, scheme, query) -> None:
    page = visit(size, scheme, query)
    locale = "ar" if "ar" in query else "en"
    assert page.locator(".option").count() == 6
    assert in_view(page, "#notice p")
    notice = wording.notice_for(Kind.ANSWER, locale, "999" if "rose" in query else None).text
    assert page.locator("#notice").inner_text() == notice
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == locale
    assert page.title() == page.locator("h1").inner_text()
    assert accessible(page) == []


def test_a_footnote_opens_its_passage_beside_the_conversation(visit) -> None:
    from playwright.sync_api import expect

    page = visit(DESK)
    answer = ask(page, "How long does itching last?", "answer")
    assert answer.locator(".side").count() == 2
    assert "not medical advice" in answer.locator(".notice").inner_text()
    assert wording.say("en", "page", "reader_empty") in page.locator("#reader").inner_text()
    assert accessible(page) == []
    marks = answer.locator(".mark")
    quotes = [side.strip("“”") for side in page.locator(".note blockquote").all_text_contents()]
    marks.nth(0).click()
    read(page, quotes[0])
    assert marks.nth(0).get_attribute("aria-current") == "true"
    expect(page.locator("#previous")).to_be_disabled()
    page.click("#next")
    read(page, quotes[1])
    assert marks.nth(1).get_attribute("aria-current") == "true"
    assert page.locator(".mark[aria-current]").count() == 1
    expect(page.locator("#next")).to_be_disabled()
    frame = page.frames[-1]
    seen = "document.querySelector('mark').getBoundingClientRect().top / innerHeight"
    assert 0 < frame.evaluate(seen) < 0.8
    assert in_view(page, "#notice p")
    assert accessible(page) == []
    page.click("#back")
    assert page.evaluate("document.activeElement.getAttribute('href')") == marks.nth(
        1
    ).get_attribute("href")
    page.click("#clear")
    expect(page.locator("#reader iframe")).to_be_hidden()


def test_a_footnote_opens_its_passage_where_a_site_frames_the_page(visit, address: str) -> None:
    from playwright.sync_api import expect

    page = visit(DESK)
    clinic = "https://www.rose.example/"
    visit.forgive(f"asked for {clinic}")
    page.context.grant_permissions(["local-network-access"], origin=clinic)
    frame = f'<iframe src="{address}/?site=rose" style="width: 100%; height: 90vh"></iframe>'
    page.route(f"{clinic}**", lambda route: route.fulfill(content_type="text/html", body=frame))
    page.goto(clinic)
    framed = page.frame_locator("iframe").first
    expect(framed.locator("#notice p")).to_be_visible()
    framed.locator("textarea").first.fill("How long does bruising last?")
    framed.locator("textarea").first.press("Enter")
    framed.locator(".mark").first.click()
    passage = framed.frame_locator("#reader iframe").locator("mark#passage")
    quote = framed.locator(".note blockquote").first.text_content().strip("“”")
    expect(passage).to_have_text(quote)


@pytest.mark.parametrize(("size", "query"), [(PHONE, ""), (SMALL, "?locale=ar")])
def test_on_a_phone_the_reader_follows_and_leads_back(visit, size, query) -> None:
    page = visit(size, "light", query)
    answer = ask(page, "How long does bruising last?", "answer")
    assert not page.locator("#reader").is_visible()
    mark = answer.locator(".mark").nth(1)
    mark.click()
    read(page, page.locator(".note blockquote").nth(1).text_content().strip("“”"))
    top = page.locator("#reader").bounding_box()
    assert abs(top["y"]) < 2
    assert abs(top["height"] - size[1]) < 2
    frame = page.frames[-1]
    notice = "document.querySelector('footer').getBoundingClientRect()"
    assert frame.evaluate(f"{notice}.bottom <= innerHeight + 1 && {notice}.top > 0")
    assert accessible(page) == []
    page.click("#back")
    assert not page.locator("#reader").is_visible()
    assert mark.evaluate("e => e === document.activeElement")
    assert in_view(page, ".mark[aria-current]")


def test_without_the_reader_a_footnote_opens_its_fold_and_the_text_a_tab(visit) -> None:
    from playwright.sync_api import expect

    page = visit(DESK, without="reader.js")
    answer = ask(page, "How long does itching last?", "answer")
    mark = answer.locator(".mark").last
    target = mark.get_attribute("href")
    assert not page.locator(target).is_visible()
    mark.click()
    expect(page.locator(target)).to_be_visible()
    quote = page.locator(f"{target} blockquote").inner_text().strip("“”")
    with page.context.expect_page() as opened:
        page.locator(f"{target} a").click()
    source = opened.value
    expect(source.locator("mark#passage")).to_have_text(quote)
    assert 0 < source.evaluate("document.querySelector('mark').getBoundingClientRect().top") < 900
    assert source.evaluate("opener") is None


@pytest.mark.parametrize(
    ("size", "scheme"), [(SMALL, "dark"), ((400, 500), "light"), (DESK, "light")]
)
def test_a_source_is_legible_by_itself(visit, address: str, size, scheme) -> None:
    page = visit(size, scheme)
    page.goto(f"{address}/sources/physicians-answers?start=60&end=90&locale=ar#passage")
    assert accessible(page) == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert "لم يراجعه" in page.locator(".review").inner_text()
    text = page.locator(".text")
    assert text.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 17
    box = page.locator("footer").bounding_box()
    assert abs(box["y"] + box["height"] - size[1]) < 2


def test_what_is_not_covered_offers_questions_that_can_be_clicked(visit) -> None:
    from playwright.sync_api import expect

    page = visit()
    answer = ask(page, "what does it cost", "not_covered")
    assert answer.locator("blockquote").count() == 0
    assert accessible(page) == []
    offered = page.locator(".option").first.inner_text()
    page.locator(".option").first.click()
    expect(page.locator(".asked").last).to_contain_text(offered)
    expect(page.locator(".bot-row .reply")).to_have_count(2)
    assert in_view(page, ".asked")


def test_a_personal_question_is_referred_first(visit) -> None:
    page = visit(scheme="dark")
    answer = ask(page, "I have a liver disease, can I have it?", "personal")
    assert "clinician" in answer.locator(".lead").inner_text()
    assert accessible(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_emergency_is_a_card_with_the_number_in_view(visit, scheme) -> None:
    page = visit(SMALL, scheme)
    answer = ask(page, "my throat is closing up and I can't breathe", "urgent")
    assert answer.locator("a.action").first.get_attribute("href") == "tel:911"
    assert in_view(page, ".alarm a.action")
    assert answer.locator("blockquote, details").count() == 0
    assert page.locator("[role=alert] h2").inner_text() == wording.say("en", "urgent", "title")
    border = answer.evaluate("e => getComputedStyle(e).borderTopWidth")
    assert border == "3px"
    assert accessible(page) == []


def test_nothing_that_reassures_stands_beside_an_emergencys_card(visit) -> None:
    from playwright.sync_api import expect

    page = visit(DESK)
    ask(page, "How long does itching last?", "answer").locator(".mark").first.click()
    expect(page.locator("#reader iframe")).to_be_visible()
    ask(page, "my throat is closing up and I can't breathe", "urgent")
    expect(page.locator("#reader iframe")).to_be_hidden()
    page.locator(".mark").first.click()  # what is asked for is shown
    expect(page.locator("#reader iframe")).to_be_visible()


def test_what_is_typed_while_the_page_works_is_kept(visit) -> None:
    from playwright.sync_api import expect

    page = visit()
    page.fill("textarea", "How long does bruising last?")
    page.keyboard.press("Enter")
    page.keyboard.type("and the swelling?")
    expect(page.locator(".bot-row .reply")).to_have_count(1)
    expect(page.locator("#question textarea")).to_have_value("and the swelling?")
    page.keyboard.press("Enter")
    expect(page.locator(".bot-row .reply")).to_have_count(2)


def test_gradio_prints_nothing_of_what_a_visitor_typed(address: str, database: Path) -> None:
    for data in (["PRIVATE words"], ["PRIVATE", None, None, None]):
        body = {"data": data, "fn_index": 1, "session_hash": "abc", "event_data": None}
        httpx.post(f"{address}/gradio_api/queue/join", json=body)
        with httpx.stream("GET", f"{address}/gradio_api/queue/data?session_hash=abc") as stream:
            assert "process_completed" in "".join(stream.iter_text())
    log = database.with_name("server.log").read_text()
    assert "PRIVATE" not in log
    assert "Traceback" not in log
    assert "the page failed" in log


def test_what_a_visitor_types_is_text(visit) -> None:
    page = visit()
    typed = "<img src=x onerror=alert(1)> <b>x</b> **bold** $x$ `c` https://evil.test [l](http://e.test)"
    page.fill("textarea", typed)
    page.click("#send")
    from playwright.sync_api import expect

    expect(page.locator(".bot-row .reply")).to_have_count(1)
    asked = page.locator(".asked")
    assert asked.inner_text().endswith(typed)
    assert asked.locator("*").count() == 2  # the words for listeners, and what was typed


def test_a_follow_up_is_understood_until_clear(visit) -> None:
    from playwright.sync_api import expect

    page, somebody_else = visit(), visit()
    ask(page, "How long does bruising last?", "answer")
    ask(somebody_else, "what does it cost", "not_covered")
    second = ask(page, "and the swelling?", "answer")
    assert "swelling" in second.locator(".understood").inner_text()
    page.click("#clear")
    expect(page.locator(".user-row")).to_have_count(0)
    expect(page.locator(".option")).to_have_count(6)
    page.fill("textarea", "   ")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.locator(".user-row").count() == 0


def test_a_thumb_is_kept_without_words(visit, database: Path) -> None:
    from playwright.sync_api import expect

    page = visit()
    ask(page, "How long does itching last?", "answer")
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.get_by_role("button", name="Helpful. Thank you.")).to_be_visible()
    page.wait_for_timeout(300)
    ask(page, "what does it cost", "not_covered")
    expect(page.get_by_role("button", name="Helpful. Thank you.")).to_have_count(1)
    assert accessible(page) == []
    with sqlite3.connect(database) as connection:
        rows = connection.execute("select kind, helpful, reason from feedback").fetchall()
    connection.close()
    assert rows == [("answer", 1, "")]


def test_a_thumb_down_may_give_its_reason(visit, database: Path) -> None:
    from playwright.sync_api import expect

    page = visit(SMALL)
    ask(page, "How long does bruising last?", "answer")
    page.get_by_role("button", name="Not helpful").click()
    reason = page.get_by_label(re.compile("What was wrong"))
    expect(reason).to_be_visible()
    assert in_view(page, "#reason textarea")
    assert accessible(page) == []
    reason.fill("The days are wrong.")
    page.get_by_role("button", name="Send feedback").click()
    expect(reason).to_have_count(0)
    with sqlite3.connect(database) as connection:
        rows = connection.execute("select helpful, reason from feedback order by number").fetchall()
    connection.close()
    assert rows[-1] == (0, "The days are wrong.")
    assert (0, "") not in rows  # one thumb a reply


def test_stop_ends_the_work_and_clear_what_is_under_way(visit, address: str) -> None:
    from playwright.sync_api import expect

    page = visit()
    heard = listened(page)
    page.fill("textarea", "How long does bruising last, slowly?")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".trouble")).to_contain_text(wording.say("en", "page", "stopped"))
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert "footnote_stopped_total 1.0" in httpx.get(f"{address}/metrics").text
    assert heard() == ["Searching the source texts …", wording.say("en", "page", "stopped")]
    assert accessible(page) == []
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.click("#clear")
    expect(page.locator(".option")).to_have_count(6)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.wait_for_timeout(500)
    assert page.locator(".user-row").count() == 0
    assert "footnote_stopped_total 2.0" in httpx.get(f"{address}/metrics").text


def asked_slowly(page) -> None:
    """Ask what takes a minute, and wait until it can be stopped."""
    from playwright.sync_api import expect

    page.fill("textarea", "How long does bruising last, slowly?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def test_an_emergency_need_not_wait_for_an_answer(visit) -> None:
    from playwright.sync_api import expect

    page = visit()
    asked_slowly(page)
    page.fill("textarea", "I can't breathe")
    page.keyboard.press("Enter")
    expect(page.locator(".reply.urgent")).to_be_visible()
    expect(page.locator(".user-row")).to_have_count(2)
    expect(page.locator(".reply").first).to_contain_text(wording.say("en", "page", "stopped"))
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.locator("#question textarea")).to_have_value("")
    assert page.locator("[role=alert]:visible").count() == 1
    page.wait_for_timeout(500)  # nothing of the first comes late
    expect(page.locator(".reply.urgent")).to_be_visible()
    expect(page.locator(".user-row")).to_have_count(2)
    assert in_view(page, ".alarm a.action")
    assert accessible(page) == []


def test_a_theme_can_be_asked_about_while_an_answer_is_made(visit) -> None:
    from playwright.sync_api import expect

    page = visit(DESK)
    asked_slowly(page)
    page.evaluate("scrollTo(0, 0)")
    page.locator("#covers summary").click()
    theme = page.locator("#covers button").first
    asked = theme.get_attribute("data-ask")
    theme.click()
    expect(page.locator(".asked").last).to_contain_text(asked)
    expect(page.locator(".reply.answer")).to_be_visible()
    expect(page.locator("#question textarea")).to_have_value("")


def test_a_thumb_pressed_while_an_answer_is_made_is_still_seen(visit) -> None:
    from playwright.sync_api import expect

    page = visit()
    ask(page, "How long does itching last?", "answer")
    asked_slowly(page)
    page.get_by_role("button", name="Helpful", exact=True).first.click()
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".trouble")).to_be_visible()
    expect(page.get_by_role("button", name="Helpful. Thank you.")).to_have_count(1)


def listened(page) -> Callable[[], list[str]]:
    """Note what is announced from now on."""
    page.evaluate(
        "() => { window.heard = []; const place = document.getElementById('announce');"
        " new MutationObserver(() => place.textContent && heard.push(place.textContent))"
        ".observe(place, { childList: true }) }"
    )

    def heard() -> list[str]:
        page.wait_for_timeout(300)
        return page.evaluate("heard.splice(0)")

    return heard


def test_an_answer_is_announced_at_its_start_and_its_end_and_not_in_between(visit) -> None:
    page = visit()
    heard = listened(page)
    both = [wording.say("en", "status", key) for key in ("searching", "done")]
    ask(page, "How long does bruising last?", "answer")
    assert heard() == both
    ask(page, "what does it cost", "not_covered")
    assert heard() == both
    ask(page, "my throat is closing up and I can't breathe", "urgent")
    assert heard() in ([], both[:1])  # the card is an alert
    assert page.locator("[role=log]").get_attribute("aria-live") == "off"
    assert page.locator("[role=log]").get_attribute("aria-label") == "Conversation"
    assert page.locator("[role=log] [aria-label*='<']").count() == 0  # Gradio's: the whole source


def test_what_was_misunderstood_can_be_asked_anew(visit) -> None:
    from playwright.sync_api import expect

    page = visit()
    ask(page, "How long does bruising last?", "answer")
    ask(page, "and the swelling?", "answer")
    page.get_by_role("button", name="Not what I meant").click()
    expect(page.locator("#question textarea")).to_have_value("and the swelling?")
    expect(page.locator(".user-row")).to_have_count(1)
    expect(page.locator("#question")).to_contain_text("Please ask it in full")
    assert accessible(page) == []


def test_whoever_asks_too_much_is_told_when_to_try_again(visit) -> None:
    from playwright.sync_api import expect

    page = visit(SMALL, query="?site=rose", extra_http_headers={"X-Forwarded-For": "203.0.113.9"})
    for _ in range(2):
        ask(page, "How long does bruising last?", "answer")
    page.get_by_role("button", name="Helpful", exact=True).last.click()
    page.wait_for_timeout(500)
    assert page.locator("[data-thanks]").count() == 0  # a thumb too many is not kept
    page.fill("textarea", "what does it cost")
    page.keyboard.press("Enter")
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text(re.compile(r"try again in \d+ seconds.*call 999"))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert in_view(page, "#notice p")
    assert accessible(page) == []


def test_a_question_that_cannot_be_sent_is_not_lost(visit) -> None:
    from playwright.sync_api import expect

    page = visit()
    ask(page, "How long does bruising last?", "answer")
    page.route("**/queue/join*", lambda route: route.abort())
    page.fill("textarea", "what does it cost")
    page.keyboard.press("Enter")
    alert = page.locator("#trouble")
    expect(alert).to_contain_text("call 911")
    assert accessible(page) == []
    page.unroute("**/queue/join*")
    alert.get_by_role("button", name="Try again").click()
    expect(page.locator(".reply.not_covered")).to_be_visible()
    expect(alert).to_be_hidden()
    expect(page.locator(".user-row")).to_have_count(2)
    visit.forgive("ERR_FAILED")


def test_a_theme_is_a_question(visit) -> None:
    from playwright.sync_api import expect

    page = visit(SMALL)
    page.get_by_text(wording.say("en", "page", "covers")).click()
    theme = page.locator("#covers button").first
    expect(theme).to_be_visible()
    assert accessible(page) == []
    asked = theme.get_attribute("data-ask")
    theme.click()
    expect(page.locator(".asked")).to_contain_text(asked)
    expect(page.locator(".reply.answer")).to_be_visible()
    expect(theme).to_be_hidden()


def test_the_language_is_chosen_by_its_own_name(visit) -> None:
    from playwright.sync_api import expect

    page = visit(PHONE, query="?site=rose")
    page.locator("#language summary").click()
    assert accessible(page) == []
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#send")).to_have_text(wording.say("de", "page", "send"))
    assert page.locator(".brand").inner_text() == "Rose Clinic"
    answer = ask(page, "How long does bruising last?", "answer")
    assert answer.get_attribute("lang") == "de"
    assert "999" in answer.locator(".notice").inner_text()


def test_the_page_is_never_seen_in_another_language(visit) -> None:
    """Gradio's words come later than the document; until then they are hidden."""
    page = visit(query="?locale=fr")
    page.add_init_script(
        "window.seen = new Set(); const look = () => { const shown = document.body?.innerText || '';"
        " for (const word of ['Send', 'Ask a question', 'Textbox', 'Clear'])"
        " if (shown.includes(word)) seen.add(word); requestAnimationFrame(look) }; look()"
    )
    page.reload()
    page.locator("#notice p").wait_for()
    assert page.evaluate("[...seen]") == []


def test_the_conversation_can_be_taken_along(visit) -> None:
    page = visit(DESK)
    page.locator("#more summary").click()
    assert page.locator("#save").is_disabled()
    page.keyboard.press("Escape")
    ask(page, "How long does bruising last?", "answer")
    page.evaluate("scrollTo(0, 0)")
    page.locator("#more summary").click()
    with page.expect_download() as download:
        page.click("#save")
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    assert "You asked: How long does bruising last?" in saved
    assert wording.notice_for(Kind.ANSWER, "en").text in saved
    assert "[1] " in saved
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".note blockquote").first.is_visible()
    assert page.locator("#notice p").is_visible()
    for control in ("#asking", "#reader", ".folds", ".message-buttons", ".call"):
        assert not page.locator(control).first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".note[open]").count() == 0


def test_what_is_copied_is_said_and_what_is_not_is_not(visit) -> None:
    from playwright.sync_api import expect

    page = visit(DESK)
    ask(page, "How long does bruising last?", "answer")
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("navigator.clipboard.writeText = async () => {}")
    page.locator("#more summary").click()
    copy = page.locator("#copy")
    copy.click()
    expect(copy).to_have_text(wording.say("en", "page", "copied"))
    copy.click()
    expect(copy).to_have_text(wording.say("en", "page", "copy"), timeout=4000)
    heard = listened(page)
    page.evaluate(
        "navigator.clipboard.writeText = async () => { throw new Error() };"
        "document.execCommand = () => false"
    )
    copy.click()
    failed = wording.raw("en", "page", "failed").split(".")[0]
    expect(copy).to_contain_text(failed)
    assert [text.split(".")[0] for text in heard()] == [failed]
    assert accessible(page) == []


def test_leaving_takes_everything_away_at_once(visit, address: str) -> None:
    page = visit(query="?site=rose")
    ask(page, "How long does bruising last?", "answer")
    page.keyboard.press("Shift+Escape")
    assert not page.locator(".reply").first.is_visible()
    page.wait_for_url("**/healthz")
    page.go_back()
    assert page.url == "about:blank"
    page.goto(address)


@pytest.mark.parametrize("size", [(320, 256), (640, 450)])
def test_zoomed_in_nothing_stands_in_front_of_the_answer(visit, size) -> None:
    page = visit(size)
    ask(page, "How long does itching last?", "answer")
    page.locator(".side").first.scroll_into_view_if_needed()
    covered = page.evaluate(
        "['#bar', '#composer'].map(s => document.querySelector(s)).filter(e =>"
        " getComputedStyle(e).position === 'sticky').reduce((h, e) => h + e.offsetHeight, 0)"
    )
    assert covered <= size[1] / 2
    assert accessible(page) == []


def test_every_target_is_large_enough_for_a_finger(visit) -> None:
    page = visit(PHONE, query="?site=rose")
    ask(page, "How long does bruising last?", "answer")
    small = page.evaluate(
        "[...document.querySelectorAll('button, summary, a, textarea')]"
        ".filter(e => e.checkVisibility() && !e.matches('.mark')).map(e => [e, e.getBoundingClientRect()])"
        ".filter(([e, r]) => r.width && (r.height < 43.9 || r.width < 43.9)).map(([e]) => e.outerHTML)"
    )
    assert small == []
    hit = (
        "m => { const r = m.getBoundingClientRect(); const x = r.x + r.width / 2;"
        " const y = r.y + r.height / 2; return [[0, -21], [0, 21], [-21, 0], [21, 0]]"
        ".every(([a, b]) => document.elementFromPoint(x + a, y + b) === m) }"
    )
    mark = page.locator(".mark").first
    mark.evaluate("m => m.scrollIntoView({ block: 'center' })")
    assert mark.evaluate(hit)
