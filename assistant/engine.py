"""Encoding and searching for the pipeline, and the two ways to drive it.

`Engine.ask` answers in the calling thread. `Engine.answer` answers in an event loop: texts of
simultaneous askers are encoded and searched together in one worker thread, which on a few cores
is several times faster than one after the other.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from assistant import wording
from assistant.clean import MAX_QUESTION
from assistant.decide import Found
from assistant.encoder import Encoder
from assistant.errors import RequestError
from assistant.pipeline import Assistant
from assistant.retrieval import Retriever
from assistant.triage import triage
from assistant.values import Ask, Clinic, Reply

log = logging.getLogger(__name__)
MAX_BATCH = 16
"""Askers who are searched for together …"""
MAX_TEXTS = 32
"""… and their texts: so long does whoever comes next wait."""


class Engine:
    """An assistant with what it needs to search."""

    def __init__(
        self,
        assistant: Assistant,
        encoder: Encoder,
        retriever: Retriever,
        together: "Together | None" = None,
    ) -> None:
        self.assistant = assistant
        self.encoder = encoder
        self.retriever = retriever
        self._together = together or Together(self.search)

    def for_clinic(self, clinic: Clinic, locale: str) -> "Engine":
        """Return an engine over the same index that speaks for another clinic."""
        assistant = self.assistant.for_clinic(clinic, locale)
        return Engine(assistant, self.encoder, self.retriever, self._together)

    def search(self, texts: list[str]) -> list[Found]:
        """Encode texts, find the nearest passages of each and what the bank makes of it."""
        encoded = self.encoder.encode(texts)
        dense = self.retriever.dense(encoded.vectors)
        heads = self.assistant.decider.index.heads
        scored = heads.score(encoded.features) if heads.known else [None] * len(texts)
        return [Found(t, d, s) for t, d, s in zip(texts, dense, scored, strict=True)]

    def ask(self, ask: Ask) -> Reply:
        """Answer in this thread.

        Raises:
            RequestError: see `Assistant.respond`. Any other failure becomes `unavailable`.

        """
        try:
            steps = self.assistant.respond(ask)
            texts = next(steps)
            while True:
                texts = steps.send(self.search(texts))
        except StopIteration as done:
            reply: Reply = done.value
            return reply
        except RequestError:
            raise
        except Exception as error:  # the pipeline's edge: a patient gets a reply, always
            return self._broken(ask, error)

    async def answer(self, ask: Ask, stage: Callable[[str], object] = lambda _: None) -> Reply:
        """Answer in an event loop; `stage` is told what is being done.

        Raises:
            RequestError: see `Assistant.respond`. Any other failure becomes `unavailable`.

        """
        try:
            stage("reading")
            first = triage(ask.question[:MAX_QUESTION]) is not None
            steps = self.assistant.respond(ask)
            texts = next(steps)
            while True:
                stage("searching")
                found = await self._together.search(texts, first=first)
                stage("checking")
                texts = steps.send(found)
        except StopIteration as done:
            reply: Reply = done.value
            return reply
        except RequestError:
            raise
        except Exception as error:  # the pipeline's edge: a patient gets a reply, always
            return self._broken(ask, error)

    def close(self) -> None:
        """Stop the worker and let go of the index."""
        self._together.close()
        self.assistant.decider.index.close()

    def _broken(self, ask: Ask, error: Exception) -> Reply:
        # Only the error's type and place: its text may hold the visitor's words.
        log.error("answer failed: %s", type(error).__name__)
        log.debug("answer failed at", exc_info=error)
        if card := self.assistant.red_flag(ask.question, ask.locale):
            return card
        locale = wording.match_locale(ask.locale, self.assistant.default_locale)
        return self.assistant.replies.unavailable(locale)


class Together:
    """Searches the texts of simultaneous askers in one batch, in one worker thread."""

    def __init__(self, search: Callable[[list[str]], Sequence[Found]]) -> None:
        self._search = search
        self._waiting: list[tuple[list[str], asyncio.Future[Sequence[Found]]]] = []
        self._busy = False
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="encoder")

    def close(self) -> None:
        """Stop the worker."""
        self._worker.shutdown()

    def search(self, texts: list[str], *, first: bool = False) -> "asyncio.Future[Sequence[Found]]":
        """Search texts with whatever else is waiting; to be called in the event loop.

        `first` passes those who wait: what looks like an emergency must not queue.
        """
        future: asyncio.Future[Sequence[Found]] = asyncio.get_running_loop().create_future()
        self._waiting.insert(0 if first else len(self._waiting), (texts, future))
        if not self._busy:
            self._busy = True
            task = asyncio.get_running_loop().create_task(self._work())
            self._task = task  # keeps it from being collected
        return future

    def _next(self) -> list[tuple[list[str], asyncio.Future[Sequence[Found]]]]:
        """Take who is searched for next: at least one, then as many as fit."""
        totals = accumulate(len(texts) for texts, _ in self._waiting[:MAX_BATCH])
        fit = max(1, sum(total <= MAX_TEXTS for total in totals))
        batch, self._waiting = self._waiting[:fit], self._waiting[fit:]
        return batch

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch = self._next()
                texts = [text for group, _ in batch for text in group]
                try:
                    found = await loop.run_in_executor(self._worker, self._search, texts)
                except Exception as error:  # each asker's own edge handles it
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    continue
                start = 0
                for group, future in batch:
                    if not future.done():
                        future.set_result(found[start : start + len(group)])
                    start += len(group)
        finally:
            self._busy = False
