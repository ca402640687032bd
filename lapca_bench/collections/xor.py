"""XOR-Retrieve: questions in seven languages, English Wikipedia passages, judged by the answer strings they hold.

Asai et al., NAACL 2021; `evals/eval_xor_retrieve.py` of AkariAsai/XORQA. An answer that is exactly "yes" or "no" cannot
be found in a passage and is removed; a question left without answers is not scored, though it stays among the queries
so that a run is also a whole submission. The test split has no answers: it is for making submissions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.formats.dpr import passages
from lapca_bench.collections.loaded import (
    LoadedCollection,
    counted,
    fingerprint,
    refuse_unequal,
    unique_queries,
)
from lapca_bench.collections.reading import records, text_of
from lapca_bench.collections.sources import Source
from lapca_bench.errors import InputError
from lapca_bench.run import Answers
from lapca_bench.types import Document, Query

LANGUAGES = ("ar", "bn", "fi", "ja", "ko", "ru", "te")
SPLITS = ("dev", "train", "test")
ALL = "all"

_POLICY = Policy(measures=("R@2kt", "R@5kt", "R_official@2kt", "R_official@5kt"), depth=100, no_relevant="exclude")
_SITE = "https://nlp.cs.washington.edu/xorqa/XORQA_site/data"
_FILES = {
    "train": "xor_train_retrieve_eng_span.jsonl",
    "dev": "xor_dev_retrieve_eng_span_v1_1.jsonl",
    "test": "xor_test_retrieve_eng_span_q_only_v1_1.jsonl",
}
_QUESTIONS = {
    split: Source(f"XOR-Retrieve {split} questions", (f"xor-tydi/{name}",), f"{_SITE}/{name}", "xor-retrieve")
    for split, name in _FILES.items()
}
_CORPUS = Source(
    "XOR-Retrieve passages (English Wikipedia of 2019-02-01)",
    ("xor-tydi/enwiki_20190201_w100.tsv", "xor-tydi/enwiki_20190201_w100.tsv.gz", "xor-tydi/psgs_w100.tsv"),
    f"{_SITE}/models/enwiki_20190201_w100.tsv (13 GB)",
    "xor-retrieve-corpus",
)


@dataclass(frozen=True)
class _Question:
    query: Query
    answers: tuple[str, ...]


def _read(path: Path, *, answered: bool) -> Iterator[_Question]:
    fields = ("id", "question", "lang", "answers") if answered else ("id", "question", "lang")
    for line, record in records(path, fields):
        language = text_of(record, "lang", path, line).strip()  # the train file writes " ar"
        if language not in LANGUAGES:
            message = f"unknown language {language!r}"
            raise InputError(message, path=path, line=line, remedy=f"XOR-Retrieve has {', '.join(LANGUAGES)}")
        answers = record["answers"] if answered else []
        if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
            raise InputError("'answers' must be a list of strings", path=path, line=line)
        query = Query(str(record["id"]), text_of(record, "question", path, line), language)
        yield _Question(query, tuple(dict.fromkeys(a for a in answers if a not in {"yes", "no"})))


class XorRetrieve(CatalogueFamily):
    """`xor-retrieve/<language>` and `xor-retrieve/all`, whose macro mean over languages is the published score."""

    def subsets(self) -> Sequence[str]:
        """The seven languages, then all of them together."""
        return (*LANGUAGES, ALL)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`languages`: one row per language."""
        return {"languages": LANGUAGES}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        self.check_subset(subset)
        languages = LANGUAGES if subset == ALL else (subset,)
        title = f"XOR-Retrieve, {'all languages' if subset == ALL else subset}"
        return self.make_card(subset, _POLICY, (languages, ("en",)), SPLITS, title)

    def presence(self, subset: str) -> Presence:
        """Whether the dev questions and the passages are here."""
        self.check_subset(subset)
        return presence_of([_QUESTIONS["dev"], _CORPUS])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One language or all; refuses a file whose counts are not those of version 1.1."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        path = _QUESTIONS[split].path()
        questions = tuple(_read(path, answered=split != "test"))
        refuse_unequal(self._question_counts(questions, split, (ALL, *LANGUAGES)), path, card.version)
        chosen = [question for question in questions if subset in (ALL, question.query.language)]
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {"questions": [path], "passages": _CORPUS.parts()}),
            self._passages,
            unique_queries([question.query for question in chosen], path),
            Answers({question.query.id: question.answers for question in chosen if question.answers}),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Questions and questions with answers of each split here, and passages if they are here."""
        self.check_subset(subset)
        found: list[Count] = []
        for split in SPLITS:
            path = _QUESTIONS[split].find()
            if path is not None:
                questions = tuple(_read(path, answered=split != "test"))
                found += self._question_counts(questions, split, (subset,))
        expected = self.catalogue.count("documents")
        corpus = _CORPUS.find()
        if corpus is not None and expected is not None:
            found.append(Count("documents", expected, sum(1 for _ in passages(corpus, "en"))))
        return found

    def _passages(self) -> Iterator[Document]:
        path = _CORPUS.path()
        return counted(passages(path, "en"), self.catalogue.count("documents"), path, self.catalogue.version)

    def _question_counts(self, questions: Sequence[_Question], split: str, subsets: Sequence[str]) -> list[Count]:
        counts = []
        for subset in subsets:
            chosen = [question for question in questions if subset in (ALL, question.query.language)]
            found = {"questions": len(chosen), "answerable": sum(bool(question.answers) for question in chosen)}
            for what, number in found.items():
                expected = self.catalogue.count(split, what, subset)
                if expected is not None:
                    counts.append(Count(f"{split} {what} ({subset})", expected, number))
        return counts


XOR_RETRIEVE = XorRetrieve("xor-retrieve")
