"""The seed methods as losses over frozen vectors. Each class names its source and what of it carries over to retrieval.

To add one: a class with `usable`, `loss` and, where something follows the head, `moved`; then its name in `METHODS`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.errors import UsageError
from lapca_bench.run import Int64
from lapca_bench.training.heads import dream, momentum
from lapca_bench.training.heads.frozen import Flags, FrozenVectors
from lapca_bench.training.heads.pairs import Context, HeadTrainingSettings, linear
from lapca_bench.training.losses import functions as objectives

if TYPE_CHECKING:
    from torch import Tensor, nn


class HeadMethod:
    """A head in training and its loss. `modules` are all that is trained, the head among them.

    Training ends after `patience` epochs without better aligned held-out text.
    """

    patience = 10

    def __init__(self, context: Context) -> None:
        import torch

        self.context = context
        self.head = linear(context.dimension)
        self.modules = torch.nn.ModuleList([self.head])

    @classmethod
    def usable(cls, frozen: FrozenVectors, settings: HeadTrainingSettings) -> Flags:
        """Which rows the method trains on, as flags; all by default."""
        del settings
        return np.ones(len(frozen.groups), dtype=bool)

    def rates(self) -> Sequence[tuple[nn.Module, float]]:
        """What is trained, and at which rate."""
        return [(self.modules, self.context.settings.rate)]

    def loss(self, rows: Int64) -> Tensor:
        """The loss of a batch of rows."""
        raise NotImplementedError

    def moved(self) -> None:
        """Called after every step of the optimiser."""

    def seen(self, rows: Int64) -> Tensor:
        """The frozen vectors of these rows."""
        found: Tensor = self.context.vectors[rows]
        return found


class Contrastive(HeadMethod):
    """InfoNCE between translations in batches that mix all language pairs: the plain control of all the others."""

    def loss(self, rows: Int64) -> Tensor:
        """Symmetric InfoNCE over the head's vectors."""
        mates = self.context.pairs.translations(rows)
        temperature = self.context.settings.temperature
        return objectives.info_nce(self.head(self.seen(rows)), self.head(self.seen(mates)), temperature=temperature)


class Probe(Contrastive):
    """Rodríguez et al. 2021 put classifiers on frozen LaBSE vectors, trained in one language, tested in another.

    Classification is not retrieval; what carries over is the linear map trained on one language (with English) and
    used for all.
    """

    @classmethod
    def usable(cls, frozen: FrozenVectors, settings: HeadTrainingSettings) -> Flags:
        """Rows in English and the probe's language."""
        wanted = [name in ("en", settings.probe_language) for name in frozen.names]
        if sum(wanted) < 2:
            known = ", ".join(frozen.names)
            raise UsageError(f"the probe needs en and {settings.probe_language}", remedy=f"choose among {known}")
        return np.array(wanted)[frozen.language]


class Dream(HeadMethod):
    """DREAM (Tiyajamorn et al. 2021): a meaning part and a language part of the vector; the meaning part is kept."""

    def __init__(self, context: Context) -> None:
        import torch

        super().__init__(context)
        self._language_part = linear(context.dimension)
        self._classifier = torch.nn.Linear(context.dimension, context.languages)
        self.modules.extend([self._language_part, self._classifier])

    def _split(self, rows: Int64) -> dream.SplitVectors:
        whole = self.seen(rows)
        return dream.SplitVectors(whole, self.head(whole), self._language_part(whole))

    def loss(self, rows: Int64) -> Tensor:
        """The sum of the four losses, as released."""
        pairs, language = self.context.pairs, self.context.language
        mates = pairs.translations(rows)
        batch = dream.DreamBatch(*(self._split(one) for one in (rows, mates, pairs.others(rows), pairs.others(mates))))
        identified = [
            dream.identification_loss(self._classifier(side.language), language[one])
            for side, one in ((batch.source, rows), (batch.target, mates))
        ]
        return (
            dream.meaning_loss(batch)
            + dream.reconstruction_loss(batch)
            + dream.language_loss(batch)
            + identified[0]
            + identified[1]
        )


class Adversarial(HeadMethod):
    """A language classifier with gradient reversal (Ganin & Lempitsky 2015), as for speaker embeddings.

    Speech is outside this harness; what carries over is the term itself. No translations are used: the head hides the
    language and stays near the frozen vector otherwise. The adversary learns at a rate of its own, a hundred times the
    head's: one that hardly knows the languages of unit vectors yet sends the head nowhere.
    """

    def __init__(self, context: Context) -> None:
        import torch

        super().__init__(context)
        self._classifier = torch.nn.Linear(context.dimension, context.languages)
        self.modules.append(self._classifier)

    def rates(self) -> Sequence[tuple[nn.Module, float]]:
        """The head, and the adversary at its own rate."""
        settings = self.context.settings
        return [(self.head, settings.rate), (self._classifier, settings.adversary_rate)]

    def loss(self, rows: Int64) -> Tensor:
        """Distance from the frozen vectors, and the adversary's cross-entropy."""
        whole = self.seen(rows)
        moved = self.head(whole)
        logits = self._classifier(objectives.reverse_gradient(moved, self.context.settings.adversary))
        stay = objectives.vector_distillation(moved, whole)
        return stay + objectives.language_adversarial(logits, self.context.language[rows])


class RegularisedAlignment(HeadMethod):
    """Liu et al. 2020 pull the similarity of two queries towards that of their labels; here of their translations.

    Nothing pushes texts apart, so held-out text is aligned worse for some twenty epochs before it is aligned better.
    """

    patience = 40

    def loss(self, rows: Int64) -> Tensor:
        """Both similarity matrices towards each other, and pairs towards each other."""
        moved = self.head(self.seen(rows))
        labels = self.head(self.seen(self.context.pairs.translations(rows)))
        together = objectives.vector_distillation(moved, labels) + objectives.vector_distillation(labels, moved)
        return objectives.similarity_regularisation(moved, labels) + together / 2


class DualMomentum(HeadMethod):
    """Chen et al. 2023 contrast with two queues, one per direction, filled by a slowly following copy.

    Their word-level positives come from structural words whose extraction is not published; sentences stand for them.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._follower = copy.deepcopy(self.head).requires_grad_(requires_grad=False)
        size = (context.settings.queue, context.dimension)
        self._queues = (momentum.VectorQueue(*size), momentum.VectorQueue(*size))

    def loss(self, rows: Int64) -> Tensor:
        """Both directions; the batch's keys join the queues for the next."""
        source, target = self.seen(rows), self.seen(self.context.pairs.translations(rows))
        source_keys, target_keys = self._follower(source), self._follower(target)
        queues = (self._queues[0].vectors(), self._queues[1].vectors())
        loss = momentum.dual_queue_info_nce(
            self.head(source),
            self.head(target),
            source_keys,
            target_keys,
            (queues[0].clone(), queues[1].clone()),
            temperature=self.context.settings.temperature,
        )
        self._queues[0].put(source_keys)
        self._queues[1].put(target_keys)
        return loss

    def moved(self) -> None:
        """The copy follows the head."""
        momentum.follow(self._follower, self.head, self.context.settings.momentum)


METHODS: dict[str, type[HeadMethod]] = {
    "contrastive": Contrastive,
    "dream": Dream,
    "adversarial": Adversarial,
    "regularised-alignment": RegularisedAlignment,
    "dual-momentum": DualMomentum,
    "probe": Probe,
}
