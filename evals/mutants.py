"""The gate tested: are planted faults caught, and are controls left alone?

Replies that pass everything are given one fault each and scored again; sentences likewise for the
judges that read paraphrase. The rate at which each kind of fault is caught is reported with its
interval, survivors first. Systems with a part taken out are in `systems`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from assistant.sentences import sentence_spans
from evals import checks, operators
from evals.cases import Paraphrase
from evals.checks import Grounds
from evals.judges import Judge
from evals.metrics import score
from evals.operators import CONTROLS, PLANTS, REWORDINGS
from evals.statistics import rate
from evals.targets import Answered, Face, Text

SEED = 20261
HIDDEN = "notice-hidden"
EACH = 40
"""Replies that each operator is planted into, at most."""
FEW = 5
"""A sentence of so few words is a heading or a fragment."""
CAUGHT, FLAGGED = 0.95, 0.10
"""What a judge of paraphrase must catch of each kind, and may flag of each control, to gate."""


@dataclass
class Trial:
    """How one operator fared."""

    id: str
    title: str
    planted: int = 0
    noticed: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)
    """Faults that survived, or controls that were flagged."""

    @property
    def share(self) -> float:
        """Share of the mutants that were noticed."""
        return self.noticed / self.planted if self.planted else 0.0


@dataclass(frozen=True)
class Matrix:
    """One judge against all operators."""

    judge: str
    reads_paraphrase: bool
    operators: Sequence[Trial]
    controls: Sequence[Trial]
    needs: float
    """Share of each kind that must be caught."""

    @property
    def may_gate(self) -> bool:
        """Whether it caught enough and left controls alone."""
        return not self.shortcomings()

    def shortcomings(self) -> list[str]:
        """Say why it may not gate."""
        missed = [
            f"{t.title}: {t.noticed} of {t.planted} caught"
            for t in self.operators
            if t.share < self.needs
        ]
        allowed = 0.0 if self.needs == 1 else FLAGGED
        return missed + [
            f"{t.title}: {t.noticed} of {t.planted} flagged, no fault"
            for t in self.controls
            if t.share > allowed
        ]


def try_gate(
    answered: Sequence[Answered],
    faces: Sequence[tuple[str, dict[str, object], list[Face]]],
    grounds: Grounds,
) -> Matrix:
    """Plant faults into replies that pass, and score them again."""
    passing = [one for one in answered if all(r.verdict == "pass" for r in score([one], grounds))]
    trials = [_try_plant(k, title, plant, passing, grounds) for k, (title, plant) in PLANTS.items()]
    trials.append(_try_hiding(faces))
    controls = [
        _try_plant(k, t, p, passing, grounds, fault=False) for k, (t, p) in CONTROLS.items()
    ]
    return Matrix(f"the gate ({grounds.judge.name})", False, trials, controls, needs=1.0)


def try_judge(judge: Judge, sentences: Sequence[str], written: Sequence[Paraphrase]) -> Matrix:
    """Plant faults into the sources' own sentences; add those that a person wrote."""
    trials = [
        _ask(judge, key, title, _reworded(reword, key, sentences))
        for key, (title, reword) in REWORDINGS.items()
    ]
    for error in sorted({row.error for row in written}):
        bad = [(row.id, row.sentences, row.bad) for row in written if row.error == error]
        trials.append(_ask(judge, f"written-{error}", f"written by hand: {error}", bad))
    same = [(f"s{n}", (s,), s) for n, s in enumerate(sentences)]
    spaced = [(i, p, claim.replace(" ", "  ")) for i, p, claim in same]
    marks = [(i, p, claim.replace("’", "'").replace("'", "’")) for i, p, claim in same]
    pairs = [(f"s{n}", (a, b), f"{b} {a}") for n, (a, b) in enumerate(pairwise(sentences))]
    controls = [
        _ask(judge, "verbatim", "verbatim", same, fault=False),
        _ask(judge, "space", "white space", spaced, fault=False),
        _ask(judge, "quotes", "quotation marks", marks, fault=False),
        _ask(judge, "order", "order of sentences", pairs, fault=False),
    ]
    if judge.reads_paraphrase:
        good = [(row.id, row.sentences, row.good) for row in written]
        controls.append(_ask(judge, "paraphrase", "faithful paraphrase by hand", good, fault=False))
    return Matrix(judge.name, judge.reads_paraphrase, trials, controls, needs=CAUGHT)


def source_sentences(texts: Mapping[str, Text]) -> list[str]:
    """Return the sentences of the sources that say something."""
    return [
        " ".join(words.split())
        for text in texts.values()
        for span, _ in sentence_spans(text.text)
        if len((words := text.text[span.start : span.end]).split()) > FEW and words[-1] in ".!"
    ]


def as_json(matrix: Matrix) -> dict[str, object]:
    """Return a matrix for the report."""

    def rows(trials: Sequence[Trial], noticed: str, examples: str) -> list[dict[str, object]]:
        found = []
        for t in trials:
            share = rate(
                [1.0] * t.noticed + [0.0] * (t.planted - t.noticed),
                [str(i) for i in range(t.planted)],
            )
            found.append(
                {
                    "id": t.id,
                    "title": t.title,
                    "planted": t.planted,
                    noticed: t.noticed,
                    "low": share.low,
                    "high": share.high,
                    examples: t.examples,
                }
            )
        return found

    return {
        "judge": matrix.judge,
        "reads_paraphrase": matrix.reads_paraphrase,
        "may_gate": matrix.may_gate,
        "why": "; ".join(matrix.shortcomings()),
        "operators": rows(matrix.operators, "caught", "survivors"),
        "controls": rows(matrix.controls, "flagged", "examples"),
    }


def _try_plant(
    key: str,
    title: str,
    plant: operators.Plant,
    passing: Sequence[Answered],
    grounds: Grounds,
    *,
    fault: bool = True,
) -> Trial:
    trial, random = Trial(key, title), Random(SEED)
    fits = operators.NEEDS.get(key, lambda _: True)
    candidates = [one for one in passing if fits(one.case)]
    for one in random.sample(candidates, len(candidates)):
        if trial.planted == EACH:
            break
        mutant = plant(one.reply or {}, random, grounds.texts)
        if mutant is None or (
            fault and mutant["kind"] != one.case.kind and mutant["kind"] in one.case.right_kinds
        ):
            continue  # nothing to plant into, or another outcome that is right as well
        trial.planted += 1
        results = score([Answered(one.case, mutant)], grounds)
        noticed = any(r.verdict != "pass" for r in results)
        trial.noticed += noticed
        if noticed != fault:
            trial.examples.append(_difference(one, mutant))
    return trial


def _try_hiding(faces: Sequence[tuple[str, dict[str, object], list[Face]]]) -> Trial:
    """Hide the notice on pages that show it."""
    trial = Trial(HIDDEN, "notice hidden on the page")
    for case, reply, shown in faces:
        for face in (f for f in shown if f.name == "html"):
            notice = str(reply["notice"]["text"])  # type: ignore[index]
            for how, page in operators.hide_notice(face.shown, notice):
                trial.planted += 1
                caught = bool(checks.face(reply, Face("html", page)))
                trial.noticed += caught
                if not caught:
                    trial.examples.append({"case": case, "before": "visible", "after": how})
    return trial


def _reworded(
    reword: operators.Reword, key: str, sentences: Sequence[str]
) -> Iterator[tuple[str, Sequence[str], str]]:
    random = Random(f"{SEED}{key}")
    for n, sentence in enumerate(sentences):
        claim = reword(sentence, random, sentences)
        if claim is not None and claim != sentence:
            yield f"s{n}", (sentence,), claim


def _ask(
    judge: Judge,
    key: str,
    title: str,
    claims: Sequence[tuple[str, Sequence[str], str]] | Iterator[tuple[str, Sequence[str], str]],
    *,
    fault: bool = True,
) -> Trial:
    trial = Trial(key, title)
    for case, passages, claim in claims:
        trial.planted += 1
        noticed = not judge.supports(claim, passages)
        trial.noticed += noticed
        if noticed != fault:
            trial.examples.append({"case": case, "before": " ".join(passages), "after": claim})
    return trial


def _difference(one: Answered, mutant: Mapping[str, object]) -> dict[str, str]:
    before = one.reply or {}
    changed = [key for key in mutant if mutant[key] != before.get(key)]

    def shown(reply: Mapping[str, object]) -> str:
        return json.dumps({key: reply.get(key) for key in changed}, ensure_ascii=False)[:600]

    return {"case": one.case.id, "before": shown(before), "after": shown(mutant)}
