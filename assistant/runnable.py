"""The assistant and its retriever for people who know LangChain: a Runnable, a BaseRetriever.

Adapters only: what goes in and out is translated, nothing is decided here. `stream` yields the
events of HTTP version 1, so only checked statements.
"""

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import ConfigDict

from assistant.engine import Engine
from assistant.rendering import as_json
from assistant.values import Ask, Kind


class FootnoteRunnable(Runnable[str | dict[str, Any], dict[str, Any]]):
    """Question in, reply out, in the shape of HTTP version 1.

    Input: a question, or `{"question": …, "history": [earlier questions], "locale": …}`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def invoke(
        self,
        input: str | dict[str, Any],  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Answer one question.

        Raises:
            RequestError: the question is too long, or there is too much history.

        """
        return self._call_with_config(self._answer, input, config, **kwargs)

    def stream(
        self,
        input: str | dict[str, Any],  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[dict[str, Any]]:
        """Yield `{"event": name, "data": …}` in the order of HTTP's events."""
        reply = self.invoke(input, config, **kwargs)
        if reply["kind"] == Kind.URGENT:
            yield {"event": "urgent", "data": reply}
            return
        rest = {k: v for k, v in reply.items() if k not in ("statements", "citations")}
        yield {"event": "meta", "data": rest}
        for statement in reply["statements"]:
            yield {"event": "statement", "data": statement}
        yield {"event": "citations", "data": reply["citations"]}
        yield {"event": "done", "data": {"id": reply["id"], "kind": reply["kind"]}}

    def _answer(self, given: str | dict[str, Any]) -> dict[str, Any]:
        if isinstance(given, str):
            given = {"question": given}
        ask = Ask(given["question"], tuple(given.get("history", ())), given.get("locale"))
        emergency = self.engine.assistant.replies.clinic.emergency_number
        return as_json(self.engine.ask(ask), emergency)


class FootnoteRetriever(BaseRetriever):
    """Dense and BM25 search, fused; documents carry source, offsets and scores."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Engine
    k: int = 5

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
    ) -> list[Document]:
        (found,) = self.engine.search([query])
        hits = self.engine.retriever.fuse(query, found.dense)[: self.k]
        return [
            Document(
                id=hit.passage.id,
                page_content=self._words(
                    hit.passage.source_id, hit.passage.span.start, hit.passage.span.end
                ),
                metadata={
                    "source": hit.passage.source_id,
                    "start": hit.passage.span.start,
                    "end": hit.passage.span.end,
                    "similarity": hit.similarity,
                    "score": hit.score,
                },
            )
            for hit in hits
        ]

    def _words(self, source_id: str, start: int, end: int) -> str:
        return self.engine.assistant.sources[source_id].text[start:end]
