"""`lareqa-like`: pools made as LAReQA makes its own, to choose by what must not be chosen on XQuAD-R.

Candidates are the sentences of paragraphs of held-out articles (`AskedParagraph.held_out`), which no training of this
project reads; the target of a question is the sentence that its answer starts in.

* `<set>`: one set of questions, at most 60 paragraphs of it, in its own language.
* `mixed`: the paragraphs of all sets in one pool, where a sentence of another language is always wrong.
* `<...>-context`: the same with each sentence beside its paragraph: the sentence is the title, the paragraph the text.
* `faq`: questions of bitcoin.org in nine languages; the targets are their answers in all nine, among other texts of the
  site in these languages. Here a system must find answers whatever their language.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, unique_queries
from lapca_bench.collections.question_sets.asked import PARAGRAPHS, QUESTIONS, AskedParagraph, read_question_set
from lapca_bench.collections.reading import records
from lapca_bench.collections.sources import Source
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

MIXED, FAQ = "mixed", "faq"

_CONTEXT = "-context"
_PARAGRAPHS_SHOWN = 60  # of a set; chosen by a hash of their text
_SETS = {
    "ar-arcd": "ar",
    "fa-pquad": "fa",
    "ja-jaquad": "ja",
    "ja-jsquad": "ja",
    "th-iapp": "th",
    "tr-enelpi": "tr",
    "zh-cmrc2018": "zh",
}
_NEVER_TRAINED = frozenset({"ja-jsquad"})
_FAQ_LANGUAGES = {
    "en": "en",
    "ar": "ar",
    "de": "de",
    "el": "el",
    "es": "es",
    "hi": "hi",
    "ru": "ru",
    "tr": "tr",
    "zh_CN": "zh",
}
_SHORTEST = 60  # characters of the English text of what stands beside the answers
_ANSWER = "txt1"  # what the key of an answer adds to its question's


class LareqaLike(CatalogueFamily):
    """Held-out articles of question sets, and the questions of a site in nine languages."""

    def subsets(self) -> Sequence[str]:
        """All pools of sentences alone, then those with context, then the FAQ."""
        plain = (MIXED, *_SETS)
        return (*plain, *(f"{subset}{_CONTEXT}" for subset in plain), FAQ)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`guard` is what trainings choose by."""
        return {"guard": (MIXED, f"{MIXED}{_CONTEXT}", FAQ), "sets": tuple(_SETS)}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        self.check_subset(subset)
        if subset == FAQ:
            policy = Policy(measures=("AP@1000", "nDCG@10"), depth=1000, translations="{query}_{language}")
            languages = tuple(_FAQ_LANGUAGES.values())
            return self.make_card(
                subset, policy, (languages, languages), ("guard",), "bitcoin.org's questions, nine languages"
            )
        policy = Policy(measures=("AP@1000", "nDCG@10"), depth=1000)
        languages = tuple(dict.fromkeys(_SETS[name] for name in _sets(subset)))
        text = "sentence and paragraph" if subset.endswith(_CONTEXT) else "sentence alone"
        title = f"Held-out questions and sentences of {subset.removesuffix(_CONTEXT)}, {text}"
        return self.make_card(subset, policy, (languages, languages), ("guard",), title)

    def presence(self, subset: str) -> Presence:
        """Whether all files of a subset are here."""
        self.check_subset(subset)
        return presence_of([source for found in _sources(subset).values() for source in found])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One pool."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        paths = {name: [source.path() for source in found] for name, found in _sources(subset).items()}
        documents, queries, relevant = _faq(paths[FAQ][0]) if subset == FAQ else _sentences(paths, subset)
        first = next(iter(paths.values()))[0]
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, paths),
            lambda: iter(documents),
            unique_queries(queries, first),
            Qrels(relevant),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Questions and candidates against those of the files that the project was made with."""
        if not self.presence(subset).present:
            return ()
        loaded = self.load(subset)
        found = {"questions": len(loaded.queries()), "candidates": sum(1 for _ in loaded.documents())}
        return [Count(what, self.catalogue.count(subset, what) or 0, number) for what, number in found.items()]


def held_out_paragraphs(folder: Path, name: str) -> list[AskedParagraph]:
    """The paragraphs of a set that its pool is made of."""
    kept = [one for one in read_question_set(folder) if one.questions and (name in _NEVER_TRAINED or one.held_out)]
    kept.sort(key=lambda one: hashlib.sha256(one.text.encode()).digest())
    return kept[:_PARAGRAPHS_SHOWN]


def _sets(subset: str) -> tuple[str, ...]:
    plain = subset.removesuffix(_CONTEXT)
    return tuple(_SETS) if plain == MIXED else (plain,)


def _sources(subset: str) -> dict[str, list[Source]]:
    if subset == FAQ:
        origin = "https://github.com/bitcoin-dot-org/bitcoin.org"
        return {FAQ: [Source("bitcoin.org's texts", ("training/bitcoin-org/texts.jsonl.gz",), origin)]}
    origin = "the sets of questions that docs/lapca.md lists"
    return {
        name: [Source(f"{name}: {file}", (f"training/qa-{name}/{file}",), origin) for file in (QUESTIONS, PARAGRAPHS)]
        for name in _sets(subset)
    }


_Parts = tuple[list[Document], list[Query], dict[str, dict[str, int]]]


def _sentences(paths: Mapping[str, Sequence[Path]], subset: str) -> _Parts:
    documents: list[Document] = []
    queries: list[Query] = []
    relevant: dict[str, dict[str, int]] = {}
    for name, (questions, _) in paths.items():
        for paragraph in held_out_paragraphs(questions.parent, name):
            ids = [f"{name}_{paragraph.id}_{place}" for place in range(len(paragraph.sentences))]
            texts = [paragraph.sentence(place) for place in range(len(ids))]
            for identifier, text in zip(ids, texts, strict=True):
                with_context = subset.endswith(_CONTEXT)
                title, body = (text, paragraph.text) if with_context else ("", text)
                documents.append(Document(identifier, body, title, paragraph.language))
            for question in paragraph.questions:
                query = Query(f"{name}_{question.id}", question.text, paragraph.language)
                queries.append(query)
                same = (one for one, text in zip(ids, texts, strict=True) if text == texts[question.answer])
                relevant[query.id] = dict.fromkeys(same, 1)
    documents.sort(key=lambda one: one.language or "")  # stable: one language after the other
    return documents, queries, relevant


def _faq(path: Path) -> _Parts:
    texts = {str(record["key"]): dict(record["texts"]) for _, record in records(path, ("key", "texts"))}
    whole = [key for key, found in texts.items() if all(language in found for language in _FAQ_LANGUAGES)]
    asked = [key for key in whole if key.startswith(".faq.") and key + _ANSWER in whole]
    answers = {key + _ANSWER: key for key in asked}
    shown = [key for key in whole if key in answers or (key not in asked and len(texts[key]["en"]) >= _SHORTEST)]
    documents = list(_in_all_languages(shown, texts))
    queries = [
        Query(f"{key}_{plain}", texts[key][code], plain) for code, plain in _FAQ_LANGUAGES.items() for key in asked
    ]
    relevant = {
        f"{key}_{asked_in}": {f"{answer}_{language}": 1 for language in _FAQ_LANGUAGES.values()}
        for answer, key in answers.items()
        for asked_in in _FAQ_LANGUAGES.values()
    }
    return documents, queries, relevant


def _in_all_languages(keys: Sequence[str], texts: Mapping[str, Mapping[str, str]]) -> Iterator[Document]:
    for code, language in _FAQ_LANGUAGES.items():
        for key in keys:
            yield Document(f"{key}_{language}", texts[key][code], language=language)


LAREQA_LIKE = LareqaLike("lareqa-like")
