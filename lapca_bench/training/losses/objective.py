"""The objective of a training: the terms that a recipe weighs, and the `[objective]` table that says so."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Self

from pydantic import model_validator

from lapca_bench.toml_model import Strict
from lapca_bench.training.hard_negatives import HardNegativeSettings
from lapca_bench.training.losses.alignment import Alignment, AlignmentSettings
from lapca_bench.training.losses.brake import Brake, BrakeSettings
from lapca_bench.training.losses.distillation import Distillation, DistillationSettings
from lapca_bench.training.losses.hidden_words import (
    MaskedWords,
    MaskedWordsSettings,
    QueryWords,
    QueryWordsSettings,
    Translation,
    TranslationSettings,
)
from lapca_bench.training.losses.pivot import Pivot, PivotSettings
from lapca_bench.training.losses.relevance import Relevance, RelevanceSettings
from lapca_bench.training.losses.term import Needs, Term


class Objective(
    HardNegativeSettings,
    RelevanceSettings,
    QueryWordsSettings,
    TranslationSettings,
    BrakeSettings,
    MaskedWordsSettings,
    DistillationSettings,
    PivotSettings,
    AlignmentSettings,
):
    """The sum of the terms in `TERMS` that a recipe uses; the keys of all of them stand side by side in one table."""

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        if not self.terms:
            raise ValueError("every weight is 0: nothing would be learnt")
        return self

    @property
    def terms(self) -> tuple[Term[Objective], ...]:
        """The terms that this recipe uses, in the order in which they are added up."""
        return tuple(kind(self) for kind in TERMS if kind.used(self))

    @property
    def needs(self) -> Needs:
        """What any of its terms needs."""
        return reduce(or_, (term.needs for term in self.terms), Needs())

    def digested(self) -> dict[str, object]:
        """What a checkpoint must agree with: all keys but those of families that this recipe does not use."""
        families = {None, *(term.family for term in self.terms)}
        counted: list[type[Strict]] = [HardNegativeSettings, *(kind.keys for kind in TERMS if kind.family in families)]
        return self.model_dump(mode="json", include={key for settings in counted for key in settings.model_fields})


TERMS: tuple[type[Term[Objective]], ...] = (
    Alignment,
    Pivot,
    Distillation,
    MaskedWords,
    Brake,
    Translation,
    QueryWords,
    Relevance,
)
