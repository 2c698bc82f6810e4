"""`python -m evals.sabotage`: is the gate worth its name? One line of the pipeline is broken at a time.

Each line is changed in a copy of the packages, the gate is run there as a person would run it, with
a run of the whole code as its baseline, and must not pass. Some minutes (`--only N` for one line).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINES = Path(__file__).with_name("sabotage.toml")


def main() -> int:
    """Break every line in turn; 0 if the gate stopped all of them."""
    parser = argparse.ArgumentParser(description="Break one line of the pipeline at a time.")
    parser.add_argument("--only", type=int, help="number of a line in sabotage.toml, from 1")
    options = parser.parse_args()
    lines = tomllib.loads(LINES.read_text(encoding="utf-8"))["line"]
    survived = 0
    with tempfile.TemporaryDirectory() as place:
        intact: dict[str, Path] = {}
        for number, line in enumerate(lines, 1):
            if options.only not in (None, number):
                continue
            suites = line["suites"]
            if suites not in intact:
                intact[suites] = Path(place) / suites.replace(" ", "-")
                gate(ROOT, suites, intact[suites])
            verdict, reasons = sabotaged(line, intact[suites] / "run.json")
            caught = verdict != 0 and bool(reasons)
            survived += not caught
            print(f"{number:2} {'stopped' if caught else 'PASSED '} {line['what']}", flush=True)
            print(f"   {'; '.join(reasons)[:240]}", flush=True)
    print(f"{survived} of them passed the gate." if survived else "The gate stopped every one.")
    return int(survived > 0)


def sabotaged(line: dict[str, str], baseline: Path) -> tuple[int, list[str]]:
    """Run the gate on a copy with this line broken.

    Returns its exit and the metrics for which it stops, but for those at which the whole code was
    stopped already.
    """
    with tempfile.TemporaryDirectory() as room:
        copy = Path(room)
        for package in ("assistant", "evals"):
            shutil.copytree(ROOT / package, copy / package)
        path = copy / line["file"]
        text = path.read_text(encoding="utf-8")
        if text.count(line["old"]) != 1:
            raise SystemExit(
                f"{line['file']}: {line['old']!r} stands there {text.count(line['old'])} times. "
                f"Mend {LINES.name}."
            )
        path.write_text(text.replace(line["old"], line["new"]), encoding="utf-8")
        verdict = gate(copy, line["suites"], copy / "report", baseline)
        report = copy / "report" / "run.json"
        if not report.is_file():
            return verdict, []  # it did not even run: that shows nothing of the gate
        before = {m["id"]: m["outcome"] for m in read(baseline)["metrics"]}
        return verdict, [
            f"{m['title']}: {m['outcome']}, {m['rate']:.3f}"
            for m in read(report)["metrics"]
            if m["outcome"] not in ("pass", before[m["id"]])
        ]


def gate(folder: Path, suites: str, out: Path, baseline: Path | None = None) -> int:
    """Run the gate with the packages of a folder, on the index and corpus of this one."""
    places = {
        "FOOTNOTE_CORPUS": os.environ.get("FOOTNOTE_CORPUS", str(ROOT / "corpus")),
        "FOOTNOTE_INDEX": os.environ.get("FOOTNOTE_INDEX", str(ROOT / "index")),
        "PYTHONPATH": str(folder),
    }
    command = [sys.executable, "-m", "evals", "--out", str(out)]
    command += [f"--suite={suite}" for suite in suites.split()]
    command += ["--baseline", str(baseline)] if baseline else []
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **places}, capture_output=True, check=False
    )
    return done.returncode


def read(path: Path) -> dict[str, Any]:
    """Read a run."""
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return run


if __name__ == "__main__":
    sys.exit(main())
