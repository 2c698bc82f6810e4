"""Corpus → index: `python ingest.py [COLLECTION…] [--corpus DIR] [--index DIR|URL]`."""

import argparse
import sys
from typing import Any

from tqdm import tqdm

from assistant.corpus import list_collections
from assistant.errors import FootnoteError
from assistant.index import Summary
from assistant.settings import load_settings
from assistant.wiring import be_quiet, ingest


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 done, 2 something to mend (said in one line)."""
    parser = argparse.ArgumentParser(description="Bring the index up to date with the corpus.")
    parser.add_argument("collections", nargs="*", help="default: every folder with a manifest")
    parser.add_argument("--corpus", help="folder of collections")
    parser.add_argument("--index", help="folder, or address of a Chroma server")
    options = parser.parse_args(arguments)
    be_quiet()
    try:
        is_url = (options.index or "").startswith("http")
        settings = load_settings(
            corpus=options.corpus,
            index=None if is_url else options.index,
            chroma_url=options.index if is_url else None,
        )
        names = options.collections or list_collections(settings.corpus)
        if not names:
            raise FootnoteError(
                f"No collection in {settings.corpus}. Add a folder with a manifest.toml."
            )
        for name in names:
            with tqdm(total=1, desc=name, disable=None, leave=False) as bar:
                summary = ingest(settings, name, lambda *stage: _show(bar, *stage))
            print(f"{name}: {describe(summary)}")
            for sentence in summary.planted:
                print(f"{name}: reads like an instruction to a machine, not quotable: {sentence}")
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def describe(summary: Summary) -> str:
    """Say what was done, in a line."""
    fates = ("added", "changed", "removed", "unchanged")
    counts = ", ".join(f"{len(getattr(summary, fate))} {fate}" for fate in fates)
    return (
        f"{counts}; {summary.passages} passages, {summary.questions} questions, "
        f"{summary.encoded} texts encoded in {summary.seconds:.1f} s"
    )


def _show(bar: Any, stage: str, done: int, total: int) -> None:
    bar.set_postfix_str(stage)
    bar.total, bar.n = total, done
    bar.refresh()


if __name__ == "__main__":
    sys.exit(main())
