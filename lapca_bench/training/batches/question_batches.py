"""Batches of questions and passages, epoch after epoch, with hard negatives and, if wished, a teacher's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import InputError
from lapca_bench.training.batch import Batch, HeldOut
from lapca_bench.training.batches.questions import AnsweredQuestion
from lapca_bench.training.batches.settings import QuestionSettings
from lapca_bench.training.random_streams import Stream, generator
from lapca_bench.types import Document


class QuestionBatches:
    """Each epoch sees every question once, in another order; a batch holds no positive passage twice.

    `mined` are negatives by question id that replace those of the file. `scorer` is the encoder of a system that is
    distilled: it scores what each batch holds.
    """

    def __init__(
        self,
        questions: Sequence[AnsweredQuestion],
        settings: QuestionSettings,
        *,
        batch: int,
        seed: int,
        separator: str = " ",
        mined: Mapping[str, Sequence[Document]] | None = None,
        scorer: Encoder | None = None,
    ) -> None:
        order = generator(seed, Stream.HELD_OUT).permutation(len(questions))
        self._held = [questions[place] for place in order[: settings.held_out]]
        self.questions = [questions[place] for place in sorted(order[settings.held_out :])]
        if len(self.questions) < batch:
            raise InputError(
                f"{len(self.questions)} questions are too few for batches of {batch}",
                key="optimisation.batch",
                remedy="make the batch smaller, hold fewer out, or give more questions",
            )
        self._settings, self._batch, self._seed, self._separator = settings, batch, seed, separator
        self._mined, self._scorer = mined or {}, scorer

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass over the questions."""
        return len(self.questions) // self._batch

    def batch(self, step: int) -> Batch:
        """The batch of this step; it is smaller where two questions drew the same passage."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = generator(self._seed, Stream.BATCH, epoch).permutation(len(self.questions))
        rows = order[place * self._batch : (place + 1) * self._batch]
        random = generator(self._seed, Stream.VIEWS, step)
        chosen: dict[str, AnsweredQuestion] = {}
        for row in rows:
            question = self.questions[row]
            positive = question.positives[int(random.integers(len(question.positives)))]
            chosen.setdefault(self._shown(positive), question)
        known = {self._shown(one) for question in chosen.values() for one in question.positives}
        negatives: dict[str, None] = {}
        for question in chosen.values():
            own = [text for one in self._mined.get(question.id, question.negatives) if (text := self._shown(one))]
            count = min(self._settings.negatives, len(own))
            drawn = random.choice(len(own), size=count, replace=False) if count else ()
            negatives |= dict.fromkeys(own[one] for one in drawn if own[one] not in known)
        made = Batch(
            tuple(question.id for question in chosen.values()),
            tuple(question.text for question in chosen.values()),
            tuple(chosen),
            tuple(question.language for question in chosen.values()),
            tuple(negatives),
        )
        return made if self._scorer is None else replace(made, teacher_scores=self._scores(made, self._scorer))

    @staticmethod
    def _scores(batch: Batch, scorer: Encoder) -> np.ndarray:
        """The scorer's, (questions, passages and negatives)."""
        documents = [Document(str(n), text) for n, text in enumerate((*batch.passages, *batch.negatives))]
        return np.asarray(scorer.encode_queries(batch.queries) @ scorer.encode_documents(documents).T)

    def held_out(self) -> HeldOut:
        """The questions that are in no batch, each with its first passage."""
        passages = tuple(self._shown(question.positives[0]) for question in self._held)
        return HeldOut(tuple(question.text for question in self._held), passages)

    def pool(self, step: int, size: int = 2000) -> Mapping[str, Sequence[str]]:
        """Passages under the language of the questions they belong to, for negatives mined while training."""
        random = generator(self._seed, Stream.POOL, step)
        return {
            language: [texts[place] for place in random.permutation(len(texts))[:size]]
            for language, texts in self._texts.items()
        }

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for question in self.questions:
            shown = (self._shown(one) for one in (*question.positives, *question.negatives))
            found.setdefault(question.language, {}).update(dict.fromkeys(shown))
        return {language: list(texts) for language, texts in sorted(found.items())}

    def _shown(self, passage: Document) -> str:
        return passage.content(self._separator)
