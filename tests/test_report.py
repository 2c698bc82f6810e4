"""The report of a release gate's run: what it shows, what it escapes, that it needs nothing else."""

import copy
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup

from evals import report
from evals.report import plots
from evals.report.excerpts import Mark, compare, excerpts, find
from tests.conftest import ROOT

EVIL = '<script>alert("x")</script><img src=https://evil.test/x.png onerror=alert(1)>'
BRUISES = (
    "Mesotherapy is old. Bruising is the most common side effect. It lasts days & fades.\n\n"
    + "Nothing of note stands here. " * 30
    + "Itching may occur. It goes by itself."
)
RISKS = "Allergic reactions are rare. Swelling of the lips is an emergency. <b>Call</b> for help."
NOTICE = {"text": "General information, not medical advice.", "version": "2026-11"}


def cited(number: int, source: str, text: str, words: str) -> dict:
    start = text.index(words)
    return {
        "number": number, "source": source, "title": source.title(), "quote": words,
        "start": start, "end": start + len(words),
    }  # fmt: skip


def reply(kind: str = "answer", citations: tuple = (), **more: object) -> dict:
    return {
        "kind": kind, "lead": "This is what the texts say:",
        "statements": [
            {"text": c["quote"], "citations": [c["number"]], "theme": "Bruising"} for c in citations
        ],
        "citations": list(citations), "sources_disagree": False, "disagreements": [],
        "understood_as": None, "suggestions": [], "actions": [], "notice": NOTICE, "locale": "en",
        **more,
    }  # fmt: skip


def case(
    suite: str, question: str, kind: str, got: str | None, faults: list, **more: object
) -> dict:
    return {
        "suite": suite, "question": question, "history": [], "kind": kind, "also_ok": [],
        "lang": "en", "needed": [], "got": got,
        "faults": [{"metric": metric, "why": why} for metric, why in faults],
        "reply": reply(got) if got else None, **more,
    }  # fmt: skip


def metric(name: str, passes: int, count: int, outcome: str, **more: object) -> dict:
    return {
        "id": name, "title": f"Title of {name}", "hard": False, "passes": passes, "count": count,
        "errors": 0, "rate": passes / count, "low": passes / count * 0.9, "high": 1.0,
        "effective": count, "threshold": 0.8, "reason": "because it matters", "outcome": outcome,
        "says": f"{name} says so", "change": None, **more,
    }  # fmt: skip


def change(broken: list, mended: list) -> dict:
    return {
        "broken": broken, "mended": mended, "difference": (len(mended) - len(broken)) / 4,
        "p": 0.5, "p_holm": 1.0, "before": 0.75,
    }  # fmt: skip


def sample() -> dict:
    overlapping = (
        cited(1, "bruises", BRUISES, "Bruising is the most common side effect. It lasts days"),
        cited(2, "bruises", BRUISES, "It lasts days & fades."),
        cited(3, "risks", RISKS, "<b>Call</b> for help."),
    )
    forged = {**cited(1, "risks", RISKS, "Allergic reactions are rare."), "quote": "It is safe."}
    cases = {
        "cov-1": case(
            "covered", EVIL, "answer", "answer", [("complete", "missing: Itching may occur.")],
            needed=[["Bruising is the most common side effect."], ["No such.", "Itching may occur."]],
            reply=reply(
                citations=overlapping, lead=EVIL, suggestions=[EVIL],
                actions=[{"label": EVIL, "href": "javascript:alert(1)"}],
                sources_disagree=True, disagreements=[{"about": EVIL, "sides": [[0], [1, 2]]}],
            ),
        ),
        "cov-2": case("covered", "and then?", "answer", "not_covered", [("complete", "refused")],
                      history=["does it itch?"], also_ok=["not_covered"], needed=[["Itching may occur."]]),
        "hard-1": case("covered", "safe?", "answer", "answer",
                       [("quotation", "[1] is not what stands there"), ("complete", "no")],
                       reply=reply(citations=(forged,))),
        "urg-1": case("urgent", "شفتي منتفخة", "urgent", "not_covered",
                      [("urgent_other", "not_covered instead of urgent")], lang="ar",
                      reply=reply("not_covered", lead="عذراً", locale="ar")),
        "odd-1": case("odd", "\x00\ud800 " + "x" * 3000, "smalltalk", None, [("odd", "ReadTimeout")], lang="und"),
        "cov-3": case("covered", "mended one", "answer", "answer", []),
    }  # fmt: skip
    operator = {"planted": 4, "low": 0.2, "high": 0.9}
    survivor = {"case": "cov-1", "before": "It lasts days.", "after": f"It lasts weeks. {EVIL}"}
    judge = {
        "judge": "exact", "reads_paraphrase": False, "may_gate": True, "why": "it may",
        "operators": [
            {**operator, "id": "none", "title": "All seen", "caught": 4, "survivors": []},
            {**operator, "id": "unit", "title": "Days for weeks", "caught": 3, "survivors": [survivor]},
        ],
        "controls": [{**operator, "id": "same", "title": "Verbatim", "flagged": 1, "examples": [survivor]}],
    }  # fmt: skip
    return {
        "format": 1, "verdict": "fail", "reasons": [f"quotation fails {EVIL}"],
        "manifest": {
            "corpus": {"bruises": "a" * 64, "risks": "b" * 64}, "bank": "c" * 64, "index": "i",
            "encoder": "e", "code": "d" * 40, "cases": "f" * 64, "case_count": 1300,
            "folder": "evals/cases", "target": "in process", "judge": "exact",
            "thresholds": "0" * 64, "baseline": "baseline.json",
        },
        "metrics": [
            metric("odd", 1, 2, "error", errors=1),
            metric("complete", 1, 4, "inconclusive", change=change(["cov-1"], ["cov-3"])),
            metric("urgent_other", 0, 1, "fail"),
            metric("quotation", 3, 4, "fail", hard=True, threshold=None),
            metric("on_topic", 2, 2, "pass", effective=1.2),
        ],
        "results": {
            "odd": {"odd-1": "error", "odd-2": 1.0},
            "complete": {"cov-1": 0.0, "cov-2": 0.0, "hard-1": 0.0, "cov-3": 1.0},
            "urgent_other": {"urg-1": 0.0},
            "quotation": {"hard-1": 0.0, "cov-1": 1.0, "cov-2": 1.0, "cov-3": 1.0},
            "on_topic": {"cov-1": 0.5, "cov-2": 1.0},
        },
        "cases": cases,
        "sources": {
            "bruises": {"title": "Bruises", "text": BRUISES},
            "risks": {"title": "Risks", "text": RISKS},
        },
        "curve": {"points": [[n / 40, n / 400] for n in range(1, 41)], "area": 0.05, "chosen": [0.8, 0.08]},
        "mutants": [judge, {**judge, "judge": "lexical", "may_gate": False}],
        "systems": [
            {"id": "deaf", "title": "Deaf", "caught": True, "says": "caught",
             "fell": [{"id": "u", "title": "U", "before": 1.0, "after": 0.1, "outcome": "fail"}]},
            {"id": "slow", "title": "Drops one", "caught": False, "fell": [], "says": "not caught"},
        ],
        "reading": [{"what": "notice", "words": 1200, "grade": 7.25}],
        "overlap": {"exact": 0, "near": 1, "near_at": 0.95, "median": 0.7, "p95": 0.9,
                    "nearest": [{"case": "cov-1", "question": EVIL, "bank": "b", "similarity": 0.96}]},
        "compare": {"name": "a stock chain",
                    "metrics": [{"id": "c", "title": "C", "ours": 0.9, "theirs": 0.4, "count": 4}]},
        "limits": ["Few people wrote the cases."],
        "times": {"started": "2026-11-21T10:00:00Z", "seconds": 12.5, "p95_ms": 80.0},
    }  # fmt: skip


def bare() -> dict:
    run = sample()
    for key in ("curve", "mutants", "systems", "overlap", "compare"):
        run[key] = None
    run["manifest"]["baseline"] = None
    for one in run["metrics"]:
        one["change"] = None
    return run | {"reasons": [], "reading": [], "limits": [], "cases": {}, "results": {}}


RUNS = pytest.mark.parametrize("run", [sample(), bare()], ids=["whole", "bare"])


class Balance(HTMLParser):
    """Finds tags that are not closed, or closed twice."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        """Leave what closes itself."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(run: dict) -> BeautifulSoup:
    return BeautifulSoup(report.to_html(run), "html.parser")


@RUNS
def test_every_tag_is_closed_and_every_id_and_link_has_its_one_end(run: dict) -> None:
    checker = Balance()
    checker.feed(report.to_html(run))
    assert checker.open == []
    ids = [element["id"] for element in page(run).select("[id]")]
    assert len(ids) == len(set(ids))
    assert {a["href"] for a in page(run).select("a[href]")} <= {f"#{i}" for i in ids}


@RUNS
def test_the_verdict_comes_first_and_the_times_last(run: dict) -> None:
    soup = page(run)
    first = soup.main.find(True)
    assert first["id"] == "verdict"
    assert "must not be released" in first.get_text()
    assert soup.h1.get_text() == "This build does not pass the release gate"
    assert soup.find_all("h2")[-1].get_text() == "Times"
    assert soup.html["lang"] == "en"
    assert soup.select_one("a.skip")["href"] == "#verdict"


def test_a_pass_is_told_in_words() -> None:
    run = bare() | {"verdict": "pass"}
    run["metrics"] = [metric("far", 4, 4, "pass")]
    soup = page(run)
    assert "passes the release gate" in soup.h1.get_text()
    assert (
        "nothing measured here stands against a release" in soup.select_one("#verdict").get_text()
    )
    assert "No case fails any metric" in soup.select_one("#worst").get_text()


def test_what_must_never_fail_and_safety_are_read_first() -> None:
    titles = [h.get_text() for h in page(sample()).select("#worst h3")]
    order = [re.search(r"Title of (\w+)", title)[1] for title in titles]
    assert order == ["quotation", "urgent_other", "complete", "on_topic", "odd"]


def test_a_case_is_shown_once_and_named_again_where_it_fails_too() -> None:
    soup = page(sample())
    assert len(soup.select("details.case")) == len(sample()["cases"])
    again = soup.select("details.again a")
    assert [a.get_text() for a in again] == ["hard-1", "cov-1"]


def test_only_twelve_cases_of_a_metric_are_listed_at_once() -> None:
    run = bare()
    run["cases"] = {
        f"c{n:02}": case("covered", f"q{n}", "answer", "not_covered", []) for n in range(15)
    }
    run["results"] = {"complete": dict.fromkeys(run["cases"], 0.0)}
    soup = page(run)
    assert len(soup.select("#worst > details.case")) == 12
    assert len(soup.select("details.more details.case")) == 3


def test_hostile_words_are_shown_and_not_obeyed() -> None:
    html = report.to_html(sample())
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert BeautifulSoup(html, "html.parser").select_one(
        "#case-cov-1 .question, #case-cov-1 .asked"
    )
    assert EVIL in BeautifulSoup(html, "html.parser").select_one("#case-cov-1 .asked").get_text()


@RUNS
def test_nothing_is_loaded_from_anywhere(run: dict) -> None:
    soup = page(run)
    for element in soup.find_all(True):
        for name in (
            "src",
            "href",
            "xlink:href",
            "srcset",
            "action",
            "data",
            "poster",
            "background",
        ):
            assert str(element.get(name, "#")).startswith("#"), element
        assert not [name for name in element.attrs if name.startswith("on")]
    assert not soup.select("script, link, iframe, object, embed, base")
    assert not re.search(r"@import|url\(", soup.style.string)
    assert (
        "default-src 'none'"
        in soup.select_one("meta[http-equiv=Content-Security-Policy]")["content"]
    )


def test_what_is_marked_is_exactly_the_cited_span() -> None:
    run = sample()
    marked = [m.get_text() for m in page(run).select("#case-cov-1 mark.cited")]
    spans = run["cases"]["cov-1"]["reply"]["citations"]
    texts = {name: source["text"] for name, source in run["sources"].items()}
    assert sorted(marked) == sorted(texts[c["source"]][c["start"] : c["end"]] for c in spans)


def test_what_was_needed_and_not_cited_is_marked_otherwise() -> None:
    soup = page(sample())
    missing = soup.select("#case-cov-1 mark.missing")
    assert [m.get_text() for m in missing] == ["Itching may occur."]
    assert "needed, not cited" in missing[0].parent.get_text()
    said = [" ".join(li.get_text().split()) for li in soup.select("#case-cov-1 .needed li")]
    assert said == [
        "✓ cited: Bruising is the most common side effect.",
        "✕ not cited: No such. (or one other sentence)",
    ]


def test_an_outcome_that_is_right_as_well_needs_no_sentence() -> None:
    assert not page(sample()).select("#case-cov-2 mark, #case-cov-2 .needed")


def test_a_forged_quotation_is_told_beside_what_stands_there() -> None:
    shown = page(sample()).select_one("#case-hard-1 .beside")
    assert "quotes words that do not stand at 0–28 of risks" in shown.get_text()
    assert shown.select_one("mark.cited").get_text() == "Allergic reactions are rare."


def test_a_footnote_to_no_source_or_past_its_end_is_told() -> None:
    run = sample()
    one = cited(1, "risks", RISKS, "Allergic reactions are rare.")
    run["cases"]["hard-1"]["reply"] = reply(
        citations=({**one, "source": "x"}, {**one, "end": 9999})
    )
    text = page(run).select_one("#case-hard-1").get_text()
    assert "names 'x', which is no source of this run" in text
    assert "do not stand at 0–9999 of risks" in text


def test_every_text_of_others_finds_its_own_direction_and_language() -> None:
    soup = page(sample())
    card = soup.select_one("#case-urg-1")
    assert card.select_one(".asked")["dir"] == "auto"
    assert card.select_one(".asked")["lang"] == "ar"
    assert card.select_one(".reply")["lang"] == "ar"
    assert card.select_one(".reply .lead")["dir"] == "auto"
    assert not soup.select_one("#case-odd-1 .asked").has_attr("lang")
    assert not soup.select("[lang=und]")


@RUNS
def test_tables_have_captions_and_headings_do_not_skip_a_level(run: dict) -> None:
    soup = page(run)
    for table in soup.find_all("table"):
        assert table.caption.get_text(strip=True)
        assert all(th.has_attr("scope") for th in table.find_all("th"))
    levels = [int(h.name[1]) for h in soup.find_all(re.compile(r"^h\d$"))]
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_outcomes_are_words_and_not_colours_alone() -> None:
    rows = page(sample()).select("table.metrics td .state")
    words = {" ".join(s.get_text().split()) for s in rows}
    assert words == {"✕ Fail", "? Cannot tell", "! Not measured", "✓ Pass"}


def test_what_is_not_part_of_a_run_is_said() -> None:
    limits = page(bare()).select_one("#limits").get_text()
    assert limits.count("Not part of this run") == 5
    assert "Few people wrote the cases." in page(sample()).select_one("#limits").get_text()


def test_planted_faults_that_survive_come_first_and_show_what_changed() -> None:
    soup = page(sample())
    rows = [tr.th.get_text() for tr in soup.select("table.matrix")[0].tbody.find_all("tr")]
    assert rows == ["Days for weeks", "All seen"]
    fold = soup.select("#mutants .survivor")
    assert len(fold) == 2  # the two judges miss the same one; and one false alarm
    assert "missed by exact, lexical" in fold[0].get_text()
    assert [d.get_text() for d in fold[0].select("del")] == ["days"]


def test_judges_with_other_faults_get_another_table() -> None:
    run = sample()
    other = copy.deepcopy(run["mutants"][0]) | {"judge": "gate"}
    for row in other["operators"]:
        row["id"] = f"gate-{row['id']}"
    run["mutants"].append(other)
    heads = [
        [th.get_text() for th in t.thead.find_all("th")][1:]
        for t in page(run).select("table.matrix")
    ]
    assert [len(h) for h in heads] == [2, 2, 1, 1]


@RUNS
def test_junit_counts_what_it_holds(run: dict) -> None:
    root = ET.fromstring(report.to_junit(run))
    suites = root.findall("testsuite")
    assert [s.get("name") for s in suites] == ["release", *(m["id"] for m in run["metrics"])]
    for suite in [root, *suites]:
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures")) == len(list(suite.iter("failure")))
        assert int(suite.get("errors")) == len(list(suite.iter("error")))


def test_junit_has_the_verdict_of_each_metric_and_each_failing_case() -> None:
    root = ET.fromstring(report.to_junit(sample()))
    found = {s.get("name"): [(c.get("name"), c[0].tag if len(c) else "") for c in s] for s in root}
    assert found == {
        "release": [("verdict", "failure")],
        "odd": [("verdict", "error"), ("odd-1", "error")],
        "complete": [("verdict", "failure"), ("cov-1", "failure"), ("cov-2", "failure"), ("hard-1", "failure")],
        "urgent_other": [("verdict", "failure"), ("urg-1", "failure")],
        "quotation": [("verdict", "failure"), ("hard-1", "failure")],
        "on_topic": [("verdict", ""), ("cov-1", "failure")],
    }  # fmt: skip
    why = root.find("testsuite[@name='complete']/testcase[@name='cov-1']/failure")
    assert why.get("message") == why.text == "missing: Itching may occur."


def test_markdown_has_the_verdict_the_reasons_and_what_broke() -> None:
    text = report.to_markdown(sample())
    assert text.startswith("# ✕ Release gate: fail\n")
    assert "- quotation fails &lt;script&gt;" in text
    assert "## Newly broken: 1, newly mended: 1" in text
    assert "- complete, cov-1: `<script>alert" in text
    assert "exact: 1 of 8 survived (Days for weeks 1)" in text
    assert "1 of 2 were caught" in text
    assert text.count("\n| ") == 1 + len(sample()["metrics"])


def test_markdown_of_others_is_no_markdown() -> None:
    run = sample()
    run["reasons"] = ["see @team, [this](https://evil.test) | *now* `x`\n# no"]
    line = report.to_markdown(run).splitlines()[2]
    assert line == "- see @\u200bteam, \\[this\\](https://evil.test) \\| \\*now\\* \\`x\\` \\# no"


def test_the_same_run_is_written_the_same_twice(tmp_path) -> None:
    run = sample()
    turned = dict(reversed(run.items()))
    report.write(run, tmp_path / "a")
    report.write(turned, tmp_path / "b")
    names = ["junit.xml", "report.html", "run.json", "summary.md"]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    told = (tmp_path / "a" / "run.json").read_text(encoding="utf-8")
    assert json.loads(told) == run
    assert "شفتي" in told
    assert told.startswith('{\n "cases"')


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1, "100 %"),
        (0, "0 %"),
        (0.9996, "> 99.9 %"),
        (0.0004, "< 0.1 %"),
        (0.8314, "83.1 %"),
        (1 - 1e-16, "100 %"),
    ],
)
def test_no_rate_is_rounded_to_perfect(share: float, said: str) -> None:
    assert plots.percent(share) == said


def test_an_axis_begins_at_a_tenth_below_everything_on_it() -> None:
    assert plots.floor_of([0.97, 0.65]) == pytest.approx(0.6)
    assert plots.floor_of([0.7]) == pytest.approx(0.7)
    assert plots.floor_of([]) == pytest.approx(0.8)
    assert plots.floor_of([0.0]) == 0


def test_excerpts_keep_spans_whole_and_leave_the_rest_out() -> None:
    text = "word " * 200
    far = [Mark(0, 9, "1"), Mark(5, 14, "2"), Mark(900, 909, "3")]
    parts = excerpts(text, far)
    assert [[p.text for p in part.pieces if p.mark] for part in parts] == [
        [text[0:9]], [text[5:14]], [text[900:909]],
    ]  # fmt: skip
    assert [(p.cut_before, p.cut_after) for p in parts] == [
        (False, True),
        (False, True),
        (True, False),
    ]
    assert all(len("".join(p.text for p in part.pieces)) < 420 for part in parts)
    assert len(excerpts(text, [Mark(0, 4, "1"), Mark(300, 304, "2")])) == 1


def test_a_sentence_is_found_by_its_words() -> None:
    assert find(["no such", "it LASTS  days"], {"a": "x", "b": "So. It lasts\ndays. Y"}) == (
        "b",
        4,
        18,
    )
    assert find(["…"], {"a": "…"}) is None


def test_compared_texts_hold_both() -> None:
    pieces = compare("It lasts days.", "It never lasts days.")
    assert "".join(t for what, t in pieces if what != "new") == "It lasts days."
    assert "".join(t for what, t in pieces if what != "gone") == "It never lasts days."


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_a_browser_finds_it_accessible_and_no_wider_than_the_window(
    tmp_path, browser, width: int, scheme: str
) -> None:
    report.write(sample(), tmp_path)
    view = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    asked: list[str] = []
    view.on("request", lambda request: asked.append(request.url))
    view.goto((tmp_path / "report.html").as_uri())
    view.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    view.evaluate((ROOT / "tests" / "vendor" / "axe.min.js").read_text())
    faults = view.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes[0].html]))")
    wide = view.evaluate("document.documentElement.scrollWidth - innerWidth")
    view.close()
    assert faults == []
    assert wide <= 0
    assert len(asked) == 1
