"""A run → what machines and pull requests read: JUnit XML and a short Markdown summary.

Comes in: a run, as `report` has it. Goes out: text. What a visitor or a reply says is code in
Markdown, so that nothing in it is a link, a mention or a tag.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from evals.report.plots import percent

Run = Mapping[str, Any]
Value = float | str

SHOWN = 20
"""How many cases a summary lists."""
UNPRINTABLE = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 127, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd"
)
"""What neither XML nor HTML may hold, and odd inputs do."""
WORDS = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Cannot tell",
    "error": "Not measured",
}
SIGNS = {"pass": "✓", "fail": "✕", "inconclusive": "?", "error": "!"}


def failing(run: Run, metric: str) -> list[tuple[str, Value, str]]:
    """Return the cases that do not pass a metric, worst first: id, value and why."""
    values: Mapping[str, Value] = run["results"].get(metric, {})
    found = [
        (case, value, why_not(run, metric, case, value))
        for case, value in values.items()
        if value == "error" or float(value) < 1
    ]
    return sorted(found, key=lambda row: (-1.0 if row[1] == "error" else float(row[1]), row[0]))


def why_not(run: Run, metric: str, case: str, value: Value) -> str:
    """Say why a case does not pass a metric."""
    faults = run["cases"].get(case, {}).get("faults", [])
    said = "; ".join(f["why"] for f in faults if f["metric"] == metric)
    if said or value == "error":
        return said or "no reply could be had"
    return f"{percent(float(value))} of it passes" if value else "it does not pass"


def to_junit(run: Run) -> str:
    """Return JUnit XML: a suite for the release, and one for each metric with what fails of it."""
    root = ET.Element("testsuites", name="release gate")
    said = run["verdict"] if run["verdict"] == "pass" else "fail"
    _suite(root, "release", [("verdict", said, "; ".join(run["reasons"]))])
    for metric in run["metrics"]:
        rows = [("verdict", metric["outcome"], metric["says"])]
        for case, value, why in failing(run, metric["id"]):
            rows.append((case, "error" if value == "error" else "fail", why))
        _suite(root, metric["id"], rows)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, 0)) for suite in root)))
    ET.indent(root, " ")
    body = ET.tostring(root, encoding="unicode").translate(UNPRINTABLE)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def to_markdown(run: Run) -> str:
    """Return the summary for a pull request."""
    sign = SIGNS["pass" if run["verdict"] == "pass" else "fail"]
    lines = [f"# {sign} Release gate: {run['verdict']}", ""]
    lines += [f"- {_plain(reason)}" for reason in run["reasons"]] + [""] * bool(run["reasons"])
    lines += [*_table(run), "", *_moved(run), *_mutants(run), *_systems(run)]
    return "\n".join(lines).rstrip().translate(UNPRINTABLE) + "\n"


def _suite(root: ET.Element, name: str, rows: list[tuple[str, str, str]]) -> None:
    failures = sum(what in ("fail", "inconclusive") for _, what, _ in rows)
    errors = sum(what == "error" for _, what, _ in rows)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(rows)),
        failures=str(failures),
        errors=str(errors),
    )
    for title, what, why in rows:
        case = ET.SubElement(suite, "testcase", classname=f"gate.{name}", name=title)
        if what != "pass":
            tag = "error" if what == "error" else "failure"
            ET.SubElement(case, tag, message=why[:500], type=what).text = why


def _table(run: Run) -> Iterator[str]:
    yield "| | Metric | Rate | 95 % interval | Needs | Change |"
    yield "|---|---|---|---|---|---|"
    for m in run["metrics"]:
        needs = "no failure" if m["hard"] else percent(m["threshold"])
        change = m["change"]
        moved = f"{change['difference'] * 100:+.1f} points" if change else "–"
        yield (
            f"| {SIGNS[m['outcome']]} {WORDS[m['outcome']]} | {_plain(m['title'])} "
            f"| {percent(m['rate'])} of {m['count']} | {percent(m['low'])} to {percent(m['high'])} "
            f"| {needs} | {moved} |"
        )


def _moved(run: Run) -> Iterator[str]:
    changed = [m for m in run["metrics"] if m["change"]]
    if not changed:
        yield from ("Not compared with a baseline.", "")
        return
    broken = [(m, case) for m in changed for case in m["change"]["broken"]]
    mended = sum(len(m["change"]["mended"]) for m in changed)
    yield from (f"## Newly broken: {len(broken)}, newly mended: {mended}", "")
    for metric, case in broken[:SHOWN]:
        question = run["cases"].get(case, {}).get("question", "")
        yield f"- {metric['id']}, {_plain(case)}: {_code(question)}"
    if len(broken) > SHOWN:
        yield f"- and {len(broken) - SHOWN} more, in the report"
    yield ""


def _mutants(run: Run) -> Iterator[str]:
    if not run["mutants"]:
        return
    yield from ("## Faults planted in replies", "")
    for judge in run["mutants"]:
        planted = sum(o["planted"] for o in judge["operators"])
        survived = planted - sum(o["caught"] for o in judge["operators"])
        by = ", ".join(
            f"{_plain(o['title'])} {o['planted'] - o['caught']}"
            for o in judge["operators"]
            if o["planted"] > o["caught"]
        )
        where = f" ({by})" if by else ""
        role = "" if judge["may_gate"] else ", does not decide"
        yield f"- {_plain(judge['judge'])}{role}: {survived} of {planted} survived{where}"
    yield ""


def _systems(run: Run) -> Iterator[str]:
    missed = [s for s in run["systems"] or [] if not s["caught"]]
    if run["systems"]:
        count = len(run["systems"])
        yield f"Assistants broken on purpose: {count - len(missed)} of {count} were caught."
    yield from (f"- not caught: {_plain(s['title'])}" for s in missed)


def _plain(text: str) -> str:
    """Return text in which Markdown finds nothing to act on."""
    safe = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|#~" else c for c in safe).replace("@", "@\u200b")


def _code(text: str) -> str:
    words = " ".join(text.split()).replace("`", "'").replace("|", "¦")
    return f"`{words[:160] + ('…' if len(words) > 160 else '')}`" if words else "–"
