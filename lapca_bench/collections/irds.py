"""`irds/<id>`: any collection of the ir-datasets catalogue, with ids, languages and judgements kept as they are.

ir-datasets downloads on first use and keeps what it has under its own home folder. This adapter reads only what is
there: downloads are started by its own tool, where licences that must be agreed to are shown.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.family import Count, Presence
from lapca_bench.digest import digest_value
from lapca_bench.errors import InputError, LapcaError, MissingResourceError, UsageError
from lapca_bench.extras import installing
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

_MEASURES = ("nDCG@10", "AP@100", "RR@10", "R@100")
_AT_ONCE = 1000
_TITLE_FIELDS = ("title", "headline")
_NOTE = "Read through ir-datasets; documents as its default_text() gives them."
# Data sets of which the library has another version than the collection of that name here: version, measures, note.
_OTHER_VERSIONS = {
    "mr-tydi": ("1.0", ("RR@100", "R@100"), "Version 1.0: not comparable with mr-tydi here, which is version 1.1."),
}
# Data sets whose collections ask the same topics in several languages, under the same ids.
_TRANSLATED = {"mmarco": "{query}", "neuclir": "{query}"}


def translations_in(subset: str) -> str:
    """How ids name translations of one query, as `Policy.translations`; "" where none are known."""
    return _TRANSLATED.get(subset.partition("/")[0], "")


def _library() -> Any:
    try:
        import ir_datasets
    except ImportError as error:
        raise MissingResourceError("ir-datasets is not installed", remedy=installing("irds")) from error
    return ir_datasets


def _versions() -> str:
    from importlib.metadata import version

    return version("ir-datasets")


def _dataset(identifier: str) -> Any:
    library = _library()
    try:
        with _offline(identifier):
            return library.load(identifier)
    except KeyError as error:
        remedy = "see the ids at https://ir-datasets.com, with their splits: irds/mr-tydi/te/test"
        raise UsageError(f"ir-datasets has no {identifier!r}", remedy=remedy) from error


@contextmanager
def _offline(identifier: str) -> Iterator[None]:
    """While this is open ir-datasets cannot download: its ways to the network raise; its notices about it are muted.

    Raises `MissingResourceError` where it would have downloaded.
    """
    from ir_datasets.util import download

    missing = MissingResourceError(
        f"irds/{identifier} is not on this machine",
        remedy=f"download it with ir-datasets' own tool: ir_datasets export {identifier} docs > /dev/null",
    )
    ways = [download.RequestsDownload, download.GoogleDriveDownload, download.GoogleCloudBucketStream]
    originals = [way.stream for way in ways]

    def refuse(self: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG001 (called as a method)
        raise missing

    logging.disable(logging.WARNING)
    for way in ways:
        way.stream = refuse
    try:
        yield
    except RuntimeError as error:
        if "download" in str(error).lower():  # ir-datasets tried several sources and wraps their errors in one
            raise missing from error
        raise
    finally:
        for way, original in zip(ways, originals, strict=True):
            way.stream = original
        logging.disable(logging.NOTSET)


def _text_of(record: Any) -> tuple[str, str]:
    """(title, text) of a document record: a title field if it has one, and all else that is text."""
    fields = record._asdict()
    for name in _TITLE_FIELDS:
        if fields.get(name) and isinstance(fields.get("text"), str):
            return str(fields[name]), str(fields["text"])
    return "", str(record.default_text())


@dataclass(frozen=True)
class IrdsCollection:
    """One ir-datasets id. Documents, queries and judgements stream from its files."""

    card: CollectionCard
    split: str
    fingerprint: str
    identifier: str

    @cached_property
    def _data(self) -> Any:
        return _dataset(self.identifier)

    def documents(self) -> Iterator[Document]:
        """All documents; raises `MissingResourceError` where ir-datasets has not downloaded them."""
        language = self.card.document_languages[0] if self.card.document_languages else ""
        with _offline(self.identifier):
            iterator = iter(self._data.docs_iter())
        while True:
            with _offline(self.identifier):  # a corpus in several files would download each when it is reached
                records = list(islice(iterator, _AT_ONCE))
            if not records:
                return
            for record in records:
                title, text = _text_of(record)
                yield Document(record.doc_id, text, title, language)

    def queries(self) -> Sequence[Query]:
        """The topics, by their `default_text()`."""
        language = self.card.query_languages[0] if self.card.query_languages else ""
        with _offline(self.identifier):
            return [Query(query.query_id, query.default_text(), language) for query in self._data.queries_iter()]

    def relevance(self) -> Qrels:
        """The judgements with their grades; raises `InputError` where one pair is judged twice with two grades."""
        with _offline(self.identifier):
            return Qrels.from_rows((q.query_id, q.doc_id, int(q.relevance)) for q in self._data.qrels_iter())


class IrdsFamily:
    """An open family: what ir-datasets knows is not listed here, any of its ids may be named."""

    name = "irds"

    def has(self, subset: str) -> bool:
        """Whether this may be an id; whether it is one, ir-datasets says when it is opened."""
        return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/+-]*", subset) is not None

    def subsets(self) -> Sequence[str]:
        """None are listed."""
        return ()

    def groups(self) -> Mapping[str, Sequence[str]]:
        """None."""
        return {}

    def card(self, subset: str) -> CollectionCard:
        """Facts as ir-datasets knows them; raises `UsageError` for an id without documents, queries or judgements."""
        data = _dataset(subset)
        absent = [what for what in ("docs", "queries", "qrels") if not data.has(what)]
        if absent:
            remedy = "name a subset that has them, such as a test split"
            raise UsageError(f"irds/{subset} has no {', '.join(absent)}", remedy=remedy)
        documentation = data.documentation() if hasattr(data, "documentation") else {}
        release = f"ir-datasets {_versions()}"
        version, measures, note = _OTHER_VERSIONS.get(subset.partition("/")[0], ("", _MEASURES, ""))
        return CollectionCard(
            name=f"{self.name}/{subset}",
            family=self.name,
            title=str(documentation.get("pretty_name") or subset),
            version=f"{version} ({release})" if version else release,
            licence="see the publisher",
            citation="MacAvaney et al.: Simplified Data Wrangling with ir_datasets. SIGIR 2021.",
            url=f"https://ir-datasets.com/{subset.split('/', maxsplit=1)[0]}.html",
            policy=Policy(measures, translations=translations_in(subset)),
            query_languages=_languages(data.queries_lang()),
            document_languages=_languages(data.docs_lang()),
            note=f"{_NOTE} {note}".rstrip(),
        )

    def presence(self, subset: str) -> Presence:
        """Whether documents, queries and judgements can be opened without a download."""
        try:
            collection = self.load(subset, None)
            next(collection.documents(), None)
            collection.queries()
            collection.relevance()
        except LapcaError as error:
            return Presence(False, error.message, error.remedy or "")
        return Presence(True)

    def load(self, subset: str, split: str | None) -> IrdsCollection:
        """One id; its splits are ids of their own, so `split` may only be the one that it has."""
        card = self.card(subset)
        if split not in {None, card.splits[0]}:
            remedy = f"name the split in the id: irds/{subset.rsplit('/', 1)[0]}/{split}"
            raise UsageError(f"{card.name} has no split {split!r}", remedy=remedy)
        fingerprint = digest_value({"name": card.name, "version": card.version, "digests": _digests(subset)})
        return IrdsCollection(card, card.splits[0], fingerprint, subset)

    def counts(self, subset: str) -> Sequence[Count]:
        """Counts that ir-datasets records beside those found."""
        data, collection = _dataset(subset), self.load(subset, None)
        expected = {what: _recorded(data, what) for what in ("docs", "queries", "qrels")}
        found = {
            "docs": sum(1 for _ in collection.documents()),
            "queries": len(collection.queries()),
            "qrels": sum(len(graded) for graded in collection.relevance().judgements.values()),
        }
        return [Count(what, number, found[what]) for what, number in expected.items() if number is not None]


def _languages(code: str | None) -> tuple[str, ...]:
    return (code,) if code else ()


def _recorded(data: Any, what: str) -> int | None:
    count = getattr(data, f"{what}_metadata")().get("count")
    return int(count) if isinstance(count, int) else None


def _digests(identifier: str) -> list[str]:
    """The checksums that ir-datasets pins for the collection's downloads."""
    from ir_datasets.util import DownloadConfig

    top = identifier.split("/", maxsplit=1)[0]
    try:
        content = DownloadConfig.context(top).contents()
    except (KeyError, FileNotFoundError) as error:
        raise InputError(f"ir-datasets has no download facts of {top}", remedy="update ir-datasets") from error
    return sorted(str(entry.get("expected_md5", "")) for entry in content.values())


IRDS = IrdsFamily()
