"""start: from process start to the first answer and the first page, and the memory they take.

Fair because both sides find their index built and their files in the page cache (a first start
of each does not count), and are asked from outside over HTTP until they answer. Memory is what is
resident once both an English and a Spanish question were answered, so what loads late counts.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from bench.measure import Row, by_turns, medians
from bench.place import Place
from bench.server import Server, naive, ours

Start = Callable[[], AbstractContextManager[Server]]


def measure(place: Place) -> Iterator[Row]:
    """Start each server over and over: first without our page, then with it."""
    place.settings, place.store  # noqa: B018  # made before any clock runs
    results = by_turns(
        [
            _starting(lambda: ours(place, page=False), Server.first_answer),
            _starting(lambda: naive(place), Server.first_answer),
        ]
    )
    (answer, lean), (their_answer, _) = (medians(side) for side in results)
    yield Row("start: to the first answer", answer, their_answer, "s", at_most=0.25)
    results = by_turns(
        [
            _starting(lambda: ours(place, page=True), Server.first_page),
            _starting(lambda: naive(place), Server.first_page),
        ]
    )
    (page, full), (their_page, theirs) = (medians(side) for side in results)
    yield Row("start: to the first page", page, their_page, "s", at_most=0.6)
    yield Row("start: memory with the page", full, theirs, "MB", at_most=0.6)
    yield Row("start: memory without the page", lean, theirs, "MB")


def _starting(start: Start, first: Callable[[Server], float]) -> Callable[[], tuple[float, float]]:
    """Return a round: start, wait for what comes first, note seconds and memory, stop."""

    def run() -> tuple[float, float]:
        with start() as server:
            return first(server), server.memory_mb()

    return run
