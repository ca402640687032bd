"""`TrecFamily`: one collection per language, given as topics, TREC qrels and a JSON-lines corpus (Mr. TyDi, MIRACL)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import Catalogue, CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.loaded import (
    LoadedCollection,
    counted,
    fingerprint,
    refuse_unequal,
    unique_queries,
)
from lapca_bench.collections.reading import records, rows, text_of
from lapca_bench.collections.sources import Source
from lapca_bench.digest import digest_texts
from lapca_bench.errors import InputError
from lapca_bench.inputs.identifiers import REMEDY, fault_of
from lapca_bench.inputs.trec import judgements
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query


@dataclass(frozen=True)
class TrecFiles:
    """The files of one language: topics and qrels of each split, and the corpus."""

    topics: Mapping[str, Source]
    qrels: Mapping[str, Source]
    corpus: Source


@dataclass(frozen=True)
class _Judged:
    """The topics and judgements of one split as they were read, before they are compared with what is published."""

    queries: tuple[Query, ...]
    rows: tuple[tuple[str, str, int], ...]

    @classmethod
    def read(cls, files: TrecFiles, language: str, split: str) -> _Judged:
        topics, qrels = files.topics[split].path(), files.qrels[split].path()
        queries = [Query(name, text.strip(), language) for _, (name, text) in rows(topics, ("id", "text"))]
        judged = cls(unique_queries(queries, topics), tuple(judgements(qrels)))
        unknown = {row[0] for row in judged.rows} - {query.id for query in judged.queries}
        if unknown:
            message = f"{len(unknown)} judged queries have no topic (first: {min(unknown)!r})"
            raise InputError(message, path=qrels, remedy=f"qrels and topics ({topics.name}) must be of one split")
        return judged

    def numbers(self) -> dict[str, int]:
        return {
            "queries": len(self.queries),
            "judgements": len(self.rows),
            "judged queries": len({row[0] for row in self.rows}),
        }

    def digests(self) -> dict[str, str]:
        """Of the content, so that neither packing nor order nor white space matters."""
        topics = (f"{query.id}\t{' '.join(query.text.split())}" for query in self.queries)
        return {
            "topics": digest_texts(sorted(topics)),
            "qrels": digest_texts(sorted("\t".join(map(str, row)) for row in self.rows)),
        }


def _document(record: dict[str, object], path: Path, line: int, language: str) -> Document:
    """`{"docid", "title", "text"}`, or Anserini's `{"id", "contents"}` whose first paragraph is the title."""
    fields = ("docid", "title", "text") if "docid" in record else ("id", "contents")
    absent = [field for field in fields if field not in record]
    if absent:
        remedy = 'a passage is {"docid", "title", "text"} or {"id", "contents"}'
        raise InputError(f"the field {absent[0]!r} is missing", path=path, line=line, remedy=remedy)
    values = [text_of(record, field, path, line) for field in fields]
    if fault := fault_of(values[0]):
        raise InputError(fault, path=path, line=line, remedy=REMEDY)
    if len(values) == 3:
        return Document(values[0], values[2], values[1], language)
    title, separator, text = values[1].partition("\n\n")
    return Document(values[0], text, title, language) if separator else Document(values[0], title, "", language)


def _passages(parts: Sequence[Path], language: str) -> Iterator[Document]:
    for path in parts:
        for line, record in records(path, ()):
            yield _document(record, path, line, language)


class TrecFamily(CatalogueFamily):
    """`family/<language>`. `files` gives the sources of a language; the first split is the default.

    Both the counts and the content digests of topics and qrels must be the published version's, because versions may
    have equal counts (Mr. TyDi 1.0 and 1.1 do).
    """

    def __init__(
        self,
        name: str,
        files: Callable[[str], TrecFiles],
        policy: Policy,
        splits: Sequence[str],
        catalogue: Catalogue | None = None,
    ) -> None:
        super().__init__(name, catalogue)
        self._files = files
        self._policy = policy
        self._splits = tuple(splits)

    def subsets(self) -> Sequence[str]:
        """The languages, in the order of the catalogue."""
        return tuple(self.catalogue.expected)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`all`: every language."""
        return {"all": self.subsets()}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        self.check_subset(subset)
        title = f"{self.catalogue.title}, {subset}"
        return self.make_card(subset, self._policy, ((subset,), (subset,)), self._splits, title)

    def presence(self, subset: str) -> Presence:
        """Whether topics and qrels of the default split and the passages are here."""
        self.check_subset(subset)
        files = self._files(subset)
        return presence_of([files.topics[self._splits[0]], files.qrels[self._splits[0]], files.corpus])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One language; refuses topics or qrels that are not the published version's."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        files = self._files(subset)
        judged = _Judged.read(files, subset, split)
        topics, qrels = files.topics[split].path(), files.qrels[split].path()
        refuse_unequal(self._counts(judged, subset, split), topics, card.version)
        for role, digest in judged.digests().items():
            expected = self.catalogue.digest(subset, split, role)
            if expected is not None and digest != expected:
                raise InputError(
                    f"these {role} are not those of {self.catalogue.title} {card.version}: their content differs",
                    path=topics if role == "topics" else qrels,
                    remedy=f"use version {card.version}, from {files.topics[split].origin}",
                )
        roles = {"topics": [topics], "qrels": [qrels], "passages": files.corpus.parts()}
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, roles),
            lambda: self._documents(subset),
            judged.queries,
            Qrels.from_rows(judged.rows),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Queries and judgements of each split that is here, and passages if they are here."""
        self.check_subset(subset)
        files = self._files(subset)
        found: list[Count] = []
        for split in self._splits:
            if files.topics[split].find() and files.qrels[split].find():
                found += self._counts(_Judged.read(files, subset, split), subset, split)
        expected = self.catalogue.count(subset, "documents")
        if expected is not None and files.corpus.parts():
            found.append(Count("documents", expected, sum(1 for _ in _passages(files.corpus.parts(), subset))))
        return found

    def _documents(self, subset: str) -> Iterator[Document]:
        corpus = self._files(subset).corpus
        path = corpus.path()
        expected = self.catalogue.count(subset, "documents")
        return counted(_passages(corpus.parts(), subset), expected, path, self.catalogue.version)

    def _counts(self, judged: _Judged, subset: str, split: str) -> list[Count]:
        pairs = ((what, self.catalogue.count(subset, split, what), n) for what, n in judged.numbers().items())
        return [Count(f"{split} {what}", expected, n) for what, expected, n in pairs if expected is not None]
