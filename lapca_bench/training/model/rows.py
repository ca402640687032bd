"""Token ids of texts in padded chunks, as the model in training reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.weights.tokenizer import padded
from lapca_bench.training.model.language_modelling import IGNORED, Int64, MaskVocabulary, hide_tokens
from lapca_bench.training.random_streams import seed_at


@dataclass(frozen=True)
class Pools:
    """Vectors of parts of texts: vector v is made of the `tokens[v]` (vectors, tokens) of the text in row `rows[v]`."""

    rows: Int64
    tokens: npt.NDArray[np.bool_]

    def among(self, rows: Int64) -> npt.NDArray[np.bool_]:
        """Which vectors are made of texts in these rows."""
        return np.isin(self.rows, rows)


@dataclass(frozen=True)
class Rows:
    """Token ids of some texts, padded: `ids`, `mask` (texts, tokens); `labels` hold hidden tokens, `IGNORED` elsewhere.

    `places` are the texts' rows in the joint batch, `seed` makes dropout repeatable. `positions` number the tokens from
    0 where they do not simply follow each other. Where `pools` is there, a text has several vectors, and `places` are
    theirs.
    """

    places: Int64
    ids: Int64
    mask: Int64
    labels: Int64
    seed: int
    positions: Int64 | None = None
    pools: Pools | None = None

    def split(self, parts: int) -> list[Rows]:
        """The same texts in up to `parts` chunks of nearly equal numbers of texts."""
        cut = [rows for rows in np.array_split(np.arange(len(self.ids)), parts) if len(rows)]
        return [self._part(rows) for rows in cut]

    def _part(self, rows: Int64) -> Rows:
        """The texts of some rows that follow each other."""
        places, pools = self.places[rows] if self.pools is None else self.places, self.pools
        if pools is not None:
            own = pools.among(rows)
            places, pools = places[own], Pools(pools.rows[own] - rows[0], pools.tokens[own])
        return replace(
            self,
            places=places,
            ids=self.ids[rows],
            mask=self.mask[rows],
            labels=self.labels[rows],
            positions=None if self.positions is None else self.positions[rows],
            pools=pools,
        )


@dataclass(frozen=True)
class Hide:
    """Hide a `share` of the tokens of the texts at `places` of the joint batch."""

    vocabulary: MaskVocabulary
    share: float
    places: Int64


def pad_rows(
    texts: Sequence[Int64],
    places: Int64,
    pad: int,
    *,
    seed: int,
    hide: Hide | None = None,
) -> Rows:
    """The texts at `places` as one padded chunk, with tokens hidden where `hide` says so.

    Each text's hidden tokens depend on its place and the seed alone, not on the chunk it falls into.
    """
    ids, mask = padded(texts, places, pad)
    labels = np.full_like(ids, IGNORED)
    for row, place in enumerate(places):
        if hide is not None and place in hide.places:
            length = len(texts[place])
            generator = np.random.default_rng((seed, int(place)))
            ids[row, :length], labels[row, :length] = hide_tokens(texts[place], hide.vocabulary, hide.share, generator)
    return Rows(places, ids, mask, labels, seed_at(seed, int(places[0])))
