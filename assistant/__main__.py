"""Terminal chat: `python -m assistant "question"`, or interactive without an argument."""

import argparse
import json
import sys

from assistant.clean import MAX_HISTORY
from assistant.engine import Engine
from assistant.errors import FootnoteError, RequestError
from assistant.rendering import as_json, as_text
from assistant.settings import load_settings
from assistant.values import Ask, Reply
from assistant.wiring import be_quiet, build_engine


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 if something is to be mended first (said in one line)."""
    parser = argparse.ArgumentParser(prog="python -m assistant", description="Ask in a terminal.")
    parser.add_argument("question", nargs="?", help="without one, a conversation")
    parser.add_argument("--json", action="store_true", help="print replies as HTTP gives them")
    parser.add_argument("--locale", help="locale of the visitor")
    options = parser.parse_args(arguments)
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
