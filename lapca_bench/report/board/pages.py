"""What each page of the site shows: contexts of the templates, made from boards and results."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lapca_bench.collections.base import CollectionCard
from lapca_bench.report.board import queries as board_queries
from lapca_bench.report.board.bias import bias_context
from lapca_bench.report.board.data import provenance_key
from lapca_bench.report.board.index import about_page, index_page
from lapca_bench.report.board.model import Board
from lapca_bench.report.board.queries import Texts
from lapca_bench.report.board.site import built_as, page, slug
from lapca_bench.report.board.system import system_page
from lapca_bench.report.board.table import board_page, number
from lapca_bench.report.training_record import TrainingRecord
from lapca_bench.run import Qrels
from lapca_bench.scoring.bias import LanguageBias
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible

EXAMPLE = 600  # characters of the document of an example


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
        made = self.fronts()
        for board in self.boards:
            made[f"boards/{slug(board.name)}.html"] = board_page(board)
        for name in dict.fromkeys(entry.system for board in self.boards for entry in board.entries):
            made[f"systems/{slug(name)}.html"] = self.system(name)
        for name in self.collections():
            made[f"collections/{slug(name)}.html"] = _collection(self, name)
        return made

    def fronts(self) -> dict[str, str]:
        """The pages in the site's folder itself."""
        index = index_page(self.boards, self.results, self.collections(), self.cards, self.systems, self.published)
        return {"index.html": index, "about.html": about_page(), "changes.html": _changes(self.changes)}

    def system(self, name: str) -> str:
        """The page of one system."""
        return system_page(
            name,
            [(board, entry) for board in self.boards for entry in board.entries if entry.system == name],
            self.systems.get(name, {}),
            [result for result in self.results if result.system == name],
            self.trainings.get(name, TrainingRecord()),
        )

    def collections(self) -> list[str]:
        """Names of the collections: those of the boards, then those that were measured."""
        return list(
            dict.fromkeys([*(board.collection for board in self.boards), *(r.collection for r in self.results)])
        )


def _changes(steps: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    shown = [
        {"id": f"c-{slug(after)}", "before": before, "after": after, "lines": lines} for before, after, lines in steps
    ]
    return page("changes.html.j2", "What changed", {"steps": shown})


def _collection(site: Site, name: str) -> str:
    results = [result for result in site.results if result.collection == name]
    measures = list(dict.fromkeys(a["measure"] for result in results for a in result.aggregates))
    if measures:
        results.sort(key=lambda result: -_macro(result, measures[0]))
    data = board_queries.side_by_side(results, site.texts.get(name)) if results else None
    usable = data is not None and bool(data["queries"]) and bool(data["measures"])
    return page(
        "collection.html.j2",
        name,
        {
            "name": name,
            "here": slug(name),
            "facts": _card_facts(site.cards.get(name), results),
            "fetch": shlex.join(["lapca-bench", "fetch", "-c", name]) if name in site.cards else "",
            "example": _example(site.texts.get(name)),
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
        scripts=["paired.js", "compare.js"] if usable else [],
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
    mean = _macro(result, measure)
    return "–" if mean < 0 else number(mean)


def _macro(result: StoredResult, measure: str) -> float:
    """The macro mean over the languages of one result, -1 where one has none."""
    means = [a["mean"] for a in result.aggregates if a["measure"] == measure and a["language"] in result.languages]
    present = [mean for mean in means if mean is not None]
    return sum(present) / len(present) if present and len(present) == len(result.languages) else -1.0


def _example(texts: Texts | None) -> dict[str, str] | None:
    """A question with a document that is relevant to it, where the texts are shown and one of them is at hand."""
    if texts is None or not isinstance(texts.relevance, Qrels):
        return None
    for query, question in texts.questions.items():
        for document in texts.relevance.relevant(query):
            if texts.documents.get(document):
                return {"question": visible(question), "document": visible(texts.documents[document][:EXAMPLE])}
    return None


def _questions(results: Sequence[StoredResult]) -> str:
    """How many questions each split has, as the results recorded them."""
    found = {r.split: r.provenance.collection.queries for r in results if r.provenance.collection.queries}
    return ", ".join(f"{count:,} ({split})" for split, count in found.items())


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
        ("questions", _questions(results)),
        ("note", card.note),
    ]
