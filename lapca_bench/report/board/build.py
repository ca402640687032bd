"""`board build`: published numbers and measured results become a folder of pages that works from a file.

The folder is written whole: pages go to a temporary folder beside it, which then takes its place. A folder that this
module did not make is never replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from lapca_bench.atomic import atomic_folder
from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import Collection, CollectionCard
from lapca_bench.errors import LapcaError, UsageError
from lapca_bench.experiment import provenance
from lapca_bench.report.board import feed
from lapca_bench.report.board.data import boards
from lapca_bench.report.board.model import Board
from lapca_bench.report.board.pages import Site
from lapca_bench.report.board.queries import Texts, first_documents
from lapca_bench.report.board.site import slug
from lapca_bench.report.board.surroundings import Surroundings
from lapca_bench.report.board.usable import readable, uncheckable, usable
from lapca_bench.report.board.verify import misfit
from lapca_bench.report.pool_bias import bias_of_result
from lapca_bench.report.published import tables as recipe_files
from lapca_bench.report.published.published import published
from lapca_bench.report.training_record import shipped_records
from lapca_bench.run import Qrels
from lapca_bench.scoring.bias import LanguageBias
from lapca_bench.store.results import StoredResult

MARK = ".lapca-board"
GROUP_TITLES = {"help-pages/xx-en": "LibreOffice help, titles in fourteen languages, pages in English"}


@dataclass(frozen=True)
class Built:
    """What was written."""

    folder: Path
    boards: int
    pages: int
    results: int
    left_out: Sequence[str]  # a sentence per result that is not shown, or not with its language bias


def build(out: Path, results: Sequence[Path] | None = None, *, texts: bool = False) -> Built:
    """Build the site from the published numbers and the results in these folders (default: as `reproduce` reads them).

    With `texts`, the pages of collections that are on this machine show questions and documents and mark what is
    relevant; mind their licences before such a site is published. Raises `UsageError` where `out` holds something else.
    """
    if out.exists() and not (out / MARK).exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("this folder holds something else than a board", path=out, remedy="name a new or empty folder")
    found, unread = readable(results)
    stored, broken = usable(found)
    site = site_of(stored, texts=texts)
    as_of = max((result.provenance.finished for result in stored), default="")
    now, before = feed.snapshot(site.boards, {"as_of": as_of, **_builder()}), feed.earlier(out)
    steps = [(str(old["as_of"]), str(new["as_of"]), feed.changes(new, old)) for new, old in pairwise([now, *before])]
    builder = ", ".join(f"{name.replace('_', '-')} {version}" for name, version in _builder().items())
    site = replace(site, as_of=f"{as_of or 'no result'}, {builder}", changes=[step for step in steps if step[2]])
    pages = site.pages()
    files = {f"boards/{slug(board.name)}.json": feed.board_json(board) for board in site.boards}
    _write(out, {**pages, **files, **feed.versions(now, before), "feed.xml": feed.atom(stored, as_of)})
    left_out = [f"left out: {what}: {reason}" for what, reason in (*unread, *broken)]
    return Built(out, len(site.boards), len(pages), len(stored), [*left_out, *site.left_out])


def _builder() -> dict[str, str]:
    """By what the site is built: the release, and the commit where it is a checkout."""
    found = {"lapca_bench": version("lapca-bench")}
    commit = provenance.commit()
    return {**found, "commit": commit[:12]} if commit else found


def _with_unchecked(made: Sequence[Board], stored: Sequence[StoredResult]) -> list[Board]:
    """The boards, each with a note on which of its results cannot be checked on this machine, or not all of."""
    reasons = {result.key: reason for result, reason in uncheckable(stored)}
    noted = []
    for board in made:
        of_reason: dict[str, list[str]] = {}
        for entry in board.entries:
            for result in entry.results:
                if reason := reasons.get(result.key):
                    of_reason.setdefault(reason, []).append(f"{result.system} on {result.collection}")
        lines = [f"Not checked: {reason}: {_some(names)}" for reason, names in of_reason.items()]
        noted.append(replace(board, notes=[*board.notes, *lines]))
    return noted


def _some(names: Sequence[str], shown: int = 3) -> str:
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{rest}"


def site_of(stored: Sequence[StoredResult], *, texts: bool = False) -> Site:
    """The site of these results and the published numbers that come with the project."""
    cards = _cards(result.collection for result in stored)
    titles = {**GROUP_TITLES, **{name: card.title for name, card in cards.items()}}
    around = Surroundings(collections.groups(), _trained_on(), titles)
    biases, left_out = _biases(stored, cards)
    shown = [recipe for recipe in recipe_files.recipes().values() if recipe.board]
    made = _with_unchecked(boards(shown, published(), stored, around), stored)
    return Site(
        boards=made,
        results=stored,
        published=len(published().values),
        cards=cards,
        systems=_systems(),
        texts=_texts(stored) if texts else {},
        biases=biases,
        left_out=left_out,
        trainings=shipped_records(),
    )


def _cards(names: Iterable[str]) -> dict[str, CollectionCard]:
    """Cards of the collections that the registry knows; boards also show collections of plug-ins that are not here."""
    found: dict[str, CollectionCard] = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = collections.card(name)
        except UsageError:
            continue
    return found


def _trained_on() -> dict[str, Sequence[str]]:
    from lapca_bench.search import registry

    return {name: tuple(card.trained_on) for name, card in registry.cards().items()}


def _systems() -> dict[str, Mapping[str, str]]:
    from lapca_bench.search import registry

    return {
        name: {
            "url": card.url,
            "title": card.title,
            "licence": card.licence,
            "citation": card.citation,
            "languages": "any" if "*" in card.languages else " ".join(card.languages),
            "trained on": ", ".join(card.trained_on),
            "note": card.note,
        }
        for name, card in registry.cards().items()
    }


def _texts(stored: Sequence[StoredResult]) -> dict[str, Texts]:
    """What the collections say that are on this machine; of their documents only those that some system ranks first."""
    found: dict[str, Texts] = {}
    of_collection: dict[str, list[StoredResult]] = {}
    for result in stored:
        of_collection.setdefault(result.collection, []).append(result)
    for name, results in of_collection.items():
        try:
            splits = [collections.load(name, split) for split in dict.fromkeys(result.split for result in results)]
            wanted = first_documents(results)
            found[name] = Texts(
                {query.id: query.text for collection in splits for query in collection.queries()},
                {
                    document.id: f"{document.title} {document.text}".strip()
                    for document in splits[0].documents()
                    if document.id in wanted
                },
                splits[0].relevance() if len(splits) == 1 else None,
            )
        except LapcaError:
            continue
    return found


def _biases(
    stored: Sequence[StoredResult], cards: Mapping[str, CollectionCard]
) -> tuple[dict[str, LanguageBias], list[str]]:
    """The language bias of every result on a pool of several languages that is on this machine, by result key.

    A result made from another version of the pool than the one here names documents that are not in it: it is left
    out, with a sentence that says why, and so is one whose pool cannot be read. The other results still count.
    """
    found: dict[str, LanguageBias] = {}
    left_out: list[str] = []
    loaded: dict[tuple[str, str], Collection] = {}
    for result in stored:
        card = cards.get(result.collection)
        if card is None or len(card.document_languages) < 2 or not collections.status(result.collection).present:
            continue
        place = (result.collection, result.split)
        try:
            if place not in loaded:
                loaded[place] = collections.load(*place)
            if not isinstance(loaded[place].relevance(), Qrels):
                continue
            reason = misfit(result, loaded[place])
            if not reason:
                found[result.key] = bias_of_result(result, loaded[place])
        except LapcaError as error:
            reason = error.message
        if reason:
            left_out.append(f"no language bias of {result.system} on {result.collection}: {reason}")
    return found, left_out


def _write(out: Path, pages: Mapping[str, str]) -> None:
    with atomic_folder(out) as fresh:
        for name, text in pages.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (fresh / MARK).write_text("made by lapca-bench board build; replaced by the next build\n", encoding="utf-8")
