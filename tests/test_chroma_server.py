"""The same code over a real `chroma run` process: several workers share one index."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.errors import FootnoteError
from assistant.index import build, open_index
from assistant.retrieval import Retriever
from assistant.storage import ServerStorage
from tests.fakes import WordEncoder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--path", str(tmp_path_factory.mktemp("chroma"))],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/api/v2/heartbeat").close()
            break
        except OSError:
            time.sleep(0.1)
    else:
        pytest.fail("chroma run did not start")
    yield url
    process.terminate()
    process.wait(10)


def test_an_index_on_a_server_needs_nothing_but_its_address(server, corpus, tmp_path) -> None:
    encoder = WordEncoder()
    maker = ServerStorage(server, tmp_path / "maker", "fruit")
    summary = build(corpus, "fruit", maker, encoder.identity, WordEncoder)
    assert summary.encoded == 5
    shutil.rmtree(tmp_path / "maker")
    elsewhere = tmp_path / "no-corpus-here"
    readers = [
        open_index(
            elsewhere, "fruit", ServerStorage(server, tmp_path / name, "fruit"), encoder.identity
        )
        for name in ("one", "two")
    ]
    for index in readers:
        retriever = Retriever(index.passages, index.vectors, index.bundle / "bm25")
        (dense,) = retriever.dense(encoder.encode(["Pears ripen late."]).vectors)
        best = retriever.fuse("Pears ripen late.", dense)[0].passage
        text = index.collection.source(best.source_id).text
        assert text[best.span.start : best.span.end] == "Pears ripen late."
        index.close()


def test_a_new_generation_replaces_the_old_on_the_server(server, corpus, tmp_path) -> None:
    storage = ServerStorage(server, tmp_path / "cache", "fruit")
    build(corpus, "fruit", storage, "words/1", WordEncoder)
    reader = open_index(corpus, "fruit", ServerStorage(server, tmp_path / "r", "fruit"), "words/1")
    (corpus / "fruit" / "apples.txt").write_text("Apples are green these days.")
    again = build(corpus, "fruit", storage, "words/1", WordEncoder)
    assert again.changed == ["apples"]
    assert any("sweet" in text for text in reader.vectors.get()["documents"])
    new = open_index(corpus, "fruit", ServerStorage(server, tmp_path / "n", "fruit"), "words/1")
    assert not any("sweet" in text for text in new.vectors.get()["documents"])
    reader.close()
    new.close()


def test_a_second_writer_on_the_server_is_refused(server, corpus, tmp_path) -> None:
    storage = ServerStorage(server, tmp_path / "cache", "fruit")
    with storage.writing(), pytest.raises(FootnoteError, match="is being written by"):
        build(
            corpus, "fruit", ServerStorage(server, tmp_path / "b", "fruit"), "words/1", WordEncoder
        )


def test_no_server_is_said_with_the_remedy(corpus, tmp_path) -> None:
    storage = ServerStorage("http://127.0.0.1:9", tmp_path, "fruit")
    with pytest.raises(FootnoteError, match="No Chroma server at http://127.0.0.1:9.*chroma run"):
        build(corpus, "fruit", storage, "words/1", WordEncoder)
