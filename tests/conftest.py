"""One real index for the whole run, and small corpora for everything that needs none."""

import os
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def corpus_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's corpus, copied, so that an edit meanwhile does not make the index stale."""
    folder = tmp_path_factory.mktemp("shipped") / "corpus"
    shutil.copytree(ROOT / "corpus", folder)
    return folder


@pytest.fixture(scope="session")
def index_dir(corpus_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's corpus, ingested with the real encoder; never open: copy it."""
    from assistant.settings import load_settings
    from assistant.wiring import ingest

    folder = tmp_path_factory.mktemp("index")
    settings = load_settings(corpus=corpus_dir, index=folder)
    ingest(settings, "mesotherapy", lambda *_: None)
    return folder


@pytest.fixture(scope="session")
def copy_index(index_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that gives a private copy of the real index (the encoder is shared)."""

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("index-copy")
        shutil.copytree(index_dir / "mesotherapy", folder / "mesotherapy")
        (folder / "encoder").symlink_to(index_dir / "encoder")
        return folder

    return copy


@pytest.fixture(scope="session")
def settings(copy_index, corpus_dir, tmp_path_factory):
    from assistant.settings import load_settings

    return load_settings(
        corpus=corpus_dir,
        index=copy_index(),
        database=f"sqlite:///{tmp_path_factory.mktemp('db')}/feedback.db",
    )


@pytest.fixture(scope="session")
def engine(settings) -> Iterator[object]:
    from assistant.wiring import build_engine

    engine = build_engine(settings)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def client(engine, settings):
    from fastapi.testclient import TestClient

    from assistant.api import create_api
    from assistant.feedback import FeedbackStore
    from assistant.service import Service

    service = Service.of(engine, FeedbackStore(settings.database))
    # From this machine itself, where questions are not counted.
    with TestClient(create_api(service), client=("127.0.0.1", 50000)) as client:
        yield client


FRUIT = {
    "apples.txt": "Apples are sweet. They keep for weeks. However, they bruise.\n\nPears ripen late.",
    "plums.md": "# Plums\n\nPlums are sour before August. Dried plums keep for years.",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus with one small collection, `fruit`, without a bank."""
    folder = tmp_path / "corpus" / "fruit"
    folder.mkdir(parents=True)
    for name, text in FRUIT.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "manifest.toml").write_text(
        textwrap.dedent(
            """
            title = "Fruit"
            about = "fruit"
            [[source]]
            id = "apples"
            file = "apples.txt"
            title = "Apples"
            [[source]]
            id = "plums"
            file = "plums.md"
            title = "Plums"
            """
        )
    )
    return tmp_path / "corpus"


# ------------------------------------------------------------------------------ the browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what drives a browser last.

    Playwright keeps an event loop running in the main thread to the end of the session; no
    `asyncio.run` works there any more.
    """
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def base_url() -> None:
    """There is none. The plugin's own fixture is of a kind that pytest warns of."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict, browser_type) -> dict:
    """An installed Chromium or Playwright's own; without one the tests fail, they do not skip."""
    from playwright.sync_api import expect

    from tests.web import FLAGS, MISSING, find_browser

    found = find_browser(browser_type.executable_path)
    if found is None:
        pytest.fail(MISSING)
    expect.set_options(timeout=15_000)
    return {**browser_type_launch_args, "executable_path": found, "args": FLAGS}
