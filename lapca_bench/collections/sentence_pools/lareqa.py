"""LAReQA's own data: XQuAD-R and MLQA-R (Roy et al., EMNLP 2020).

`mixed` goes to depth 1,000: AP@1000 is at most (targets not found) / 1,001 below the full AP, since each target beyond
rank 1,000 would add less than 1 / 1,001. One language of questions at a time keeps an exact run at 15 million rows (all
at once: 170 million).

Follows `third_party/utils_lareqa.py` of google-research/xtreme: an answer whose start falls in no sentence leaves its
question out, a paragraph without questions leaves its sentences out, and a sentence that comes twice in a paragraph is
a target twice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lapca_bench.collections.catalogue import Catalogue, presence_of
from lapca_bench.collections.family import Presence
from lapca_bench.collections.formats.squad import paragraphs
from lapca_bench.collections.loaded import LoadedCollection
from lapca_bench.collections.sentence_pools.pools import Candidate, SentencePools, Side
from lapca_bench.collections.sources import Source
from lapca_bench.digest import digest_value

POOL_DEPTH = 1000

_REPOSITORY = "https://github.com/google-research-datasets/lareqa"


class Lareqa(SentencePools):
    """XQuAD-R or MLQA-R, by the catalogue and the folder of its files."""

    pool_depth = POOL_DEPTH

    def __init__(self, name: str, folder: str, origin: str, catalogue: Catalogue | None = None) -> None:
        super().__init__(name, catalogue)
        self._folder = folder
        self._origin = origin

    def presence(self, subset: str) -> Presence:
        """Whether the files of all languages of the pool are here."""
        return presence_of([self._source(language) for language in self.pool(subset)])

    def path(self, language: str) -> Path:
        """The file of a language; raises `MissingResourceError` where it is not on this machine."""
        return self._source(language).path()

    def find(self, language: str) -> Path | None:
        """The file of a language; None where it is not on this machine."""
        return self._source(language).find()

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One subset; how its questions are read is part of its fingerprint."""
        loaded = super().load(subset, split)
        if self.catalogue.blanks == "stripped":  # as all were before there was a choice
            return loaded
        return replace(loaded, fingerprint=digest_value({"collection": loaded.fingerprint, "questions": "as written"}))

    def read(self, path: Path, language: str) -> Side:
        """The side that a file holds."""
        candidates: list[Candidate] = []
        questions: dict[str, str] = {}
        targets: dict[str, tuple[str, ...]] = {}
        for number, paragraph in enumerate(paragraphs(path, split_in_sentences=True), start=1):
            sentences = [paragraph.text[start:end] for start, end in paragraph.sentences]
            ids = [f"{language}_{number}_{place}" for place in range(len(sentences))]
            answered = False
            for question in paragraph.questions:
                place = paragraph.sentence_at(question.answer_start)
                if place is None:
                    continue
                answered = True
                stripped = self.catalogue.blanks == "stripped"
                questions[question.id] = question.text.strip() if stripped else question.text
                targets[question.id] = tuple(
                    name for name, sentence in zip(ids, sentences, strict=True) if sentence == sentences[place]
                )
            if answered:
                candidates += [Candidate(name, text, paragraph.text) for name, text in zip(ids, sentences, strict=True)]
        return Side(language, tuple(candidates), questions, targets)

    def _source(self, language: str) -> Source:
        return Source(
            f"{self.catalogue.title} ({language})",
            (f"{self._folder}/{language}.json",),
            self._origin,
            self.name,
        )


XQUAD_R = Lareqa("xquad-r", "lareqa-xquad-r/xquad-r", f"{_REPOSITORY}/tree/main/xquad-r")
MLQA_R = Lareqa("mlqa-r", "lareqa-mlqa-r/mlqa-r", f"{_REPOSITORY}/tree/354d67d1cd066854cdfbf5ad0e6105528976141d/mlqa-r")
