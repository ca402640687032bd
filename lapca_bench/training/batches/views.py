"""Views of an aligned pair: the query and the passage that a training step sees of it (METHOD item 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lapca_bench.training.batches.pair_table import AlignedPair, Text, title_of
from lapca_bench.training.batches.settings import ViewSettings
from lapca_bench.training.text.sentences import sentences

_UNSPACED = ("ja", "zh", "th", "km")


def random_sentence(text: str, random: np.random.Generator) -> str:
    """One sentence, any that is not a fragment of under ten characters."""
    found = [sentence for sentence in sentences(text) if len(sentence) >= 10] or [text]
    return found[int(random.integers(len(found)))]


def crop(text: Text, random: np.random.Generator) -> str:
    """Half of a block: a random span of consecutive words, of characters where words are not separated."""
    units = list(text.text) if text.language in _UNSPACED else text.text.split()
    length = max(1, (len(units) + 1) // 2)
    start = int(random.integers(len(units) - length + 1)) if units else 0
    return ("" if text.language in _UNSPACED else " ").join(units[start : start + length])


@dataclass(frozen=True, slots=True)
class Views:
    """What a step sees of a pair; `language` is the passage's. Ids are of blocks or titles seen whole, else empty."""

    query: str
    passage: str
    language: str
    query_block: str = ""
    passage_block: str = ""


def views(pair: AlignedPair, settings: ViewSettings, random: np.random.Generator) -> Views:
    """Query and passage view of a pair (METHOD item 5); tokens are hidden later, by the tower.

    With p = `swap` the direction turns; with p = `monolingual` both views are crops of one block; else the query is
    the title of the page with p = `title` (where it has one), one sentence with p = `sentence`, or the whole block, and
    the passage the aligned block.
    """
    source, target = (pair.right, pair.left) if random.random() < settings.swap else (pair.left, pair.right)
    if random.random() < settings.monolingual:
        return Views(crop(source, random), crop(source, random), source.language)
    if source.title and random.random() < settings.title:
        return Views(source.title, target.text, target.language, title_of(pair.page), target.id)
    if random.random() < settings.sentence:
        return Views(random_sentence(source.text, random), target.text, target.language, "", target.id)
    return Views(source.text, target.text, target.language, source.id, target.id)
