"""Toy paragraphs in the tongues of `toys.training`: sentences that share their topic's words and differ in one."""

from pathlib import Path

import numpy as np

from lapca_bench.training.batches.paragraph_batches import ParagraphBatches
from lapca_bench.training.batches.parallel_paragraphs import ParallelParagraphs
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.text.parallel_documents import ParallelDocument
from toys.training import LANGUAGES, WORDS, recipe

SENTENCES = 4


def toy_documents(count: int = 80, seed: int = 0) -> list[ParallelDocument]:
    """Paragraphs of four sentences: five words of the topic, then one of the sentence's own."""
    random = np.random.default_rng(seed)
    return [_document(str(number), random) for number in range(count)]


def _document(name: str, random: np.random.Generator) -> ParallelDocument:
    words = random.permutation(WORDS)
    topic, own = words[:5], words[5 : 5 + SENTENCES]
    units = tuple(
        {language: " ".join(f"{language}{n}" for n in (*topic, one)) for language in LANGUAGES} for one in own
    )
    return ParallelDocument("toy", name, {}, units, tuple(map(str, range(SENTENCES))))


def paragraph_recipe(start: Path, paragraphs: dict[str, object] | None = None, **tables) -> Recipe:
    """A recipe that trains on `toy_documents`."""
    told = {"parallel": {"toy": 1.0}, "question_share": 0.0, "together": 2, "units": SENTENCES, "asked": 2, "titles": 0}
    objective = {"mlm": 0.0, "same_page": 0, **tables.pop("objective", {})}
    optimisation = {"spanned_length": 32, "batch": 12, **tables.pop("optimisation", {})}
    return recipe(
        start,
        paragraphs={**told, **(paragraphs or {})},
        objective=objective,
        optimisation=optimisation,
        views={"mask": 0.0},
        trained={"dropout": False},
        **tables,
    )


def paragraph_source(made: Recipe) -> ParagraphBatches:
    """Batches of `toy_documents`."""
    pivot = made.objective.needs.pivot_language
    parallel = ParallelParagraphs({"toy": toy_documents()}, made.paragraphs, pivot)
    return ParagraphBatches(
        None, parallel, made.paragraphs, batch=made.optimisation.batch, seed=made.seed, pivots=pivot is not None
    )
