"""What each page of the site shows: contexts of the templates, made from boards and results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lapca_bench.collections.base import CollectionCard
from lapca_bench.report.board import queries as board_queries
from lapca_bench.report.board.bias import bias_context
from lapca_bench.report.board.data import provenance_key
from lapca_bench.report.board.model import Board, Entry, Standing
from lapca_bench.report.board.queries import Texts
from lapca_bench.report.board.site import built_as, page, slug
from lapca_bench.report.board.svg import bars
from lapca_bench.report.board.table import board_page, comparable_mean, interval, number
from lapca_bench.report.board.training_svg import curves, histogram
from lapca_bench.report.training_record import TrainingRecord
from lapca_bench.scoring.bias import LanguageBias
from lapca_bench.scoring.significance import SAMPLES
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible


@dataclass(frozen=True)
class Site:
    """Everything that pages are made from. `cards` and `systems` describe known collections and systems.

    `texts` and `biases` are of the collections that were at hand, `trainings` of the systems that were trained here.
    """

    boards: Sequence[Board]
    results: Sequence[StoredResult]
    published: int
    cards: Mapping[str, CollectionCard]
    systems: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, Texts]  # by collection
    biases: Mapping[str, LanguageBias] = field(default_factory=dict)  # by result key
    left_out: Sequence[str] = ()  # why some results have no bias
    trainings: Mapping[str, TrainingRecord] = field(default_factory=dict)  # by system
    as_of: str = ""  # when the newest result was made, and by what the site was built
    changes: Sequence[tuple[str, str, Sequence[str]]] = ()  # from one build to the next: as of when, and what

    def pages(self) -> dict[str, str]:
        """Path below the site's folder → HTML."""
        with built_as(f"as of {self.as_of}" if self.as_of else ""):
            return self._pages()

    def _pages(self) -> dict[str, str]:
        made = {"index.html": _index(self), "changes.html": _changes(self.changes)}
        for board in self.boards:
            made[f"boards/{slug(board.name)}.html"] = board_page(board)
        for name in dict.fromkeys(entry.system for board in self.boards for entry in board.entries):
            made[f"systems/{slug(name)}.html"] = _system(self, name)
        for name in self.collections():
            made[f"collections/{slug(name)}.html"] = _collection(self, name)
        return made

    def collections(self) -> list[str]:
        """Names of the collections: those of the boards, then those that were measured."""
        return list(
            dict.fromkeys([*(board.collection for board in self.boards), *(r.collection for r in self.results)])
        )


SHOWN_LEADERS = 3


def _changes(steps: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    shown = [
        {"id": f"c-{slug(after)}", "before": before, "after": after, "lines": lines} for before, after, lines in steps
    ]
    return page("changes.html.j2", "What changed", {"steps": shown})


def _index(site: Site) -> str:
    systems: dict[str, list[tuple[Board, Entry]]] = {}
    for board in site.boards:
        for entry in board.entries:
            systems.setdefault(entry.system, []).append((board, entry))
    measured = {result.system for result in site.results}
    order = sorted(systems, key=lambda name: (name not in measured, name.lower()))
    return page(
        "index.html.j2",
        "Leaderboards",
        {
            "boards": [_card(board) for board in sorted(site.boards, key=lambda board: not board.count("measured"))],
            "systems": [
                {
                    "page": slug(name),
                    "name": visible(name),
                    "title": site.systems.get(name, {}).get("title", ""),
                    "kind": systems[name][0][1].kind,
                    "origins": sorted({entry.origin for _, entry in systems[name]}),
                    "boards": [{"page": slug(b.name), "title": b.title} for b, _ in systems[name]],
                }
                for name in order
            ],
            "collections": [_listed(site, name) for name in site.collections()],
            "results": len(site.results),
            "published": site.published,
            "samples": f"{SAMPLES:,}",
        },
        scripts=["index.js"],
    )


def _card(board: Board) -> dict[str, object]:
    """A board on the index: what it compares, and the rows that a reader looks for first."""
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
        }
        for entry in shown[:SHOWN_LEADERS]
    ]
    return {
        "page": slug(board.name),
        "title": board.title,
        "measures": list(board.measures),
        "tasks": len(board.tasks),
        "split": board.split,
        "measured": board.count("measured"),
        "reported": board.count("reported"),
        "first": first,
        "tested": bool(tested),
    }


def _listed(site: Site, collection: str) -> dict[str, object]:
    card = site.cards.get(collection)
    return {
        "page": slug(collection),
        "name": collection,
        "title": "" if card is None else card.title,
        "version": "" if card is None else card.version,
        "licence": "" if card is None else card.licence,
        "measured": len({result.system for result in site.results if result.collection == collection}),
    }


def _system(site: Site, name: str) -> str:
    own = [(board, entry) for board in site.boards for entry in board.entries if entry.system == name]
    card = site.systems.get(name, {})
    results = [result for result in site.results if result.system == name]
    return page(
        "system.html.j2",
        visible(name),
        {
            "name": visible(name),
            "facts": [("kind", own[0][1].kind), *((key, text) for key, text in card.items() if key != "url")],
            "card_url": card.get("url", ""),
            "sections": [_section(board, entry) for board, entry in own],
            "training": _training(site.trainings.get(name, TrainingRecord())),
            "results": [_provenance(result) for result in results],
        },
    )


def _training(record: TrainingRecord) -> dict[str, object]:
    charts = [histogram(name, margins) for name, margins in record.margins.items()]
    charts += curves(record.curves) if record.curves is not None else []
    return {
        "charts": [chart for chart in charts if chart is not None],
        "mined": [(name, margins.about) for name, margins in record.margins.items() if margins.about],
    }


def _section(board: Board, entry: Entry) -> dict[str, object]:
    parts = []
    for measure in board.measures:
        standing = entry.standings.get(measure, Standing())
        mean = standing.printed if standing.printed is not None else standing.macro
        if mean is not None:
            how = "printed mean" if standing.printed is not None else "macro mean"
            rank = f", rank {standing.rank}" if standing.rank is not None else ""
            parts.append(f"{measure}: {how} {number(mean)} {interval(standing.interval)}{rank}".strip())
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


def _provenance(result: StoredResult) -> dict[str, object]:
    """A result's means, and everything that is recorded of how it was made."""
    about = dict(result.provenance)
    collection = about.pop("collection", None)
    facts = [("result key", result.key), ("system digest", result.system_digest)]
    facts += [("digest of " + name, digest) for name, digest in result.digests.items()]
    facts += [
        (f"collection {key}", _text(value))
        for key, value in (collection.items() if isinstance(collection, dict) else ())
    ]
    facts += [(key.replace("_", " "), _text(value)) for key, value in about.items()]
    means = [(f"{a['measure']} {a['language']}", a["mean"], a["queries"]) for a in result.aggregates]
    return {
        "key": provenance_key(result),
        "page": slug(result.collection),
        "pair": board_queries.selection_key(result),
        "collection": result.collection,
        "split": result.split,
        "scores": [
            (name, f"{number(mean, 2)} over {queries} queries") for name, mean, queries in means if mean is not None
        ],
        "facts": facts,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _collection(site: Site, name: str) -> str:
    results = [result for result in site.results if result.collection == name]
    data = board_queries.side_by_side(results, site.texts.get(name)) if results else None
    usable = data is not None and bool(data["queries"]) and bool(data["measures"])
    measures = list(dict.fromkeys(a["measure"] for result in results for a in result.aggregates))
    return page(
        "collection.html.j2",
        name,
        {
            "name": name,
            "here": slug(name),
            "facts": _card_facts(site.cards.get(name), results),
            "url": site.cards[name].url if name in site.cards else "",
            "boards": [
                {"page": slug(board.name), "title": board.title}
                for board in site.boards
                if board.collection == name or any(task.collection == name for task in board.tasks)
            ],
            "systems": [
                {
                    "page": slug(result.system),
                    "key": provenance_key(result),
                    "name": visible(result.system),
                    "means": [_mean(result, measure) for measure in measures],
                }
                for result in results
            ],
            "measures": data["measures"] if data is not None and usable else measures,
            "biases": [bias_context(r.system, site.biases[r.key]) for r in results if r.key in site.biases],
            "compare": data["systems"] if data is not None and usable else None,
            "siblings": _siblings(site, name),
            "languages": sorted(set(data["languages"])) if data is not None else [],
            "sampled": f"{data['left_out']:,} further queries are left out of this page."
            if data and data["left_out"]
            else "",
        },
        scripts=["compare.js"] if usable else [],
        data={"queries-data": data} if usable else None,
    )


def _siblings(site: Site, name: str) -> list[dict[str, str]]:
    """The measured collections beside this one on its first board, itself included, for a switch between them."""
    measured = {result.collection for result in site.results}
    for board in site.boards:
        columns = {task.collection: task for task in board.tasks if task.collection in measured}
        if name in columns and len(columns) > 1:
            return [{"page": slug(collection), "label": task.title} for collection, task in columns.items()]
    return []


def _mean(result: StoredResult, measure: str) -> str:
    """The macro mean over the languages of one result."""
    means = [a["mean"] for a in result.aggregates if a["measure"] == measure and a["language"] in result.languages]
    present = [mean for mean in means if mean is not None]
    return number(sum(present) / len(present)) if present and len(present) == len(result.languages) else "–"


def _card_facts(card: CollectionCard | None, results: Sequence[StoredResult]) -> list[tuple[str, str]]:
    if card is None:
        versions = dict.fromkeys(r.provenance.collection.version for r in results)
        return [("version", ", ".join(version for version in versions if version))]
    return [
        ("title", card.title),
        ("version", card.version),
        ("licence", card.licence),
        ("citation", card.citation),
        ("question languages", " ".join(card.query_languages)),
        ("document languages", " ".join(card.document_languages)),
        ("measures", ", ".join(card.policy.measures)),
        ("note", card.note),
    ]
