"""ask: one question, start to end, beside a stock retriever that only retrieves.

Fair because both sides have the same model, texts and questions, and each its own process; not
quite fair to us, because our answer is finished, checked and cited, and theirs is four chunks.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from assistant.settings import Settings
from assistant.values import Ask
from bench import peer
from bench.measure import Row, apart, by_turns
from bench.place import Place
from bench.questions import QUESTIONS

if TYPE_CHECKING:
    from assistant.engine import Engine

ROUNDS = 15
_side: dict[str, Any] = {}
"""What the process that measures a side holds open."""


def measure(place: Place) -> Iterator[Row]:
    """Time the 30 questions on our engine, on our retrieval alone, and on the peer."""
    with apart(_open_ours, place.settings) as we, apart(_open_peer, place.store) as they:
        sides = [_round(we, _answer), _round(we, _retrieve), _round(they, _invoke)]
        answer, retrieve, other = (median(side) for side in by_turns(sides, ROUNDS))
    yield Row("ask: whole answer, p50", answer, other, "ms", at_most=1.0)
    yield Row("ask: retrieval alone, p50", retrieve, other, "ms", at_most=0.6)


def _round(process: Any, ask: Callable[[str], object]) -> Callable[[], float]:
    return lambda: process.submit(_p50, ask).result()


def _p50(ask: Callable[[str], object]) -> float:
    """Ask all questions; return the median in milliseconds."""
    times = []
    for question in QUESTIONS:
        started = time.perf_counter()
        ask(question)
        times.append(time.perf_counter() - started)
    return 1e3 * median(times)


def _open_ours(settings: Settings) -> None:
    from assistant.wiring import build_engine

    _side["engine"] = build_engine(settings)


def _open_peer(store: Path) -> None:
    _side["retriever"] = peer.retriever(store)


def _answer(question: str) -> object:
    engine: Engine = _side["engine"]
    return engine.ask(Ask(question))


def _retrieve(question: str) -> object:
    engine: Engine = _side["engine"]
    (dense,) = engine.retriever.dense(engine.encoder.encode([question]).vectors)
    return engine.retriever.fuse(question, dense)


def _invoke(question: str) -> object:
    return _side["retriever"].invoke(question)
