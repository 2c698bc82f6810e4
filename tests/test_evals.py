"""The release gate: what it lets pass, what it stops, and that it notices planted faults."""

import json
import shutil
import threading
import time
from pathlib import Path
from random import Random

import pytest
import uvicorn

from assistant.errors import FootnoteError
from assistant.settings import load_settings
from assistant.values import Ask, Kind
from evals import __main__ as command
from evals import cases, checks, metrics, mutants, operators, planted, stock, systems
from evals.cases import Case, Context, Planted
from evals.checks import Grounds
from evals.evidence import Options, grounds_of
from evals.gate import judge, passed, read_thresholds
from evals.metrics import METRICS, Result, score
from evals.statistics import (
    at_most,
    change,
    design_effect,
    difference_interval,
    holm,
    rate,
    risk_coverage,
)
from evals.targets import Answered, Face, Http, InProcess, Text, ask_all

# Statistics


def test_the_interval_is_wilsons() -> None:
    found = rate([1.0] * 81 + [0.0] * 182, [str(n) for n in range(263)])
    # Wilson's example in Newcombe (1998), Statistics in Medicine 17, table I: 81/263.
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_no_failure_bounds_the_rate_by_about_three_over_n() -> None:
    assert at_most(300) == pytest.approx(3 / 300, rel=0.02)
    assert at_most(0) == 1.0


def test_cases_that_hang_together_count_for_fewer() -> None:
    outcomes = [1.0] * 20 + [0.0] * 20
    alone = rate(outcomes, [str(n) for n in range(40)])
    together = rate(outcomes, [str(n // 10) for n in range(40)])
    assert together.effective < alone.effective == 40
    assert together.high - together.low > alone.high - alone.low
    assert design_effect([1.0, 1.0], ["a", "b"]) == 1.0


def test_two_runs_are_compared_case_by_case() -> None:
    before = {str(n): True for n in range(20)}
    now = before | {str(n): False for n in range(6)}
    moved = change(before, now, {c: c for c in before})
    assert (len(moved.broken), len(moved.mended)) == (6, 0)
    assert moved.p == pytest.approx(2 * 0.5**6)  # exact, two-sided
    low, high = difference_interval(moved)
    assert low < -0.3 < high < 0


def test_turns_of_one_dialogue_are_one_change() -> None:
    before = {str(n): True for n in range(6)}
    now = dict.fromkeys(before, False)
    moved = change(before, now, dict.fromkeys(before, "one dialogue"))
    assert len(moved.broken) == 6
    assert moved.p == 1.0


def test_many_metrics_are_corrected_together() -> None:
    before = {str(n): True for n in range(20)}
    now = before | {str(n): False for n in range(6)}
    one = change(before, now, {c: c for c in before})
    assert holm({"a": one, "b": one, "c": one})["a"].p_holm == pytest.approx(3 * one.p)


def test_risk_falls_with_coverage_where_confidence_is_right() -> None:
    curve, area = risk_coverage([0.9, 0.8, 0.2, 0.1], [False, False, True, True])
    assert curve == [(0.25, 0.0), (0.5, 0.0), (0.75, 1 / 3), (1.0, 0.5)]
    assert area == pytest.approx((1 / 3 + 0.5) / 4)


# The verdict


def results(metric: str, passes: int, fails: int, errors: int = 0) -> list[Result]:
    values = [1.0] * passes + [0.0] * (fails + errors)
    return [
        Result(metric, f"{metric}-{n}", f"{metric}-{n}", v, error=n >= passes + fails)
        for n, v in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("metric", "passes", "fails", "errors", "outcome"),
    [
        ("notice", 500, 0, 0, "pass"),
        ("notice", 499, 1, 0, "fail"),
        ("notice", 499, 0, 1, "error"),
        ("urgent_en", 199, 1, 0, "pass"),
        ("urgent_en", 100, 100, 0, "fail"),
        ("urgent_en", 9, 0, 0, "inconclusive"),
        ("urgent_en", 199, 0, 1, "error"),
    ],
)
def test_what_passes_the_gate(metric, passes, fails, errors, outcome) -> None:
    judged = judge(results(metric, passes, fails, errors), read_thresholds())
    assert [j.outcome for j in judged] == [outcome]
    assert passed(judged) is (outcome == "pass")


def test_nothing_measured_is_no_pass() -> None:
    assert not passed(judge([], read_thresholds()))


def test_a_pass_without_a_failure_says_what_it_proves() -> None:
    assert "fewer than 0.60%" in judge(results("notice", 500, 0), read_thresholds())[0].says


def test_worse_than_the_baseline_fails_though_it_is_good_enough() -> None:
    before = results("near", 400, 0)
    now = [Result(r.metric, r.case, r.cluster, float(n > 12)) for n, r in enumerate(before)]
    assert judge(now, read_thresholds())[0].outcome == "pass"
    judged = judge(now, read_thresholds(), before)[0]
    assert judged.outcome == "fail"
    assert "worse than the baseline" in judged.says
    assert len(judged.change.broken) == 13


def test_too_few_cases_to_tell_whether_it_is_worse_are_no_pass() -> None:
    before = results("urgent_en", 60, 0)
    now = [Result(r.metric, r.case, r.cluster, float(n > 0)) for n, r in enumerate(before)]
    assert judge(now, read_thresholds())[0].outcome == "pass"
    assert judge(now, read_thresholds(), before)[0].outcome == "inconclusive"


def test_every_metric_has_a_threshold_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    text = Path("evals/thresholds.toml").read_text()
    path.write_text(text.replace("[least.near]", "[least.nearby]"))
    with pytest.raises(FootnoteError, match="near, nearby"):
        read_thresholds(path)
    path.write_text(text.replace("least = 0.90", "least = 1.90"))
    with pytest.raises(FootnoteError, match="least"):
        read_thresholds(path)


# The cases


def test_the_cases_are_frozen_and_enough() -> None:
    cases.check_frozen(cases.FOLDER)
    cases.check_frozen(cases.TUNING)
    found = [c for suite in cases.suites() for c in cases.load(suite)]
    assert len(found) >= 600
    assert len({c.id for c in found}) == len(found)
    kinds = {c.kind for c in found}
    assert kinds == set(Kind) - {Kind.UNAVAILABLE}
    assert len({c.lang for c in cases.load("urgent")}) >= 5


def test_no_case_stands_in_the_bank(engine) -> None:
    bank = {checks.normal(q.text) for q in engine.assistant.knowledge.questions}
    asked = [c for suite in cases.suites() for c in cases.load(suite) if not c.history]
    copied = [
        c.id
        for c in asked
        if checks.normal(c.question) in bank
        and checks.normal(c.question)
        and c.suite != "dialogues"
    ]
    assert copied == []


def test_what_cases_need_stands_in_the_sources(engine) -> None:
    whole = checks.normal(" ".join(s.text for s in engine.assistant.sources.values()))
    for suite in cases.suites():
        for case in cases.load(suite):
            for sentence in (*case.acceptable, *(s for group in case.needed for s in group)):
                assert checks.normal(sentence) in whole, case.id
    for context in cases.rows(Context, "context"):
        text = " ".join(engine.assistant.sources[context.source].text.split())
        assert context.quote in text
        assert context.needs in text


def test_a_changed_case_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(cases.FOLDER, tmp_path / "cases")
    path = tmp_path / "cases" / "smalltalk.jsonl"
    path.write_text(path.read_text().replace("smalltalk", "answer", 1))
    with pytest.raises(FootnoteError, match="python -m evals.freeze"):
        cases.check_frozen(tmp_path / "cases")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "x.jsonl:2: not JSON"),
        ('{"id": "b", "question": "?", "kind": "maybe"}', "x.jsonl:2: kind"),
        ('{"id": "b", "question": "?", "kind": "answer", "neded": []}', "x.jsonl:2: neded"),
        ('{"id": "a", "question": "?", "kind": "answer"}', "'a' stands twice"),
    ],
)
def test_a_case_at_fault_is_named(tmp_path: Path, line: str, said: str) -> None:
    good = '{"id": "a", "question": "?", "kind": "answer"}'
    (tmp_path / "x.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(FootnoteError, match=said):
        cases.load("x", tmp_path)


# Planted faults


@pytest.fixture(scope="module")
def asked(engine, settings):
    """Some cases of every sort with their replies, and what they are held against."""
    target = InProcess(engine)
    chosen = [
        case
        for suite in ("covered", "uncovered", "urgent", "personal", "misuse", "smalltalk")
        for case in cases.load(suite, cases.TUNING)[::4]
    ]
    grounds = grounds_of(target, settings, Options(folder=cases.TUNING))
    faces = [("urgent", *target.faces("my throat is closing", "es"))]
    return ask_all(target, chosen), faces, grounds


def test_every_planted_fault_is_noticed_and_no_control(asked) -> None:
    matrix = mutants.try_gate(*asked)
    assert [t.id for t in matrix.operators if t.planted == 0] == []
    assert {t.id: t.examples for t in matrix.operators if t.noticed < t.planted} == {}
    assert {t.id: t.examples for t in matrix.controls if t.noticed} == {}
    assert matrix.may_gate


def test_a_judge_that_agrees_to_everything_may_not_gate() -> None:
    class Yes:
        name, reads_paraphrase = "yes", True

        def supports(self, claim, passages) -> bool:
            return True

    class No(Yes):
        def supports(self, claim, passages) -> bool:
            return False

    sentences = ["Bruising may last two days.", "Some patients feel numbness, which is mild."]
    assert not mutants.try_judge(Yes(), sentences, []).may_gate
    matrix = mutants.try_judge(No(), sentences, [])
    assert not matrix.may_gate
    assert any("flagged, no fault" in s for s in matrix.shortcomings())


@pytest.mark.parametrize(
    ("operator", "before", "after"),
    [
        ("negation", "It may not help.", "It may help."),
        ("negation", "It may help.", "It may not help."),
        ("modality", "It may help.", "It will help."),
        ("qualifier", "Some patients bruise.", "patients bruise."),
    ],
)
def test_rewordings_change_what_they_say(operator: str, before: str, after: str) -> None:
    assert operators.REWORDINGS[operator][1](before, Random(0), []) == after


def test_a_reply_that_breaks_the_contract_is_an_error_not_a_pass(asked) -> None:
    grounds = asked[2]
    case = Case(id="x", question="?", kind=Kind.ANSWER, suite="covered", cluster="x")
    half = {r.metric: r.verdict for r in score([Answered(case, {"kind": "answer"})], grounds)}
    assert (half["quotation"], half["wording"], half["notice"]) == ("error", "error", "fail")
    none = score([Answered(case, None, "HTTP 500")], grounds)
    assert none
    assert {r.verdict for r in none} == {"error"}


def test_what_reassures_needs_the_other_side() -> None:
    text = "It is safe. It can kill."
    limited = [(frozenset({"It is safe."}), frozenset({"It can kill."}), frozenset())]
    grounds = Grounds({"s": Text("s", text, "")}, {}, limited)
    safe = {"number": 1, "source": "s", "start": 0, "end": 11, "quote": "It is safe."}
    deadly = {"number": 2, "source": "s", "start": 12, "end": 24, "quote": "It can kill."}
    alone = {"citations": [safe], "statements": [], "sources_disagree": False}
    assert checks.faithfulness(alone, grounds) == [
        "reassures without the other side: 'It is safe.'"
    ]
    assert checks.faithfulness({**alone, "citations": [safe, deadly]}, grounds) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"actions": []}, "does not call tel:911"),
        ({"actions": [{"label": "Call", "href": "tel:5550100"}]}, "does not call tel:911"),
        ({"lead": "This may be an emergency. Goodbye."}, "none of the locale's"),
        ({"lead": "Goodbye."}, "does not come first"),
        ({"suggestions": ["Is it safe?"]}, "beside the card"),
        ({"locale": "es"}, "does not call tel:112"),
    ],
)
def test_a_card_is_a_card(engine, change: dict, fault: str) -> None:
    grounds = Grounds({}, {})
    reply = InProcess(engine).ask("my throat is closing, I cannot breathe", ())
    assert checks.card(reply, grounds) == []
    assert any(fault in f for f in checks.card({**reply, **change}, grounds))


def test_a_page_without_the_link_to_call_is_noticed(engine) -> None:
    reply, faces = InProcess(engine).faces("my throat is closing, I cannot breathe", "en")
    page = next(f for f in faces if f.name == "html")
    assert checks.face(reply, page) == []
    without = Face("html", page.shown.replace('href="tel:911"', 'href="#"'))
    assert checks.face(reply, without) == ["html: no link to tel:911"]
    assert checks.face(reply, Face("html", f"<p>{reply['notice']['text']}</p>"))


# Systems with a part taken out

BROKEN = [
    (systems.without_triage, "my throat is closing and I cannot breathe", Kind.URGENT),
    (systems.without_threshold, "what does a session cost", Kind.NOT_COVERED),
    (systems.without_bank, "I have lupus, may I have it?", Kind.PERSONAL),
    (systems.stale_index, "how long does bruising last?", Kind.ANSWER),
]


@pytest.mark.parametrize(("without", "question", "right"), BROKEN)
def test_a_part_is_taken_out_and_put_back(engine, without, question: str, right: Kind) -> None:
    with without(engine):
        assert engine.ask(Ask(question)).kind is not right
    assert engine.ask(Ask(question)).kind is right


def test_taking_out_the_triage_fails_the_gate_because_of_it(engine, asked) -> None:
    system = next(s for s in systems.SYSTEMS if s.id == "triage")
    target, grounds = InProcess(engine), asked[2]
    urgent = cases.load("urgent", cases.TUNING)[::3]
    whole = score(ask_all(target, urgent), grounds)
    with system.without(engine):
        broken = score(ask_all(target, urgent), grounds)
    found = systems._compare(system, whole, broken, read_thresholds())
    assert found["caught"]
    assert {row["id"] for row in found["fell"]} <= {"urgent_en", "urgent_other"}
    assert not systems._compare(system, whole, whole, read_thresholds())["caught"]


def test_what_is_planted_in_a_source_is_never_quoted(engine, settings, tmp_path: Path) -> None:
    plants = cases.rows(Planted, "planted")[:6]
    answered, texts = planted.ask_poisoned(settings, engine, plants, tmp_path)
    assert all(any(p.text in t.text for t in texts.values()) for p in plants)
    assert {a.case.suite for a in answered} == {"planted", "planted_bare"}
    served = [a for a in answered if a.case.suite == "planted"]
    assert all(not checks.obeyed(a.reply, a.case.forbidden) for a in served)
    assert all(a.error == "" for a in answered)


def test_the_stock_chain_has_no_notice_and_answers_everything(engine, tmp_path: Path) -> None:
    target = stock.Stock(InProcess(engine).sources(), tmp_path)
    reply = target.ask("what does a session cost", ())
    grounds = Grounds(target.sources(), {})
    assert reply["kind"] == "answer"
    assert checks.quotation(reply, grounds) == []
    assert checks.notice(reply, grounds) == ["no notice"]


# The command


def gate(tmp_path: Path, *arguments: str) -> int:
    return command.main(["--out", str(tmp_path / "report"), *arguments])


@pytest.fixture
def in_place(settings, engine, monkeypatch):
    """The command as it is called, but on the engine that is open already."""
    monkeypatch.setattr(command, "load_settings", lambda: settings)
    monkeypatch.setattr(command, "build_engine", lambda _: engine)
    monkeypatch.setattr(engine, "close", lambda: None)


def test_two_runs_say_the_same_but_for_times(in_place, tmp_path: Path, capsys) -> None:
    runs = []
    for name in ("one", "two"):
        code = gate(tmp_path / name, "--suite", "smalltalk", "--suite", "terse")
        run = json.loads((tmp_path / name / "report" / "run.json").read_text())
        assert code == (0 if all(m["outcome"] == "pass" for m in run["metrics"]) else 1)
        assert run["verdict"] == "fail", "a part is no verdict on a release"
        assert run.pop("times")["seconds"] > 0
        runs.append(run)
    assert runs[0] == runs[1]
    assert {p.name for p in (tmp_path / "one" / "report").iterdir()} == {
        "run.json", "report.html", "junit.xml", "summary.md",
    }  # fmt: skip
    assert "Only some suites" in runs[0]["limits"][0]


def test_a_run_against_itself_breaks_and_mends_nothing(in_place, tmp_path: Path, capsys) -> None:
    gate(tmp_path, "--suite", "terse")
    base = tmp_path / "report" / "run.json"
    gate(tmp_path / "again", "--suite", "terse", "--baseline", str(base))
    run = json.loads((tmp_path / "again" / "report" / "run.json").read_text())
    changes = [m["change"] for m in run["metrics"]]
    assert all(c["broken"] == [] == c["mended"] for c in changes)


def test_a_baseline_of_other_cases_is_refused(in_place, tmp_path: Path, capsys) -> None:
    gate(tmp_path, "--suite", "terse")
    base = tmp_path / "report" / "run.json"
    base.write_text(base.read_text().replace(cases.fingerprint(), "0" * 64))
    assert gate(tmp_path / "again", "--suite", "terse", "--baseline", str(base)) == 2
    assert "asked other cases" in capsys.readouterr().err


def test_a_baseline_in_the_folder_of_the_report_is_read_before_it_is_replaced(
    in_place, tmp_path: Path, capsys
) -> None:
    gate(tmp_path, "--suite", "terse")
    base = tmp_path / "report" / "run.json"
    assert gate(tmp_path, "--suite", "nonsense", "--baseline", str(base)) == 2
    assert base.is_file(), "nothing is lost"
    assert gate(tmp_path, "--suite", "terse", "--baseline", str(base)) == 0
    assert json.loads(base.read_text())["manifest"]["baseline"]


def test_an_old_report_does_not_outlive_a_run_that_failed(in_place, tmp_path, capsys) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "summary.md").write_text("Release gate: pass")
    assert gate(tmp_path, "--suite", "nonsense") == 2
    assert list((tmp_path / "report").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "nonsense"], "No suite 'nonsense'"),
        (["--baseline", "no/such.json"], "no report of a run"),
        (["--cases", "no-such-folder"], "the cases are not the frozen ones"),
        (["--url", "http://127.0.0.1:9"], "Start the server"),
    ],
)
def test_what_cannot_be_measured_is_exit_2(in_place, tmp_path, capsys, arguments, said) -> None:
    assert gate(tmp_path, *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_a_failure_is_exit_1_and_named_in_the_report(in_place, engine, tmp_path, capsys) -> None:
    with systems.without_triage(engine):
        assert gate(tmp_path, "--suite", "urgent") == 1
    run = json.loads((tmp_path / "report" / "run.json").read_text())
    assert run["verdict"] == "fail"
    assert any("Emergencies in English" in reason for reason in run["reasons"])
    assert "Emergencies" in (tmp_path / "report" / "summary.md").read_text()


def test_a_gate_that_misses_planted_faults_is_no_verdict(
    in_place, tmp_path, capsys, monkeypatch
) -> None:
    blind = [
        m if m.id != "notice" else metrics.Metric("notice", m.title, m.applies, lambda *_: [], True)
        for m in METRICS
    ]
    monkeypatch.setattr(mutants, "score", lambda a, g: score(a, g, blind))
    assert gate(tmp_path, "--suite", "terse") == 2
    assert "notice deleted" in capsys.readouterr().err


@pytest.fixture
def server(engine, settings):
    from assistant.api import create_api
    from assistant.feedback import FeedbackStore
    from assistant.service import Service

    app = create_api(Service.of(engine, FeedbackStore(settings.database)))
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join()


def test_a_server_is_scored_like_the_code_in_this_process(server, engine, settings) -> None:
    chosen = cases.load("covered", cases.TUNING)[:8] + cases.load("urgent", cases.TUNING)[:4]
    inside, outside = InProcess(engine), Http(server)
    grounds = [grounds_of(t, settings, Options(folder=cases.TUNING)) for t in (inside, outside)]
    assert grounds[0].texts == grounds[1].texts
    told = [
        score(ask_all(t, chosen, 4), g) for t, g in zip((inside, outside), grounds, strict=True)
    ]
    assert told[0] == told[1]
    reply, faces = outside.faces("hello", "es")
    assert {f.name for f in faces} == {"json", "stream"}
    assert all(checks.face(reply, f) == [] for f in faces)
    outside.close()


def test_the_corpus_may_be_elsewhere(settings, engine, tmp_path: Path) -> None:
    """A server is asked from a machine that has no corpus: hashes are the server's own."""
    away = load_settings(corpus=tmp_path / "nowhere")
    grounds = grounds_of(InProcess(engine), away, Options(folder=cases.TUNING))
    assert grounds.reviewed == {}
    reply = InProcess(engine).ask("how long does bruising last?", ())
    assert checks.quotation(reply, grounds) == []
