"""MKQA as a retrieval task: questions in 26 languages, English passages, judged by the English answers they hold.

Two protocols that are not comparable, hence two families. `mkqa-contriever` (Izacard et al., TMLR 2022;
`data_scripts/preprocess_xmkqa.py`): DPR's 21 million Wikipedia passages; questions, titles and texts are normalised
and lower-cased for the system, answers are sought in the raw text. `mkqa-bge` (Chen et al., 2024; FlagEmbedding
`C_MTEB/MKQA`): BEIR's NQ passages as one normalised text "title, line break, text", in which answers are sought too;
questions as they are, without English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import Catalogue, CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.formats.dpr import passages
from lapca_bench.collections.loaded import (
    LoadedCollection,
    counted,
    fingerprint,
    refuse_unequal,
    unique_queries,
)
from lapca_bench.collections.normalisation import normalise
from lapca_bench.collections.reading import records, text_of
from lapca_bench.collections.sources import Source
from lapca_bench.errors import InputError
from lapca_bench.run import Answers
from lapca_bench.types import Document, Query

# Keys of the authors' file, in Contriever's order.
# fmt: off
LANGUAGES = (
    "en", "ar", "fi", "ja", "ko", "ru", "es", "sv", "he", "th", "da", "de", "fr",
    "it", "nl", "pl", "pt", "hu", "vi", "ms", "km", "no", "tr", "zh_cn", "zh_hk", "zh_tw",
)
# fmt: on

_DROPPED = frozenset({"unanswerable", "binary", "long_answer"})
_POLICY = Policy(measures=("AnswerRecall@100", "AnswerRecall@20"), depth=100, translations="{query}")
_QUESTIONS = Source(
    "MKQA questions and answers",
    ("mkqa/mkqa.jsonl.gz",),
    "https://github.com/apple/ml-mkqa/raw/main/dataset/mkqa.jsonl.gz",
    "mkqa",
)


@dataclass(frozen=True)
class Protocol:
    """What differs between the protocols: languages, corpus, and what a system and the evaluator read of each text."""

    languages: tuple[str, ...]
    corpus: Source
    stored: Callable[[Path], Iterator[Document]]
    read_by_system: Callable[[Document], Document]
    read_by_evaluator: Callable[[Document], Document]
    question: Callable[[str], str]


@dataclass(frozen=True)
class _Question:
    id: str
    texts: Mapping[str, str]
    answers: tuple[str, ...]


def _answers(listed: Any, path: Path, line: int) -> tuple[str, ...]:
    """The English answers, empty if the question is dropped.

    As in `preprocess_xmkqa.py` the type of the *last* answer alone decides whether the question is kept, while the
    strings are those of every answer of an accepted type.
    """
    if not isinstance(listed, list) or not listed or not all(isinstance(answer, dict) for answer in listed):
        raise InputError("answers.en must be a list of at least one object", path=path, line=line)
    strings: list[str] = []
    for answer in listed:
        if answer.get("type") not in _DROPPED:
            strings += [*answer.get("aliases", []), answer.get("text")]
    if not all(isinstance(string, str) for string in strings):
        raise InputError("answers.en holds an answer without text", path=path, line=line)
    return tuple(dict.fromkeys(strings)) if listed[-1].get("type") not in _DROPPED else ()


def _read(path: Path) -> Iterator[_Question]:
    for line, record in records(path, ("example_id", "queries", "answers")):
        texts, answers = record["queries"], record["answers"]
        if not isinstance(texts, dict) or not isinstance(answers, dict):
            raise InputError("'queries' and 'answers' must be objects by language", path=path, line=line)
        for language in LANGUAGES:
            if not isinstance(texts.get(language), str):
                raise InputError(f"queries.{language} is missing or not a string", path=path, line=line)
        yield _Question(str(record["example_id"]), texts, _answers(answers.get("en"), path, line))


class Mkqa(CatalogueFamily):
    """One family per protocol; its subsets are languages, named as in the authors' file ("zh_cn")."""

    def __init__(self, name: str, protocol: Protocol, catalogue: Catalogue | None = None) -> None:
        super().__init__(name, catalogue)
        self._protocol = protocol

    def subsets(self) -> Sequence[str]:
        """The languages of the protocol."""
        return self._protocol.languages

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`all`: every language of the protocol."""
        return {"all": self._protocol.languages}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy; languages are BCP 47 tags ("zh-CN")."""
        self.check_subset(subset)
        return self.make_card(
            subset, _POLICY, ((_tag(subset),), ("en",)), ("test",), f"{self.catalogue.title}, {subset}"
        )

    def presence(self, subset: str) -> Presence:
        """Whether the questions and the passages are here."""
        self.check_subset(subset)
        return presence_of([_QUESTIONS, self._protocol.corpus])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One language; refuses a file with another number of questions than the authors'."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        path = _QUESTIONS.path()
        questions = list(_read(path))
        kept = [question for question in questions if question.answers]
        refuse_unequal(self._question_counts(questions), path, card.version)
        queries = [Query(q.id, self._protocol.question(q.texts[subset]), _tag(subset)) for q in kept]
        protocol = self._protocol
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {"questions": [path], "passages": protocol.corpus.parts()}),
            lambda: self._documents(protocol.read_by_system),
            unique_queries(queries, path),
            Answers({question.id: question.answers for question in kept}),
            lambda: self._documents(protocol.read_by_evaluator),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """All questions of the file, those that are kept, and passages if they are here."""
        self.check_subset(subset)
        path = _QUESTIONS.find()
        found = self._question_counts(list(_read(path))) if path is not None else []
        expected = self.catalogue.count("documents")
        corpus = self._protocol.corpus.find()
        if corpus is not None and expected is not None:
            found.append(Count("documents", expected, sum(1 for _ in self._protocol.stored(corpus))))
        return found

    def _documents(self, shown: Callable[[Document], Document]) -> Iterator[Document]:
        path = self._protocol.corpus.path()
        stored = counted(self._protocol.stored(path), self.catalogue.count("documents"), path, self.catalogue.version)
        return map(shown, stored)

    def _question_counts(self, questions: Sequence[_Question]) -> list[Count]:
        numbers = {"questions": len(questions), "kept questions": sum(bool(q.answers) for q in questions)}
        pairs = ((what, self.catalogue.count(what), n) for what, n in numbers.items())
        return [Count(what, expected, n) for what, expected, n in pairs if expected is not None]


def _tag(key: str) -> str:
    language, _, region = key.partition("_")
    return f"{language}-{region.upper()}" if region else language


def _same(value: Any) -> Any:
    return value


def _lowered(document: Document) -> Document:
    return Document(document.id, normalise(document.text), normalise(document.title), document.language)


def _joined(document: Document) -> Document:
    return Document(document.id, normalise(f"{document.title}\n{document.text}"), "", document.language)


def _dpr(path: Path) -> Iterator[Document]:
    return passages(path, "en")


def _beir(path: Path) -> Iterator[Document]:
    for line, record in records(path, ("_id", "title", "text")):
        name, title, text = (text_of(record, field, path, line) for field in ("_id", "title", "text"))
        yield Document(name, text, title, "en")


MKQA_CONTRIEVER = Mkqa(
    "mkqa-contriever",
    Protocol(
        LANGUAGES,
        Source(
            "DPR's Wikipedia passages (psgs_w100)",
            ("dpr/psgs_w100.tsv", "dpr/psgs_w100.tsv.gz"),
            "https://dl.fbaipublicfiles.com/dpr/wikipedia_split/psgs_w100.tsv.gz",
            "psgs-w100",
        ),
        _dpr,
        read_by_system=_lowered,
        read_by_evaluator=_same,
        question=normalise,
    ),
)
MKQA_BGE = Mkqa(
    "mkqa-bge",
    Protocol(
        LANGUAGES[1:],
        Source(
            "BEIR's NQ passages",
            ("beir/nq/corpus.jsonl", "beir/nq/corpus.jsonl.gz"),
            "https://public.ukp.informatik.tu-darmstadt.de/thakur/BEIR/datasets/nq.zip",
            "beir-nq",
        ),
        _beir,
        read_by_system=_joined,
        read_by_evaluator=_joined,
        question=_same,
    ),
)
