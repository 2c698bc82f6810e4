"""The chat page: what it renders, how it is served, and a real browser on a real server."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from assistant import rendering, wording
from assistant.api import Metrics
from assistant.chat import Conversation, forget_idle
from assistant.page import Page, mount_page
from assistant.settings import load_settings
from assistant.values import (
    Action,
    Citation,
    Disagreement,
    Kind,
    Reply,
    Source,
    Span,
    Statement,
)
from tests.conftest import ROOT

AXE = (ROOT / "tests" / "vendor" / "axe.min.js").read_text()
PHONE, SMALL, DESK = (390, 844), (320, 568), (1280, 900)

# ---------------------------------------------------------------------------- what is rendered

TEXT = "It <b>heals</b>.\nIt lasts days. It lasts weeks. It itches & burns."
SOURCE = Source("a&b", "Title <i>", TEXT, kind="web article", caution="Unsigned & unknown")


def said(words: str, theme: str = "") -> Statement:
    start = TEXT.index(words)
    return Statement(Citation(SOURCE, Span(start, start + len(words))), theme=theme)


HEALS, DAYS, WEEKS = (
    said("It <b>heals</b>.\nIt"),
    said("It lasts days.", "T"),
    said("It lasts weeks."),
)


def reply(kind: Kind = Kind.ANSWER, **rest: object) -> Reply:
    rest = {"statements": (DAYS,) if kind is Kind.ANSWER else (), "lead": "Lead.", **rest}
    return Reply(id="r1", kind=kind, locale=str(rest.pop("locale", "en")), **rest)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_reply_carries_its_notice_in_one_line_of_html(kind: Kind) -> None:
    shown = rendering.as_html(reply(kind), "999")
    assert rendering._escape(wording.notice_for(kind, "en", "999").text) in shown
    assert "\n" not in shown
    assert shown.startswith('<article class="reply')


def test_everything_foreign_is_escaped() -> None:
    evil = '<img src=x onerror="alert(1)">'
    shown = rendering.as_html(
        reply(
            statements=(HEALS,),
            lead=evil,
            understood_as=evil,
            actions=(
                Action(evil, "https://clinic.test/?a=1&b='"),
                Action("x", "javascript:alert(1)"),
            ),
        )
    )
    assert "<img" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "javascript" not in shown
    assert "It &lt;b&gt;heals&lt;/b&gt;.&#10;It" in shown
    assert "/sources/a%26b?start=0&amp;end=" in shown
    assert evil not in rendering.asked_html(evil, "en")


def test_a_mark_leads_to_an_id_inside_a_fold() -> None:
    shown = rendering.as_html(reply())
    assert 'href="#note-r1-1"' in shown
    assert re.search(r"<details[^>]*><summary>.*?</summary><div id=\"note-r1-1\"", shown)
    assert 'target="_blank" rel="noopener"' in shown


def test_both_sides_of_a_disagreement_stand_once_as_a_pair() -> None:
    one = Disagreement("how long it lasts", ((1,), (0,)))
    shown = rendering.as_html(reply(statements=(DAYS, WEEKS), disagreements=(one,)))
    body = shown.split('class="notes"')[0]
    assert body.count('class="side"') == 2
    assert body.count("It lasts days.") == body.count("It lasts weeks.") == 1
    assert body.index("Side 1") < body.index("days") < body.index("Side 2") < body.index("weeks")
    assert "How long it lasts" not in shown  # the lead has said so


def test_two_disagreements_say_what_each_is_about() -> None:
    two = (Disagreement("how long", ((0,), (1,))), Disagreement("how much", ((1,), (2,))))
    shown = rendering.as_html(reply(statements=(DAYS, WEEKS, HEALS), disagreements=two))
    assert shown.count('class="pair"') == 2
    assert ">How long<" in shown
    assert ">How much<" in shown


def test_an_emergency_shows_the_number_before_anything_that_takes_reading() -> None:
    title = wording.say("en", "urgent", "title")
    card = reply(Kind.URGENT, lead=f"{title}. Do this.", actions=(Action("Call 911", "tel:911"),))
    shown = rendering.as_html(card)
    assert shown.count(title) == 1
    assert shown.index("tel:911") < shown.index("Do this.")
    assert "blockquote" not in shown


def test_a_reply_is_marked_with_its_own_language_and_direction() -> None:
    assert 'lang="ar" dir="rtl"' in rendering.as_html(reply(Kind.SMALLTALK, locale="ar"))


# ------------------------------------------------------------------------- the conversation


class SlowEngine:
    """Answers after a while, saying what it does."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.cancelled = False
        clinic = SimpleNamespace(emergency_number=None)
        replies = SimpleNamespace(clinic=clinic, about="plums & pears")
        self.assistant = SimpleNamespace(replies=replies)

    async def answer(self, ask: object, stage: Callable[[str], object]) -> Reply:
        self.asked.append(ask)
        try:
            await asyncio.sleep(0.05)
            stage("searching")
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return reply(Kind.SMALLTALK)


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    monkeypatch.setattr("assistant.chat.GLANCE", 0.01)
    api = FastAPI()
    api.state.engine, api.state.metrics, api.state.feedback = SlowEngine(), Metrics(), None
    return Conversation(api, "en")


def test_the_stages_are_shown_while_the_reply_is_made(talk: Conversation) -> None:
    async def run() -> list[str]:
        return [shown[-1]["content"] async for shown, _ in talk.ask("Hi?", ())]

    first, second, last = asyncio.run(run())
    assert wording.say("en", "status", "reading") in first
    assert wording.say("en", "status", "searching") in second
    assert "<article" in last


def test_ten_turns_are_kept_and_sent_as_questions_only(talk: Conversation) -> None:
    async def run() -> int:
        turns: tuple = ()
        for n in range(12):
            async for _, now in talk.ask(f"Question {n}?", turns):
                turns = now
        return len(turns)

    assert asyncio.run(run()) == 10
    assert talk.engine.asked[-1].history == tuple(f"Question {n}?" for n in range(1, 11))


def test_a_visitor_who_leaves_ends_the_work(talk: Conversation) -> None:
    async def run() -> None:
        answers = talk.ask("Hi?", ())
        for _ in ("reading", "searching"):
            await anext(answers)
        await answers.aclose()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert talk.engine.cancelled


def test_a_thumb_for_what_is_no_reply_is_not_kept(talk: Conversation) -> None:
    for index, thumb in [(0, True), (7, True), (-3, True), (1, "spam")]:
        assert talk.rate((), index, thumb) == ()


def test_idle_sessions_are_forgotten_whole() -> None:
    now = datetime(2026, 1, 1, 12)  # noqa: DTZ001  Gradio's are local, too
    used = {"old": now - timedelta(hours=2), "new": now}
    holder = SimpleNamespace(time_last_used=used, session_data={"old": "words", "new": "words"})
    forget_idle(holder, now - timedelta(hours=1))
    assert set(holder.session_data) == set(holder.time_last_used) == {"new"}


# --------------------------------------------------------------------------- how it is served


def test_importing_the_page_does_not_import_gradio() -> None:
    code = "import assistant.page, assistant.chat, sys; print('gradio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"


def test_routes_added_later_still_win_over_the_page() -> None:
    from fastapi.testclient import TestClient

    api = FastAPI()
    api.state.engine = SlowEngine()
    mount_page(api, load_settings())
    api.add_api_route("/demo", lambda: "demo")
    client = TestClient(api)
    assert client.get("/demo").json() == "demo"
    assert (
        client.get("/page.css").headers["content-security-policy"].startswith("default-src 'none'")
    )


def test_a_page_that_cannot_be_built_leaves_the_api_alone(caplog) -> None:
    from fastapi.testclient import TestClient

    def fail() -> FastAPI:
        raise ImportError("no gradio")

    api = FastAPI()
    api.add_api_route("/healthz", lambda: "ok")
    page = Page(fail, str)
    api.router.default = page
    client = TestClient(api)
    assert client.get("/").status_code == 503
    assert client.get("/healthz").json() == "ok"
    assert "no gradio" in caplog.text


# ----------------------------------------------------------------------------- a real server


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "feedback.db"


@pytest.fixture(scope="module")
def address(copy_index, corpus_dir: Path, database: Path) -> Iterator[str]:
    """A server process of its own; it must also end while a browser looks at it."""
    variables = {
        "CORPUS": str(corpus_dir),
        "INDEX": str(copy_index()),
        "DATABASE": f"sqlite:///{database}",
    }
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FOOTNOTE_")}
    log = database.with_name("server.log")
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "app.py", "--port", "0"],
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
    assert "frame-ancestors 'self'" in response.headers["content-security-policy"]
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


def test_other_origins_may_not_read_and_long_bodies_are_refused(address: str) -> None:
    join = f"{address}/gradio_api/queue/join"
    response = httpx.post(join, content=b"x" * 70_000, headers={"Origin": "https://evil.test"})
    assert response.status_code == 413
    assert "access-control-allow-origin" not in response.headers


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

    def open_page(size: tuple[int, int] = PHONE, scheme: str = "light") -> object:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        page, wrong = context.new_page(), []
        opened.append((context, wrong))
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        context.on(
            "request",
            lambda r: r.url.startswith((address, "data:")) or wrong.append(f"asked for {r.url}"),
        )
        page.goto(address)
        expect(page.locator(".option").last).to_be_visible()
        expect(page.get_by_label("Ask a question")).to_be_visible()
        return page

    yield open_page
    for context, wrong in opened:
        for page in context.pages:
            kept = page.evaluate("[localStorage, sessionStorage].map(s => Object.keys(s)).flat()")
            assert kept == []
        assert context.cookies() == []
        context.close()
        assert wrong == []


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


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (SMALL, "dark")])
def test_the_empty_page_offers_questions_and_shows_the_notice(visit, size, scheme) -> None:
    page = visit(size, scheme)
    assert page.locator(".option").count() == 6
    assert in_view(page, "#notice p")
    assert "not medical advice" in page.locator("#notice").inner_text()
    assert page.locator("h1").count() == 1
    assert accessible(page) == []


def test_an_answer_is_quoted_and_its_footnote_opens_the_passage(visit, address: str) -> None:
    from playwright.sync_api import expect

    page = visit(DESK)
    answer = ask(page, "How long does itching last?", "answer")
    assert answer.locator(".side").count() == 2
    assert "not medical advice" in answer.locator(".notice").inner_text()
    assert page.locator("[role=log]").get_attribute("aria-label") == "Conversation"
    assert page.locator("[role=log] [aria-label*='<']").count() == 0  # Gradio's: the whole source
    mark = answer.locator(".mark").last
    target = mark.get_attribute("href")
    assert not page.locator(target).is_visible()
    mark.click()
    expect(page.locator(target)).to_be_visible()
    assert in_view(page, "#notice p")
    assert accessible(page) == []
    quote = page.locator(f"{target} blockquote").inner_text().strip("“”")
    assert quote in answer.locator(".side").all_inner_texts()[-1]
    with page.context.expect_page() as opened:
        page.locator(f"{target} a").click()
    source = opened.value
    expect(source.locator("mark#passage")).to_have_text(quote)
    assert 0 < source.evaluate("document.querySelector('mark').getBoundingClientRect().top") < 900
    assert source.evaluate("opener") is None


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


def test_what_a_visitor_types_is_text(visit) -> None:
    page = visit()
    typed = "<img src=x onerror=alert(1)> <b>x</b> **bold** $x$ `c` https://evil.test [l](http://e.test)"
    page.fill("textarea", typed)
    page.click("#send")
    from playwright.sync_api import expect

    expect(page.locator(".bot-row .reply")).to_have_count(1)
    asked = page.locator(".asked")
    assert asked.inner_text().endswith(typed)
    assert asked.locator("*").count() == 1  # the words for listeners


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
