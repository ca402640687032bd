"""The page of one board: its table as written into the page, and the data that board.js computes with.

The table is written in the state that the script starts in, so that the page needs no script to be read and the
script has nothing to do at first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lapca_bench.report.board.dots import Axis, axis_of
from lapca_bench.report.board.model import Board, Entry, Score, Standing
from lapca_bench.report.board.queries import selection_key
from lapca_bench.report.board.site import page, slug
from lapca_bench.report.board.svg import scatters
from lapca_bench.visible import visible

DIGITS = 1  # decimals on the pages, in percent; downloads hold all
MOST_NUMBERS = 28  # columns; a board of more opens as a strip of heat, without numbers in its cells
MANY = 18  # columns; more stand closer together
LARGE = 10_000  # cells; rows of a larger board are laid out only where they are seen


def number(fraction: float, digits: int = DIGITS) -> str:
    """A fraction in percent."""
    return f"{100 * fraction:.{digits}f}"


def heat(value: float, low: float, high: float) -> str:
    """The class of a value among those from `low` to `high`: "h0" to "h9", "" where they are all equal."""
    return f"h{int((value - low) / (high - low) * 9 + 0.5)}" if high > low else ""


def interval(bounds: tuple[float, float] | None) -> str:
    """An interval in brackets, "" where there is none."""
    return f"[{number(bounds[0])}, {number(bounds[1])}]" if bounds else ""


def _shown(score: Score) -> str:
    """With the page's digits, or fewer where the source printed fewer."""
    return number(score.mean, DIGITS if score.digits is None else min(score.digits, DIGITS))


def comparable_mean(board: Board, entry: Entry, measure: str) -> float | None:
    """The printed mean, or the macro mean. A mean printed over some of the board's columns is not comparable: None."""
    standing = entry.standings.get(measure, Standing())
    if standing.printed is not None and entry.covered(measure, board.tasks) in {0, len(board.tasks)}:
        return standing.printed
    return standing.macro


def board_page(board: Board) -> str:
    """The page as HTML."""
    board = _by_script(board)
    measure = board.measures[0]
    entries = sorted(board.entries, key=lambda entry: _descending(comparable_mean(board, entry, measure)))
    counts = [task.queries for task in board.tasks]
    styles = {task.key: _styles(board, task.key) for task in board.tasks}
    means = [(comparable_mean(board, entry, measure), _interval(board, entry, measure)) for entry in entries]
    axis = axis_of((mean, bounds) for mean, bounds in means if mean is not None)
    return page(
        "board.html.j2",
        board.title,
        {
            "board": board,
            "collection_page": slug(board.collection),
            "queries": sum(c for c in counts if c is not None) if all(c is not None for c in counts) else None,
            "rows": [_row(board, entry, styles, axis) for entry in entries],
            "ends": "" if axis is None else f"{number(axis.low, 0)} to {number(axis.high, 0)}",
            "strip": len(board.tasks) > MOST_NUMBERS,
            "many": len(board.tasks) > MANY,
            "large": len(board.tasks) * len(entries) > LARGE,
            "groups": _groups(board),
            "filters": {
                "kind": sorted({entry.kind for entry in entries}),
                "setting": sorted({entry.setting for entry in entries}),
                "origin": sorted({entry.origin for entry in entries}),
            },
            "scripts_of_tasks": sorted({task.script for task in board.tasks if task.script}),
            "plots": scatters(board, entries),
            "json_file": f"{slug(board.name)}.json",
        },
        scripts=["export.js", "dots.js", "linked.js", "board.js", "menus.js"],
        data={"board-data": _data(board, entries)},
    )


def _descending(mean: float | None) -> tuple[bool, float]:
    return mean is None, -(mean or 0.0)


def _by_script(board: Board) -> Board:
    """The board with the languages of one script beside each other, otherwise in the order they have."""
    order = {script: place for place, script in enumerate(dict.fromkeys(task.script for task in board.tasks))}
    return replace(board, tasks=sorted(board.tasks, key=lambda task: order[task.script]))


def _groups(board: Board) -> list[tuple[str, int]]:
    """For every column the script that begins there and how many columns it has; ("", 0) within a group."""
    scripts = [task.script for task in board.tasks]
    begins = [place == 0 or scripts[place - 1] != script for place, script in enumerate(scripts)]
    return [(s, scripts.count(s)) if begin and s else ("", 0) for s, begin in zip(scripts, begins, strict=True)]


def _interval(board: Board, entry: Entry, measure: str) -> tuple[float, float] | None:
    """The interval of the mean that the page shows: a printed mean has none."""
    standing = entry.standings.get(measure, Standing())
    mean = comparable_mean(board, entry, measure)
    return None if mean is None or mean == standing.printed else standing.interval


def _row(board: Board, entry: Entry, styles: Mapping[str, Mapping[float, str]], axis: Axis | None) -> dict[str, object]:
    measure = board.measures[0]
    standing = entry.standings.get(measure, Standing())
    mean = comparable_mean(board, entry, measure)
    cells = []
    for task in board.tasks:
        score = entry.scores.get((measure, task.key))
        style = "" if score is None else styles[task.key][score.mean]
        cells.append(None if score is None else {"text": _shown(score), "href": _href(entry, score), "style": style})
    return {
        "name": visible(entry.system),
        "page": slug(entry.system),
        "pages": entry.results,
        "kind": entry.kind,
        "setting": entry.setting,
        "origin": entry.origin,
        "rank": standing.rank,
        "mean": "–" if mean is None else number(mean),
        "interval": "printed" if mean is not None and mean == standing.printed else interval(standing.interval),
        "dot": None if mean is None or axis is None else axis.dot(mean, _interval(board, entry, measure)),
        "covered": entry.covered(measure, board.tasks),
        "cells": cells,
    }


def _styles(board: Board, key: str) -> dict[float, str]:
    """The classes of every value of a column: heat from h0 to h9, best and second. As `decorate` in board.js."""
    measure = board.measures[0]
    values = [entry.scores[measure, key].mean for entry in board.entries if (measure, key) in entry.scores]
    if not values or max(values) == min(values):
        return dict.fromkeys(values, "num")
    low, high = min(values), max(values)
    printed = sorted({number(value) for value in values}, key=float, reverse=True)
    marks = dict(zip(printed[:2], (" best", " second"), strict=False)) if len(printed) > 1 else {}
    return {v: f"num {heat(v, low, high)}{marks.get(number(v), '')}" for v in values}


def _href(entry: Entry, score: Score) -> str:
    return (
        f"#{score.provenance}"
        if entry.origin == "reported"
        else f"../systems/{slug(entry.system)}.html#{score.provenance}"
    )


def _data(board: Board, entries: Sequence[Entry]) -> dict[str, object]:
    """What board.js computes with. Values are fractions; a score is a short list, see `score` there."""
    keys = {k: place for place, k in enumerate(dict.fromkeys(s.provenance for e in entries for s in e.scores.values()))}

    def cell(entry: Entry, measure: str, key: str) -> list[float | int | str | None] | int:
        score = entry.scores.get((measure, key))
        if score is None:
            return 0
        bounds = [None, None] if score.interval is None else [round(bound, 4) for bound in score.interval]
        text = [_shown(score)] if score.digits is not None and score.digits < DIGITS else []
        ends = [*bounds, *text] if text or score.interval is not None else []
        return [round(score.mean, 6), keys[score.provenance], *ends]

    def standing(entry: Entry, measure: str) -> dict[str, object]:
        known = entry.standings.get(measure, Standing())
        printed = None if known.printed != comparable_mean(board, entry, measure) else known.printed
        return {"rank": known.rank, "interval": known.interval, "printed": printed}

    return {
        "name": slug(board.name),
        "title": visible(board.title),
        "split": board.split,
        "digits": DIGITS,
        "most": MOST_NUMBERS,
        "measures": list(board.measures),
        "keys": list(keys),
        "tasks": [
            {
                "key": t.key,
                "label": visible(t.label),
                "title": visible(t.title),
                "script": t.script,
                "queries": t.queries,
            }
            for t in board.tasks
        ],
        "systems": [
            {
                "name": visible(entry.system),
                "page": slug(entry.system),
                "kind": entry.kind,
                "setting": entry.setting,
                "origin": entry.origin,
                "pages": {slug(result.collection): selection_key(result) for result in entry.results},
            }
            for entry in entries
        ],
        "scores": {
            m: [[cell(entry, m, task.key) for task in board.tasks] for entry in entries] for m in board.measures
        },
        "standings": {measure: [standing(entry, measure) for entry in entries] for measure in board.measures},
    }
