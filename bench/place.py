"""Where a run works: a temporary folder with a snapshot of the corpus, our index, the peer's.

Each is made when a part first asks for it, by the command that an operator would run.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from assistant.settings import Settings
from bench import peer
from bench.measure import apart

ROOT = Path(__file__).parent.parent
CACHE = Path(__file__).parent / "cache"
"""What is worth keeping between runs; git ignores it."""


@dataclass(frozen=True)
class Place:
    """The folder of a run; `given` are the operator's settings, read for the corpus only."""

    folder: Path
    given: Settings

    @cached_property
    def settings(self) -> Settings:
        """Settings that lead into the folder, the index built."""
        corpus = self.folder / "corpus"
        shutil.copytree(self.given.corpus, corpus)
        here = {"corpus": corpus, "index": self.folder / "index", "chroma_url": None}
        settings = self.given.model_copy(update=here)
        command = [sys.executable, "ingest.py", settings.collection]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(settings),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        return settings

    @cached_property
    def store(self) -> Path:
        """Folder of the peer's Chroma, filled with the same sources."""
        store = self.folder / "peer"
        collection = self.settings.corpus / self.settings.collection
        with apart(os.getpid) as process:  # a process that ends: nobody keeps it open
            process.submit(peer.fill, store, collection).result()
        return store

    def environment(
        self, settings: Settings | None = None, *, page: bool = False
    ) -> dict[str, str]:
        """Return the environment of a child process that serves our index."""
        settings = settings or self.settings
        return {
            **os.environ,
            "FOOTNOTE_CORPUS": str(settings.corpus),
            "FOOTNOTE_INDEX": str(settings.index),
            "FOOTNOTE_COLLECTION": settings.collection,
            "FOOTNOTE_DATABASE": f"sqlite:///{self.folder}/feedback.db",
            "FOOTNOTE_PAGE": str(page).lower(),
            "FOOTNOTE_LOG_LEVEL": "WARNING",
        }
