"""`package-descriptions`: find the English description of a Debian package from its translated synopsis.

Source: the Translation-xx indices that apt brings. Every record carries the MD5 of the English description that it
translates, which makes the judgements exact.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from lapca_bench.atomic import atomic_path
from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.file_digests import file_fingerprint
from lapca_bench.digest import digest_value
from lapca_bench.errors import InputError, LapcaError, MissingResourceError, StoreError, UsageError
from lapca_bench.paths import cache_root
from lapca_bench.progress import progress
from lapca_bench.resources import locate
from lapca_bench.resources.apt_source import translations
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

RESOURCE = "package-descriptions"
RECIPE = 1  # raise it when the rules below change
SMALL_POOL = 10_000
_MINIMUM_WORDS = 20
# Debian's code of each translation, the code of its subset and the ISO 639 code of its queries.
_TRANSLATIONS = {
    "cs": "cs", "da": "da", "de": "de", "es": "es", "fi": "fi", "fr": "fr", "it": "it", "ja": "ja", "ko": "ko",
    "pl": "pl", "pt": "pt", "pt_BR": "pt_BR", "ru": "ru", "sk": "sk", "uk": "uk", "zh_CN": "zh",
}  # fmt: skip
_DEBIAN_CODE = {subset: code for code, subset in _TRANSLATIONS.items()}

NOTE = (
    "Query: the synopsis in the translation, where it differs from the English one (case aside); relevant: the English "
    "long description with the same Description-md5, and every other that this translated synopsis belongs to. "
    "Document: a long description of at least 20 words, without its synopsis; descriptions whose text or synopsis "
    "another one repeats are left out. xx-en-10k: the same over a pool of 10,000 documents drawn by a hash of their "
    "names. Families of near-duplicate packages (-dev, -doc, -data) make some queries hard to answer exactly; names of "
    "programs stay untranslated in the synopses and help lexical systems. pt_BR is Brazilian Portuguese. Built on this "
    "machine from its own apt sources: counts move with the release; each text is under its package's licence."
)


@dataclass(frozen=True, slots=True)
class Description:
    """One record of an index."""

    package: str
    md5: str
    synopsis: str
    body: str


def read_index(path: Path) -> Iterator[Description]:
    """The records of a Translation-xx file; raises `InputError` with the line where one is malformed."""
    fields: dict[str, list[str]] = {}
    last = ""
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise InputError(f"not UTF-8: {error.reason}", path=path, line=number) from error
            if not line:
                yield from _description(fields)
                fields, last = {}, ""
            elif line[0] in " \t":
                if not last:
                    message = "a continuation line before any field"
                    raise InputError(message, path=path, line=number, remedy="fetch the index again")
                fields[last].append(line.strip())
            else:
                key, colon, value = line.partition(":")
                if not colon:
                    raise InputError("no field and no continuation", path=path, line=number, remedy="fetch it again")
                last = "Description" if key.startswith("Description-") and key != "Description-md5" else key
                fields[last] = [value.strip()]
    yield from _description(fields)


def _description(fields: Mapping[str, list[str]]) -> Iterator[Description]:
    if {"Package", "Description-md5", "Description"} <= fields.keys():
        synopsis, *body = fields["Description"]
        text = " ".join(line for line in body if line != ".")
        package, md5 = fields["Package"][0], fields["Description-md5"][0]
        yield Description(package, md5, " ".join(synopsis.split()), " ".join(text.split()))


def _indices(code: str) -> list[Path]:
    folder = locate(RESOURCE)
    found = translations(folder, code)
    if not found:
        remedy = f"add the Translation-{code} file of a Debian mirror, or lapca-bench fetch {RESOURCE}"
        raise MissingResourceError(f"no descriptions in {code!r}", path=folder, remedy=remedy)
    return found


def _key(code: str) -> str:
    return digest_value({"recipe": RECIPE, "files": [file_fingerprint(path) for path in _indices(code)]})


def _records(code: str) -> list[Description]:
    """The records of a language, one per MD5 (the first package by name), from the cache or parsed now."""
    from pyarrow import parquet

    path = cache_root() / "collections" / RESOURCE / f"{code}-{_key(code)[:12]}.parquet"
    if not path.is_file():
        _write(code, path)
    try:
        columns = parquet.read_table(path, page_checksum_verification=True).to_pydict()
    except OSError as error:
        raise StoreError(f"damaged: {error}", path=path, remedy=f"delete {path}") from error
    return [Description(*row) for row in zip(*columns.values(), strict=True)]


def _write(code: str, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    found: dict[str, Description] = {}
    with progress(f"read package descriptions ({code})", unit="record") as bar:
        for index in _indices(code):
            for record in read_index(index):
                bar.advance()
                held = found.get(record.md5)
                if held is None or record.package < held.package:
                    found[record.md5] = record
    ordered = sorted(found.values(), key=lambda record: record.package)
    table = pa.table(
        {name: [getattr(record, name) for record in ordered] for name in ("package", "md5", "synopsis", "body")}
    )
    with atomic_path(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def languages() -> tuple[str, ...]:
    """ISO 639 codes of the translations, Brazilian Portuguese left to the collection's own subset."""
    return tuple(sorted(set(_TRANSLATIONS.values()) - {"pt_BR"}))


def descriptions(language: str) -> dict[str, Description]:
    """All descriptions in a language by MD5; raises `MissingResourceError` where its index is not here."""
    return {record.md5: record for record in _records(_DEBIAN_CODE.get(language, language))}


def _documents(records: Sequence[Description]) -> list[Description]:
    """Descriptions of enough words whose text and synopsis no other such description has, in order of package names."""
    eligible = [record for record in records if len(record.body.split()) >= _MINIMUM_WORDS]
    bodies, synopses = Counter(r.body for r in eligible), Counter(r.synopsis for r in eligible)
    return [r for r in eligible if bodies[r.body] == 1 and synopses[r.synopsis] == 1]


def _small_pool(documents: Sequence[Description]) -> list[Description]:
    def place(record: Description) -> bytes:
        return hashlib.sha256(f"{RESOURCE}:{record.package}".encode()).digest()

    drawn = {record.md5 for record in sorted(documents, key=place)[:SMALL_POOL]}
    return [record for record in documents if record.md5 in drawn]


def _parts(subset: str) -> tuple[str, bool]:
    """(language of the queries, whether the pool is the small one) of "de-en" or "de-en-10k"."""
    return subset.removesuffix("-10k").removesuffix("-en"), subset.endswith("-10k")


@dataclass(frozen=True)
class PackageDescriptions:
    """One translation against the English descriptions."""

    card: CollectionCard
    fingerprint: str
    code: str  # Debian's
    small: bool
    split: str = "test"

    @cached_property
    def _pool(self) -> list[Description]:
        documents = _documents(_records("en"))
        return _small_pool(documents) if self.small else documents

    def documents(self) -> Iterator[Document]:
        """The English long descriptions, by package name."""
        for record in self._pool:
            yield Document(record.package, record.body, language="en")

    def queries(self) -> Sequence[Query]:
        """The translated synopses, by the first package that each belongs to."""
        language = self.card.query_languages[0]
        return [Query(f"{self.code}:{found[0]}", synopsis, language) for synopsis, found in self._asked.items()]

    def relevance(self) -> Qrels:
        """The descriptions of the packages that each synopsis belongs to."""
        return Qrels({f"{self.code}:{found[0]}": dict.fromkeys(found, 1) for found in self._asked.values()})

    @cached_property
    def _asked(self) -> dict[str, list[str]]:
        """Packages by translated synopsis."""
        translated = {record.md5: record.synopsis for record in _records(self.code)}
        asked: dict[str, list[str]] = {}
        for record in self._pool:
            synopsis = translated.get(record.md5, "")
            if synopsis and synopsis.casefold() != record.synopsis.casefold():
                asked.setdefault(synopsis, []).append(record.package)
        return asked


class PackageDescriptionsFamily:
    """The family: `xx-en` over all documents, `xx-en-10k` over the small pool."""

    name = RESOURCE

    def subsets(self) -> Sequence[str]:
        """All translations, then all over the small pool."""
        return tuple(subset for group in self.groups().values() for subset in group)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """The two tables."""
        whole = tuple(f"{code}-en" for code in _TRANSLATIONS.values())
        return {"xx-en": whole, "xx-en-10k": tuple(f"{subset}-10k" for subset in whole)}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        language, small = _parts(subset)
        pool = ", pool of 10,000" if small else ""
        return CollectionCard(
            name=f"{self.name}/{subset}",
            family=self.name,
            title=f"Debian package descriptions, synopses in {language}, descriptions in en{pool}",
            version=f"Debian 12, recipe {RECIPE}",
            licence="each package's own; not to be redistributed",
            citation="Debian Description Translation Project. https://www.debian.org/international/l10n/ddtp",
            url="https://ddtp.debian.org",
            policy=Policy(measures=("nDCG@10", "RR@10", "R@100"), translations="{language}:{query}"),
            query_languages=(language.partition("_")[0],),
            document_languages=("en",),
            note=NOTE,
        )

    def presence(self, subset: str) -> Presence:
        """Whether the indices of the translation and of English are here."""
        try:
            for code in ("en", _DEBIAN_CODE[_parts(subset)[0]]):
                _indices(code)
        except LapcaError as error:
            return Presence(False, error.message, error.remedy or "", (self.name,))
        return Presence(True)

    def load(self, subset: str, split: str | None) -> PackageDescriptions:
        """One subset; the indices are parsed on first use."""
        card = self.card(subset)
        if split not in {None, *card.splits}:
            raise UsageError(f"{card.name} has no split {split!r}", remedy=f"splits: {', '.join(card.splits)}")
        language, small = _parts(subset)
        code = _DEBIAN_CODE[language]
        fingerprint = digest_value({"name": card.name, "en": _key("en"), "translation": _key(code)})
        return PackageDescriptions(card, fingerprint, code, small)

    def counts(self, subset: str) -> Sequence[Count]:
        """Documents and queries beside those of the release that the project was measured with."""
        documents, queries = _expected()[subset]
        collection = self.load(subset, None)
        return (
            Count("documents", documents, sum(1 for _ in collection.documents())),
            Count("queries", queries, len(collection.queries())),
        )


@cache
def _expected() -> dict[str, tuple[int, int]]:
    text = files(__package__).joinpath("package_descriptions_counts.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["subset"]: (int(row["documents"]), int(row["queries"])) for row in rows}


PACKAGE_DESCRIPTIONS = PackageDescriptionsFamily()
