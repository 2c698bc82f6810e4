"""Where generations of an index live, and how readers and writers keep out of each other's way.

A generation is a folder of files (the bundle) and a Chroma collection of the same name. It is
written once, verified, and then named by a pointer that is replaced in one step; a reader sees
the old generation or the new one. On a local disk the pointer is a file and Chroma is embedded,
one process a generation, kept by a lock of our own. On a Chroma server the bundle is stored
there too, in pieces, so that other machines need nothing but its address.

What is in a bundle is not known here.
"""

import base64
import fcntl
import io
import json
import os
import shutil
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant.errors import FootnoteError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

PIECE = 256 * 1024
"""Bytes of a bundle in one record on a Chroma server."""


class LocalStorage:
    """Generations in a folder of this machine, Chroma embedded in each."""

    def __init__(self, folder: Path, collection: str) -> None:
        self.home = folder / collection
        self.place = str(folder)
        self._open: list[tuple[Any, IO[str]]] = []

    def current(self) -> str | None:
        """Return the generation that readers should open."""
        try:
            name = (self.home / "current").read_text().strip()
        except OSError:
            return None
        return name if (self.home / name / "record.json").is_file() else None

    def bundle(self, generation: str) -> Path:
        """Return the folder of a generation's files."""
        return self.home / generation

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer.

        Raises:
            FootnoteError: another process is writing.

        """
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".writer").open("a+") as lock:
            _lock(lock, f"{self.home} is being written by process {{pid}}. Wait until it is done.")
            self._remove_leftovers()
            yield

    def create(self, generation: str) -> Path:
        """Make the folder of a new generation."""
        folder = self.bundle(generation)
        folder.mkdir()
        return folder

    def chroma(self, generation: str) -> "ClientAPI":
        """Open the generation's Chroma; this process alone may have it open.

        Raises:
            FootnoteError: another process has it open.

        """
        lock = (self.bundle(generation) / ".open").open("a+")
        try:
            _lock(
                lock,
                f"The index {self.home} is open in process {{pid}}; an embedded index serves one "
                "process. Stop that one, ask it over HTTP, or share a Chroma server "
                "(FOOTNOTE_CHROMA_URL).",
            )
        except FootnoteError:
            lock.close()
            raise
        import chromadb

        client = chromadb.PersistentClient(
            str(self.bundle(generation) / "chroma"), chroma_settings()
        )
        self._open.append((client, lock))
        return client

    def close(self) -> None:
        """Close what was opened."""
        while self._open:
            client, lock = self._open.pop()
            client.close()
            lock.close()

    def publish(self, generation: str) -> None:
        """Point readers at a generation, in one step."""
        pointer = self.home / "current.new"
        with pointer.open("w") as file:
            file.write(generation)
            file.flush()
            os.fsync(file.fileno())
        pointer.replace(self.home / "current")
        self._remove_leftovers()

    def _remove_leftovers(self) -> None:
        """Delete generations that are neither current nor open in some process."""
        keep = self.current()
        for folder in self.home.iterdir():
            if not folder.is_dir() or folder.name == keep:
                continue
            with (folder / ".open").open("a+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                shutil.rmtree(folder, ignore_errors=True)


class ServerStorage:
    """Generations on a Chroma server; bundles are fetched into a local cache."""

    def __init__(self, url: str, cache: Path, collection: str) -> None:
        self.url, self.collection, self.place = url, collection, url
        self.cache = cache / ".server-cache" / collection
        self._client: Any = None

    def current(self) -> str | None:
        """Return the generation that readers should open."""
        pointer = self._find(f"footnote-{self.collection}")
        name = (pointer.metadata or {}).get("generation") if pointer else None
        return str(name) if name else None

    def bundle(self, generation: str) -> Path:
        """Fetch a generation's files, once."""
        folder = self.cache / generation
        if not folder.is_dir():
            store = self._connect().get_collection(self._name(generation, "bundle"), None)
            pieces = store.get(include=["documents"])
            texts = dict(zip(pieces["ids"], pieces["documents"] or [], strict=True))
            data = base64.b64decode("".join(texts[key] for key in sorted(texts)))
            partial = folder.with_name(f"{generation}.{os.getpid()}")
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                archive.extractall(partial, filter="data")
            try:
                partial.rename(folder)
            except OSError:  # another worker was faster
                shutil.rmtree(partial)
        return folder

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer of this collection on the server.

        Raises:
            FootnoteError: another process is writing.

        """
        from chromadb.errors import ChromaError

        name = f"footnote-{self.collection}-writer"
        mine = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
        other = self._find(name)
        if other and _is_dead(other.metadata or {}):
            self._connect().delete_collection(name)
        try:
            self._connect().create_collection(name, metadata=mine, embedding_function=None)
        except ChromaError as error:
            self.close()
            owner = json.dumps((other.metadata if other else None) or {})
            raise FootnoteError(
                f"{self.url}: {self.collection} is being written by {owner}. Wait; if that "
                f"process is gone, delete the Chroma collection {name}."
            ) from error
        try:
            self._remove_leftovers()
            yield
        finally:
            self._connect().delete_collection(name)
            self.close()

    def create(self, generation: str) -> Path:
        """Make the local folder in which a new generation is written."""
        folder = self.cache / generation
        folder.mkdir(parents=True)
        return folder

    def chroma(self, generation: str) -> "ClientAPI":  # noqa: ARG002
        """Return the server's client; any number of processes may read."""
        client: ClientAPI = self._connect()
        return client

    def close(self) -> None:
        """Drop the connection; the next use makes a new one."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def publish(self, generation: str) -> None:
        """Store the bundle, then point readers at the generation, in one step."""
        client = self._connect()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            archive.add(self.cache / generation, arcname=".")
        data = base64.b64encode(buffer.getvalue()).decode()
        store = client.create_collection(self._name(generation, "bundle"), embedding_function=None)
        for number, start in enumerate(range(0, len(data), PIECE)):
            piece = data[start : start + PIECE]
            store.upsert(ids=[f"{number:06}"], documents=[piece], embeddings=[[1.0]])
        pointer = client.get_or_create_collection(
            f"footnote-{self.collection}", embedding_function=None
        )
        pointer.modify(metadata={"generation": generation})
        self._remove_leftovers()

    def _remove_leftovers(self) -> None:
        """Delete all but the current generation and the one before it, which may be in use."""
        client = self._connect()
        prefix = f"{self.collection}-gen-"
        names = sorted(c.name for c in client.list_collections() if c.name.startswith(prefix))
        generations = sorted({name.removesuffix("-bundle") for name in names})
        keep = f"{self.collection}-{self.current()}"
        older = [name for name in generations if name < keep]
        doomed = {name for name in generations if name not in {keep, *older[-1:]}}
        for name in names:
            if name.removesuffix("-bundle") in doomed:
                client.delete_collection(name)

    def _name(self, generation: str, what: str) -> str:
        return f"{self.collection}-{generation}-{what}"

    def _find(self, name: str) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._connect().get_collection(name, embedding_function=None)
        except NotFoundError:
            return None

    def _connect(self) -> Any:
        if self._client is None:
            import chromadb

            parts = urlsplit(self.url)
            try:
                self._client = chromadb.HttpClient(
                    host=parts.hostname or "",
                    port=parts.port or (443 if parts.scheme == "https" else 80),
                    ssl=parts.scheme == "https",
                    settings=chroma_settings(),
                )
            except (ValueError, OSError) as error:
                raise FootnoteError(
                    f"No Chroma server at {self.url} ({error}). Start one: chroma run --path DIR"
                ) from None
        return self._client


Storage = LocalStorage | ServerStorage


def storage_at(place: str, cache: Path, collection: str) -> Storage:
    """Return the storage for a folder or an http(s) address."""
    if place.startswith(("http://", "https://")):
        return ServerStorage(place, cache, collection)
    return LocalStorage(Path(place), collection)


def chroma_settings() -> Any:
    """Return Chroma's settings with its telemetry off."""
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _lock(file: IO[str], refusal: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise FootnoteError(refusal.format(pid=file.read().strip() or "?")) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()


def _is_dead(owner: dict[str, Any]) -> bool:
    """Tell whether the writer was a process of this machine that is gone."""
    if owner.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(owner.get("pid", 0)), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
