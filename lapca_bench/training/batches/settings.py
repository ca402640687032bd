"""What a recipe says of batches: which pairs or questions they hold, and what of a pair is shown."""

from __future__ import annotations

from collections.abc import Mapping
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


class ParagraphSettings(Strict):
    """Paragraphs with their sentences, for training that finds a sentence inside its paragraph.

    `questions` names the folders of questions with answers, `parallel` weighs those of texts whose sentences correspond
    across languages. A batch is of one kind: of questions with the chance `question_share`, in one language
    drawn ∝ n^`exponent` (n = its questions; no language more often than `largest_share`), or of parallel paragraphs,
    each in `together` languages (weighed by `languages`, which leaves out all others where it is not empty).
    Of a paragraph up to `units` neighbouring sentences of at most `characters` in all are shown, of which up to `asked`
    are asked for. `titles` is the chance that one of these queries is the title. With the chance `spanned` a batch
    reads each paragraph whole and pools its sentences in it; else every sentence is read alone.
    `neighbours` says whether the other sentences of an answer's paragraph are negatives of a question, and
    `translated_neighbours` which are of a sentence of parallel text: those in all languages that are shown, those in
    the answer's language only, or none. With none, only sentences that are asked for are shown.
    """

    questions: tuple[str, ...] = ()
    parallel: Mapping[str, float] = {}
    question_share: float = Field(default=0.45, ge=0, le=1)
    exponent: float = Field(default=0.5, ge=0)
    largest_share: float = Field(default=0.3, gt=0, le=1)
    languages: Mapping[str, float] = {}
    exclude_languages: tuple[str, ...] = ()
    together: int = Field(default=3, ge=2)
    units: int = Field(default=6, ge=1)
    characters: int = Field(default=900, ge=50)
    asked: int = Field(default=3, ge=1)
    titles: float = Field(default=0.1, ge=0, le=1)
    spanned: float = Field(default=0.33, ge=0, le=1)
    neighbours: Literal["all", "none"] = "all"
    translated_neighbours: Literal["all", "answer's language", "none"] = "all"
