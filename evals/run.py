"""One run of the gate, start to end: ask, plant faults, score, judge. Returns what is reported.

Everything but `times` is the same for the same code, corpus, cases and thresholds.
"""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.errors import FootnoteError
from assistant.settings import Settings
from evals import cases as data
from evals import document, mutants, planted, reading, searching, systems
from evals.cases import Paraphrase, Planted
from evals.checks import Grounds
from evals.evidence import Evidence, Options, Progress, Run, gather, grounds_of
from evals.gate import Judged, Thresholds, judge, passed, read_thresholds
from evals.judges import Exact, Judge
from evals.metrics import METRICS, Result, score
from evals.mutants import HIDDEN
from evals.paraphrase import Lexical
from evals.targets import Answered, InProcess, Target

FORMAT = 1
"""Raise it when `run.json` changes; an older baseline is then refused."""


def evaluate(
    target: Target, settings: Settings, options: Options, progress: Progress = lambda *_: None
) -> Run:
    """Run the gate.

    Raises:
        FootnoteError: something could not be measured; never a pass.

    """
    started, clock = datetime.now(UTC), time.perf_counter()
    data.check_frozen(options.folder)
    thresholds = read_thresholds()
    chosen = _chosen(options)
    whole = set(chosen) == set(data.suites(options.folder))
    grounds = grounds_of(target, settings, options)
    before = _read_baseline(options.baseline, options.folder)
    evidence = gather(target, chosen, options, grounds, progress)
    times = _times(evidence.answered)
    if isinstance(target, InProcess):
        times |= searching.floor(target.engine, [c.question for c in evidence.cases], times)
        if whole:
            _look_inside(target, settings, options, evidence, grounds, thresholds, progress)
    evidence.matrices = _try_judges(evidence, grounds, options, progress)
    old = _old_results(before, evidence.results) if before else None
    judged = judge(evidence.results, thresholds, old)
    if whole:
        _need_every_metric(judged, thresholds, isinstance(target, InProcess))
    doubts = _doubts(evidence, whole=whole)
    reasons = doubts + _reasons(judged, evidence)
    if not whole:
        reasons.append("only some suites were run, which is no verdict on a release")
    return {
        "format": FORMAT,
        "verdict": "pass" if passed(judged) and not reasons else "fail",
        "reasons": reasons,
        "partial": not whole,
        "doubts": doubts,
        "manifest": document.manifest(target, settings, options, grounds, evidence, before),
        "metrics": [document.metric_json(j, before) for j in judged],
        "results": document.results_json(evidence.results),
        "cases": document.cases_json(evidence, judged),
        "sources": {i: {"title": i, "text": t.text} for i, t in grounds.texts.items()},
        "curve": evidence.curve,
        "mutants": [mutants.as_json(m) for m in evidence.matrices] or None,
        "systems": evidence.systems,
        "reading": reading.levels(evidence.answered),
        "overlap": evidence.overlap,
        "compare": None,
        "limits": document.limits(evidence, judged, target, whole=whole),
        "times": {
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - clock, 1),
            **times,
        },
    }


def _doubts(evidence: Evidence, *, whole: bool) -> list[str]:
    """Return what shows that the gate itself cannot be trusted: planted faults that it missed."""
    matrix = evidence.matrices[0]
    shown = any(face.name == "html" for _, _, faces in evidence.faces for face in faces)
    tried = [t for t in matrix.operators if t.planted or (whole and (shown or t.id != HIDDEN))]
    found = [
        f"the gate missed a planted fault: {t.title}, {t.noticed} of {t.planted} caught"
        for t in tried
        if t.noticed < t.planted or not t.planted
    ]
    found += [
        f"the gate flagged what is no fault: {t.title}, {t.noticed} of {t.planted}"
        for t in matrix.controls
        if t.noticed
    ]
    return found + [
        f"the gate did not notice: {s['title']}"
        for s in evidence.systems or []
        if s["required"] and not s["caught"]
    ]


def _chosen(options: Options) -> list[str]:
    known = data.suites(options.folder)
    if not known:
        raise FootnoteError(f"No cases in {options.folder}. Name a folder with *.jsonl files.")
    if odd := [name for name in options.suites if name not in known]:
        raise FootnoteError(f"No suite {odd[0]!r} (there are: {', '.join(known)}).")
    return list(options.suites) or known


def _look_inside(
    target: InProcess,
    settings: Settings,
    options: Options,
    evidence: Evidence,
    grounds: Grounds,
    thresholds: Thresholds,
    progress: Progress,
) -> None:
    """Add what only an engine in this process can show."""
    engine = target.engine
    progress("searching without a bank", 0, 1)
    evidence.results += searching.search(engine)
    evidence.curve = searching.abstention(engine, evidence.cases)
    evidence.overlap = searching.overlap(engine, evidence.cases)
    if plants := data.rows(Planted, "planted", options.folder):
        progress("asking a poisoned copy", 0, 1)
        with tempfile.TemporaryDirectory() as room:
            replies, poisoned = planted.ask_poisoned(settings, engine, plants, Path(room))
        evidence.poisoned = replies
        # Against the texts as they were poisoned; what leans on what is known of the clean ones.
        ground = replace(grounds, texts=poisoned, reviewed={}, contexts=(), limited=())
        wanted = [m for m in METRICS if m.id in ("obeyed", "planted", "notice", "wording", "card")]
        evidence.results += score(replies, ground, wanted)
    evidence.systems = systems.try_systems(target, options.folder, grounds, thresholds, progress)


def _try_judges(
    evidence: Evidence, grounds: Grounds, options: Options, progress: Progress
) -> list[mutants.Matrix]:
    progress("planting faults", 0, 1)
    found = [mutants.try_gate(evidence.answered, evidence.faces, grounds)]
    sentences = mutants.source_sentences(grounds.texts)
    written = data.rows(Paraphrase, "paraphrases", options.folder)
    vocabulary: Sequence[Judge] = [Exact(), Lexical(), *options.judges]
    for number, one in enumerate(vocabulary, 1):
        progress(f"judging paraphrases: {one.name}", number, len(vocabulary))
        found.append(mutants.try_judge(one, sentences, written))
    return found


def _need_every_metric(judged: Sequence[Judged], thresholds: Thresholds, inside: bool) -> None:
    only_inside = {"planted", "search"}
    wanted = {*thresholds.hard, *thresholds.least} - (set() if inside else only_inside)
    if missing := wanted - {j.id for j in judged}:
        raise FootnoteError(
            f"No case for {', '.join(sorted(missing))}: nothing was measured there."
        )


def _reasons(judged: Sequence[Judged], evidence: Evidence) -> list[str]:
    reasons = [f"{j.title}: {j.outcome}: {j.says}" for j in judged if j.outcome != "pass"]
    if evidence.overlap and evidence.overlap["exact"]:
        reasons.append(f"{evidence.overlap['exact']} cases stand in the bank word for word")
    return reasons


def _read_baseline(path: Path | None, folder: Path) -> Run | None:
    if path is None:
        return None
    try:
        run: Run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise FootnoteError(f"{path}: no report of a run ({error}). Name its run.json.") from None
    if run.get("manifest", {}).get("cases") != data.fingerprint(folder):
        raise FootnoteError(f"{path}: the run asked other cases. Run the baseline on these.")
    if run.get("doubts"):
        raise FootnoteError(f"{path}: that run could not be trusted ({run['doubts'][0]}).")
    if run.get("format") != FORMAT:
        raise FootnoteError(
            f"{path}: format {run.get('format')}, not {FORMAT}. Run the baseline again."
        )
    return run


def _old_results(before: Run, now: Sequence[Result]) -> list[Result]:
    """Return the baseline's results on the cases of this run."""
    cluster = {(r.metric, r.case): r.cluster for r in now}
    return [
        Result(metric, case, cluster[metric, case], 0.0 if v == "error" else v, error=v == "error")
        for metric, rows in before["results"].items()
        for case, v in rows.items()
        if (metric, case) in cluster
    ]


def _times(answered: Sequence[Answered]) -> dict[str, Any]:
    each = sorted(a.seconds for a in answered if a.seconds)
    if not each:
        return {}
    return {
        "p50_ms": round(1000 * each[len(each) // 2], 1),
        "p95_ms": round(1000 * each[int(0.95 * (len(each) - 1))], 1),
        "answers_per_second": round(len(each) / sum(each), 1),
    }
