"""What keeps the code in shape: layers, wording, the README, quiet imports."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from assistant.settings import Settings
from assistant.values import Kind
from assistant.wording import locales, notice_for
from tests.conftest import ROOT

PACKAGE = ROOT / "assistant"
LAYERS = [
    {"errors", "values", "injection", "palette"},
    {"settings", "wording", "clean", "loaders", "rulebook", "sentences", "language", "feedback", "grounding", "guard"},
    {"corpus", "triage", "rendering", "reader", "encoder", "schemas", "spelling", "sites"},
    {"bank", "replies", "retrieval", "storage", "markup", "limiter"},
    {"heads", "alarm", "followup", "compose"},
    {"index"},
    {"decide"},
    {"pipeline"},
    {"engine"},
    {"service"},
    {"wiring", "widget", "visit"},
    {"messages", "document"},
    {"conversation"},
    {"components"},
    {"runnable", "files", "chat"},
    {"api"},
    {"page"},
    {"server"},
    {"__main__", "review"},
]  # fmt: skip
HEAVY = {
    "chromadb": {"storage", "index", "retrieval"},
    "langchain_chroma": {"index"},
    "sentence_transformers": {"encoder"},
    "torch": {"encoder"},
    "gradio": {"chat"},
}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.glob("*.py") if p.stem != "__init__")


def imported(path: Path) -> list[tuple[str, bool]]:
    """Every imported module with whether it is imported when the module is."""
    tree = ast.parse(path.read_text())
    top = set(tree.body)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"assistant.{a.name}" for a in node.names]
                if node.module == "assistant"
                else [node.module]
            )
            found += [(name, node in top) for name in names]
        elif isinstance(node, ast.Import):
            found += [(a.name, node in top) for a in node.names]
    return found


def test_every_module_has_its_layer() -> None:
    assert {p.stem for p in modules()} <= set().union(*LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_imports_point_down(path: Path) -> None:
    level = {name: n for n, layer in enumerate(LAYERS) for name in layer}
    for name, _ in imported(path):
        if name.startswith("assistant."):
            other = name.split(".")[1]
            assert level[other] < level[path.stem], f"{path.stem} → {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_heavy_libraries_are_imported_in_their_places_and_only_when_used(path: Path) -> None:
    for name, at_import in imported(path):
        root = name.split(".")[0]
        if root in HEAVY:
            assert path.stem in HEAVY[root], f"{path.stem} imports {root}"
            # `if TYPE_CHECKING` is not top level either.
            assert not at_import, f"{path.stem} imports {root} at import"


def test_serving_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, assistant.server, assistant.wiring, assistant.engine, assistant.api\n"
        "print([m for m in ('torch','transformers','sentence_transformers','gradio','sklearn','scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def flat(table: dict, prefix: str = "") -> dict[str, str]:
    out = {}
    for key, value in table.items():
        out |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        )
    return out


@pytest.mark.parametrize("locale", locales())
def test_every_locale_has_the_texts_with_the_same_blanks(locale: str) -> None:
    read = lambda name: flat(tomllib.loads((PACKAGE / "wording" / f"{name}.toml").read_text()))  # noqa: E731
    english, other = read("en"), read(locale)
    assert set(other) - set(english) <= {"about", "clinic"}
    for key, text in other.items():
        if key in english:
            assert fields(text) == fields(english[key]), key
    assert other["notice.version"] == english["notice.version"]
    needed = {
        k
        for k in english
        if k.split(".")[0] in ("notice", "lead", "urgent", "smalltalk", "refused", "actions")
    }
    assert needed <= set(other)
    for kind in Kind:
        assert notice_for(kind, locale).text


def test_nothing_in_the_readme_is_stale() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        row = f"| `FOOTNOTE_{name.upper()}` |"
        assert row in readme, f"README lacks {row}"
        assert field.description in readme, f"README's text for {name} differs"
    for path in re.findall(r"^(\w[\w./-]+\.(?:py|toml|md))\s", readme, re.MULTILINE):
        assert (ROOT / path).exists() or (PACKAGE / path).exists(), path
    run = (ROOT / ".ci" / "run").read_text()
    assert "make check" in run
    assert "make check" in readme


def test_the_readmes_python_example_runs(engine, monkeypatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks, "the README has no Python example"
    monkeypatch.setattr("assistant.wiring.build_engine", lambda *_: engine)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_the_project_names_no_host_and_no_path_of_a_machine() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    for name in tracked.stdout.split():
        if name.endswith((".py", ".toml", ".md", "Makefile", "run", ".txt")):
            text = (ROOT / name).read_text(errors="ignore")
            assert "/work/" + "main" not in text, name
            assert "pypi" + ".org" not in text, name
