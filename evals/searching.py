"""What only the parts can show: search without a bank, abstention by confidence, leaks of cases.

Needs an engine in this process; over HTTP none of this can be seen.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from assistant.decide import Found
from assistant.engine import Engine
from assistant.heads import KINDS
from assistant.values import Kind
from evals import checks
from evals.cases import Case
from evals.metrics import Result
from evals.statistics import risk_coverage

FIRST = 10
"""How many passages count as found."""
SAMPLE, SEED = 600, 3
"""How many of the bank's questions are searched for."""
BATCH = 32
FLOOR = 200
"""How many questions are timed."""
SAME = 0.95
"""Cosine to a question of the bank from which a case is called near to it."""


def search(engine: Engine) -> list[Result]:
    """Tell for a sample of the bank's questions whether the first passages hold what is needed.

    The bank is used as a test here, not to answer: these are the questions that a clinic without
    one would have to find passages for.
    """
    knowledge = engine.assistant.decider.index.knowledge
    facts = {fact.id: fact for fact in knowledge.facts}
    quoting = [q for q in knowledge.questions if q.kind is Kind.ANSWER and q.facts]
    results = []
    asked = Random(SEED).sample(quoting, min(SAMPLE, len(quoting)))
    for question, found in zip(asked, _search(engine, [q.text for q in asked]), strict=True):
        hits = [hit.passage for hit in engine.retriever.fuse(found.text, found.dense)[:FIRST]]
        needed = [c for fact in question.facts[:1] for c in facts[fact].citations]
        right = any(
            hit.source_id == c.source.id and hit.span.end == c.span.end
            for hit in hits
            for c in needed
        )
        why = "" if right else f"not among the first {FIRST}: {question.facts[0]}"
        results.append(Result("search", f"bank: {question.text}", question.text, float(right), why))
    return results


def floor(engine: Engine, questions: Sequence[str], times: Mapping[str, float]) -> dict[str, float]:
    """Time the least that any retrieval takes, one vector and one query, and compare with it."""
    each = []
    for question in questions[:: max(1, len(questions) // FLOOR)]:
        started = time.perf_counter()
        engine.retriever.dense(engine.encoder.encode([question]).vectors)
        each.append(time.perf_counter() - started)
    each.sort()
    p50, p95 = 1000 * each[len(each) // 2], 1000 * each[int(0.95 * (len(each) - 1))]
    return {
        "floor_p50_ms": round(p50, 1),
        "floor_p95_ms": round(p95, 1),
        "p50_to_floor": round(times["p50_ms"] / p50, 2),
        "p95_to_floor": round(times["p95_ms"] / p95, 2),
        "throughput_to_floor": round(times["answers_per_second"] * sum(each) / len(each), 2),
    }


def abstention(engine: Engine, cases: Sequence[Case]) -> dict[str, object] | None:
    """Return the risk–coverage curve of answering, over covered and uncovered questions."""
    asked = [c for c in cases if c.suite in ("covered", "uncovered")]
    answer, silent = KINDS.index(Kind.ANSWER), KINDS.index(Kind.NOT_COVERED)
    confidence = []
    for found in _search(engine, [case.question for case in asked]):
        if found.scored is None:
            return None
        both = float(found.scored.outcomes[answer] + found.scored.outcomes[silent])
        confidence.append(float(found.scored.outcomes[answer]) / both if both else 0.0)
    wrong = [Kind.ANSWER not in case.right_kinds for case in asked]
    if not asked:
        return None
    points, area = risk_coverage(confidence, wrong)
    chosen = max(sum(c >= 0.5 for c in confidence), 1) - 1
    return {"points": [list(p) for p in points], "area": area, "chosen": list(points[chosen])}


@dataclass(frozen=True)
class _Near:
    case: Case
    question: str
    cosine: float


def overlap(engine: Engine, cases: Sequence[Case]) -> dict[str, object] | None:
    """Compare the cases with the bank's questions: none may stand in it."""
    questions = engine.assistant.decider.index.knowledge.questions
    if not questions:
        return None
    bank = {checks.normal(q.text) for q in questions}
    alone = [c for c in cases if c.suite != "dialogues"]
    near: list[_Near] = []
    for case, found in zip(alone, _search(engine, [c.question for c in alone]), strict=True):
        if found.scored is None:
            return None
        row, cosine = found.scored.neighbours[0]
        near.append(_Near(case, questions[row].text, float(cosine)))
    cosines = np.array([n.cosine for n in near])
    nearest = sorted(near, key=lambda n: -n.cosine)[:15]
    return {
        "exact": sum(checks.normal(c.question) in bank for c in alone if checks.normal(c.question)),
        "near": int((cosines >= SAME).sum()),
        "near_at": SAME,
        "median": float(np.median(cosines)),
        "p95": float(np.quantile(cosines, 0.95)),
        "nearest": [
            {
                "case": n.case.id,
                "question": n.case.question,
                "bank": n.question,
                "similarity": n.cosine,
            }
            for n in nearest
        ],
    }


def _search(engine: Engine, questions: Sequence[str]) -> list[Found]:
    """Search for questions as they are read, many at a time."""
    texts = [engine.assistant.speller.repair(question) for question in questions]
    return [
        found
        for start in range(0, len(texts), BATCH)
        for found in engine.search(texts[start : start + BATCH])
    ]
