"""`python -m evals.curve`: what quality to expect from a bank of so many questions.

Trains on a random part of the collection's bank, in memory, and asks the blind cases. Nought
questions is a collection with facts and red flags but no bank.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from assistant import alarm, heads
from assistant.bank import Knowledge
from assistant.engine import Engine
from assistant.errors import FootnoteError
from assistant.settings import load_settings
from assistant.values import Kind
from assistant.wiring import be_quiet, build_engine
from evals import cases as data
from evals.evidence import Options, grounds_of
from evals.metrics import TITLES, by_metric, score
from evals.targets import InProcess, ask_all

SIZES = (0, 50, 200, 1000, 5000)


def main() -> int:
    """Print a table with a column for each size of the bank."""
    parser = argparse.ArgumentParser(description="Measure what a smaller bank would reach.")
    parser.add_argument("--cases", type=Path, default=data.FOLDER, help="folder of cases")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    be_quiet()
    try:
        settings = load_settings()
        engine = build_engine(settings)
        asked = [c for suite in data.suites(options.cases) for c in data.load(suite, options.cases)]
        target = InProcess(engine)
        grounds = grounds_of(target, settings, Options(folder=options.cases))
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    whole = engine.assistant.knowledge
    sizes = [*options.sizes, len(whole.questions)]
    columns = []
    for size in sizes:
        use(engine, whole, size)
        columns.append(by_metric(score(ask_all(target, asked), grounds)))
    print("| |" + "".join(f" {size:,} |" for size in sizes))
    print("|---" * (len(sizes) + 1) + "|")
    for metric in columns[-1]:
        shares = [sum(r.value for r in c[metric]) / len(c[metric]) for c in columns if metric in c]
        print(f"| {TITLES[metric]} |" + "".join(f" {share:.2f} |" for share in shares))
    engine.close()
    return 0


def use(engine: Engine, whole: Knowledge, size: int) -> None:
    """Retrain the engine on `size` questions of the bank, drawn by chance but always alike."""
    index = engine.assistant.decider.index
    chosen = np.sort(np.random.default_rng(0).permutation(len(whole.questions))[:size])
    part = dataclasses.replace(whole, questions=tuple(whole.questions[row] for row in chosen))
    with np.load(index.bundle / "encoded.npz") as encoded:
        features = encoded["features"][chosen]
    index.knowledge = part
    index.heads, held_out = heads.train(part, features)
    urgent = np.array([q.kind is Kind.URGENT for q in part.questions], bool)
    texts = [engine.assistant.speller.repair(q.text) for q in part.questions]
    index.alarm = alarm.train(texts, urgent, *held_out)
    engine.assistant.decider.questions = part.questions


if __name__ == "__main__":
    sys.exit(main())
