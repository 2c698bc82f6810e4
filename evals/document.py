"""What a run's evidence and verdict look like as plain data: the parts of `run.json`.

Nothing is decided here.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant import corpus as corpora
from assistant.settings import Settings
from evals import cases as data
from evals.checks import Grounds
from evals.evidence import Evidence, Options, Run
from evals.gate import THRESHOLDS, Judged
from evals.metrics import Result
from evals.targets import InProcess, Target


def limits(
    evidence: Evidence, judged: Sequence[Judged], target: Target, *, whole: bool
) -> list[str]:
    """Say what this run cannot tell."""
    found = [
        "The cases were written from the sources, not by patients: how often each kind of question "
        "comes, and in which words, is not known.",
        "Labels were given by the writers and confirmed by a second reader; no clinician has "
        "read them.",
        "A hard metric without a failure bounds the rate of failures, it does not show none.",
        "Replies are judged by what they cite and by fixed wording, not by whether a patient "
        "understood them.",
    ]
    if not whole:
        found.insert(0, "Only some suites were run: this is no verdict on a release.")
    if not isinstance(target, InProcess):
        found.append(
            "A server was asked: search without a bank, planted instructions, the curve and "
            "mutants of the system need the code in this process and were not run."
        )
    wide = [j.title for j in judged if not j.hard and j.rate.high - j.rate.low > 0.2]
    if wide:
        found.append(f"Few cases, wide intervals: {'; '.join(wide)}.")
    unseen = [s["title"] for s in evidence.systems or [] if not s["caught"]]
    if unseen:
        found.append(f"These cases cannot show what is lost by: {'; '.join(unseen)}.")
    found += [
        f"The judge {matrix.judge!r} reports but may not gate."
        for matrix in evidence.matrices
        if not matrix.may_gate
    ]
    return found


def manifest(
    target: Target,
    settings: Settings,
    options: Options,
    grounds: Grounds,
    evidence: Evidence,
    before: Run | None,
) -> dict[str, Any]:
    """Fingerprint everything that the verdict depends on."""
    inside = isinstance(target, InProcess)
    record = target.engine.assistant.decider.index.record if isinstance(target, InProcess) else {}
    bank = settings.corpus / settings.collection
    return {
        "corpus": {i: t.sha256 for i, t in sorted(grounds.texts.items())},
        "bank": corpora.fingerprint(bank) if bank.is_dir() else "not here",
        "index": record.get("fingerprint", "not seen over HTTP"),
        "encoder": record.get("encoder", "not seen over HTTP"),
        "code": _hash_of("assistant", "evals") if inside else "not seen over HTTP",
        "cases": data.fingerprint(options.folder),
        "case_count": len(evidence.cases),
        "folder": options.folder.name,
        "target": target.name,
        "judge": grounds.judge.name,
        "thresholds": hashlib.sha256(THRESHOLDS.read_bytes()).hexdigest(),
        "baseline": before["manifest"]["code"] if before else None,
    }


def _hash_of(*packages: str) -> str:
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for package in packages:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".toml", ".j2"):
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def metric_json(j: Judged, before: Run | None) -> dict[str, Any]:
    """Return one metric with its verdict."""
    old = {m["id"]: m["rate"] for m in before["metrics"]} if before else {}
    moved = j.change and {
        "broken": list(j.change.broken),
        "mended": list(j.change.mended),
        "difference": j.change.difference,
        "p": j.change.p,
        "p_holm": j.change.p_holm,
        "before": old.get(j.id),
    }
    return {
        "id": j.id,
        "title": j.title,
        "hard": j.hard,
        "passes": j.rate.passes,
        "count": j.rate.count,
        "errors": j.errors,
        "rate": j.rate.value,
        "low": j.rate.low,
        "high": j.rate.high,
        "effective": j.rate.effective,
        "threshold": j.threshold,
        "reason": j.reason,
        "outcome": j.outcome,
        "says": j.says,
        "change": moved,
    }


def results_json(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """Return the value of every case by metric, for the next run to compare with."""
    found: dict[str, dict[str, Any]] = {}
    for r in results:
        found.setdefault(r.metric, {})[r.case] = "error" if r.error else r.value
    return found


def cases_json(evidence: Evidence, judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the cases that have a fault, or changed, with their replies."""
    faults: dict[str, list[dict[str, str]]] = {}
    for r in evidence.results:
        if r.verdict != "pass" and r.why:
            faults.setdefault(r.case, []).append({"metric": r.metric, "why": r.why})
    moved = {c for j in judged if j.change for c in (*j.change.broken, *j.change.mended)}
    return {
        one.case.id: {
            "suite": one.case.suite,
            "question": one.case.question,
            "history": list(one.case.history),
            "kind": one.case.kind.value,
            "also_ok": [k.value for k in one.case.also_ok],
            "lang": one.case.lang,
            "needed": [list(group) for group in one.case.needed],
            "got": one.reply["kind"] if one.reply else None,
            "faults": faults.get(one.case.id, []),
            "reply": one.reply and {k: v for k, v in one.reply.items() if k != "id"},
        }
        for one in (*evidence.answered, *evidence.poisoned)
        if one.case.id in faults or one.case.id in moved
    }
