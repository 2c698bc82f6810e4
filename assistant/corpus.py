"""A collection's folder → its sources.

Reads `manifest.toml` and the files that it names. Knows nothing of facts, questions or the index.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import FootnoteError
from assistant.loaders import load_text
from assistant.values import Source, Span

Model = TypeVar("Model", bound=BaseModel)


class Entry(BaseModel):
    """One `[[source]]` of a manifest."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    file: str
    title: str
    kind: str = "text"
    author: str | None = None
    publisher: str | None = None
    url: str | None = None
    added: date | None = None
    reviewed_by: str | None = None
    reviewed_on: date | None = None
    caution: str | None = None
    residue: list[str] = []


class Manifest(BaseModel):
    """`manifest.toml`."""

    model_config = ConfigDict(extra="forbid")

    title: str
    about: str
    language: str = "en"
    about_in: dict[str, str] = {}
    source: list[Entry] = Field(min_length=1)


@dataclass(frozen=True)
class Collection:
    """A named set of sources that is served together."""

    id: str
    title: str
    about: str
    language: str
    folder: Path
    sources: tuple[Source, ...]
    about_in: Mapping[str, str] = field(default_factory=dict)
    """`about` in other languages than English, by locale."""

    def source(self, source_id: str) -> Source:
        """Return the source of that id.

        Raises:
            KeyError: there is none.

        """
        for source in self.sources:
            if source.id == source_id:
                return source
        raise KeyError(source_id)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; a fault names the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FootnoteError(f"{path}: {error.strerror}. Write it, or name another.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FootnoteError(f"{path}: not valid TOML ({error}). Mend that line.") from None


def validate(model: type[Model], data: dict[str, Any], path: Path) -> Model:
    """Check `data` against `model`; a fault names the file, the field and the value."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FootnoteError(
            f"{path}: {where}: {first['msg']} (found {str(first['input'])[:80]!r}). Mend it."
        ) from None


def list_collections(corpus: Path) -> list[str]:
    """Name the collections: every folder with a manifest."""
    return sorted(path.parent.name for path in corpus.glob("*/manifest.toml"))


def read_collection(corpus: Path, name: str) -> Collection:
    """Read the manifest and every source of `corpus/name`.

    Raises:
        FootnoteError: naming what is wrong, where, and how to mend it.

    """
    folder = corpus / name
    path = folder / "manifest.toml"
    if not path.is_file():
        known = ", ".join(list_collections(corpus)) or "none"
        raise FootnoteError(f"No collection {name!r} in {corpus} (found: {known}). Add {path}.")
    manifest = validate(Manifest, read_toml(path), path)
    seen: set[str] = set()
    for entry in manifest.source:
        if entry.id in seen:
            raise FootnoteError(f"{path}: two sources have the id {entry.id!r}. Rename one.")
        seen.add(entry.id)
    sources = tuple(_read_source(folder, entry) for entry in manifest.source)
    return Collection(
        name,
        manifest.title,
        manifest.about,
        manifest.language,
        folder,
        sources,
        manifest.about_in,
    )


def fingerprint(folder: Path) -> str:
    """Hash every file of a collection's folder with its name: tells whether an index is stale."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read_source(folder: Path, entry: Entry) -> Source:
    path = folder / entry.file
    if folder.resolve() not in path.resolve().parents:
        raise FootnoteError(
            f"{folder}/manifest.toml: {entry.file!r} leaves the folder. Move it in."
        )
    text = load_text(path)
    residue = []
    for furniture in entry.residue:
        found = [Span(*m.span()) for m in re.finditer(re.escape(furniture), text)]
        if not found:
            raise FootnoteError(
                f"{folder}/manifest.toml: residue {furniture!r} of {entry.id} is not in "
                f"{entry.file}. Copy it exactly or take it out."
            )
        residue.extend(found)
    fields = entry.model_dump(exclude={"file", "residue"})
    return Source(text=text, residue=tuple(sorted(residue)), **fields)
