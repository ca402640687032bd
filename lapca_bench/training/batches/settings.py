"""What a recipe says of batches: which pairs or questions they hold, and what of a pair is shown."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lapca_bench.toml_model import Strict


class PairSettings(Strict):
    """Which pairs a batch holds: language pairs drawn ∝ n^exponent; "single-pair" batches are for the ablation.

    `english` keeps pairs with English only ("only") or everything ("any"). `languages` caps the set (empty = all).
    `held_out` groups of pairs (by page) are kept for the built-in evaluation and never trained on. `sources` says how
    often each file of pairs is drawn from: by its size, or all alike, so that a small kind of text is not drowned.
    """

    exponent: float = Field(default=0.5, ge=0)
    batches: Literal["mixed", "single-pair"] = "mixed"
    english: Literal["any", "only"] = "any"
    languages: tuple[str, ...] = ()
    exclude_languages: tuple[str, ...] = ()
    minimum_margin: float = 0.0
    sources: Literal["by size", "alike"] = "by size"
    held_out: int = Field(default=0, ge=0)


class ViewSettings(Strict):
    """Query and passage views (METHOD item 5); every value is a probability or a share."""

    title: float = Field(default=0.0, ge=0, le=1)
    sentence: float = Field(default=0.5, ge=0, le=1)
    mask: float = Field(default=0.15, ge=0, lt=1)
    swap: float = Field(default=0.5, ge=0, le=1)
    monolingual: float = Field(default=0.1, ge=0, le=1)


class QuestionSettings(Strict):
    """Fine-tuning on questions: `negatives` hard ones per question, `epochs` (0: optimisation.steps counts).

    After the first training come `rounds` more, each on the `depth` passages that the model of the round before ranks
    highest, without those that hold an answer. `held_out` questions are kept for the built-in evaluation.
    """

    negatives: int = Field(default=1, ge=0)
    epochs: int = Field(default=0, ge=0)
    rounds: int = Field(default=0, ge=0)
    depth: int = Field(default=100, ge=1)
    held_out: int = Field(default=0, ge=0)
