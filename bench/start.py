"""start: from process start to the first answer and the first page, and the memory they take.

Fair because both sides find their index built and their files in the page cache (a first start
of each does not count), and are asked from outside over HTTP until they answer.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from bench import server
from bench.measure import Row, by_turns, medians, memory_mb
from bench.place import Place
from bench.server import Server

Start = Callable[[], AbstractContextManager[Server]]


def measure(place: Place) -> Iterator[Row]:
    """Start each server over and over: first without our page, then with it."""
    place.settings, place.store  # noqa: B018  # made before any clock runs
    answers = by_turns(
        [
            _to_answer(lambda: server.ours(place, page=False)),
            _to_answer(lambda: server.naive(place)),
        ]
    )
    (ours, lean), (other, _) = (medians(side) for side in answers)
    yield Row("start: to the first answer", ours, other, "s", at_most=0.25)
    pages = by_turns(
        [_to_page(lambda: server.ours(place, page=True)), _to_page(lambda: server.naive(place))]
    )
    (ours, full), (other, peers) = (medians(side) for side in pages)
    yield Row("start: to the first page", ours, other, "s", at_most=0.6)
    yield Row("start: memory with the page", full, peers, "MB", at_most=0.6)
    yield Row("start: memory without the page", lean, peers, "MB")


def _to_answer(start: Start) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        with start() as process:
            return process.first_answer(), memory_mb(process.process.pid)

    return run


def _to_page(start: Start) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        with start() as process:
            seconds = process.first_page()
            process.first_answer()
            return seconds, memory_mb(process.process.pid)

    return run
