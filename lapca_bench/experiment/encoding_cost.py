"""What encoding a collection will cost a system: texts, tokens, bytes and seconds, at a rate measured on a few texts.

Systems made of others say so by `parts`; what they encode together is counted once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import AnyEncoder, Tokenises, VectorSide
from lapca_bench.search.system import MadeOfParts, StoresVectors, System
from lapca_bench.store.vectors import VectorStore


@dataclass
class EncodingCost:
    """Texts that are stored and that are missing; of the missing: bytes to write, seconds, tokens (None: not known)."""

    stored: int = 0
    missing: int = 0
    size: int = 0
    seconds: float = 0.0
    tokens: int | None = 0

    def add(self, other: EncodingCost) -> None:
        """Count another one in."""
        self.stored += other.stored
        self.missing += other.missing
        self.size += other.size
        self.seconds += other.seconds
        known = self.tokens is not None and other.tokens is not None
        self.tokens = (self.tokens or 0) + (other.tokens or 0) if known else None


def encoders_of(system: System) -> Iterator[tuple[AnyEncoder, VectorStore]]:
    """Every encoder that a system, or one that it is made of, fills a store with; none for words alone (BM25)."""
    if isinstance(system, StoresVectors) and isinstance(system.store, VectorStore):
        yield system.encoder, system.store
    if isinstance(system, MadeOfParts):
        for part in system.parts:
            yield from encoders_of(part)


@dataclass
class Estimator:
    """Estimates costs; a rate (characters per second) is measured once per encoder and side."""

    _rates: dict[tuple[str, str], float] = field(default_factory=dict)
    _counted: set[tuple[str, str, str]] = field(default_factory=set)
    total: EncodingCost = field(default_factory=EncodingCost)

    def of_system(self, system: System, collection: Collection) -> EncodingCost:
        """What a system would encode for a collection; in `total`, the same encoder and collection count once."""
        cost = EncodingCost()
        for encoder, store in encoders_of(system):
            one = self.of_encoder(encoder, store, collection)
            cost.add(one)
            place = (encoder.identity.digest, collection.card.name, collection.split)
            if place not in self._counted:
                self._counted.add(place)
                self.total.add(one)
        return cost

    def of_encoder(self, encoder: AnyEncoder, store: VectorStore, collection: Collection) -> EncodingCost:
        """What an encoder would have to encode; a few missing texts are encoded to see how long they take."""
        cost = EncodingCost()
        sides: tuple[tuple[VectorSide, Any], ...] = (
            ("document", collection.documents()),
            ("query", collection.queries()),
        )
        for side, texts in sides:
            found = store.cost(encoder, texts, side)
            sample = [text for text in found.sample if text.language == found.sample[0].language]
            shown = [text.content() if side == "document" else text.text for text in sample]
            characters = sum(map(len, shown))
            one = EncodingCost(found.stored, found.missing, found.size)
            if characters:
                one.seconds = found.characters / self._rate(encoder, side, sample, characters)
                one.tokens = _tokens(encoder, side, shown, found.characters / characters)
            cost.add(one)
        return cost

    def _rate(self, encoder: AnyEncoder, side: VectorSide, sample: Sequence[Any], characters: int) -> float:
        place = (encoder.identity.digest, side)
        if place not in self._rates:
            language = sample[0].language or None
            started = time.perf_counter()
            if side == "document":
                encoder.encode_documents(sample, language=language)
            else:
                encoder.encode_queries([text.text for text in sample], language=language)
            self._rates[place] = characters / (time.perf_counter() - started)
        return self._rates[place]


def _tokens(encoder: AnyEncoder, side: VectorSide, sample: Sequence[str], times: float) -> int | None:
    """Tokens read of `times` as many texts as the sample holds; None where the encoder shows none."""
    longest = encoder.identity.settings.get(f"{side}_max_length")
    if not isinstance(encoder, Tokenises):
        return None
    lengths = encoder.tokenise(sample).lengths
    return round(float(np.minimum(lengths, longest if isinstance(longest, int) else lengths).sum()) * times)
