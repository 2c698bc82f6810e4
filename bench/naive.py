"""A naive application: what a first afternoon with LangChain and Gradio gives, in one process.

`python -m bench.naive STORE PORT` serves a chat page at / and POST /ask. It answers with a fixed
text in place of a model, so that it does less than any real one: retriever, template, fake model
and parser in a chain; imports at the top, as people write them.
"""

import sys
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from pydantic import BaseModel

from bench import peer

TEMPLATE = "Answer from this context only.\n\n{context}\n\nQuestion: {question}"


class Question(BaseModel):
    """The body of POST /ask."""

    question: str


def create_chain(store: Path) -> Runnable[str, str]:
    """Return the chain of the tutorials."""
    context = peer.retriever(store) | (lambda found: "\n\n".join(d.page_content for d in found))
    model = FakeListChatModel(responses=["Bruising usually fades within a week."])
    return (
        {"context": context, "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template(TEMPLATE)
        | model
        | StrOutputParser()
    )


def create_app(store: Path) -> FastAPI:
    """Return the application: /ask is a plain function, so FastAPI runs it in its thread pool."""
    chain, app = create_chain(store), FastAPI()

    @app.post("/ask")
    def ask(body: Question) -> dict[str, str]:
        return {"answer": chain.invoke(body.question)}

    page = gr.ChatInterface(lambda message, _: chain.invoke(message))
    return gr.mount_gradio_app(app, page, path="/")


if __name__ == "__main__":
    uvicorn.run(create_app(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="warning")
