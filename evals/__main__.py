"""The release gate: `python -m evals`. Exit 0 pass, 1 fail, 2 could not be measured.

A run that could not be measured is never a pass: an index that does not fit, cases that were
changed, a planted fault that the gate did not notice.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from tqdm import tqdm

from assistant.errors import FootnoteError
from assistant.settings import Settings, load_settings
from assistant.wiring import be_quiet, build_engine
from evals import report
from evals.cases import FOLDER
from evals.evidence import Options, Progress, Run, grounds_of
from evals.run import evaluate
from evals.targets import Http, InProcess, Target

MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!"}


def main(arguments: list[str] | None = None) -> int:
    """Run the gate and write its report."""
    options = _parser().parse_args(arguments)
    be_quiet()
    report.clear(options.out, keep=options.baseline)
    try:
        settings = load_settings()
        with _bar() as progress, _target(options.url, settings) as target:
            run = evaluate(target, settings, _options(options), progress)
            if options.compare == "stock":
                from evals.stock import compare

                grounds = grounds_of(target, settings, _options(options))
                run["compare"] = compare(grounds, run, _options(options), progress)
        report.write(run, options.out)
    except (FootnoteError, httpx.HTTPError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 2
    _print(run, options.out)
    if run["doubts"]:
        print("\nThe gate itself failed, so this run counts for nothing:", file=sys.stderr)
        print("\n".join(f"  {doubt}" for doubt in run["doubts"]), file=sys.stderr)
        return 2
    good = all(metric["outcome"] == "pass" for metric in run["metrics"])
    return 0 if run["verdict"] == "pass" or (run["partial"] and good) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals", description="Is it good enough to release?"
    )
    parser.add_argument("--suite", action="append", default=[], help="only this suite (repeatable)")
    parser.add_argument("--url", help="ask a server instead of the code in this folder")
    parser.add_argument("--baseline", type=Path, help="run.json of an earlier run to compare with")
    parser.add_argument("--out", type=Path, default=Path("evals/out"), help="folder of the report")
    parser.add_argument("--jobs", type=int, default=1, help="questions asked at the same time")
    parser.add_argument("--cases", type=Path, default=FOLDER, help="folder of cases")
    parser.add_argument("--compare", choices=("stock",), help="ask a stock LangChain chain as well")
    parser.add_argument("--nli", help="also try this cross-encoder (name or folder) as a judge")
    return parser


def _options(options: argparse.Namespace) -> Options:
    judges = []
    if options.nli:
        from evals.models import CrossEncoderJudge

        judges.append(CrossEncoderJudge(options.nli))
    return Options(
        suites=options.suite,
        folder=options.cases,
        jobs=max(1, options.jobs),
        baseline=options.baseline,
        judges=judges,
    )


@contextmanager
def _target(url: str | None, settings: Settings) -> Iterator[Target]:
    if url:
        with closing(Http(url)) as server:
            yield server
        return
    with closing(build_engine(settings)) as engine:
        yield InProcess(engine)


@contextmanager
def _bar() -> Iterator[Progress]:
    with tqdm(total=1, disable=None, leave=False) as bar:

        def show(stage: str, done: int, total: int) -> None:
            bar.set_postfix_str(stage, refresh=False)
            bar.total, bar.n = total, done
            bar.refresh()

        yield show


def _print(run: Run, out: Path) -> None:
    for metric in run["metrics"]:
        print(f"{MARKS[metric['outcome']]} {metric['title']:67} {metric['says'][:110]}")
    verdict = "only some suites, no verdict" if run["partial"] else run["verdict"].upper()
    print(f"\n{verdict} in {run['times']['seconds']:.0f} s. Report: {out / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())
