"""Starting a server, waiting for it, asking it, stopping it. Loopback only."""

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.measure import memory_mb
from bench.place import ROOT, Place

PATIENCE = 120
"""Seconds until a server that gives no answer is given up."""
PAUSE = 0.01


@dataclass(frozen=True)
class Server:
    """A process that was just started; `path` is where it takes questions."""

    process: subprocess.Popen[bytes]
    port: int
    path: str
    started: float
    words: IO[bytes]

    def first_answer(self) -> float:
        """Return the seconds from the process's start to its first answer to a question."""
        body = json.dumps({"question": "How long does bruising last?"})
        return self._wait("POST", self.path, body, b"bruis")

    def first_page(self) -> float:
        """Return the seconds from the process's start to the first whole page at /."""
        return self._wait("GET", "/", None, b"gradio_config")

    def memory_mb(self) -> float:
        """Return the memory after an English and a Spanish question: what loads late counts."""
        for question in ("How long does bruising last?", "¿Cuánto tiempo duran los moretones?"):
            self._request("POST", self.path, json.dumps({"question": question}))
        return memory_mb(self.process.pid)

    def _wait(self, method: str, path: str, body: str | None, sign: bytes) -> float:
        seen: object = "it never listened"
        while (waited := time.perf_counter() - self.started) < PATIENCE:
            if self.process.poll() is not None:
                self.words.seek(0)
                said = self.words.read().decode(errors="replace").strip().splitlines()
                raise RuntimeError(f"the server stopped: {said[-1] if said else 'without a word'}")
            try:
                status, answer = self._request(method, path, body)
            except OSError:
                time.sleep(PAUSE)
                continue
            if status == 200 and sign in answer.lower():
                return time.perf_counter() - self.started
            seen = f"status {status}"
            time.sleep(PAUSE)
        raise RuntimeError(f"no answer to {method} {path} in {waited:.0f} s ({seen})")

    def _request(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def ours(place: Place, *, page: bool, sites: Path | None = None) -> AbstractContextManager[Server]:
    """Start our server."""
    port = _free_port()
    command = ["app.py", "--port", str(port)]
    environment = place.environment(page=page)
    if sites:
        environment["FOOTNOTE_SITES"] = str(sites)
    return _running(command, port, "/api/v1/ask", environment)


def naive(place: Place) -> AbstractContextManager[Server]:
    """Start the naive application."""
    port = _free_port()
    command = ["-m", "bench.naive", str(place.store), str(port)]
    return _running(command, port, "/ask", place.environment())


@contextmanager
def _running(
    command: list[str], port: int, path: str, environment: dict[str, str]
) -> Iterator[Server]:
    with tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=words, stderr=words
        )
        try:
            yield Server(process, port, path, started, words)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
