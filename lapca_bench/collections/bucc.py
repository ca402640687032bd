"""BUCC 2018: finding the translated sentence pairs in two comparable corpora (Zweigenbaum et al., BUCC 2018).

`bucc/de-en` puts every German sentence to the English ones, `bucc/en-de` the other way. Most sentences have no
translation; they are left out of per-query measures. The task's own measure is F1 of the mined pairs: margin mining
(Artetxe and Schwenk, ACL 2019) works on the vectors of all sentences of both sides, `queries()` and `documents()`, with
the threshold tuned on the training split against `relevance()`. Where you have the gold pairs of the test split, put
`de-en.test.gold` beside its sentences; without them that split is unjudged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, unique_queries
from lapca_bench.collections.reading import rows
from lapca_bench.collections.sources import Source
from lapca_bench.errors import InputError
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

LANGUAGES = ("de", "fr", "ru", "zh")
SPLITS = ("train", "test")

_ENGLISH = "en"
_POLICY = Policy(measures=("Accuracy",), depth=10, no_relevant="exclude", task="bitext")
_FILE_SPLITS = {"train": "training", "test": "test"}
_ORIGIN = "https://comparable.limsi.fr/bucc2018/bucc2018-task.html"


def _sentences(path: Path) -> Iterator[tuple[str, str]]:
    for line, (name, text) in rows(path, ("id", "sentence")):
        if not name:
            raise InputError("a sentence without id", path=path, line=line)
        yield name, text


class Bucc(CatalogueFamily):
    """`bucc/<language of the queries>-<language of the documents>`, one of which is English."""

    def subsets(self) -> Sequence[str]:
        """Each language to English, then English to each."""
        return (*(f"{x}-{_ENGLISH}" for x in LANGUAGES), *(f"{_ENGLISH}-{x}" for x in LANGUAGES))

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`all`: both directions of every pair."""
        return {"all": self.subsets()}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        self.check_subset(subset)
        asked, found = subset.split("-")
        return self.make_card(subset, _POLICY, ((asked,), (found,)), SPLITS, f"BUCC 2018, {asked} to {found}")

    def presence(self, subset: str) -> Presence:
        """Whether the training sentences of both sides and the gold pairs are here."""
        asked, found = self._sides(subset)
        return presence_of([self._source(subset, "train", kind) for kind in (asked, found, "gold")])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One direction of one pair; refuses gold pairs that name a sentence which is not there."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        asked, found = self._sides(subset)
        queries, documents = (self._source(subset, split, language).path() for language in (asked, found))
        gold = self._gold(subset, split)
        if gold is None and split == "train":
            raise self._source(subset, split, "gold").missing()
        sentences = unique_queries([Query(name, text, asked) for name, text in _sentences(queries)], queries)
        roles = {"queries": [queries], "documents": [documents], "gold": [gold] if gold else []}
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, roles),
            lambda: (Document(name, text, language=found) for name, text in _sentences(documents)),
            sentences,
            self._judgements(gold, asked, {query.id for query in sentences}, documents),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Sentences of each side and gold pairs, of what is here and was published."""
        found: list[Count] = []
        for split in SPLITS:
            for kind in (*self._sides(subset), "gold"):
                path = self._source(subset, split, kind).find()
                expected = self.catalogue.count(self._pair(subset), split, kind)
                if path is not None and expected is not None:
                    found.append(Count(f"{split} {kind}", expected, sum(1 for _ in rows(path, ("", "")))))
        return found

    def _gold(self, subset: str, split: str) -> Path | None:
        return self._source(subset, split, "gold").find()

    def _judgements(self, gold: Path | None, asked: str, queries: set[str], documents: Path) -> Qrels:
        if gold is None:
            return Qrels({})
        known = {name for name, _ in _sentences(documents)}
        pairs = []
        for line, (foreign, english) in rows(gold, ("foreign id", "English id")):
            query, document = (english, foreign) if asked == _ENGLISH else (foreign, english)
            for name, side in ((query, queries), (document, known)):
                if name not in side:
                    message = f"the gold pair names the sentence {name!r}, which is not there"
                    remedy = "sentences and gold must be of one split, and whole"
                    raise InputError(message, path=gold, line=line, remedy=remedy)
            pairs.append((query, document, 1))
        return Qrels.from_rows(pairs)

    def _source(self, subset: str, split: str, kind: str) -> Source:
        pair = self._pair(subset)
        name = f"{pair}.{_FILE_SPLITS[split]}.{kind}"
        return Source(f"BUCC 2018 {name}", (f"bucc2018/{pair}/{name}", f"bucc2018/{name}"), _ORIGIN, f"bucc-{pair}")

    def _sides(self, subset: str) -> tuple[str, str]:
        self.check_subset(subset)
        asked, found = subset.split("-")
        return asked, found

    @staticmethod
    def _pair(subset: str) -> str:
        return f"{next(side for side in subset.split('-') if side != _ENGLISH)}-{_ENGLISH}"


BUCC = Bucc("bucc")
