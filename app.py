"""Index → server: `python app.py [--host …] [--port …]`."""

import argparse
import sys

from assistant.errors import FootnoteError
from assistant.settings import load_settings
from assistant.wiring import be_quiet, build_service


def main(arguments: list[str] | None = None) -> int:
    """Run the server; 2 if something is to be mended first (said in one line)."""
    parser = argparse.ArgumentParser(description="Serve the assistant.")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    options = parser.parse_args(arguments)
    be_quiet()
    try:
        settings = load_settings(host=options.host, port=options.port)
        from assistant.server import serve

        serve(settings, build_service(settings))
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
