"""How far does the lexical judge carry beyond its texts? Calibrated on BEGIN, source by source.

`python -m evals.calibrate FILE [--out FILE]` reads the development set of BEGIN (JSON Lines,
gzip or not; Dziri et al., TACL 2022), where people judged whether a reply is attributable to the
knowledge it was given. BEGIN is open-domain dialogue, for which the judge has no lexicon: its
plain yes or no is shown beside a graded score (logistic regression on the kinds of faults and the
share of words covered), trained on two sources and reported on the third, and beside a baseline
that knows only the length.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import FootnoteError
from evals.paraphrase import ASPECTS, Lexical, coverage

SUPPORTED = "Fully attributable"
SEED = 7
RESAMPLES = 2000
Features = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Reply:
    """A row of BEGIN, as far as it matters here."""

    source: str
    knowledge: str
    response: str
    supported: bool


@dataclass(frozen=True)
class Line:
    """One way of judging on one source: balanced accuracy with its 95 % interval."""

    source: str
    method: str
    count: int
    supported: int
    accuracy: float
    low: float
    high: float


def read_begin(path: Path) -> list[Reply]:
    """Read the rows of BEGIN.

    Raises:
        FootnoteError: the file is missing or not BEGIN; names the line.

    """
    found: list[Reply] = []
    at = 0
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                at = number
                row = json.loads(line)
                good = row["begin_label"] == SUPPORTED
                found.append(Reply(row["data_source"], row["knowledge"], row["response"], good))
    except (OSError, json.JSONDecodeError, KeyError) as error:
        raise FootnoteError(
            f"{path}:{at}: not a row of BEGIN ({error!r}). Give begin_dev.jsonl(.gz)."
        ) from None
    return found


def graded(reply: Reply) -> list[float]:
    """Return which aspects are at fault, how many, and the share of words covered."""
    reasons = Lexical().explain(reply.response, [reply.knowledge])
    share = coverage(reply.response, [reply.knowledge])
    return [*(float(a.__name__ in reasons) for a in ASPECTS), len(reasons), share, share**4]


def length(reply: Reply) -> list[float]:
    """Return the length alone."""
    return [float(np.log1p(len(reply.response.split())))]


def by_source(replies: Sequence[Reply]) -> list[Line]:
    """Judge every source with what the other sources taught."""
    truth = np.array([r.supported for r in replies])
    sources = np.array([r.source for r in replies])
    if len(set(sources)) < 2:
        raise FootnoteError(
            "BEGIN's rows are of one source; two at least are needed to hold one out."
        )
    ways: dict[str, Callable[[Reply], list[float]]] = {"graded": graded, "length only": length}
    features = {way: np.array([of(r) for r in replies], float) for way, of in ways.items()}
    yes = features["graded"][:, len(ASPECTS)] == 0
    found = []
    for source in sorted(set(sources)):
        test = sources == source
        for way, table in features.items():
            said = _learned(table[~test], truth[~test], table[test])
            found.append(_line(source, way, truth[test], said))
        found.append(_line(source, "yes or no", truth[test], yes[test]))
    return found


def _learned(table: Features, truth: Features, unseen: Features) -> Features:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=1000, random_state=SEED),
    )
    return np.asarray(model.fit(table, truth).predict(unseen))


def _line(source: str, method: str, truth: Features, said: Features) -> Line:
    rng = np.random.default_rng(SEED)
    picks = rng.integers(0, len(truth), (RESAMPLES, len(truth)))
    spread = [balanced_accuracy(truth[p], said[p]) for p in picks]
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    accuracy = balanced_accuracy(truth, said)
    return Line(source, method, len(truth), int(truth.sum()), accuracy, float(low), float(high))


def balanced_accuracy(truth: Features, said: Features) -> float:
    """Return the mean of the shares found among supported and not supported; NaN if one lacks."""
    yes, no = truth.astype(bool), ~truth.astype(bool)
    if not yes.any() or not no.any():
        return float("nan")
    return float((said[yes].mean() + (1 - said[no].astype(float)).mean()) / 2)


def table(lines: Sequence[Line]) -> str:
    """Lay the results out in Markdown."""
    head = "| held out | replies | supported | judged by | balanced accuracy | 95 % interval |"
    rows = [
        f"| {x.source} | {x.count} | {x.supported} | {x.method} | {x.accuracy:.3f} "
        f"| {x.low:.3f} to {x.high:.3f} |"
        for x in lines
    ]
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m evals.calibrate", description=__doc__)
    parser.add_argument("file", type=Path, help="the development set of BEGIN, JSON Lines")
    parser.add_argument("--out", type=Path, help="where to write the results as JSON")
    options = parser.parse_args(arguments)
    try:
        lines = by_source(read_begin(options.file))
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    print(table(lines))
    if options.out:
        text = json.dumps([asdict(line) for line in lines], indent=2)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
