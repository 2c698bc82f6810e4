"""The widget on clinics' pages, in a real browser: what it shows, sends, keeps and leaves alone.

The assistant answers at one HTTPS origin, the clinic's page stands at another (see `web`).
"""

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from assistant.widget import site_json
from tests.conftest import ROOT
from tests.web import ASSISTANT, CLINIC, FOREIGN, Web, running

AXE = (ROOT / "tests" / "vendor" / "axe.min.js").read_text()
SMALL, DESK = (320, 568), (1280, 900)
SITES = """
[clinic]
origins = ["{clinic}"]
name = "Linden Skin Clinic"
phone = "+49 30 1234567"
booking = "{clinic}/book"
emergency_number = "112"
leave = "{clinic}/elsewhere"
[clinic.theme]
accent = "#7a2e5d"
[clinic.limits]
address = "10000/minute"

[kept]
origins = ["{clinic}"]
keep = true
leave = "{clinic}/elsewhere"
limits = { address = "10000/minute" }

[busy]
origins = ["{clinic}"]
limits = { address = "2/minute" }

[others]
origins = ["https://others.test"]
"""
BRUISING, ITCHING = "How long does bruising last?", "How long does itching last?"
COST, LIVER = "what does it cost", "I have a liver disease, can I have it?"
THROAT = "my throat is closing up and I can't breathe"
FAILED = r"Failed to load resource"
"""What Chromium says of every answer over 399 and of a broken line; no fault of the widget's."""


@pytest.fixture(scope="module")
def web(settings, copy_index, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The assistant and clinics' pages, with an index of their own."""
    alone = settings.model_copy(update={"index": copy_index(), "page": False})
    with running(alone, tmp_path_factory.mktemp("web"), SITES) as web:
        web.hosts.pages["/elsewhere"] = ("<h1>Weather</h1>", None, "")
        yield web


# ----------------------------------------------------------------------------- a visit

STRICT = (
    "default-src 'none'; script-src {assistant}; connect-src {assistant}; style-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types footnote"
)
WATCH = """
for (const name of ["open", "close", "answer", "urgent", "feedback"])
  document.addEventListener(`footnote:${name}`, (event) =>
    console.info(`EVENT ${JSON.stringify([name, event.detail ?? null])}`));
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`violates ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
window.print = () => console.info("PRINTED");
"""
BODY = """<title>Linden</title><meta name="viewport" content="width=device-width, initial-scale=1">
<body><main><h1>Linden Skin Clinic</h1><p>We open at nine. <a href="/hours">Hours</a></p>
<p><label>Name <input></label> <button type="button">Send</button></p></main>"""


class Visit:
    """A browser's context with what it asked for and complained about."""

    def __init__(
        self, web: Web, context: BrowserContext, site: str, lang: str, forgive: str
    ) -> None:
        self.web = web
        self.context = context
        self.site, self.lang = site, lang
        self.forgive = forgive
        self.requests: list[tuple[str, str, str | None]] = []
        self.wrong: list[str] = []
        self.said: list[str] = []
        context.add_init_script(WATCH)
        context.on("request", lambda r: self.requests.append((r.method, r.url, r.post_data)))
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not (self.forgive and re.search(self.forgive, text)):
            self.wrong.append(text)
        elif kind == "info":
            self.said.append(text)

    @property
    def words(self) -> dict[str, str]:
        """Everything that the widget may say here, by key."""
        return words(self.web, self.lang, self.site)

    def paths(self) -> list[str]:
        """Return what was asked of the assistant, in order."""
        parts = [urlsplit(url) for _, url, _ in self.requests]
        return [part.path for part in parts if part.hostname == ASSISTANT]

    @property
    def posts(self) -> list[dict]:
        """The bodies that were sent, in order."""
        return [json.loads(body or "{}") for method, _, body in self.requests if method == "POST"]

    @property
    def events(self) -> list[list]:
        """The names and details of the widget's events."""
        return [json.loads(said[6:]) for said in self.said if said.startswith("EVENT ")]

    def left_nothing(self, page: Page) -> None:
        """Assert that nobody else was asked and nothing is stored."""
        hosts = {urlsplit(url).hostname for _, url, _ in self.requests if url.startswith("http")}
        assert hosts <= {ASSISTANT, CLINIC, FOREIGN}
        assert kept(page) == {}
        assert self.context.storage_state(indexed_db=True) == {"cookies": [], "origins": []}


def kept(page: Page) -> dict[str, str]:
    """Return what the page's origin keeps in this tab, and the names of its caches."""
    return page.evaluate(
        "async () => ({...sessionStorage, ...Object.fromEntries((await caches.keys()).map(k => [k, ''])) })"
    )


@pytest.fixture
def visit(web: Web, new_context) -> Iterator[Callable[..., Page]]:
    """Open a page with the widget; afterwards nothing was asked of others, stored or wrong."""
    visits: list[tuple[Visit, Page]] = []

    def open_page(
        size: tuple[int, int] = DESK,
        *,
        lang: str = "en",
        site: str = "clinic",
        policy: str | None = STRICT,
        css: str = "",
        body: str = "",
        origin: str = "",
        forgive: str = "",
        **attributes: str | None,
    ) -> Page:
        context = new_context(
            ignore_https_errors=True,
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        seen = Visit(web, context, site, lang, forgive)
        page = context.new_page()
        page.visit = seen
        visits.append((seen, page))
        policy = policy and policy.format(assistant=web.assistant)
        html = BODY + (body or web.tag(site, **attributes))
        page.goto((origin or web.clinic) + web.hosts.put(html, policy, css, lang))
        return page

    yield open_page
    for seen, page in visits:
        assert seen.wrong == []
        if seen.site != "kept":
            seen.left_nothing(page)


def words(web: Web, lang: str = "en", site: str = "clinic") -> dict[str, str]:
    """Return everything that the widget may say, by key."""
    return site_json(web.service.at(site), lang)["texts"]


# ----------------------------------------------------------------------------- the widget's parts


def launcher(page: Page) -> Locator:
    return page.locator("footnote-assistant .launcher")


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog")


def box(page: Page) -> Locator:
    return page.locator("footnote-assistant textarea")


def replies(page: Page) -> Locator:
    return page.locator("footnote-assistant .reply")


def notes(page: Page) -> Locator:
    """Return the footnotes that are open beside their quotation, not those in the list."""
    return page.locator("footnote-assistant .note:not(.sources .note)")


def open_panel(page: Page) -> None:
    launcher(page).click()
    expect(box(page)).to_be_visible()


def ask(page: Page, question: str, kind: str) -> Locator:
    """Ask; return the finished reply."""
    before = replies(page).count()
    box(page).fill(question)
    box(page).press("Enter")
    return replied(page, before, kind)


def replied(page: Page, before: int, kind: str) -> Locator:
    answer = replies(page).nth(before)
    expect(answer).to_have_class(re.compile(rf"\b{kind}\b"))
    return answer


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds outside the page."""
    for _ in range(500):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never came to hold")


# ------------------------------------------------------------------- how it comes onto a page


def test_nothing_is_asked_for_but_the_launcher_until_it_is_used(visit, web) -> None:
    page = visit()
    expect(launcher(page)).to_have_text(words(web)["ask"])
    assert page.visit.paths() == ["/widget.js"]
    open_panel(page)
    assert sorted(page.visit.paths()[1:]) == ["/api/v1/sites/clinic", "/widget-chat.js"]
    assert not any(body for _, _, body in page.visit.requests)


def test_a_launcher_of_another_hash_is_refused_by_the_browser(visit) -> None:
    page = visit(integrity="sha384-" + "A" * 64, forgive="valid digest")
    expect(page.get_by_role("heading")).to_be_visible()
    assert page.evaluate("customElements.get('footnote-assistant')") is None
    assert launcher(page).count() == 0


def test_a_second_file_of_another_hash_is_refused_and_the_launcher_says_so(visit, web) -> None:
    page = visit(forgive="valid digest")
    allowed = {"Access-Control-Allow-Origin": web.clinic, "Content-Type": "text/javascript"}
    page.context.route(
        "**/widget-chat.js*",
        lambda route: route.fulfill(body="window.stolen = 1;", headers=allowed),
    )
    launcher(page).click()
    failure = page.locator("footnote-assistant [role=alert]")
    expect(failure).to_be_visible()
    link = failure.get_by_role("link")  # the assistant's own page
    assert link.get_attribute("href").startswith(f"{web.assistant}/")
    expect(box(page)).to_have_count(0)
    assert page.evaluate("window.stolen") is None
    page.context.unroute("**/widget-chat.js*")
    failure.get_by_role("button").click()
    expect(box(page)).to_be_visible()
    expect(failure).to_have_count(0)


def test_on_a_page_that_no_site_lists_the_pinned_launcher_does_not_load(visit, web) -> None:
    page = visit(origin=web.foreign, forgive=f"CORS|{FAILED}")
    expect(page.get_by_role("heading")).to_be_visible()
    assert page.evaluate("customElements.get('footnote-assistant')") is None


def test_on_a_page_that_no_site_lists_the_launcher_can_only_say_that_it_failed(visit, web) -> None:
    asked = len(web.engine.asked)
    page = visit(origin=web.foreign, integrity=None, crossorigin=None, forgive=f"CORS|{FAILED}")
    launcher(page).click()
    expect(page.locator("footnote-assistant [role=alert]")).to_be_visible()
    expect(box(page)).to_have_count(0)
    assert page.visit.posts == []
    assert len(web.engine.asked) == asked


def test_a_foreign_page_that_asks_by_itself_gets_no_answer_and_costs_nothing(web) -> None:
    asked = len(web.engine.asked)
    for accept in ("application/json", "text/event-stream"):
        headers = {"origin": web.foreign, "accept": accept}
        body = {"question": BRUISING, "site": "clinic"}
        url = f"{web.assistant}/api/v1/ask".replace(ASSISTANT, "127.0.0.1")
        response = httpx.post(url, json=body, headers=headers, verify=False)
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
    assert len(web.engine.asked) == asked


def test_a_page_of_another_site_is_told_that_it_may_not_ask(visit, web) -> None:
    """Its origin may read answers, but this site does not list it."""
    asked = len(web.engine.asked)
    page = visit(site="others", forgive=FAILED)
    open_panel(page)
    box(page).fill(BRUISING)
    box(page).press("Enter")
    expect(problem(page)).to_contain_text(words(web, site="others")["not_allowed"])
    assert len(web.engine.asked) == asked


def test_a_tag_that_stands_twice_makes_one_widget(visit, web) -> None:
    tag = web.tag("clinic")
    page = visit(body=tag + tag)
    open_panel(page)
    expect(page.locator("footnote-assistant")).to_have_count(1)
    expect(panel(page)).to_have_count(1)


def test_it_can_stand_in_the_text_of_a_page(visit, web) -> None:
    tag = re.sub(r' data-[\w-]+="[^"]*"', "", web.tag("clinic"))
    inline = f'<footnote-assistant site="clinic" host="{web.assistant}"></footnote-assistant>'
    page = visit(body=inline + tag)
    expect(box(page)).to_be_visible()
    expect(launcher(page)).to_have_count(0)
    expect(panel(page)).to_have_count(0)  # no dialog: part of the page
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # it takes no focus unasked
    answer = ask(page, BRUISING, "answer")
    expect(answer.locator(".mark").first).to_be_visible()
    assert notice_is_seen(page)
    assert accessible_in(page) == []


# ------------------------------------------------------------------------------ every state


def accessible_in(page: Page) -> list[object]:
    """Return what axe finds in the whole page, and whether it can be scrolled sideways."""
    page.evaluate(AXE)
    found = "r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html])"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return page.evaluate(f"axe.run().then({found})") + (["overflows"] if wide > 0 else [])


def notice_is_seen(page: Page) -> bool:
    """Tell whether the notice is wholly inside the window, with nothing over it.

    The page may take some frames to settle, after its window has changed its size.
    """
    return page.evaluate(
        """async () => {
          const root = document.querySelector("footnote-assistant").shadowRoot;
          const seen = (notice) => {
            const box = notice.getBoundingClientRect();
            if (!box.width || box.top < 0 || box.left < 0) return false;
            if (box.bottom > innerHeight || box.right > innerWidth) return false;
            return [[1, 1], [1, box.height - 1], [box.width / 2, box.height / 2]].every(([x, y]) =>
              notice.contains(root.elementFromPoint(box.left + x, box.top + y)));
          };
          for (let frame = 0; frame < 60; frame += 1) {
            if ([...root.querySelectorAll(".notice")].some(seen)) return true;
            await new Promise(requestAnimationFrame);
          }
          return false;
        }"""
    )


def faults(page: Page) -> list[object]:
    """Return what is wrong with the state that the widget is in."""
    found = accessible_in(page)
    found += [] if notice_is_seen(page) else ["notice"]
    size = page.viewport_size
    if size["width"] == SMALL[0]:
        page.set_viewport_size({"width": size["width"], "height": 256})
        found += [] if notice_is_seen(page) else ["notice at 320x256"]
        page.set_viewport_size(size)
    return found


def show_note(page: Page) -> None:
    mark = replies(page).last.locator(".mark").first
    mark.click()
    expect(notes(page).first).to_be_visible()


def show_working(page: Page) -> None:
    page.visit.web.engine.hold.set()
    box(page).fill(BRUISING)
    box(page).press("Enter")
    expect(stop_button(page)).to_be_visible()


def show_stopped(page: Page) -> None:
    stop_button(page).click()
    expect(problem(page)).to_contain_text(page.visit.words["stopped"])


def stop_button(page: Page) -> Locator:
    return page.get_by_role("button", name=page.visit.words["stop"], exact=True)


def problem(page: Page) -> Locator:
    return page.locator("footnote-assistant .problem").last


def show_failure(page: Page, key: str) -> None:
    box(page).fill(BRUISING)
    box(page).press("Enter")
    expect(problem(page)).to_contain_text(re.split(r"[{]", page.visit.words[key])[0])


def show_broken(page: Page) -> None:
    page.visit.web.armed.append("break")
    show_failure(page, "failed")


def show_offline(page: Page) -> None:
    page.context.set_offline(True)
    show_failure(page, "offline")


def show_menu(page: Page) -> None:
    page.locator("footnote-assistant .menu summary").click()
    expect(page.get_by_text(page.visit.words["print"], exact=True)).to_be_visible()


WALK: list[tuple[str, Callable[[Page], object]]] = [
    ("open", open_panel),
    ("menu", show_menu),
    ("working", lambda page: (page.keyboard.press("Escape"), show_working(page))),
    ("stopped", show_stopped),
    ("answered", lambda page: ask(page, BRUISING, "answer")),
    ("footnote", show_note),
    ("disagreement", lambda page: ask(page, ITCHING, "answer")),
    ("not covered", lambda page: ask(page, COST, "not_covered")),
    ("personal", lambda page: ask(page, LIVER, "personal")),
    ("500", show_broken),
    ("urgent", lambda page: ask(page, THROAT, "urgent")),
    ("offline", show_offline),
]
"""How to come from one state to the next."""


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("size", [SMALL, DESK], ids=["small", "desk"])
def test_every_state_is_accessible_and_shows_the_notice(visit, web, size, lang: str) -> None:
    page = visit(size, lang=lang, policy=None, forgive=FAILED)
    wrong = {"closed": accessible_in(page)}
    for state, reach in WALK:
        reach(page)
        wrong[state] = faults(page)
    page.context.set_offline(False)
    assert {state: found for state, found in wrong.items() if found} == {}


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_a_refusal_to_ask_is_accessible_and_shows_the_notice(visit, web, lang: str) -> None:
    page = visit(SMALL, lang=lang, site="others", policy=None, forgive=FAILED)
    open_panel(page)
    show_failure(page, "not_allowed")
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_colours_can_be_read_in_both_schemes(visit, web, scheme: str) -> None:
    page = visit(policy=None)
    page.emulate_media(color_scheme=scheme)
    open_panel(page)
    ask(page, ITCHING, "answer")
    show_note(page)
    assert accessible_in(page) == []
    ask(page, THROAT, "urgent")
    assert accessible_in(page) == []


# ------------------------------------------------------------------------------ using it


def test_the_whole_way_goes_by_keyboard_alone(visit, web) -> None:
    page = visit()
    tab_to(page, launcher(page))
    page.keyboard.press("Enter")
    expect(box(page)).to_be_focused()
    page.keyboard.type(BRUISING)
    page.keyboard.press("Enter")
    answer = replied(page, 0, "answer")
    mark = answer.locator(".mark").first
    expect(mark).to_be_visible()
    tab_to(page, mark, back=True)
    page.keyboard.press("Enter")
    note = notes(page).first
    expect(note).to_be_visible()
    tab_to(page, note.get_by_role("link", name=words(web)["read_in_context"]))
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    expect(opened.value.locator("mark#passage")).to_be_visible()
    opened.value.close()
    page.bring_to_front()
    page.keyboard.press("Escape")
    expect(note).to_have_count(0)
    expect(panel(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel(page)).not_to_be_visible()
    expect(launcher(page)).to_be_focused()


def tab_to(page: Page, target: Locator, *, back: bool = False) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(40):
        if target.evaluate("e => e.getRootNode().activeElement === e"):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab does not lead to {target}")


LISTEN = """() => {
  const root = document.querySelector("footnote-assistant").shadowRoot;
  const live = "[role=status], [role=alert], [role=log], [aria-live]";
  const heard = new Map();
  new MutationObserver((records) => {
    const spoken = new Set();
    for (const { target, addedNodes } of records)
      for (const node of [target, ...addedNodes]) {
        const element = node.nodeType === 1 ? node : node.parentElement;
        const around = element?.closest(live);
        if (around && around.getAttribute("aria-live") !== "off") spoken.add(around);
        for (const inside of element?.querySelectorAll(live) ?? [])
          if (addedNodes.length && inside !== target) spoken.add(inside);
      }
    for (const region of spoken) {
      const text = region.textContent.trim();
      if (text && heard.get(region) !== text) console.info(`HEARD ${text}`);
      heard.set(region, text);
    }
  }).observe(root, { subtree: true, childList: true, characterData: true });
}"""


@pytest.mark.parametrize(
    ("question", "kind"), [(ITCHING, "answer"), (COST, "not_covered"), (THROAT, "urgent")]
)
def test_a_reply_is_announced_at_most_twice(visit, question: str, kind: str) -> None:
    page = visit()
    open_panel(page)
    page.evaluate(LISTEN)
    ask(page, question, kind)
    if kind == "answer":
        expect(replies(page).last.locator(".rating")).to_be_visible()
    heard = [said for said in page.visit.said if said.startswith("HEARD")]
    assert 1 <= len(heard) <= 2, heard


def test_an_answer_is_quoted_word_for_word_and_its_footnote_opens_the_passage(visit, web) -> None:
    page = visit()
    open_panel(page)
    with page.expect_response("**/api/v1/ask") as asked:
        answer = ask(page, ITCHING, "answer")
    reply = told(asked.value.text())
    assert answer.locator(".side").count() == 2
    assert answer.locator(".mark").count() >= 2
    for number, mark in enumerate(answer.locator(".mark").all()):
        mark.click()
        cited = int(re.search(r"\d+", mark.inner_text())[0])
        citation = next(c for c in reply["citations"] if c["number"] == cited)
        expect(notes(page)).to_have_count(1)
        quoted = notes(page).locator("blockquote").evaluate("quote => quote.textContent")
        assert quoted == f"“{citation['quote']}”"
        if number == 0:
            follow(page, citation, web)


def told(stream: str) -> dict[str, object]:
    """Return a reply that came as events."""
    blocks = [
        dict(re.findall(r"^(\w+): (.*)$", b, re.MULTILINE)) for b in stream.split("\n\n") if b
    ]
    events = [(block["event"], json.loads(block["data"])) for block in blocks]
    return {**dict(events)["meta"], "citations": dict(events)["citations"]}


def follow(page: Page, citation: dict, web: Web) -> None:
    """Follow "Read in context" to the passage, in view, on the assistant's own page."""
    link = notes(page).get_by_role("link", name=words(web)["read_in_context"])
    with page.context.expect_page() as opened:
        link.click()
    source = opened.value
    assert source.url.startswith(f"{web.assistant}/sources/{citation['source']}?")
    mark = source.locator("mark#passage")
    assert mark.evaluate("mark => mark.textContent") == citation["quote"]
    expect(mark).to_be_in_viewport()
    assert source.evaluate("opener") is None
    source.close()


def test_a_follow_up_is_understood_and_can_be_corrected_without_what_came_before(visit) -> None:
    page = visit()
    open_panel(page)
    ask(page, BRUISING, "answer")
    answer = ask(page, "and the swelling?", "answer")
    assert page.visit.posts[-1]["history"] == [BRUISING]
    expect(answer).to_contain_text("swelling")
    answer.get_by_role("button", name=page.visit.words["understood_wrong"]).click()
    expect(box(page)).to_be_focused()
    expect(page.locator("footnote-assistant")).to_contain_text("without “it”")
    box(page).fill("How long does swelling last?")
    box(page).press("Enter")
    replied(page, 2, "answer")
    assert page.visit.posts[-1].get("history", []) == []


def test_a_follow_up_sends_questions_only_and_clear_forgets_them(visit) -> None:
    page = visit()
    open_panel(page)
    ask(page, BRUISING, "answer")
    ask(page, COST, "not_covered")
    assert page.visit.posts[-1] == {
        "question": COST,
        "history": [BRUISING],
        "site": "clinic",
        "locale": "en",
    }
    show_menu(page)
    page.get_by_role("button", name=page.visit.words["clear"], exact=True).click()
    expect(replies(page)).to_have_count(0)
    ask(page, ITCHING, "answer")
    assert page.visit.posts[-1]["history"] == []


def test_a_thumb_with_its_reason_is_kept_and_nothing_else(visit, web) -> None:
    page = visit()
    open_panel(page)
    answer = ask(page, BRUISING, "answer")
    answer.get_by_role("button", name=page.visit.words["not_helpful"], exact=True).click()
    reason = answer.get_by_role("textbox")
    reason.fill("too short")
    answer.get_by_role("button", name=page.visit.words["send_reason"]).click()
    expect(page.locator("footnote-assistant")).to_contain_text(page.visit.words["feedback_thanks"])
    until(page, lambda: bool(web.service.feedback.all()))
    until(page, lambda: web.service.feedback.all()[-1].reason == "too short")
    rated = web.service.feedback.all()[-1]
    assert (rated.kind, rated.helpful) == ("answer", False)
    assert set(page.visit.posts[-1]) == {"reply", "kind", "helpful", "reason", "site"}


def test_what_a_visitor_types_is_text(visit) -> None:
    page = visit()
    open_panel(page)
    typed = "<img src=x onerror=alert(1)> <b>x</b> **bold** https://evil.test"
    box(page).fill(typed)
    box(page).press("Enter")
    expect(page.locator("footnote-assistant .asked")).to_contain_text(typed)
    expect(replies(page)).to_have_count(1)
    assert page.locator("footnote-assistant .asked :is(img, b, a)").count() == 0


def test_an_emergency_shows_the_sites_number_at_once(visit) -> None:
    page = visit(SMALL)
    open_panel(page)
    card = ask(page, THROAT, "urgent")
    call = card.get_by_role("link").first
    assert call.get_attribute("href") == "tel:112"
    expect(call).to_be_in_viewport(ratio=1)
    expect(card.get_by_role("alert")).to_contain_text(page.visit.words["urgent"])
    assert card.locator("blockquote, .mark").count() == 0
    assert ["urgent", None] in page.visit.events


def test_copied_text_holds_every_quotation_footnote_and_the_notice(visit, web) -> None:
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_panel(page)
    with page.expect_response("**/api/v1/ask") as asked:
        ask(page, ITCHING, "answer")
    reply = told(asked.value.text())
    show_menu(page)
    page.get_by_role("button", name=page.visit.words["copy"], exact=True).click()
    expect(page.locator("footnote-assistant")).to_contain_text(page.visit.words["copied"])
    whole(page.evaluate("navigator.clipboard.readText()"), reply)


def whole(text: str, reply: dict) -> None:
    """Assert that a text says everything that the reply says."""
    assert ITCHING in text
    assert reply["lead"] in text
    for citation in reply["citations"]:
        assert flat(citation["quote"]) in flat(text)
        assert citation["title"] in text
        assert f"[{citation['number']}]" in text
    assert reply["notice"]["text"] in text


def flat(text: str) -> str:
    return " ".join(text.split())


# -------------------------------------------------------------------------------- when it fails


def test_stop_ends_the_work_on_the_server_too(visit, web) -> None:
    before, left = web.stopped(), len(web.engine.left)
    page = visit()
    open_panel(page)
    show_working(page)
    until(page, lambda: web.engine.asked[-1].question == BRUISING and not web.engine.hold.is_set())
    assert web.stopped() == before
    stop_button(page).click()
    until(page, lambda: web.stopped() == before + 1)
    assert len(web.engine.left) == left + 1
    expect(page.locator("footnote-assistant")).to_contain_text(words(web)["stopped"])
    ask(page, BRUISING, "answer")
    assert page.visit.posts[-1]["history"] == []


def test_a_destroyed_widget_stops_asking(visit, web) -> None:
    before = web.stopped()
    page = visit()
    open_panel(page)
    show_working(page)
    until(page, lambda: not web.engine.hold.is_set())
    page.evaluate("Footnote.destroy()")
    until(page, lambda: web.stopped() == before + 1)
    expect(page.locator("footnote-assistant")).to_have_count(0)


def test_a_page_that_takes_the_element_away_stops_it_too(visit, web) -> None:
    before = web.stopped()
    page = visit()
    open_panel(page)
    show_working(page)
    until(page, lambda: not web.engine.hold.is_set())
    page.evaluate("document.querySelector('footnote-assistant').remove()")
    until(page, lambda: web.stopped() == before + 1)


@pytest.mark.parametrize("trouble", ["break", "cut"])
def test_a_broken_answer_is_owned_up_to_and_can_be_asked_again(visit, web, trouble: str) -> None:
    page = visit(forgive=FAILED)
    open_panel(page)
    web.armed.append(trouble)
    show_failure(page, "failed")
    expect(page.locator("footnote-assistant .rating")).to_have_count(0)
    problem(page).get_by_role("button", name=words(web)["retry"]).click()
    expect(replies(page).last.locator(".rating")).to_be_visible()
    assert page.visit.posts[-1]["question"] == BRUISING
    assert page.visit.posts[-1]["history"] == []
    expect(page.locator("footnote-assistant .asked")).to_have_count(1)


def test_offline_is_said_and_retry_works_when_the_line_is_back(visit, web) -> None:
    page = visit(forgive=FAILED)
    open_panel(page)
    show_offline(page)
    expect(problem(page)).to_contain_text("112")
    page.context.set_offline(False)
    problem(page).get_by_role("button", name=words(web)["retry"]).click()
    expect(replies(page).last).to_have_class(re.compile("answer"))


def test_too_many_questions_are_answered_with_how_long_to_wait(visit, web) -> None:
    page = visit(site="busy", forgive=FAILED, policy=None)
    open_panel(page)
    for _ in range(3):
        box(page).fill(BRUISING)
        box(page).press("Enter")
        expect(stop_button(page)).not_to_be_visible()
        expect(box(page)).to_be_enabled()
    says = re.escape(words(web, site="busy")["busy"]).replace(r"\{seconds\}", r"\d+")
    expect(problem(page)).to_have_text(re.compile(says))
    assert accessible_in(page) == []
    assert notice_is_seen(page)


# --------------------------------------------------------------------- what the page around sees


def test_the_pages_policy_is_never_violated(visit, web) -> None:
    """A whole conversation under the strictest policy; `visit` collects every violation."""
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_panel(page)
    ask(page, ITCHING, "answer")
    show_note(page)
    ask(page, COST, "not_covered")
    ask(page, THROAT, "urgent")
    for key in ("copy", "print", "save"):
        show_menu(page)
        item = page.get_by_role("button", name=page.visit.words[key], exact=True)
        if key == "save":
            with page.expect_download() as saved:
                item.click()
            text = saved.value.path().read_text(encoding="utf-8")
            assert ITCHING in text
            assert page.visit.words["saved_on"].split("{")[0] in text
        else:
            item.click()
    until(page, lambda: "PRINTED" in page.visit.said)


def test_nothing_of_the_widget_leaks_into_the_page(visit) -> None:
    look = """() => [...document.querySelectorAll("html, body, main, h1, p, a, input, main button")]
      .map((e) => [e.tagName, Object.fromEntries([...getComputedStyle(e)].map((p) =>
        [p, getComputedStyle(e).getPropertyValue(p)]))])"""
    names = "() => Object.getOwnPropertyNames(window).sort()"
    bare = visit(body="<p>")
    page = visit()
    bare.evaluate("document.querySelector('body > p').remove()")
    before, known = bare.evaluate(look), bare.evaluate(names)
    open_panel(page)
    ask(page, ITCHING, "answer")
    assert page.evaluate(look) == before
    assert sorted(set(page.evaluate(names)) - set(known)) == ["Footnote"]
    assert page.locator("body > *").count() <= 3  # main, the script, the element


HOSTILE = [
    "* { all: unset !important }",
    "div:empty, footnote-assistant:not(:has(*)) { display: none !important }",
    "* { font-size: 0 !important; color: transparent !important; line-height: 0 !important }",
    "button, textarea, footnote-assistant { display: none !important; visibility: hidden !important }",
    "html { font-size: 4px; direction: rtl } body { letter-spacing: 9px; text-transform: uppercase;"
    " text-align: center; word-spacing: 3em; cursor: none; user-select: none; text-indent: 9em }",
    "footnote-assistant { opacity: 0 !important; transform: scale(0) !important; width: 0 !important;"
    " height: 0 !important; overflow: hidden !important; pointer-events: none !important;"
    " filter: blur(9px) !important; clip-path: inset(50%) !important; position: static !important }",
]


@pytest.mark.parametrize("css", HOSTILE, ids=range(len(HOSTILE)))
def test_no_style_of_the_page_spoils_it(visit, css: str) -> None:
    page = visit(css=css)
    open_panel(page)
    answer = ask(page, BRUISING, "answer")
    show_note(page)
    assert notice_is_seen(page)
    for part in (answer.locator(".lead"), page.locator("footnote-assistant .notice").last):
        style = part.evaluate("e => ({...getComputedStyle(e)})")
        assert float(style["fontSize"].removesuffix("px")) >= 12
        assert float(style["lineHeight"].removesuffix("px")) >= 14
        assert style["direction"] == "ltr"
        assert style["letterSpacing"] == "normal"
        assert style["textTransform"] == "none"
        assert style["textIndent"] == "0px"
        assert style["visibility"] == "visible"
        assert "rgba" not in style["color"]
    host = page.locator("footnote-assistant").evaluate("e => ({...getComputedStyle(e)})")
    assert (host["opacity"], host["filter"], host["pointerEvents"]) == ("1", "none", "auto")
    page.evaluate("document.querySelector('footnote-assistant').close()")
    expect(launcher(page)).to_be_in_viewport(ratio=1)


def test_its_own_properties_change_its_look(visit) -> None:
    css = "footnote-assistant { --footnote-accent: #00529b; --footnote-offset-y: 90px }"
    page = visit(css=css)
    expect(launcher(page)).to_have_css("background-color", "rgb(0, 82, 155)")
    button = launcher(page).bounding_box()
    assert DESK[1] - button["y"] - button["height"] == pytest.approx(90, abs=1)


def test_the_sites_accent_colours_the_launcher_before_anything_else_is_loaded(visit) -> None:
    expect(launcher(visit())).to_have_css("background-color", "rgb(122, 46, 93)")


def test_the_page_drives_it_and_hears_what_happens_but_no_words(visit) -> None:
    page = visit()
    page.evaluate("Footnote.open()")
    expect(box(page)).to_be_visible()
    page.evaluate("question => Footnote.ask(question)", BRUISING)
    answer = replied(page, 0, "answer")
    answer.get_by_role("button", name=page.visit.words["helpful"], exact=True).click()
    page.evaluate("question => Footnote.ask(question)", THROAT)
    replied(page, 1, "urgent")
    page.evaluate("Footnote.clear()")
    expect(replies(page)).to_have_count(0)
    page.evaluate("Footnote.close()")
    expect(panel(page)).not_to_be_visible()
    until(page, lambda: "close" in [name for name, _ in page.visit.events])
    assert [name for name, _ in page.visit.events] == [
        "open", "answer", "feedback", "answer", "urgent", "close",
    ]  # fmt: skip
    details = {name: detail for name, detail in page.visit.events if detail}
    assert details == {"answer": {"kind": "urgent"}, "feedback": {"helpful": True}}


def test_the_pages_language_decides_the_locale(visit, web) -> None:
    page = visit(lang="de-AT")
    expect(launcher(page)).to_have_text(words(web, "de")["ask"])
    open_panel(page)
    expect(page.get_by_role("button", name=words(web, "de")["send"], exact=True)).to_be_visible()
    ask(page, BRUISING, "answer")
    assert page.visit.posts[-1]["locale"].startswith("de")


@pytest.mark.parametrize("where", ["page", "tag"])
def test_arabic_runs_from_right_to_left(visit, web, where: str) -> None:
    told = {"lang": "ar"} if where == "page" else {"data_locale": "ar"}
    page = visit(**told)
    expect(launcher(page)).to_have_text(words(web, "ar")["ask"])
    open_panel(page)
    expect(box(page)).to_have_css("direction", "rtl")
    answer = ask(page, BRUISING, "answer")
    expect(answer.locator(".lead")).to_have_css("direction", "rtl")
    quote = answer.locator("blockquote p").first
    expect(quote).to_have_css("direction", "ltr")  # the sources are English


# --------------------------------------------------------------------- what is kept and left


def test_leave_forgets_everything_and_cannot_be_gone_back_from(visit, web) -> None:
    page = visit(site="kept")
    open_panel(page)
    ask(page, BRUISING, "answer")
    assert kept(page)
    before = page.evaluate("history.length")
    page.keyboard.press("Shift+Escape")
    page.wait_for_url(f"{web.clinic}/elsewhere")
    assert page.evaluate("history.length") == before
    assert kept(page) == {}
    page.go_back()
    assert "/page" not in page.url


def test_the_leave_button_does_the_same(visit, web) -> None:
    page = visit()
    open_panel(page)
    page.get_by_role("button", name=page.visit.words["leave"]).click()
    page.wait_for_url(f"{web.clinic}/elsewhere")


def test_a_site_that_keeps_conversations_keeps_them_in_this_tab_only(visit, web) -> None:
    page = visit(site="kept")
    open_panel(page)
    assert kept(page) == {}
    ask(page, BRUISING, "answer")
    until(page, lambda: bool(kept(page)))
    state = page.context.storage_state(indexed_db=True)
    assert state == {"cookies": [], "origins": []}
    page.reload()
    if not box(page).is_visible():
        open_panel(page)
    expect(page.locator("footnote-assistant .asked")).to_have_text(re.compile(re.escape(BRUISING)))
    answer = replies(page).first
    answer.locator(".mark").first.click()
    expect(notes(page)).to_be_visible()
    ask(page, "and the swelling?", "answer")
    assert page.visit.posts[-1]["history"] == [BRUISING]
    another = page.context.new_page()
    another.goto(page.url)
    open_panel(another)
    expect(replies(another)).to_have_count(0)
    assert kept(another) == {}


def test_a_site_that_keeps_conversations_works_where_the_browser_forbids_storage(visit) -> None:
    page = visit(site="kept")
    page.context.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', "
        "{ get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    page.reload()
    open_panel(page)
    ask(page, BRUISING, "answer")
    ask(page, "and the swelling?", "answer")
