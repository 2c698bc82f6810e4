"""Small real stand-ins for the slow seams."""

import asyncio
import hashlib
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from assistant.encoder import Encoded, Encoder
from assistant.feedback import FeedbackStore
from assistant.replies import Replies
from assistant.service import Embedded, Service
from assistant.sites import DEFAULT, Limits, Site, Theme
from assistant.values import Ask, Clinic, Kind, Reply

THEME = SimpleNamespace(title="Sweet & sour", ask="Is it <sweet>?")


class WordEncoder(Encoder):
    """Hashes words into a few dimensions: like texts get like vectors, without a model."""

    identity = "words/1"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: list[str]) -> Encoded:
        self.encoded += texts
        rows = np.full((len(texts), 96), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                digest = hashlib.sha256(word.strip("?.,!:;").encode()).digest()
                rows[row, digest[0] % 96] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return Encoded(rows, rows)


class SlowEngine:
    """Answers after a while, saying what it does."""

    def __init__(self, clinic: Clinic | None = None) -> None:
        self.asked: list[Ask] = []
        self.cancelled = False
        self.reply: dict[str, object] = {}
        self.card = Reply("card", Kind.URGENT, "en", "This may be an emergency. Call.")
        decider = SimpleNamespace(
            suggestions=lambda: [f"Example {n}?" for n in range(9)],
            index=SimpleNamespace(knowledge=SimpleNamespace(themes=(THEME,))),
        )
        self.assistant = SimpleNamespace(
            replies=Replies(clinic or Clinic(), "plums & pears"),
            default_locale="en",
            decider=decider,
            sources={},
            red_flag=lambda question, _: self.card if "breathe" in question else None,
        )

    async def answer(self, ask: Ask, stage: Callable[[str], object]) -> Reply:
        self.asked.append(ask)
        try:
            await asyncio.sleep(0.05)
            stage("searching")
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        reply = self.assistant.replies.smalltalk("thanks", ask.locale, ())
        return Reply(**{**vars(reply), **self.reply})


ROSE = Site(
    id="rose", origins=("https://rose.test",), name="Rose", greeting="Welcome to Rose.",
    emergency_number="999", limits=Limits(address="2/minute"), leave="https://rose.test/weather",
    theme=Theme(accent="#8a2f55"),
)  # fmt: skip


def slow_service() -> Service:
    """Return a service of two sites that answer after a while."""
    sites = (Site(id=DEFAULT), ROSE)
    return Service(
        {s.id: Embedded(s, SlowEngine(s.clinic)) for s in sites}, FeedbackStore("sqlite://")
    )
