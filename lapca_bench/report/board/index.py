"""The pages in front: the index with its boards by task, and what this site is and how to read it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lapca_bench.collections.base import CollectionCard
from lapca_bench.report.board.model import Board, Entry, Standing
from lapca_bench.report.board.site import page, slug
from lapca_bench.report.board.table import comparable_mean, number
from lapca_bench.scoring.significance import SAMPLES
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible

SHOWN_LEADERS = 4
BAR = 160  # pixels of a mean of 100


@dataclass(frozen=True)
class IndexTask:
    """A part of the index: its heading, a sentence, and the collections or families whose boards stand in it."""

    title: str
    about: str
    families: tuple[str, ...]


OTHERS = IndexTask("More boards", "Collections that this list of tasks does not name.", ())


@cache
def _tasks() -> tuple[IndexTask, ...]:
    text = (files(__package__) / "tasks.toml").read_text(encoding="utf-8")
    return tuple(
        IndexTask(task["title"], task["about"], tuple(task["families"])) for task in tomllib.loads(text)["task"]
    )


def index_page(
    boards: Sequence[Board],
    results: Sequence[StoredResult],
    collections: Sequence[str],
    cards: Mapping[str, CollectionCard],
    systems: Mapping[str, Mapping[str, str]],
    published: int,
) -> str:
    """The index as HTML. `systems` describes those with a card."""
    own: dict[str, list[Board]] = {}
    kinds: dict[str, Entry] = {}
    origins: dict[str, set[str]] = {}
    for board in boards:
        for entry in board.entries:
            own.setdefault(entry.system, []).append(board)
            kinds.setdefault(entry.system, entry)
            origins.setdefault(entry.system, set()).add(entry.origin)
    measured = {result.system for result in results}
    order = sorted(own, key=lambda name: (name not in measured, name.lower()))
    return page(
        "index.html.j2",
        "Leaderboards",
        {
            "tasks": _by_task(boards),
            "boards": len(boards),
            "systems": [
                {
                    "page": slug(name),
                    "name": visible(name),
                    "title": systems.get(name, {}).get("title", ""),
                    "kind": kinds[name].kind,
                    "origins": sorted(origins[name]),
                    "boards": [
                        {"page": slug(b.name), "title": b.title} for b in {b.name: b for b in own[name]}.values()
                    ],
                }
                for name in order
            ],
            "collections": _families(collections, cards, results),
            "results": len(results),
            "published": published,
        },
        scripts=["index.js"],
    )


def about_page() -> str:
    """What this site is, and how to read a board."""
    return page("about.html.j2", "What this site is", {"samples": f"{SAMPLES:,}"})


def _by_task(boards: Sequence[Board]) -> list[dict[str, object]]:
    """The boards of every task, those with measured systems first; boards of no named task at the end."""
    parts: list[tuple[IndexTask, list[Board]]] = [(task, []) for task in (*_tasks(), OTHERS)]
    for board in sorted(boards, key=lambda board: not board.count("measured")):
        names = {board.collection, board.collection.partition("/")[0]}
        exact = [part for part in parts if board.collection in part[0].families]
        family = [part for part in parts if names & set(part[0].families)]
        (exact or family or parts[-1:])[0][1].append(board)
    return [
        {"title": task.title, "about": task.about, "boards": [_card(board) for board in own]}
        for task, own in parts
        if own
    ]


def _card(board: Board) -> dict[str, object]:
    """A board on the index: what it compares, and the rows that a reader looks for first, each with a bar."""
    measure = board.measures[0]
    tested = [entry for entry in board.entries if entry.standings.get(measure, Standing()).rank is not None]
    shown = tested or [entry for entry in board.entries if comparable_mean(board, entry, measure) is not None]
    shown.sort(key=lambda entry: -(comparable_mean(board, entry, measure) or 0.0))
    first = [
        {
            "name": visible(entry.system),
            "page": slug(entry.system),
            "rank": entry.standings[measure].rank,
            "mean": number(comparable_mean(board, entry, measure) or 0.0),
            "bar": round((comparable_mean(board, entry, measure) or 0.0) * BAR, 1),
        }
        for entry in shown[:SHOWN_LEADERS]
    ]
    return {
        "page": slug(board.name),
        "title": board.title,
        "says": _sentence(board),
        "measure": measure,
        "first": first,
        "tested": bool(tested),
    }


def _sentence(board: Board) -> str:
    """What stands on a board, in words."""
    counts = [f"{count} {origin}" for origin in ("measured", "reported") for count in [board.count(origin)] if count]
    total = board.count("measured") + board.count("reported")
    columns = len(board.tasks)
    systems = f"{' and '.join(counts)} system{'' if total == 1 else 's'}"
    return f"{systems} in {columns} language{'' if columns == 1 else 's'}, {board.split} split.".capitalize()


def _families(
    names: Sequence[str], cards: Mapping[str, CollectionCard], results: Sequence[StoredResult]
) -> dict[str, list[dict[str, object]]]:
    """The collections by family."""
    found: dict[str, list[dict[str, object]]] = {}
    for name in sorted(names):
        found.setdefault(name.partition("/")[0], []).append(_listed(name, cards.get(name), results))
    return found


def _listed(name: str, card: CollectionCard | None, results: Sequence[StoredResult]) -> dict[str, object]:
    return {
        "page": slug(name),
        "name": name,
        "title": "" if card is None else card.title,
        "measured": len({result.system for result in results if result.collection == name}),
    }
