"""`python -m evals.curve`: what quality to expect from a bank of so many questions.

Trains on a random part of the collection's bank, in memory, and asks the blind cases. Nought
questions is a collection with facts and red flags but no bank.
"""

import argparse
import dataclasses
import sys

import numpy as np

from assistant import alarm, heads
from assistant.bank import Knowledge
from assistant.engine import Engine
from assistant.errors import FootnoteError
from assistant.settings import load_settings
from assistant.values import Kind
from assistant.wiring import be_quiet, build_engine
from evals.__main__ import MEASURES, rate, run
from evals.cases import suite_names

SIZES = (0, 50, 200, 1000, 5000)


def main() -> int:
    """Print a table with a column for each size of the bank."""
    parser = argparse.ArgumentParser(description="Measure what a smaller bank would reach.")
    parser.add_argument("--part", choices=("report", "tune", "all"), default="report")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    be_quiet()
    try:
        engine = build_engine(load_settings())
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    whole = engine.assistant.knowledge
    columns = []
    for size in (*options.sizes, len(whole.questions)):
        use(engine, whole, size)
        columns.append({name: run(engine, name, options.part) for name in suite_names()})
    sizes = [*options.sizes, len(whole.questions)]
    print("| |" + "".join(f" {size:,} |" for size in sizes))
    print("|---" * (len(sizes) + 1) + "|")
    for measure in MEASURES:
        cells = [rate(measure, scores) for scores in columns]
        print(f"| {measure.name} |" + "".join(f" {hits / max(n, 1):.2f} |" for hits, n in cells))
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
