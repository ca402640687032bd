"""Encoding real passages in float32: ours against sentence-transformers, and against the processor's limit."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.measuring import say, take_turns, torch_profile
from benchmarks.results import Row
from benchmarks.texts import passages
from lapca_bench.encoders import build
from lapca_bench.encoders.transformer import TransformerEncoder
from lapca_bench.search.registry import find_card

PACKAGES = ("torch", "transformers", "tokenizers", "sentence-transformers", "numpy")
CARD = "me5-small-q4"  # multilingual-e5-small in float32; its weights were stored in 4 bits
PROMPT = "passage: "
BATCH_SIZES = (8, 16, 32, 64)
ROUNDS = 8


def run(small: bool) -> list[Row]:
    """Each round encodes another part of the passages with both; they are 250 tokens long in the mean."""
    count = 160 if small else 4096
    parts = np.array_split(np.arange(count), 5 if small else ROUNDS)
    documents = passages(count)
    encoder = our_encoder()
    peer = sentence_transformer(folder_of(encoder))
    texts = [PROMPT + document.content() for document in documents]
    batch_size = best_batch_size(peer, texts[: 16 if small else 64])
    ours: list[Any] = []
    theirs: list[Any] = []
    rates: list[dict[str, float]] = []

    def encode_ours(part: int) -> None:
        ours.append(encoder.encode_documents([documents[place] for place in parts[part]]))

    def encode_theirs(part: int) -> None:
        theirs.append(peer.encode([texts[place] for place in parts[part]], batch_size=batch_size))

    def multiply(_: int) -> None:
        rates.append(machine.multiply_rate())

    encoder.encode_documents(documents[:4])
    turns = take_turns({"ours": encode_ours, "sentence-transformers": encode_theirs, "sgemm": multiply}, len(parts))
    cosine = min(float((mine * other).sum(axis=1).min()) for mine, other in zip(ours, theirs, strict=True))
    lengths = encoder.tokenise(texts, 512).lengths
    work = [forward_work(encoder, lengths[part]) for part in parts]
    shares = {
        library: median(
            flops / seconds / rate[library]
            for flops, seconds, rate in zip(work, turns.seconds["ours"], rates, strict=True)
        )
        for library in rates[0]
    }
    tokens = [int(lengths[part].sum()) for part in parts]
    raw = {
        "seconds": turns.seconds,
        "tokens": tokens,
        "flops": work,
        "sgemm": rates,
        "least cosine": cosine,
        "peer's batch size": batch_size,
    }
    per_second = {
        name: median(count / seconds for count, seconds in zip(tokens, turns.seconds[name], strict=True))
        for name in ("ours", "sentence-transformers")
    }
    name = f"encode {count:,} passages (help-pages, 15 languages), float32, torch"
    best = min(shares, key=lambda library: shares[library])
    return [
        Row(
            name,
            f"{per_second['ours']:,.0f} tokens/s",
            f"sentence-transformers, batch {batch_size}: {per_second['sentence-transformers']:,.0f} tokens/s",
            turns.ratio("sentence-transformers"),
            1.5,
            f"least cosine between both {cosine:.7f}",
            note=torch_profile(lambda: encoder.encode_documents(documents[: 8 if small else 64])),
            raw=raw,
        ),
        Row(
            f"share of the best sgemm rate reached by it (work of real tokens alone, {machine.threads()} threads)",
            f"{median(f / s for f, s in zip(work, turns.seconds['ours'], strict=True)) / 1e9:.0f} GFLOP/s",
            f"sgemm {machine.SIDE}³ in the same rounds: "
            + ", ".join(f"{library} {median(r[library] for r in rates) / 1e9:.0f}" for library in rates[0]),
            shares[best],
            0.75,
            f"the best is that of {best}; of torch's own `@` it is {shares['torch']:.2f}",
            raw={"shares": shares},
        ),
    ]


def our_encoder(card: str = CARD) -> TransformerEncoder:
    """The encoder of a card; raises `MissingResourceError` unless its weights were fetched."""
    settings = find_card(card).encoder
    if settings is None:
        raise ValueError(card)
    encoder = build(settings, card)
    if not isinstance(encoder, TransformerEncoder):
        raise TypeError(card)
    return encoder


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
