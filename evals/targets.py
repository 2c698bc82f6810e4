"""What is asked: the assistant in this process, or a server at an address. Both give JSON replies.

A reply that could not be had is an error, never a pass. Times are kept apart from what was said.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

from assistant.engine import Engine
from assistant.errors import FootnoteError, RequestError
from assistant.markup import as_html
from assistant.rendering import as_json, as_text
from assistant.values import Ask, Reply
from evals.cases import Case

Reply_ = dict[str, Any]
TIMEOUT = 30.0
PATIENCE = 8
"""How often a 429 is waited out."""


@dataclass(frozen=True)
class Text:
    """A source as it is served."""

    id: str
    text: str
    sha256: str


@dataclass(frozen=True)
class Face:
    """One form in which a reply is shown: its name and what a visitor would be sent."""

    name: str
    shown: str


@dataclass(frozen=True)
class Answered:
    """A case with the reply to it, or with what went wrong."""

    case: Case
    reply: Reply_ | None
    error: str = ""
    seconds: float = 0.0


class Target(Protocol):
    """Something that answers."""

    name: str

    def ask(self, question: str, history: Sequence[str], locale: str | None = None) -> Reply_:
        """Return the reply of HTTP version 1."""
        ...

    def faces(self, question: str, locale: str) -> tuple[Reply_, list[Face]]:
        """Return a reply, and every form in which it is shown."""
        ...

    def sources(self) -> dict[str, Text]:
        """Return the texts that are served, by id."""
        ...


class InProcess:
    """The assistant in this process."""

    name = "in process"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.emergency = engine.assistant.replies.clinic.emergency_number

    def ask(self, question: str, history: Sequence[str], locale: str | None = None) -> Reply_:
        return as_json(self._reply(question, history, locale), self.emergency)

    def faces(self, question: str, locale: str) -> tuple[Reply_, list[Face]]:
        return self._show(self._reply(question, (), locale))

    def broken_faces(self, locale: str) -> tuple[Reply_, list[Face]]:
        """Return the reply of an assistant that broke, in every form."""
        return self._show(self.engine.assistant.replies.unavailable(locale))

    def _show(self, reply: Reply) -> tuple[Reply_, list[Face]]:
        shown = as_json(reply, self.emergency)
        return shown, [
            Face("json", json.dumps(shown["notice"], ensure_ascii=False)),
            Face("text", as_text(reply, self.emergency)),
            Face("html", as_html(reply, self.emergency)),
        ]

    def sources(self) -> dict[str, Text]:
        found = self.engine.assistant.sources.values()
        return {s.id: Text(s.id, s.text, s.sha256) for s in found}

    def _reply(self, question: str, history: Sequence[str], locale: str | None) -> Reply:
        return self.engine.ask(Ask(question, tuple(history), locale))


class Http:
    """A server at an address."""

    def __init__(self, url: str) -> None:
        import httpx

        self.name = url
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT)

    def ask(self, question: str, history: Sequence[str], locale: str | None = None) -> Reply_:
        body = {"question": question, "history": list(history), "locale": locale}
        reply: Reply_ = self._post(body, {}).json()
        return reply

    def _post(self, body: dict[str, Any], headers: dict[str, str]) -> Any:
        for _ in range(PATIENCE):
            response = self._client.post("/api/v1/ask", json=body, headers=headers)
            if response.status_code != 429:
                break
            time.sleep(float(response.headers.get("Retry-After", "1")))
        return response.raise_for_status()

    def faces(self, question: str, locale: str) -> tuple[Reply_, list[Face]]:
        reply = self.ask(question, (), locale)
        body = {"question": question, "history": [], "locale": locale}
        streamed = self._post(body, {"Accept": "text/event-stream"})
        notices = [
            json.dumps(data["notice"], ensure_ascii=False)
            for data in _events(streamed.text)
            if isinstance(data.get("notice"), dict)
        ]
        shown = json.dumps(reply["notice"], ensure_ascii=False)
        return reply, [Face("json", shown), Face("stream", notices[0] if notices else "")]

    def sources(self) -> dict[str, Text]:
        import httpx

        try:
            listed = self._client.get("/api/v1/sources").raise_for_status().json()
            found = [self._client.get(f"/api/v1/sources/{s['id']}").json() for s in listed]
        except httpx.HTTPError as error:
            raise FootnoteError(
                f"{self.name}: {error}. Start the server, or name another --url."
            ) from None
        return {s["id"]: Text(s["id"], s["text"], s["sha256"]) for s in found}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def ask_all(
    target: Target,
    cases: Sequence[Case],
    jobs: int = 1,
    progress: Callable[[], object] = lambda: None,
) -> list[Answered]:
    """Ask every case; replies come in the order of the cases, whatever the number of jobs."""

    def one(case: Case) -> Answered:
        answered = ask(target, case)
        progress()
        return answered

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, cases))


def ask(target: Target, case: Case) -> Answered:
    """Ask one case; whatever goes wrong is told, not raised."""
    import httpx

    started = time.perf_counter()
    try:
        reply = target.ask(case.question, case.history)
    except (RequestError, httpx.HTTPError, ValueError, KeyError) as error:
        return Answered(case, None, f"{type(error).__name__}: {error}"[:300])
    answered = Answered(case, reply, "", time.perf_counter() - started)
    if reply.get("kind") == "unavailable":
        return replace(answered, error="the assistant said that it is unavailable")
    return answered


def _events(stream: str) -> Iterator[dict[str, Any]]:
    for line in stream.splitlines():
        if line.startswith("data:"):
            data = json.loads(line.removeprefix("data:"))
            if isinstance(data, dict):
                yield data
