"""Figures for papers (PNG, PDF, SVG): languages of several systems with intervals, and language bias as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.atomic import atomic_path
from lapca_bench.errors import UsageError
from lapca_bench.store.results import StoredResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lapca_bench.scoring.bias import LanguageMatrix

SUFFIXES = (".png", ".pdf", ".svg")
# Okabe and Ito's colours, which readers with any colour vision tell apart.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")


@dataclass(frozen=True)
class GroupedBars:
    """Means and 95 % intervals of systems (rows) on languages (columns); NaN where a system has no value."""

    measure: str
    systems: Sequence[str]
    languages: Sequence[str]
    means: np.typing.NDArray[np.float64]
    intervals: np.typing.NDArray[np.float64]  # (systems, languages, 2)


def bars_of(results: Sequence[StoredResult], measure: str | None = None) -> GroupedBars:
    """The languages of results of one table; raises `UsageError` where none is scored by the measure."""
    from lapca_bench.scoring.measures import parse_mean
    from lapca_bench.scoring.significance import intervals

    if not results:
        raise UsageError("no result to plot", remedy="run an experiment first: lapca-bench run --help")
    shown = str(parse_mean(measure)) if measure else str(results[0].scores["measure"].iloc[0])
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for result in results:
        frame = result.scores[result.scores["measure"] == shown]
        for language, rows in frame.groupby("language", sort=False):
            values = np.asarray(rows["value"], dtype=np.float64)
            low, high = intervals(values[None, :])[0]
            found[result.system, str(language)] = (float(values.mean()), float(low), float(high))
    if not found:
        scored = ", ".join(dict.fromkeys(results[0].scores["measure"]))
        raise UsageError(f"no result was scored by {shown}", key="measure", remedy=f"scored: {scored}")
    systems = tuple(dict.fromkeys(system for system, _ in found))
    languages = tuple(sorted({language for _, language in found}))
    table = np.full((len(systems), len(languages), 3), np.nan)
    for (system, language), values_ in found.items():
        table[systems.index(system), languages.index(language)] = values_
    return GroupedBars(shown, systems, languages, table[..., 0], table[..., 1:])


def draw_bars(bars: GroupedBars, title: str) -> Figure:
    """Grouped bars per language with whiskers; a missing value has no bar."""
    figure = new_figure(max(5.0, 0.5 + len(bars.languages) * (0.28 + 0.13 * len(bars.systems))), 3.4)
    axes = figure.subplots()
    width = 0.82 / len(bars.systems)
    places = np.arange(len(bars.languages))
    for number, system in enumerate(bars.systems):
        mean = 100 * bars.means[number]
        whiskers = np.abs(100 * bars.intervals[number].T - mean)
        offset = (number - (len(bars.systems) - 1) / 2) * width
        axes.bar(
            places + offset,
            mean,
            width,
            yerr=whiskers,
            label=plain(system),
            color=COLORS[number % len(COLORS)],
            hatch="//" if number >= len(COLORS) else None,
            error_kw={"elinewidth": 0.8, "capsize": 1.5},
        )
    axes.set_xticks(places, [plain(language) or "all" for language in bars.languages])
    axes.set_ylabel(f"{bars.measure}, percent")
    axes.set_title(plain(title), fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return figure


def draw_matrix(matrix: LanguageMatrix, title: str) -> Figure:
    """Question language (down) × document language (across): the measure with that language's documents alone."""
    rows = list(matrix.values)
    columns = list(dict.fromkeys(language for cells in matrix.values.values() for language in cells))
    values = np.array(
        [[np.nan if matrix.values[row].get(c) is None else matrix.values[row][c] for c in columns] for row in rows],
        dtype=np.float64,
    )
    values *= 100
    figure = new_figure(2.6 + 0.42 * len(columns), 1.5 + 0.34 * len(rows))
    axes = figure.subplots()
    image = axes.imshow(values, cmap="viridis")
    axes.set_xticks(range(len(columns)), [plain(language) for language in columns])
    axes.set_yticks(range(len(rows)), [plain(language) for language in rows])
    axes.set_xlabel("language of the documents")
    axes.set_ylabel("language of the question")
    middle = (np.nanmin(values) + np.nanmax(values)) / 2 if np.isfinite(values).any() else 0.0
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            color = "white" if value < middle else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=6.5, color=color)
    axes.set_title(plain(title), fontsize=10)
    figure.colorbar(image, ax=axes, label=f"{matrix.measure}, percent", shrink=0.8)
    return figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, at most 40 either way."""
    from matplotlib.figure import Figure

    return Figure(figsize=(min(width, 40.0), min(height, 40.0)), layout="constrained", dpi=160)


def plain(text: str) -> str:
    """`text` that matplotlib takes as text: no mathematics, no control characters, no longer than a legend bears."""
    from lapca_bench.visible import visible

    shown = visible(text).replace("$", r"\$")
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def write(figure: Figure, path: Path) -> None:
    """Write the figure in the format of the suffix; raises `UsageError` for another suffix than PNG, PDF or SVG."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError("no figure format has this suffix", path=path, remedy=f"use one of {', '.join(SUFFIXES)}")
    form = path.suffix.lower().lstrip(".")
    # No date goes into the file: the same figure is the same bytes.
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(form)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=form, metadata=metadata)
