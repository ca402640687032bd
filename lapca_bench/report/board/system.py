"""The page of one system: where it stands, how to run it, its boards, its training, and how each result was made."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from lapca_bench.report.board.data import provenance_key
from lapca_bench.report.board.dots import Axis
from lapca_bench.report.board.model import Board, Entry, Standing
from lapca_bench.report.board.queries import selection_key
from lapca_bench.report.board.site import page, slug
from lapca_bench.report.board.svg import bars
from lapca_bench.report.board.table import comparable_mean, interval, number
from lapca_bench.report.board.training_svg import curves, histogram
from lapca_bench.report.training_record import TrainingRecord
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def system_page(
    name: str,
    own: Sequence[tuple[Board, Entry]],
    card: Mapping[str, str],
    results: Sequence[StoredResult],
    training: TrainingRecord,
) -> str:
    """The page as HTML. `own` are the rows of the system with their boards, `card` is empty where it has none."""
    return page(
        "system.html.j2",
        visible(name),
        {
            "name": visible(name),
            "facts": [("kind", own[0][1].kind), *((key, text) for key, text in card.items() if key != "url")],
            "card_url": card.get("url", ""),
            "command": _command(name, results) if card else "",
            "standings": [_standing(board, entry) for board, entry in own],
            "sections": [_section(board, entry) for board, entry in own],
            "training": _training(training),
            "groups": _groups(results),
        },
    )


def _command(name: str, results: Sequence[StoredResult]) -> str:
    """How to run a system that has a card here, on the first collection that it was measured on."""
    if not results:
        return ""
    first = results[0]
    return shlex.join(["lapca-bench", "run", "-s", name, "-c", first.collection, "--split", first.split])


def _standing(board: Board, entry: Entry) -> dict[str, object]:
    """One line per board: its first measure, and what the runs cost."""
    measure = board.measures[0]
    known = entry.standings.get(measure, Standing())
    mean = comparable_mean(board, entry, measure)
    others = sum(e.standings.get(measure, Standing()).rank is not None for e in board.entries)
    bounds = None if mean is None or mean == known.printed else known.interval
    cost = entry.cost
    return {
        "page": slug(board.name),
        "title": board.title,
        "origin": entry.origin,
        "measure": measure,
        "rank": f"{known.rank} of {others}" if known.rank is not None else "",
        "mean": "" if mean is None else number(mean),
        "interval": interval(bounds),
        "dot": None if mean is None else Axis(0.0, 1.0).dot(mean, bounds),
        "covers": f"{entry.covered(measure, board.tasks)} of {len(board.tasks)}",
        "cost": [
            "" if cost.encode_seconds is None else f"{cost.encode_seconds:,.0f} s",
            "" if cost.queries_per_second is None else f"{cost.queries_per_second:,.0f} per s",
            "" if cost.index_bytes is None else _size(cost.index_bytes),
        ],
    }


def _size(count: float) -> str:
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            return f"{count:,.0f} {unit}"
        count /= 1000
    raise AssertionError


def _section(board: Board, entry: Entry) -> dict[str, object]:
    parts = []
    for measure in board.measures:
        standing = entry.standings.get(measure, Standing())
        mean = standing.printed if standing.printed is not None else standing.macro
        if mean is not None:
            how = "printed mean" if standing.printed is not None else "macro mean"
            rank = f", rank {standing.rank}" if standing.rank is not None else ""
            parts.append(f"{measure}: {how} {number(mean)} {interval(standing.interval)}".strip() + rank)
        else:
            parts.append(
                f"{measure}: {entry.covered(measure, board.tasks)} of {len(board.tasks)} columns, hence no mean"
            )
    plots = [bars(board, entry, measure) for measure in board.measures if entry.covered(measure, board.tasks)]
    keys = dict.fromkeys(score.provenance for score in entry.scores.values())
    return {
        "page": slug(board.name),
        "title": board.title,
        "origin": entry.origin,
        "summary": "; ".join(parts),
        "plots": plots,
        "sources": [board.citations[key] for key in keys if key in board.citations],
    }


def _training(record: TrainingRecord) -> dict[str, object]:
    charts = [histogram(name, margins) for name, margins in record.margins.items()]
    charts += curves(record.curves) if record.curves is not None else []
    return {
        "charts": [chart for chart in charts if chart is not None],
        "mined": [(name, margins.about) for name, margins in record.margins.items() if margins.about],
    }


def _groups(results: Sequence[StoredResult]) -> list[tuple[str, list[dict[str, object]]]]:
    """The results of each family of collections."""
    found: dict[str, list[dict[str, object]]] = {}
    for result in results:
        found.setdefault(f"{result.collection.partition('/')[0]}, {result.split}", []).append(_provenance(result))
    return list(found.items())


def _provenance(result: StoredResult) -> dict[str, object]:
    """A result's means, and everything that is recorded of how it was made."""
    about = dict(result.provenance)
    collection = about.pop("collection", None)
    command = about.pop("command", "")
    facts = [("result key", result.key), ("system digest", result.system_digest)]
    facts += [("digest of " + name, digest) for name, digest in result.digests.items()]
    facts += [
        (f"collection {key}", _text(value))
        for key, value in (collection.items() if isinstance(collection, dict) else ())
    ]
    facts += [(key.replace("_", " "), _text(value)) for key, value in about.items()]
    scores = _scores(result)
    return {
        "key": provenance_key(result),
        "page": slug(result.collection),
        "pair": selection_key(result),
        "collection": result.collection,
        "split": result.split,
        "command": _text(command),
        "first": f"{scores[0][0]} {scores[0][1]}" if scores else "",
        "scores": scores,
        "facts": facts,
    }


def _scores(result: StoredResult) -> list[tuple[str, str, str, str]]:
    """One line per measure: its name, the mean over the languages, the queries, and the languages if several."""
    lines = []
    for measure in dict.fromkeys(a["measure"] for a in result.aggregates):
        own = {a["language"]: a for a in result.aggregates if a["measure"] == measure}
        known = [(lang, own[lang]["mean"]) for lang in result.languages if lang in own]
        means = [mean for _, mean in known if mean is not None]
        if not means:
            continue
        queries = sum(own[lang]["queries"] for lang, _ in known)
        each = "; ".join(f"{lang} {number(mean, 2)}" for lang, mean in known if mean is not None)
        lines.append(
            (measure, number(sum(means) / len(means), 2), f"over {queries:,} queries", each if len(known) > 1 else "")
        )
    return lines


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
