"""load: 32 patients asking at once over HTTP, one server process each side.

Fair because both are asked the same questions by the same client, which is a process of its own
(on the same cores: it costs both the same a request, so it hides part of the faster one's lead).
The naive application is served the usual way: a plain function in FastAPI's thread pool.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

from bench import server
from bench.measure import Row, apart, by_turns, medians
from bench.place import Place
from bench.questions import QUESTIONS
from bench.server import Server

ASKERS = 32
REQUESTS = 320
"""A round's; five rounds of each side are 1,600."""

Figures = tuple[float, float, int]
"""Requests a second, p95 in milliseconds, errors."""


def measure(place: Place) -> Iterator[Row]:
    """Let the askers loose on each server by turns; both stay up, the other one idle."""
    with server.ours(place, page=False) as we, server.naive(place) as they:
        we.first_answer()
        they.first_answer()
        with apart(os.getpid) as client:
            ours, other = by_turns([_round(client, we), _round(client, they)])
    rate, p95, _ = medians(ours)
    other_rate, other_p95, _ = medians(other)
    yield Row(f"load: answers a second, {ASKERS} askers", rate, other_rate, "/s", at_least=4.0)
    yield Row(f"load: p95, {ASKERS} askers", p95, other_p95, "ms", at_most=0.3)
    failed = sum(errors for *_, errors in ours)
    yield Row(f"load: errors in {len(ours) * REQUESTS:,} requests", failed, at_most=0)


def _round(client: Any, asked: Server) -> Callable[[], Figures]:
    return lambda: client.submit(_load, asked.port, asked.path).result()


def _load(port: int, path: str) -> Figures:
    """Send a round's requests from `ASKERS` connections that are kept open."""
    times: list[float] = []
    started = time.perf_counter()
    errors = asyncio.run(_askers(port, path, times))
    seconds = time.perf_counter() - started
    p95 = sorted(times)[int(0.95 * len(times))] if times else float("inf")
    return len(times) / seconds, 1e3 * p95, errors


async def _askers(port: int, path: str, times: list[float]) -> int:
    waiting = islice(cycle(QUESTIONS), REQUESTS)
    failed = await asyncio.gather(*(_asker(port, path, waiting, times) for _ in range(ASKERS)))
    return sum(failed)


async def _asker(port: int, path: str, waiting: Iterator[str], times: list[float]) -> int:
    """Ask one question after another; note the times of good answers, return the others' count.

    Streams of asyncio and nothing more: a full HTTP client would take more than our server does.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    failed = 0
    for question in waiting:
        body = json.dumps({"question": question}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        started = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer_head = (await reader.readuntil(b"\r\n\r\n")).lower()
        answer = await reader.readexactly(int(answer_head.split(b"content-length:")[1].split()[0]))
        if b" 200 " in answer_head.splitlines()[0] and b'"unavailable"' not in answer:
            times.append(time.perf_counter() - started)
        else:
            failed += 1
    writer.close()
    return failed
