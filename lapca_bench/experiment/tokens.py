"""Tokenizer health of a system on a collection: unknown tokens, tokens per character and cut texts, by language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import AnyEncoder, ShowsTexts, Tokenises
from lapca_bench.errors import UsageError
from lapca_bench.search.stored_system import StoredSystem
from lapca_bench.search.system import System

AT_ONCE = 512


@dataclass
class TokenHealth:
    """What a tokenizer makes of the texts of one side in one language; special tokens and prompts are counted."""

    side: str
    language: str
    texts: int = 0
    characters: int = 0
    tokens: int = 0
    unknown: int = 0
    truncated: int = 0

    @property
    def unknown_rate(self) -> float:
        """Unknown tokens / tokens."""
        return self.unknown / max(self.tokens, 1)

    @property
    def tokens_per_character(self) -> float:
        """Tokens / characters."""
        return self.tokens / max(self.characters, 1)

    @property
    def truncated_share(self) -> float:
        """Texts longer than what the encoder reads / texts."""
        return self.truncated / max(self.texts, 1)


def token_health(system: System, collection: Collection, limit: int) -> list[TokenHealth]:
    """Health of both sides by language, over the first `limit` texts of each language.

    Raises `UsageError` for a system whose encoder shows no tokens.
    """
    encoder: AnyEncoder | None = system.encoder if isinstance(system, StoredSystem) else None
    if encoder is None or not isinstance(encoder, Tokenises):
        raise UsageError(
            f"{system.name} shows no tokens", remedy="systems with a tokenizer of their own: transformers and static"
        )
    settings = encoder.identity.settings
    shows = encoder if isinstance(encoder, ShowsTexts) else None
    queries = ((q.language, shows.shown_query(q.text) if shows else q.text) for q in collection.queries())
    documents = ((d.language, shows.shown_document(d) if shows else d.content()) for d in collection.documents())
    return [
        *_side("queries", queries, encoder, _length(settings, "query_max_length"), limit),
        *_side("documents", documents, encoder, _length(settings, "document_max_length"), limit),
    ]


def _length(settings: Mapping[str, object], key: str) -> int | None:
    value = settings.get(key)
    return value if isinstance(value, int) else None


def _side(
    side: str, texts: Iterable[tuple[str, str]], encoder: Tokenises, longest: int | None, limit: int
) -> Iterator[TokenHealth]:
    """Documents come language by language; of queries that do not, each stretch is counted into its language."""
    found: dict[str, TokenHealth] = {}
    for language, stretch in groupby(texts, key=lambda pair: pair[0]):
        health = found.setdefault(language, TokenHealth(side, language))
        left = islice((text for _, text in stretch), limit - health.texts)
        while block := list(islice(left, AT_ONCE)):
            tokens = encoder.tokenise(block)
            health.texts += len(block)
            health.characters += sum(map(len, block))
            health.tokens += int(tokens.lengths.sum())
            health.unknown += int(tokens.unknown.sum())
            health.truncated += 0 if longest is None else int((tokens.lengths > longest).sum())
    yield from found.values()
