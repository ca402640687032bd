"""Your own collection: documents, queries and judgements in files, described by one TOML card.

A card names the collection, its languages and its files (paths relative to the card):

    name = "our-news"
    query_languages = ["de", "fr"]
    document_languages = ["en"]
    measures = ["nDCG@10", "R@100"]

    [documents]
    path = "corpus.jsonl.gz"        # .jsonl .tsv .parquet, or a list of such files
    fields = { id = "docno", text = "body", title = "headline" }
    language = "en"                 # or fields.language where the files say it

    [splits.test]
    queries = { path = "topics.tsv" }
    qrels = "qrels.txt"             # TREC: query iteration document grade

A BEIR folder needs two lines instead of the tables: `beir = "scifact"` and, optionally, `splits = ["test"]`. Its files
may be compressed (`corpus.jsonl.gz`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from lapca_bench import toml_model
from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.file_digests import refuse_changed, states
from lapca_bench.collections.files_reading import Fields, read_documents, read_queries
from lapca_bench.collections.formats.beir import beir_judgements, packed, qrels_files
from lapca_bench.collections.judged import judged_documents
from lapca_bench.collections.languages import language_code
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, unchanged
from lapca_bench.errors import InputError, MissingResourceError, UsageError
from lapca_bench.inputs.trec import judgements
from lapca_bench.run import Qrels
from lapca_bench.toml_model import Strict, written_as
from lapca_bench.types import Task

Name = Annotated[
    str,
    written_as(r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name: letters from A to Z, digits, and inside it also . _ and -"),
]
Language = Annotated[str, AfterValidator(language_code)]


class FieldNames(Strict):
    """What the columns or keys are called; `language` where each record says its own."""

    id: str = "id"
    text: str = "text"
    title: str | None = "title"
    language: str | None = None


class RecordFiles(Strict):
    """Files of records: JSON lines or TSV with a header line, compressed or not, or Parquet, by their ending."""

    path: str | tuple[str, ...]
    fields: FieldNames = FieldNames()
    language: Language | None = None

    @model_validator(mode="after")
    def _one_source_of_language(self) -> RecordFiles:
        if self.language is not None and self.fields.language is not None:
            raise ValueError("give either language (one for all) or fields.language (one per record), not both")
        return self


class Split(Strict):
    """Queries and their TREC judgements."""

    queries: RecordFiles
    qrels: str


class FileCard(Strict):
    """What a card says, wherever its files lie."""

    name: Name
    query_languages: tuple[Language, ...] = Field(min_length=1)
    document_languages: tuple[Language, ...] = Field(min_length=1)
    title: str = ""
    version: str = "1"
    licence: str = "not stated"
    citation: str = ""
    url: str = ""
    note: str = ""
    measures: tuple[str, ...] = Field(("nDCG@10", "RR@10", "R@100"), min_length=1)
    depth: int = Field(100, ge=1)
    self_match: Literal["keep", "drop"] = "keep"
    no_relevant: Literal["zero", "exclude"] = "zero"
    average: Literal["macro", "micro"] = "macro"
    translations: str = ""
    task: Task = "retrieval"

    @field_validator("translations")
    @classmethod
    def _form_of_ids(cls, given: str) -> str:
        try:
            return Policy((), translations=given).translations
        except UsageError as error:
            raise ValueError(f"{error.message}: {error.remedy}") from error


class TableCard(FileCard):
    """A card whose files have a table each."""

    documents: RecordFiles
    splits: dict[Name, Split] = Field(min_length=1)


class BeirCard(FileCard):
    """A card of a folder in BEIR's layout; `splits` are those that it has, the first one the default."""

    beir: str
    splits: tuple[Name, ...] = ()


def read_card(path: Path) -> TableCard | BeirCard:
    """A validated card; raises `UsageError` with file, line and key for the first thing that is wrong with it."""
    source = toml_model.document(path)
    remedy = "a card needs [documents] and at least one [splits.NAME], or beir = FOLDER and neither"
    if "beir" in source.table:
        return toml_model.validated(source, BeirCard, remedy)
    return toml_model.validated(source, TableCard, remedy)


@dataclass(frozen=True)
class _Files:
    """Where the records of a card lie and how they are read."""

    documents: Sequence[Path]
    document_fields: Fields
    queries: Mapping[str, Sequence[Path]]
    query_fields: Mapping[str, Fields]
    qrels: Mapping[str, Path]

    def all(self) -> list[Path]:
        return [*self.documents, *(path for paths in self.queries.values() for path in paths), *self.qrels.values()]


class CardFamily:
    """A card as a family with the one subset "": what `--collection path/to/card.toml` names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    @cached_property
    def _card(self) -> TableCard | BeirCard:
        return read_card(self._path)

    @cached_property
    def _files(self) -> _Files:
        card, folder = self._card, self._path.parent
        if isinstance(card, BeirCard):
            return _beir_files(folder / card.beir, card)
        return _Files(
            documents=_paths(folder, card.documents),
            document_fields=_fields(card.documents, card.document_languages),
            queries={name: _paths(folder, split.queries) for name, split in card.splits.items()},
            query_fields={name: _fields(split.queries, card.query_languages) for name, split in card.splits.items()},
            qrels={name: folder / split.qrels for name, split in card.splits.items()},
        )

    def subsets(self) -> Sequence[str]:
        """The one collection."""
        return ("",)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """None."""
        return {}

    def card(self, subset: str = "") -> CollectionCard:  # noqa: ARG002 (there is one)
        """Facts and policy."""
        card = self._card
        return CollectionCard(
            name=f"files/{card.name}",
            family="files",
            title=card.title or card.name,
            version=card.version,
            licence=card.licence,
            citation=card.citation,
            url=card.url,
            policy=Policy(
                card.measures, card.depth, card.self_match, card.no_relevant, card.average, card.translations, card.task
            ),
            query_languages=card.query_languages,
            document_languages=card.document_languages,
            splits=tuple(self._files.qrels),
            note=card.note,
        )

    def presence(self, subset: str = "") -> Presence:  # noqa: ARG002
        """Whether every file that the card names is there."""
        absent = [path for path in self._files.all() if not path.is_file()]
        if absent:
            return Presence(False, f"{absent[0]} is not there", f"put it there, or correct the path in {self._path}")
        return Presence(True)

    def load(self, subset: str = "", split: str | None = None) -> LoadedCollection:
        """The collection; queries and judgements are read now, documents when they are asked for.

        Raises `InputError` with file and line for anything malformed, `MissingResourceError` for a file that is absent.
        """
        card, files, presence = self.card(subset), self._files, self.presence(subset)
        if not presence.present:
            raise MissingResourceError(presence.reason, remedy=presence.remedy)
        chosen = split or card.splits[0]
        if chosen not in card.splits:
            raise UsageError(f"{card.name} has no split {split!r}", remedy=f"splits: {', '.join(card.splits)}")
        qrels = files.qrels[chosen]
        roles = {
            "card": [self._path],
            "documents": files.documents,
            "queries": files.queries[chosen],
            "qrels": [qrels],
        }
        before = states(path for paths in roles.values() for path in paths)
        read = beir_judgements if isinstance(self._card, BeirCard) else judgements
        try:
            relevance = Qrels.from_rows(read(qrels))
        except InputError as error:
            if error.path is None:
                raise InputError(error.message, path=qrels, remedy=error.remedy) from error
            raise
        queries = tuple(read_queries(files.queries[chosen], files.query_fields[chosen]))
        if isinstance(self._card, BeirCard):  # BEIR keeps the queries of all splits in one file
            queries = tuple(query for query in queries if query.id in relevance.judgements)
        unknown = set(relevance.judgements) - {query.id for query in queries}
        if unknown:
            message = f"{len(unknown)} judged queries are not among the queries (first: {min(unknown)!r})"
            raise InputError(message, path=qrels, remedy="qrels and queries must be of one split")
        digest = fingerprint(card, chosen, roles)
        refuse_changed(before)
        corpus = {path: before[path] for path in files.documents}
        return LoadedCollection(
            card,
            chosen,
            digest,
            lambda: unchanged(read_documents(files.documents, files.document_fields), corpus),
            queries,
            relevance,
        )

    def counts(self, subset: str = "") -> Sequence[Count]:
        """That every judged document is in the corpus, split by split: nothing else is published of your files."""
        found: list[Count] = []
        for split in self.card(subset).splits:
            collection = self.load(subset, split)
            judged, absent = len(judged_documents(collection.relevance())), len(collection.absent_judged())
            found.append(Count(f"{split} judged documents in the corpus", judged, judged - absent))
        return found


def _paths(folder: Path, table: RecordFiles) -> list[Path]:
    given = (table.path,) if isinstance(table.path, str) else table.path
    return [folder / path for path in given]


def _fields(table: RecordFiles, languages: tuple[str, ...]) -> Fields:
    only = languages[0] if len(languages) == 1 and table.fields.language is None else ""
    names = table.fields
    return Fields(names.id, names.text, names.title, names.language, table.language or only, frozenset(languages))


def _beir_files(folder: Path, card: BeirCard) -> _Files:
    found = qrels_files(folder)
    splits = tuple(card.splits) or tuple(sorted(found, key=lambda name: (name != "test", name)))
    if not splits:
        remedy = "a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/*.tsv"
        raise MissingResourceError("no qrels/*.tsv here", path=folder, remedy=remedy)

    def fields(languages: tuple[str, ...]) -> Fields:
        only = languages[0] if len(languages) == 1 else ""
        return Fields("_id", "text", "title", None, only, frozenset(languages))

    return _Files(
        documents=[packed(folder / "corpus.jsonl")],
        document_fields=fields(card.document_languages),
        queries=dict.fromkeys(splits, (packed(folder / "queries.jsonl"),)),
        query_fields=dict.fromkeys(splits, fields(card.query_languages)),
        qrels={split: found.get(split, folder / "qrels" / f"{split}.tsv") for split in splits},
    )
