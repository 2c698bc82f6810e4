"""Terminal chat: `python -m assistant "question"`, or interactive without an argument.

`python -m assistant widget-tag SITE` prints what a clinic pastes into its pages.
"""

import argparse
import json
import sys

from assistant.clean import MAX_HISTORY
from assistant.engine import Engine
from assistant.errors import FootnoteError, RequestError
from assistant.rendering import as_json, as_text
from assistant.settings import load_settings
from assistant.sites import read_sites
from assistant.values import Ask, Reply
from assistant.widget import tag
from assistant.wiring import be_quiet, build_engine

WIDGET_TAG = "widget-tag"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 if something is to be mended first (said in one line)."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [WIDGET_TAG]:
        return _print_tag(given[1:])
    parser = argparse.ArgumentParser(
        prog="python -m assistant",
        description="Ask in a terminal.",
        epilog=f"Another command: python -m assistant {WIDGET_TAG} SITE",
    )
    parser.add_argument("question", nargs="?", help="without one, a conversation")
    parser.add_argument("--json", action="store_true", help="print replies as HTTP gives them")
    parser.add_argument("--locale", help="locale of the visitor")
    options = parser.parse_args(given)
    be_quiet()
    try:
        engine = build_engine(load_settings())
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        if options.question is not None:
            return _ask_once(engine, options.question, options.locale, options.json)
        _converse(engine, options.locale, options.json)
    finally:
        engine.close()
    return 0


def _print_tag(arguments: list[str]) -> int:
    """Print a site's snippet; needs no index."""
    parser = argparse.ArgumentParser(
        prog=f"python -m assistant {WIDGET_TAG}", description="Print the widget's tag for a site."
    )
    parser.add_argument("site", help="the site's name in the file that FOOTNOTE_SITES names")
    parser.add_argument("--url", help="address at which browsers reach the server (FOOTNOTE_URL)")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings(url=options.url)
        sites = read_sites(settings)
        if options.site not in sites:
            known = ", ".join(sites)
            raise FootnoteError(f"No site {options.site!r}; there are: {known}.")
        if not sites[options.site].origins:
            raise FootnoteError(
                f"Site {options.site!r} has no origins, so no page could use its tag."
            )
        if settings.url is None:
            raise FootnoteError("Where is the server? Set FOOTNOTE_URL or add --url https://HOST")
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    print(tag(sites[options.site], settings.url))
    return 0


def _ask_once(engine: Engine, question: str, locale: str | None, as_data: bool) -> int:
    try:
        _show(engine, engine.ask(Ask(question, (), locale)), as_data)
    except RequestError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _converse(engine: Engine, locale: str | None, as_data: bool) -> None:
    history: list[str] = []
    while True:
        try:
            question = input("\n? " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        try:
            reply = engine.ask(Ask(question, tuple(history[-MAX_HISTORY:]), locale))
        except RequestError as error:
            print(error, file=sys.stderr)
            continue
        _show(engine, reply, as_data)
        history.append(question)


def _show(engine: Engine, reply: Reply, as_data: bool) -> None:
    emergency = engine.assistant.replies.clinic.emergency_number
    if as_data:
        print(json.dumps(as_json(reply, emergency), ensure_ascii=False))
    else:
        print(as_text(reply, emergency))


if __name__ == "__main__":
    sys.exit(main())
