"""The commands: what they print, how they exit; the LangChain faces."""

import io
import json

import pytest

import app
import ingest
from assistant import __main__ as terminal
from assistant.encoder import OnnxEncoder, ReferenceEncoder, export_folder, identify
from assistant.runnable import FootnoteRetriever, FootnoteRunnable


@pytest.fixture
def in_terminal(engine, monkeypatch):
    """The terminal chat on the shared engine, which it must not close for the others."""
    monkeypatch.setattr(terminal, "build_engine", lambda *_: engine)
    monkeypatch.setattr(engine, "close", lambda: None)


def test_a_question_in_the_terminal(in_terminal, capsys) -> None:
    assert terminal.main(["how long does bruising last?"]) == 0
    out = capsys.readouterr().out
    assert "[1]" in out
    assert "not medical advice" in out


def test_json_in_the_terminal_is_what_http_gives(in_terminal, capsys) -> None:
    assert terminal.main(["--json", "is it safe?"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "answer"


def test_a_conversation_in_the_terminal_knows_what_came_before(
    in_terminal, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(
        "sys.stdin",
        io.StringIO("how long does bruising last?\nand the itching?\n" + "x" * 3000 + "\n"),
    )
    assert terminal.main([]) == 0
    out = capsys.readouterr()
    assert "Itching sensations" in out.out
    assert "3000 characters" in out.err


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (ingest.main, ["--corpus", "{tmp}/none"]),
        (ingest.main, ["nothing", "--corpus", "{tmp}"]),
        (ingest.main, ["--index", "http://127.0.0.1:9"]),
    ],
)
def test_what_is_to_be_mended_is_one_line_and_exit_2(main, arguments, tmp_path, capsys) -> None:
    assert main([a.format(tmp=tmp_path) for a in arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FOOTNOTE_INDEX", "{tmp}/none", "Run: python ingest.py"),
        ("FOOTNOTE_COLLECTION", "meat", "Run: python ingest.py meat"),
        ("FOOTNOTE_PORT", "eighty", "FOOTNOTE_PORT='eighty'"),
        ("FOOTNOTE_ENCODER", "{tmp}/no-model", "No index|made with encoder"),
    ],
)
def test_the_server_says_what_is_missing_and_how_to_mend_it(
    name, value, expected, tmp_path, capsys, monkeypatch
) -> None:
    import re

    monkeypatch.setenv(name, value.format(tmp=tmp_path))
    if name != "FOOTNOTE_INDEX":
        monkeypatch.setenv("FOOTNOTE_INDEX", str(tmp_path / "index"))
    assert app.main([]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert re.search(expected, error), error


def test_the_assistant_is_a_runnable(engine) -> None:
    runnable = FootnoteRunnable(engine)
    assert runnable.invoke("how long does bruising last?")["kind"] == "answer"
    follow_up = {"question": "and the itching?", "history": ["how long does bruising last?"]}
    assert "tching" in runnable.invoke(follow_up)["statements"][0]["text"]
    assert [r["kind"] for r in runnable.batch(["hello", "I can't breathe"])] == [
        "smalltalk",
        "urgent",
    ]
    names = [e["event"] for e in runnable.stream("has anybody died?")]
    assert names[0] == "meta"
    assert names.count("statement") >= 2
    assert [e["event"] for e in runnable.stream("I can't breathe")] == ["urgent"]
    composed = runnable | (lambda reply: reply["notice"]["version"])
    assert composed.invoke("hello")


def test_the_retriever_is_a_langchain_retriever(engine) -> None:
    documents = FootnoteRetriever(engine=engine, k=3).invoke("bruises that do not go away")
    assert len(documents) == 3
    for document in documents:
        text = engine.assistant.sources[document.metadata["source"]].text
        assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content


def test_the_export_gives_the_references_vectors(settings) -> None:
    import numpy as np

    texts = ["How long does bruising last?", "x", "mesotherapy " * 300, "Ça va? 😀", ""]
    reference = ReferenceEncoder("bundled").encode(texts)
    ours = OnnxEncoder(export_folder(settings.index, identify("bundled"))).encode(texts)
    for mine, theirs in zip(ours, reference, strict=True):
        cosine = (
            (mine * theirs).sum(axis=1)
            / np.linalg.norm(mine, axis=1)
            / np.linalg.norm(theirs, axis=1)
        )
        assert cosine.min() >= 0.99999
