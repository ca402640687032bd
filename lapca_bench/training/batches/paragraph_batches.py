"""Batches of paragraphs whose sentences are found inside them: of questions, or of parallel text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lapca_bench.training.batch import Batch, HeldOut
from lapca_bench.training.batches.asked_paragraphs import AskedParagraphs
from lapca_bench.training.batches.parallel_paragraphs import ParallelParagraphs
from lapca_bench.training.batches.settings import ParagraphSettings
from lapca_bench.training.batches.shown import Neighbours, batch_of
from lapca_bench.training.random_streams import Stream, generator


class ParagraphBatches:
    """Each batch is of questions in one language, or of parallel paragraphs in several; `batch` texts are in each.

    Either kind may be absent, if not both.
    """

    def __init__(
        self,
        asked: AskedParagraphs | None,
        parallel: ParallelParagraphs | None,
        settings: ParagraphSettings,
        *,
        batch: int,
        seed: int,
        pivots: bool,
    ) -> None:
        self._asked, self._parallel, self._settings = asked, parallel, settings
        self._batch, self._seed, self._pivots = batch, seed, pivots

    def batch(self, step: int) -> Batch:
        """The batch of this step."""
        neighbours: Neighbours
        settings, random = self._settings, generator(self._seed, Stream.PARAGRAPHS, step)
        of_questions = random.random() < settings.question_share
        spanned = bool(random.random() < settings.spanned)
        if self._asked is not None and (of_questions or self._parallel is None):
            shown, neighbours = self._asked.drawn(self._batch, random), settings.neighbours
        elif self._parallel is not None:
            shown = self._parallel.drawn(max(2, self._batch // settings.together), random)
            neighbours = settings.translated_neighbours
        else:
            raise ValueError("neither questions nor parallel text")
        return batch_of(shown, spanned=spanned, neighbours=neighbours, pivots=self._pivots)

    def held_out(self) -> HeldOut:
        """None: a training on paragraphs looks at collections of the harness."""
        return HeldOut((), ())

    def pool(self, step: int) -> Mapping[str, Sequence[str]]:  # noqa: ARG002
        """None: every paragraph brings its own hard negatives."""
        return {}
