"""`python -m evals.offtopic FILE…`: questions of other topics by the thousand; none is for us.

Reads public sets where they lie (JSON Lines, gzipped, with `text` or `question`): what people say
to assistants about banks and travel, what they ask about other illnesses. Nearly all should be
told that the sources do not cover it; a card or an answer is a fault.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from random import Random

from assistant.errors import FootnoteError
from assistant.settings import load_settings
from assistant.values import Ask
from assistant.wiring import be_quiet, build_engine

SAMPLE, SEED = 1500, 5


def main() -> int:
    """Print how many of a sample of each file got which outcome."""
    parser = argparse.ArgumentParser(description="Ask public questions of other topics.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument(
        "--show", action="store_true", help="list those that got a card or an answer"
    )
    options = parser.parse_args()
    be_quiet()
    try:
        engine = build_engine(load_settings())
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    for path in options.files:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        asked = [row.get("text") or row.get("question") or "" for row in rows]
        counts: Counter[str] = Counter()
        for question in Random(SEED).sample(asked, min(SAMPLE, len(asked))):
            kind = engine.ask(Ask(question)).kind.value
            counts[kind] += 1
            if options.show and kind in ("answer", "urgent"):
                print(f"  {kind}: {question}")
        print(f"{path.name}: {dict(counts.most_common())}")
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
