"""Encoding real passages in float32: ours by two libraries, sentence-transformers, and the processor's limit."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.measuring import Turns, say, take_turns, torch_profile
from benchmarks.results import Row
from benchmarks.texts import passages
from lapca_bench.encoders.kinds.transformer import TransformerEncoder, TransformerSettings
from lapca_bench.search.registry import find_card

PACKAGES = ("torch", "transformers", "tokenizers", "sentence-transformers", "openvino", "numpy")
CARD = "me5-small-q4"  # multilingual-e5-small in float32; its weights were stored in 4 bits
PROMPT = "passage: "
BATCH_SIZES = (8, 16, 32, 64)
ROUNDS = 8
BACKENDS = {"torch": "torch", "OpenVINO": "openvino"}
PEER = "sentence-transformers"


def run(small: bool) -> list[Row]:
    """Each round encodes another part of the passages with all; they are 250 tokens long in the mean."""
    count = 160 if small else 4096
    parts = np.array_split(np.arange(count), 5 if small else ROUNDS)
    documents = passages(count)
    ours = {name: our_encoder(backend) for name, backend in BACKENDS.items()}
    torch = ours["torch"]
    peer = sentence_transformer(folder_of(torch))
    texts = [PROMPT + document.content() for document in documents]
    batch_size = best_batch_size(peer, texts[: 16 if small else 64])
    vectors: dict[str, list[Any]] = {name: [] for name in (*ours, PEER)}
    rates: list[dict[str, float]] = []

    def encode(name: str, part: int) -> None:
        vectors[name].append(ours[name].encode_documents([documents[place] for place in parts[part]]))

    def encode_by_peer(part: int) -> None:
        vectors[PEER].append(peer.encode([texts[place] for place in parts[part]], batch_size=batch_size))

    def multiply(_: int) -> None:
        rates.append(machine.multiply_rate())

    for encoder in ours.values():
        encoder.encode_documents(documents[:4])
    contestants = {name: partial(encode, name) for name in ours}
    turns = take_turns({**contestants, PEER: encode_by_peer, "sgemm": multiply}, len(parts))
    lengths = torch.tokenise(texts, 512).lengths
    tokens = [int(lengths[part].sum()) for part in parts]
    work = [forward_work(torch, lengths[part]) for part in parts]
    raw = {
        "seconds": turns.seconds,
        "tokens": tokens,
        "flops": work,
        "sgemm": rates,
        "least cosine": {name: least_cosine(vectors[name], vectors[PEER]) for name in ours},
        "peer's batch size": batch_size,
    }
    profile = torch_profile(lambda: torch.encode_documents(documents[: 8 if small else 64]))
    rows = []
    for name in ours:
        speed = Row(
            f"encode {count:,} passages (help-pages, 15 languages), float32, {name}",
            f"{turns.rate(tokens, name):,.0f} tokens/s",
            f"sentence-transformers, batch {batch_size}: {turns.rate(tokens, PEER):,.0f} tokens/s",
            turns.ratio(PEER, name),
            1.5,
            f"least cosine between both {raw['least cosine'][name]:.7f}"
            + ("" if name == "torch" else f"; {turns.ratio('torch', name):.2f} times as fast as ours by torch"),
            note=profile if name == "torch" else "",
            raw=raw if name == "torch" else {},
        )
        rows += [speed, share_of_limit(name, work, turns, rates)]
    return rows


def least_cosine(vectors: list[Any], others: list[Any]) -> float:
    """The least over all rounds; both are normalised."""
    return min(float((mine * other).sum(axis=1).min()) for mine, other in zip(vectors, others, strict=True))


def share_of_limit(name: str, work: list[float], turns: Turns, rates: list[dict[str, float]]) -> Row:
    """How much of what the fastest library's matrix product does in a second one of ours does in it."""
    reached = [flops / seconds for flops, seconds in zip(work, turns.seconds[name], strict=True)]
    shares = {
        library: median(one / rate[library] for one, rate in zip(reached, rates, strict=True)) for library in rates[0]
    }
    best = min(shares, key=lambda library: shares[library])
    return Row(
        f"share of the best sgemm rate reached by {name} (work of real tokens alone, {machine.threads()} threads)",
        f"{median(reached) / 1e9:.0f} GFLOP/s",
        f"sgemm {machine.SIDE}³ in the same rounds: "
        + ", ".join(f"{library} {median(r[library] for r in rates) / 1e9:.0f}" for library in rates[0]),
        shares[best],
        0.75,
        f"the best is that of {best}; of torch's own `@` it is {shares['torch']:.2f}",
        raw={"shares": shares},
    )


def our_encoder(backend: str = "torch") -> TransformerEncoder:
    """The card's encoder by a backend; raises `MissingResourceError` unless its weights were fetched."""
    settings = find_card(CARD).encoder
    if not isinstance(settings, TransformerSettings):
        raise TypeError(CARD)
    return TransformerEncoder(settings.model_copy(update={"backend": backend}), CARD)


def folder_of(encoder: TransformerEncoder) -> Path:
    """The transformers folder that the encoder loads."""
    return encoder.folder


def sentence_transformer(folder: Path, **options: Any) -> Any:
    """The same model, pooled and normalised in the same way, by sentence-transformers."""
    from sentence_transformers import SentenceTransformer, models

    transformer = models.Transformer(str(folder), max_seq_length=512, **options)
    width = transformer.get_word_embedding_dimension()
    return SentenceTransformer(
        modules=[transformer, models.Pooling(width, pooling_mode="mean"), models.Normalize()], device="cpu"
    )


def best_batch_size(peer: Any, texts: list[str]) -> int:
    """The fastest of the batch sizes on a few passages, the first of two tries being a warm-up."""
    seconds = {}
    for size in BATCH_SIZES:
        peer.encode(texts[:size], batch_size=size)
        started = time.perf_counter()
        peer.encode(texts, batch_size=size)
        seconds[size] = time.perf_counter() - started
    say(f"peer by batch size: {seconds}")
    return min(seconds, key=lambda size: seconds[size])


def forward_work(encoder: TransformerEncoder, lengths: Any) -> float:
    """Multiplications and additions that real tokens need: projections, feed-forward, and attention within a text."""
    config = encoder.configuration
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    per_token = 2 * layers * (4 * width**2 + 2 * width * inner)
    attention = 4 * layers * width
    return float(per_token * lengths.sum() + attention * (lengths.astype(np.float64) ** 2).sum())
