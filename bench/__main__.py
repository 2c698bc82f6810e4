"""`python -m bench [ask] [start] [load] [widget] [ingest] [scale]`: measure, then print one table."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from assistant.settings import load_settings
from assistant.wiring import be_quiet
from bench import ask, ingest, load, scale, start, widget
from bench.measure import Row, table
from bench.place import Place

PARTS = {
    "ask": ask,
    "start": start,
    "load": load,
    "widget": widget,
    "ingest": ingest,
    "scale": scale,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the parts; 0 whatever the figures, 2 if one could not be had."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and size.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all"
    )
    names = parser.parse_args(arguments).parts or list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    be_quiet()
    os.environ.update(HF_HUB_OFFLINE="1", TQDM_DISABLE="1")
    rows = []
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        place = Place(Path(folder), load_settings())
        for name in names:
            print((PARTS[name].__doc__ or name).splitlines()[0], flush=True)
            try:
                for row in PARTS[name].measure(place):
                    rows.append(row)
                    print(
                        "  " + " | ".join(row.cells()), flush=True
                    )  # an interrupted run has told what it knows
            except Exception as error:  # one part's failure must not cost the others' figures
                print(f"{name}: could not be measured: {error}", file=sys.stderr, flush=True)
                rows.append(Row(f"{name}: not measured"))
    print(table(rows))
    return 2 if any(row.ours is None for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
