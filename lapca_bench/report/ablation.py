"""The table of an ablation: every variant of a plan on every collection, with its difference to the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.atomic import atomic_path
from lapca_bench.scoring.observations import Float64, observations_of, summed, translations
from lapca_bench.scoring.significance import DEFAULT_TEST, Settings, Test, holm, intervals, p_values

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class VariantRow:
    """One variant on one collection; differences are to the reference, on the same queries."""

    variant: str
    collection: str
    measure: str
    queries: int
    mean: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    p_holm: float


def rows(
    scores: Mapping[str, Sequence[pd.DataFrame]], reference: str, test: Test = DEFAULT_TEST
) -> Iterator[VariantRow]:
    """Every variant on every collection against `reference`.

    `scores` holds a frame per seed of every variant, with the columns collection, query, measure and value; seeds are
    averaged query by query. Intervals and tests take the translations of a query as one observation. p-values are
    corrected after Holm over all variants and collections; 1 for the reference.
    """
    frames = {variant: _averaged(of_seeds) for variant, of_seeds in scores.items()}
    collections = list(dict.fromkeys(frames[reference]["collection"]))
    matrices: dict[str, Float64] = {}
    queries: dict[str, int] = {}
    for name in collections:
        columns = [frame[frame["collection"] == name].set_index("query")["value"] for frame in frames.values()]
        index = columns[0].index
        of_query = np.stack([column.reindex(index).to_numpy(dtype=np.float64) for column in columns])
        names = observations_of(list(index), translations(name, ""), name)
        matrices[name] = summed(names, np.full(len(index), 1.0 / len(index)), of_query)[1]
        queries[name] = len(index)
    place = list(frames).index(reference)
    differences = {name: matrix - matrix[place] for name, matrix in matrices.items()}
    bounds = {name: intervals(matrix) for name, matrix in matrices.items()}
    moved = {name: intervals(matrix) for name, matrix in differences.items()}
    uncorrected = {name: p_values(matrix, Settings(test)) for name, matrix in differences.items()}
    tested = [row for row in range(len(frames)) if row != place]
    corrected = iter(holm([uncorrected[name][row] for name in collections for row in tested]))
    adjusted = {name: {row: float(next(corrected)) for row in tested} for name in collections}
    for number, variant in enumerate(frames):
        for name in collections:
            values = matrices[name][number]
            yield VariantRow(
                variant,
                name,
                str(frames[variant]["measure"].iloc[0]),
                queries[name],
                float(values.mean()),
                float(bounds[name][number, 0]),
                float(bounds[name][number, 1]),
                float(differences[name][number].mean()),
                float(moved[name][number, 0]),
                float(moved[name][number, 1]),
                adjusted[name].get(number, 1.0),
            )


def write_rows(found: Sequence[VariantRow], out: Path) -> Path:
    """`ablations.csv` in the folder `out`."""
    import pandas as pd

    path = out / "ablations.csv"
    with atomic_path(path) as temporary:
        pd.DataFrame([vars(row) for row in found]).round(6).to_csv(temporary, index=False)
    return path


def markdown(found: Sequence[VariantRow]) -> str:
    """The table in percent: means with their 95 % intervals, differences to the reference, * where p < .05."""
    collections = list(dict.fromkeys(row.collection for row in found))
    head = [f"{name}, {row.measure}" for name in collections for row in found[:1]]
    lines = ["| | " + " | ".join(f"{title} | difference" for title in head) + " |"]
    lines.append("|---|" + "---:|---:|" * len(collections))
    by_variant: dict[str, list[VariantRow]] = {}
    for row in found:
        by_variant.setdefault(row.variant, []).append(row)
    for variant, cells in by_variant.items():
        shown = [f"{_percent(row.mean, row.low, row.high)} | {_moved(row)}" for row in cells]
        lines.append(f"| {variant} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _percent(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _moved(row: VariantRow) -> str:
    if row.difference == row.difference_low == row.difference_high == 0.0:
        return "–"
    star = "*" if row.p_holm < 0.05 else ""
    return f"{100 * row.difference:+.1f} [{100 * row.difference_low:+.1f}, {100 * row.difference_high:+.1f}]{star}"


def _averaged(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The mean over seeds, query by query."""
    import pandas as pd

    keys = ["collection", "measure", "query"]
    return pd.concat(frames).groupby(keys, sort=False)["value"].mean().reset_index()
