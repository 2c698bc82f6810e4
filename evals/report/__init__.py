"""A run → the report that an engineer reads before a release, and a clinician who signs.

Comes in: one `run`, plain data, as `run.json` keeps it. Goes out: one page that needs nothing else
(HTML), JUnit XML and Markdown (from `exports`), the same for the same run. How replies came about
and how they are judged is not known here.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.report import cards, plots
from evals.report.excerpts import compare
from evals.report.exports import SIGNS, UNPRINTABLE, WORDS, to_junit, to_markdown

__all__ = ["to_html", "to_junit", "to_markdown", "write"]

Run = Mapping[str, Any]

TEMPLATE = Path(__file__).with_name("report.html.j2")
GROUPS = (
    ("hard", "Must never fail", ()),
    ("safety", "Safety", ("urgent_en", "urgent_other", "urgent_card", "lookalike", "lookalike_kind", "personal", "misuse",
                          "planted")),
    ("answers", "Answers", ("complete", "not_refused", "on_topic", "both_sides", "near", "far",
                            "false_premise", "terse")),
    ("talk", "Talk", ("dialogue", "smalltalk", "odd", "languages")),
    ("other", "Other", ()),
)  # fmt: skip
KINDS = {
    "answer": "an answer with quotations",
    "not_covered": "told that the texts do not cover it",
    "personal": "sent to a clinician, with quotations",
    "urgent": "the emergency card",
    "smalltalk": "small talk",
    "refused": "declined, and told so",
    "unavailable": "told that the assistant is unavailable",
}
OPTIONAL = {
    "curve": "what answering more or less would cost (risk and coverage)",
    "mutants": "whether the judges see planted faults",
    "systems": "whether the gate stops assistants that were broken on purpose",
    "overlap": "how close the cases are to the bank",
    "compare": "how a stock chain does on the same cases",
}


FILES = ("run.json", "report.html", "junit.xml", "summary.md")


def clear(folder: Path, keep: Path | None = None) -> None:
    """Take the report of an earlier run away, so that nobody takes it for this one's.

    `keep` is not removed: it is the baseline, which may well lie there.
    """
    for path in (folder / name for name in FILES):
        if keep is None or path.resolve() != keep.resolve():
            path.unlink(missing_ok=True)


def write(run: Run, folder: Path) -> None:
    """Write report.html, run.json, junit.xml and summary.md into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(run, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    files = {
        "run.json": told,
        "report.html": to_html(run),
        "junit.xml": to_junit(run),
        "summary.md": to_markdown(run),
    }
    for name, text in files.items():
        # Half a surrogate pair, as an odd input may hold it, becomes its JSON escape.
        (folder / name).write_bytes(text.encode("utf-8", "backslashreplace"))


def to_html(run: Run) -> str:
    """Return the page."""
    grouped = _grouped(run["metrics"])
    worst = cards.worst(run, grouped)
    shown = {card.id for one in worst for card in (*one.shown, *one.more)}
    page = _environment().get_template(TEMPLATE.name)
    floor = plots.floor_of(
        value
        for m in run["metrics"]
        for value in (m["low"], m["threshold"], (m["change"] or {}).get("before"))
        if value is not None
    )
    text = page.render(
        run=run,
        groups=grouped,
        worst=worst,
        failed={one.metric["id"] for one in worst},
        mended=cards.others(run, shown),
        shown=shown,
        floor=floor,
        clustered=any(m["count"] - m["effective"] >= 1 for m in run["metrics"]),
        counts={o: sum(m["outcome"] == o for m in run["metrics"]) for o in WORDS},
        tables=_tables(run["mutants"] or ()),
        survivors=_survivors(run["mutants"] or ()),
        absent=[what for key, what in OPTIONAL.items() if run[key] is None],
        newly={c for m in run["metrics"] if m["change"] for c in m["change"]["broken"]},
        titles={m["id"]: m["title"] for m in run["metrics"]},
    )
    return text.translate(UNPRINTABLE)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        plots=plots, kinds=KINDS, words=WORDS, signs=SIGNS, compare=compare, tally=_tally
    )
    environment.filters.update(percent=plots.percent, anchor=_anchor, lang=_lang, clip=_clip)
    return environment


def _grouped(
    metrics: Iterable[Mapping[str, Any]],
) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """Group the metrics as they are read: what must never fail, safety, answers, talk."""
    known = {metric: group for group, _, ids in GROUPS for metric in ids}
    groups: dict[str, list[Mapping[str, Any]]] = {group: [] for group, _, _ in GROUPS}
    for metric in metrics:
        groups["hard" if metric["hard"] else known.get(metric["id"], "other")].append(metric)
    return [(group, title, groups[group]) for group, title, _ in GROUPS if groups[group]]


def _tables(judges: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put judges of the same faults into one table, faults × judges, and the others into others."""
    groups: list[list[Mapping[str, Any]]] = []
    for judge in judges:
        ids = {row["id"] for row in judge["operators"]}
        like = [g for g in groups if ids & {row["id"] for j in g for row in j["operators"]}]
        like[0].append(judge) if like else groups.append([judge])
    return [
        {
            "judges": group,
            "operators": _rows(group, "operators", "caught"),
            "controls": _rows(group, "controls", "flagged"),
        }
        for group in groups
    ]


def _rows(
    judges: Sequence[Mapping[str, Any]], part: str, hit: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return a row for each fault with a cell for each judge, what slips through most first."""
    rows: dict[str, tuple[str, dict[str, Any]]] = {}
    for judge in judges:
        for row in judge[part]:
            cell = {**row, "hit": row[hit], "rate": row[hit] / max(row["planted"], 1)}
            rows.setdefault(row["id"], (row["title"], {}))[1][judge["judge"]] = cell
    order = [j["judge"] for j in sorted(judges, key=lambda j: not j["may_gate"])]
    return sorted(rows.values(), key=lambda row: _slips(row[1], order, part))


def _slips(cells: Mapping[str, Any], order: Sequence[str], part: str) -> list[float]:
    """Sort rows by what slips through, first by the judge that decides."""
    rates = [cells[judge]["rate"] if judge in cells else 1.0 for judge in order]
    return [-rate for rate in rates] if part == "controls" else rates


def _survivors(judges: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """List what got past the judges, by kind of fault; the same change is listed once."""
    found: dict[tuple[str, str], dict[tuple[str, str, str], dict[str, Any]]] = {}
    for judge in judges:
        for what, part, key in (
            ("fault", "operators", "survivors"),
            ("alarm", "controls", "examples"),
        ):
            for row in judge[part]:
                rows = found.setdefault((what, row["title"]), {})
                for s in row[key]:
                    one = rows.setdefault(
                        (s["case"], s["before"], s["after"]), {**s, "judges": [], "gates": False}
                    )
                    one["judges"].append(judge["judge"])
                    one["gates"] |= judge["may_gate"]
    return [
        (what, title, sorted(rows.values(), key=lambda s: (not s["gates"], s["case"])))
        for (what, title), rows in found.items()
        if rows
    ]


def _tally(judge: Mapping[str, Any], part: str, key: str) -> tuple[int, int]:
    """Sum up a judge: how many were caught or flagged, of how many planted."""
    return sum(row[key] for row in judge[part]), sum(row["planted"] for row in judge[part])


def _anchor(case: str) -> str:
    return "case-" + re.sub(r"[^\w.-]", "-", case)


def _lang(code: str) -> str:
    """Return a language as HTML may name it; nothing if it is not known."""
    known = re.fullmatch(r"[a-z]{2}(-[A-Za-z]{2,4})?", code or "")
    return code if known else ""


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
