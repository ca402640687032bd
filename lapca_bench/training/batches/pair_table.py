"""The table of aligned pairs that `mine` writes and trainings read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.training.batches.settings import PairSettings

if TYPE_CHECKING:
    import pyarrow as pa

Int64 = npt.NDArray[np.int64]

COLUMNS = (
    *("page", "left_language", "right_language", "left", "right", "left_id", "right_id", "margin"),
    *("left_title", "right_title"),
)
_REPEATED = ["left", "right", "left_title", "right_title"]  # a block stands in many pairs: kept once


@dataclass(frozen=True, slots=True)
class Text:
    """One side of a pair: a block, the id of it, and the title of its page."""

    text: str
    language: str
    id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """Two aligned blocks of one linked page."""

    number: int
    page: str
    left: Text
    right: Text


class PairTable:
    """Aligned pairs in columns, from one or more Parquet files that `mine` wrote; `source` numbers the files."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @classmethod
    def read(cls, paths: Sequence[Path]) -> PairTable:
        """All pairs of these files; raises `InputError` for a file that is none of `mine`'s."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables: list[pa.Table] = []
        for path in paths:
            try:
                table = pq.read_table(path, read_dictionary=_REPEATED)
                table.validate(full=True)  # the reader itself lets bytes through that are no UTF-8
                absent = [name for name in COLUMNS if name not in table.column_names]
            except (OSError, pa.ArrowException, ValueError) as error:
                remedy = "make the pairs with `lapca-bench mine`"
                raise InputError(f"not a readable Parquet file: {error}", path=path, remedy=remedy) from error
            if absent:
                raise InputError(f"lacks the column {absent[0]!r}", path=path, remedy="make it with `lapca-bench mine`")
            source = pa.array(np.full(len(table), len(tables), dtype=np.int32))
            tables.append(table.select(list(COLUMNS)).append_column("source", source))
        return cls(pa.concat_tables(tables).unify_dictionaries())

    def __len__(self) -> int:
        """Number of pairs."""
        return int(self._table.num_rows)

    def column(self, name: str) -> list[str]:
        """The values of a column of text."""
        values: list[str] = self._table.column(name).to_pylist()
        return values

    def codes(self, *names: str) -> tuple[list[str], list[Int64]]:
        """The distinct values of text columns in ascending order, and each column as places among them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = [self._table.column(name) for name in names]
        values = pc.unique(pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string()))
        values = values.take(pc.sort_indices(values))
        places = [pc.index_in(column, values).to_numpy().astype(np.int64) for column in columns]
        return values.to_pylist(), places

    @property
    def margins(self) -> npt.NDArray[np.float64]:
        """The margin of every pair."""
        found: npt.NDArray[np.float64] = self._table.column("margin").to_numpy()
        return found

    @property
    def sources(self) -> npt.NDArray[np.int32]:
        """The number of the file that every pair stands in."""
        found: npt.NDArray[np.int32] = self._table.column("source").to_numpy()
        return found

    def filtered(self, settings: PairSettings) -> PairTable:
        """The pairs that the settings keep; raises `InputError` when none is left, or one language alone."""
        names, (left, right) = self.codes("left_language", "right_language")
        wanted = set(settings.languages or names) - set(settings.exclude_languages)
        fits = np.array([name in wanted for name in names], dtype=bool)
        keep = fits[left] & fits[right] & (self.margins >= settings.minimum_margin)
        if settings.english == "only":
            english = np.array([name == "en" for name in names], dtype=bool)
            keep &= english[left] | english[right]
        if not keep.any():
            raise InputError(
                f"no pairs are left of {len(self)} after filtering",
                key="pairs",
                remedy="lower minimum_margin or the mining threshold, or allow more languages",
            )
        found = PairTable(self._table.filter(keep))
        languages, _ = found.codes("left_language", "right_language")
        if len(languages) < 2:
            raise InputError(
                f"the pairs are of one language only ({languages[0]!r}); alignment needs two",
                key="pairs.languages",
                remedy="mine pages that are linked across languages",
            )
        return found

    def pair(self, number: int) -> AlignedPair:
        """The pair of a row."""
        row = self._table.slice(number, 1).to_pylist()[0]
        left, right = (
            Text(row[side], row[f"{side}_language"], row[f"{side}_id"], row[f"{side}_title"])
            for side in ("left", "right")
        )
        return AlignedPair(number, row["page"], left, right)

    def pivots(self, language: str) -> Mapping[str, str]:
        """The text in `language` that each block is aligned with, by block id; and each page's title, by `title_of`."""
        import pyarrow.compute as pc

        found: dict[str, str] = {}
        for side, other in (("left", "right"), ("right", "left")):
            spoken = self._table.filter(pc.equal(self._table.column(f"{side}_language"), language))
            names = ("page", side, f"{side}_id", f"{other}_id", f"{side}_title")
            columns = [spoken.column(name).to_pylist() for name in names]
            for page, text, own, aligned, title in zip(*columns, strict=True):
                found.setdefault(own, text)
                found.setdefault(aligned, text)
                found.setdefault(title_of(page), title)
        return found


def title_of(page: str) -> str:
    """The name of a page's title among the ids of blocks."""
    return f"{page}#title"
