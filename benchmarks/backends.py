"""Encoding by ONNX Runtime in float32 and int8: ours against sentence-transformers on the same exported model."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.encode import PROMPT, best_batch_size, our_encoder, sentence_transformer
from benchmarks.measuring import say, take_turns
from benchmarks.results import Row
from benchmarks.texts import passages
from lapca_bench.collections import registry
from lapca_bench.encoders.kinds.transformer import TransformerEncoder
from lapca_bench.encoders.weights.exported import MANIFEST, export_folder
from lapca_bench.encoders.weights.runtimes import RUNTIMES
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import score_files
from lapca_bench.types import Document, Query

PACKAGES = ("torch", "transformers", "sentence-transformers", "onnxruntime", "optimum")
ROUNDS = 5


def run(small: bool) -> list[Row]:
    """Each round encodes another part of the passages with torch, both exports, and the peer where it runs."""
    count = 40 if small else 640
    documents = passages(count)
    parts = np.array_split(np.arange(count), ROUNDS)
    torch, onnx, int8 = our_encoder(), our_encoder("onnx"), our_encoder("onnx-int8")
    for encoder in (torch, onnx, int8):
        encoder.encode_documents(documents[:2])
    contestants: dict[str, Any] = {
        name: lambda part, encoder=encoder: encoder.encode_documents([documents[place] for place in parts[part]])
        for name, encoder in (("torch", torch), ("onnx", onnx), ("onnx-int8", int8))
    }
    texts = [PROMPT + document.content() for document in documents]
    with tempfile.TemporaryDirectory() as folder:
        peer, how = their_int8(torch, int8, Path(folder))
        size = best_batch_size(peer, texts[: 16 if small else 64])
        contestants["peer"] = lambda part: peer.encode([texts[place] for place in parts[part]], batch_size=size)
        turns = take_turns(contestants, ROUNDS)
    gates = {
        name: json.loads((folder_of(encoder) / MANIFEST).read_text())
        for name, encoder in (("onnx", onnx), ("onnx-int8", int8))
    }
    scores = {name: ndcg(encoder, small) for name, encoder in (("torch", torch), ("onnx-int8", int8))}
    raw = {"seconds": turns.seconds, "gates": gates, "nDCG@10": scores}
    lengths = torch.tokenise(texts, 512).lengths
    rate = {name: turns.rate([int(lengths[part].sum()) for part in parts], name) for name in turns.seconds}
    loss = 100 * (scores["torch"] - scores["onnx-int8"])
    return [
        Row(
            f"encode {count} passages, ONNX Runtime float32",
            f"{rate['onnx']:,.0f} tokens/s",
            f"our torch: {rate['torch']:,.0f} tokens/s",
            turns.ratio("torch", "onnx"),
            None,
            f"least cosine to torch {gates['onnx']['least cosine']:.6f}",
        ),
        Row(
            f"encode {count} passages, ONNX Runtime int8",
            f"{rate['onnx-int8']:,.0f} tokens/s",
            f"our torch: {rate['torch']:,.0f} tokens/s",
            turns.ratio("torch", "onnx-int8"),
            None,
            f"nDCG@10 {100 * scores['torch']:.1f} → {100 * scores['onnx-int8']:.1f} (loss {loss:+.1f}, may be 0.5)",
            raw=raw,
        ),
        Row(
            f"encode {count} passages, ONNX Runtime int8, against the peer's",
            f"{rate['onnx-int8']:,.0f} tokens/s",
            f"sentence-transformers, {how}, the same int8 file, batch {size}: {rate['peer']:,.0f} tokens/s",
            turns.ratio("peer", "onnx-int8"),
            1.2,
        ),
    ]


def folder_of(encoder: TransformerEncoder) -> Path:
    """Where the export of an encoder lies."""
    settings = encoder.identity.settings
    digests = {what: str(settings[f"document.{what}"]) for what in ("weights", "tokenizer")}
    backend = "onnx-int8" if settings["backend"] == "onnx-int8" else "onnx"
    return export_folder(digests, backend)


def their_int8(torch: TransformerEncoder, int8: TransformerEncoder, folder: Path) -> tuple[Any, str]:
    """sentence-transformers on our int8 file, and how: by its own backend where optimum is here.

    Where it is not (optimum wants an older transformers than we do), its own tokenising, sorting, batching and pooling
    run over ONNX Runtime with all cores, which is what its backend does.
    """
    shutil.copytree(torch.folder, folder / "model")
    file = folder / "model" / "model.onnx"
    shutil.copy(folder_of(int8) / RUNTIMES["onnx-int8"].file, file)
    try:
        return sentence_transformer(folder / "model", backend="onnx"), "its onnx backend"
    except Exception as error:  # noqa: BLE001 - whatever its optional parts raise
        say(f"sentence-transformers' own backend: {str(error).splitlines()[0]}")
    model = sentence_transformer(folder / "model")
    model[0].forward = by_onnx(file)
    return model, "its encode over ONNX Runtime (optimum, which its own backend needs, does not go with transformers 5)"


def by_onnx(file: Path) -> Any:
    """The forward pass of sentence-transformers' transformer module, by ONNX Runtime."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = machine.threads()
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def forward(features: dict[str, Any], **_: Any) -> dict[str, Any]:
        fed = {name: features[name].numpy() for name in ("input_ids", "attention_mask")}
        return {**features, "token_embeddings": torch.from_numpy(session.run(["states"], fed)[0])}

    return forward


def ndcg(encoder: TransformerEncoder, small: bool) -> float:
    """nDCG@10 of held-out titles on a pool of help pages of two languages."""
    count = 20 if small else 150
    collection = registry.load("help-pages/de-en", "heldout")
    relevance = collection.relevance()
    if not isinstance(relevance, Qrels):
        raise TypeError(collection.card.name)
    queries: list[Query] = list(collection.queries())[:count]
    wanted = {document for query in queries for document in relevance.relevant(query.id)}
    rest = [document for document in collection.documents() if document.id not in wanted][: 4 * count]
    pool: list[Document] = [document for document in collection.documents() if document.id in wanted] + rest
    scores = encoder.encode_queries([query.text for query in queries]) @ encoder.encode_documents(pool).T
    ranking = {
        query.id: dict(zip([document.id for document in pool], row.tolist(), strict=True))
        for query, row in zip(queries, scores, strict=True)
    }
    judged = Qrels({query.id: relevance.judgements[query.id] for query in queries})
    return float(score_files(Run.from_dict("run", ranking), judged, ["nDCG@10"]).values("nDCG@10").mean())
