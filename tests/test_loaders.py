"""Every kind of file is read, and every fault is named with its remedy."""

import io
from pathlib import Path

import pytest

from assistant.errors import FootnoteError
from assistant.loaders import load_text


def test_plain_text_is_taken_as_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Zwei  Zeilen\r\nmit \u00a0Rand\n".encode())
    assert load_text(path) == "Zwei  Zeilen\r\nmit \u00a0Rand\n"


def test_html_gives_its_visible_text(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<h1>Title</h1><p>One &amp; two.</p><script>never()</script>")
    text = load_text(path)
    assert "One & two." in text
    assert "never" not in text


def test_word_files_give_their_paragraphs(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("First paragraph.")
    document.add_paragraph("Second paragraph.")
    document.save(str(tmp_path / "a.docx"))
    assert load_text(tmp_path / "a.docx") == "First paragraph.\n\nSecond paragraph."


def test_pdf_files_give_their_text(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_saying("Bruising fades."))
    assert "Bruising fades." in load_text(tmp_path / "a.pdf")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"", "holds no text"),
        ("a.txt", b" \n\t", "holds no text"),
        ("a.txt", "naïve".encode("latin-1"), "not UTF-8 (byte 0xef at 2)"),
        ("a.pdf", b"this is no PDF", "not a readable PDF"),
        ("a.docx", b"this is no Word file", "not a readable Word file"),
        ("a.xls", b"numbers", "cannot read .xls files"),
    ],
)
def test_a_bad_file_is_named_with_the_remedy(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FootnoteError) as error:
        load_text(path)
    assert expected in str(error.value)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FootnoteError, match="No such file"):
        load_text(tmp_path / "gone.txt")


def pdf_saying(words: str) -> bytes:
    """A one-page PDF, written by hand."""
    stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length " + str(len(stream)).encode() + b" >>\nstream\n" + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.writelines(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out.write(
        f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    )
    return out.getvalue()
