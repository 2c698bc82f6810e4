"""A source file → its text.

Plain text and Markdown are taken as they lie; from HTML, PDF and Word files the text is
extracted by the well-kept library for each, and that extracted text is what citations point
into and what is served. Nothing is cleaned: offsets must mean the same to everyone.
"""

import io
from collections.abc import Callable
from pathlib import Path

from assistant.errors import FootnoteError


def load_text(path: Path) -> str:
    """Return the text of a source file.

    Raises:
        FootnoteError: missing, unreadable, of an unknown type, wrongly encoded or empty.

    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise FootnoteError(f"{path}: cannot read {path.suffix or 'no'} files. Use one of {known}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FootnoteError(
            f"{path}: {error.strerror}. Put the file there or take it out of the manifest."
        ) from None
    text = reader(path, data)
    if not text.strip():
        raise FootnoteError(f"{path}: holds no text. Replace it (a scan needs OCR first).")
    return text


def _plain(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FootnoteError(
            f"{path}: not UTF-8 (byte 0x{data[error.start]:02x} at {error.start}). "
            f"Convert it, for example: iconv -f windows-1252 -t utf-8"
        ) from None


def _html(path: Path, data: bytes) -> str:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(_plain(path, data), "html.parser")
    for element in soup(["script", "style", "noscript", "template"]):
        element.decompose()
    return soup.get_text("\n")


def _pdf(path: Path, data: bytes) -> str:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    except (PyPdfError, ValueError, KeyError) as error:
        raise FootnoteError(f"{path}: not a readable PDF ({error}). Save it again.") from None
    return "\n\n".join(pages)


def _docx(path: Path, data: bytes) -> str:
    from zipfile import BadZipFile

    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        document = docx.Document(io.BytesIO(data))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError) as error:
        raise FootnoteError(f"{path}: not a readable Word file ({error}). Save it again.") from None
    return "\n\n".join(paragraph.text for paragraph in document.paragraphs)


READERS: dict[str, Callable[[Path, bytes], str]] = {
    ".txt": _plain,
    ".md": _plain,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
}
