"""The system that embeds blocks for mining, as a value that an executor can carry to other machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import UsageError
from lapca_bench.store.executor import Executor
from lapca_bench.store.shelf import Shards
from lapca_bench.store.vectors import VectorStore
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.text.linked import Block
from lapca_bench.types import Document

if TYPE_CHECKING:
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.search.workspace import Workspace


@dataclass(frozen=True)
class Aligner:
    """Embeds blocks and keeps their vectors in the store, so an interrupted mining goes on from them.

    `languages` are those that it knows ("*": all).
    """

    name: str
    languages: tuple[str, ...]
    encoder: Encoder
    store: VectorStore

    def __call__(
        self, by_language: Mapping[str, Sequence[Block]], executor: Executor | None = None
    ) -> dict[str, Shards]:
        """The stored vectors of blocks by language; what is missing is encoded where the executor runs (None: here).

        Raises `UsageError` for a language that the aligner lacks.
        """
        for language in by_language:
            if "*" not in self.languages and language not in self.languages:
                remedy = f'name another aligner, or mining.exclude_languages = ["{language}"]; it knows '
                raise UsageError(
                    f"{self.name} lacks the language {language!r}",
                    key="mining.aligner",
                    remedy=remedy + ", ".join(self.languages),
                )
        documents = (
            Document(block.id, block.text, language=language)
            for language, blocks in by_language.items()
            for block in blocks
        )
        corpus = self.store.documents(self.encoder, documents, executor)
        matrices, of = corpus.matrices(), [language for language, _ in corpus.languages]
        first = {language: of.index(language) for language in by_language}
        return {language: matrices[place : place + of.count(language)] for language, place in first.items()}


def aligning_system(settings: MiningSettings, workspace: Workspace | None = None) -> DenseSystem:
    """The system that embeds blocks; raises `UsageError` where it is not dense or not named."""
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.search.registry import build_system

    if settings.aligner is None:
        raise UsageError("margin mining needs an aligner", key="mining.aligner", remedy="--aligner me5-small-q4")
    system = build_system(settings.aligner, workspace)
    if not isinstance(system, DenseSystem):
        raise UsageError(f"{settings.aligner} is no dense system", key="mining.aligner", remedy="name a dense system")
    return system


def aligner_of(settings: MiningSettings, workspace: Workspace | None = None) -> Aligner | None:
    """The aligner that margin mining names; raises `UsageError` where that system is not dense."""
    if settings.method != "margin" or settings.aligner is None:
        return None
    from lapca_bench.search.registry import find_card

    system = aligning_system(settings, workspace)
    languages = tuple(find_card(settings.aligner).languages)
    return Aligner(settings.aligner, languages, system.encoder, system.store)
