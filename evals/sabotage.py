"""`python -m evals.sabotage`: is the gate worth its name? One line of the pipeline is broken at a time.

Each line is changed in a copy of the packages, the gate is run there as a person would run it, and
must not pass. Slow: a gate run for each line (`--only N` for one of them).
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

ROOT = Path(__file__).parents[1]
LINES = Path(__file__).with_name("sabotage.toml")


def main() -> int:
    """Break every line in turn; 0 if the gate stopped all of them."""
    parser = argparse.ArgumentParser(description="Break one line of the pipeline at a time.")
    parser.add_argument("--only", type=int, help="number of a line in sabotage.toml, from 1")
    options = parser.parse_args()
    lines = tomllib.loads(LINES.read_text(encoding="utf-8"))["line"]
    survived = 0
    for number, line in enumerate(lines, 1):
        if options.only in (None, number):
            verdict, why = run(line)
            survived += verdict == 0
            print(f"{number:2} exit {verdict} {line['what']}\n   {why}", flush=True)
    print(f"{survived} of them passed the gate." if survived else "The gate stopped every one.")
    return int(survived > 0)


def run(line: dict[str, str]) -> tuple[int, str]:
    """Run the gate on a copy with this line broken; return its exit and first reason."""
    with tempfile.TemporaryDirectory() as room:
        copy = Path(room)
        for package in ("assistant", "evals"):
            shutil.copytree(ROOT / package, copy / package)
        path = copy / line["file"]
        text = path.read_text(encoding="utf-8")
        if text.count(line["old"]) != 1:
            raise SystemExit(
                f"{line['file']}: {line['old']!r} stands there {text.count(line['old'])} times. Mend {LINES.name}."
            )
        path.write_text(text.replace(line["old"], line["new"]), encoding="utf-8")
        settings = {
            "FOOTNOTE_CORPUS": os.environ.get("FOOTNOTE_CORPUS", str(ROOT / "corpus")),
            "FOOTNOTE_INDEX": os.environ.get("FOOTNOTE_INDEX", str(ROOT / "index")),
            "PYTHONPATH": room,
        }
        command = [sys.executable, "-m", "evals", "--out", str(copy / "report")]
        command += [f"--suite={suite}" for suite in line.get("suites", "").split()]
        done = subprocess.run(
            command,
            cwd=room,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        report = copy / "report" / "run.json"
        if not report.is_file():
            return done.returncode, done.stderr.strip().splitlines()[-1][
                :200
            ] if done.stderr else ""
        reasons = json.loads(report.read_text(encoding="utf-8"))["reasons"]
        return done.returncode, "; ".join(reasons)[:300]


if __name__ == "__main__":
    sys.exit(main())
