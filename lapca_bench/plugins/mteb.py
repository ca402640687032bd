"""MTEB: `mteb.evaluate(for_mteb("me5-small-q4"), tasks)`, and `from_mteb(model)` as an encoder of this project.

Prompts are the card's on the way out: queries and documents each get their side's, pairs of translations those that the
card states for bitext. On the way in MTEB's model chooses its own, by whether it is handed queries or documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.experiment.systems import SystemFactory, dense_system
from lapca_bench.extras import need
from lapca_bench.types import Document, Task

Batch = Mapping[str, Sequence[str]]


class MtebModel:
    """A dense system as a model of MTEB."""

    def __init__(self, system: object, revision: str | None = None, *, device: str | None = None, **_: object) -> None:
        del revision, device  # a card pins the one, a machine has the other
        self._factory = SystemFactory.of([system])
        self._name = self._factory.names[0]
        self._encoders: dict[Task, Encoder] = {}

    def _encoder(self, task: Task = "retrieval") -> Encoder:
        if task not in self._encoders:
            self._encoders[task] = dense_system(self._name, self._factory(self._name, task)).encoder
        return self._encoders[task]

    @cached_property
    def mteb_model_meta(self) -> Any:
        """What MTEB writes beside the results: the system's name, and its digest as the revision."""
        meta = need("mteb.models.model_meta", "mteb").ModelMeta
        encoder = self._encoder()
        about = {
            "name": f"lapca-bench/{encoder.identity.name.replace('/', '-')}",
            "revision": encoder.identity.digest,
            "embed_dim": encoder.dimension,
            "similarity_fn_name": encoder.similarity,
            "framework": [],
        }
        return meta.create_empty(about)

    def encode(
        self, inputs: Iterable[Batch], *, task_metadata: Any, prompt_type: object = None, **_: object
    ) -> Vectors:
        """`(texts, dimension)` float32, by the side that `prompt_type` names; without one the texts are queries."""
        bitext = getattr(task_metadata, "type", "") == "BitextMining"
        encoder = self._encoder("bitext" if bitext else "retrieval")
        side = str(getattr(prompt_type, "value", prompt_type))
        parts = [np.empty((0, encoder.dimension), np.float32)]
        for batch in inputs:
            if side in ("document", "passage"):
                parts.append(encoder.encode_documents(list(_documents(batch))))
            else:
                parts.append(encoder.encode_queries(list(batch["text"])))
        return np.concatenate(parts)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Dot products of all pairs: rows of a cosine encoder are of length 1."""
        torch = need("torch", "dense")
        left, right = (torch.atleast_2d(torch.as_tensor(one)) for one in (embeddings1, embeddings2))
        return left @ right.T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Dot products of the pairs."""
        torch = need("torch", "dense")
        return (torch.as_tensor(embeddings1) * torch.as_tensor(embeddings2)).sum(-1)


def for_mteb(system: object) -> MtebModel:
    """A system for MTEB: a card's name or path, a folder of weights, "file.py:Class", or an object.

    Raises `UsageError` for what names none; for one that is not dense when it first encodes.
    """
    return MtebModel(system)


def _documents(batch: Batch) -> Iterator[Document]:
    """Documents with their titles where MTEB hands them apart, so that they are joined as the card says."""
    texts = batch.get("body", batch["text"])
    titles = batch.get("title") if "body" in batch else None
    for place, text in enumerate(texts):
        yield Document(str(place), text, (titles[place] or "") if titles is not None else "")


class FromMteb:
    """A model of MTEB with a method for each side, which is all that `adapt` and `evaluate` ask for."""

    def __init__(self, model: Any, name: str, batch_size: int) -> None:
        self.name = name
        self.similarity = _similarity(model)
        self._model = model
        self._batch_size = batch_size

    def encode_query(self, texts: list[str]) -> Any:
        """What the model makes of queries."""
        return self._encoded(texts, "query")

    def encode_document(self, texts: list[str]) -> Any:
        """What the model makes of documents."""
        return self._encoded(texts, "document")

    def _encoded(self, texts: list[str], side: str) -> Any:
        data = need("torch.utils.data", "dense")
        types = need("mteb.types", "mteb")
        batches = data.DataLoader([{"text": text} for text in texts], batch_size=self._batch_size)
        kind = types.PromptType(side)
        return self._model.encode(
            batches,
            task_metadata=_retrieval(),
            hf_split="test",
            hf_subset="default",
            prompt_type=kind,
            batch_size=self._batch_size,
        )


def from_mteb(model: Any, name: str | None = None, *, batch_size: int = 32) -> FromMteb:
    """A model of MTEB (`mteb.get_model(...)`) for `evaluate`, called `name` (default: the name in its metadata)."""
    stated = getattr(getattr(model, "mteb_model_meta", None), "name", None)
    return FromMteb(model, name or stated or type(model).__name__, batch_size)


def _similarity(model: Any) -> str:
    stated = getattr(getattr(model, "mteb_model_meta", None), "similarity_fn_name", None)
    return "dot" if str(getattr(stated, "value", stated)) == "dot" else "cosine"


def _retrieval() -> Any:
    """A task of retrieval that is none of MTEB's own, so that no model has a prompt for its name."""
    metadata = need("mteb.abstasks.task_metadata", "mteb").TaskMetadata
    return metadata(
        name="LapcaBenchRetrieval",
        description="A collection of lapca-bench",
        type="Retrieval",
        dataset={"path": "lapca-bench", "revision": "1"},
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
    )
