"""`python -m evals.freeze [FOLDER]`: check new cases and write their hash, once they are final."""

import sys
from pathlib import Path

from assistant.errors import FootnoteError
from evals import cases


def main() -> int:
    """Load every case, then write the hash; 2 if a case is at fault."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else cases.FOLDER
    try:
        count = sum(len(cases.load(suite, folder)) for suite in cases.suites(folder))
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    (folder / cases.LOCK).write_text(cases.fingerprint(folder) + "\n", encoding="utf-8")
    print(f"{count} cases in {folder} are frozen.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
