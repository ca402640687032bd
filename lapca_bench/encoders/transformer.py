"""The transformer bi-encoder: tokenise once, sorted batches, pool, optional dense head, normalise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapca_bench.digest import digest_file
from lapca_bench.encoders.batching import Rows, default_budget, encode_batches
from lapca_bench.encoders.checkpoint import UNUSED_PARAMETERS, configuration, find, weights_digest
from lapca_bench.encoders.delta import apply_delta
from lapca_bench.encoders.extras import need, releases
from lapca_bench.encoders.heads import DenseHead, head_digest, load_dense_head
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.pooling import Pooling, pool
from lapca_bench.encoders.protocol import Similarity, Vectors
from lapca_bench.encoders.settings import TransformerSettings, identity_settings
from lapca_bench.encoders.threads import usable_threads
from lapca_bench.encoders.tokenizer import Tokenizer, Tokens, load_tokenizer, padded, tokenizer_digest
from lapca_bench.errors import InputError, UsageError
from lapca_bench.types import Document

if TYPE_CHECKING:
    import torch

# Families that count positions from padding_idx + 1, so that two of their positions hold no token.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text"}


@dataclass
class TokenCounts:
    """What has been encoded so far on one side; shows truncation and unknown tokens before they hurt a number."""

    texts: int = 0
    tokens: int = 0
    unknown: int = 0
    truncated: int = 0

    def add(self, tokens: Tokens) -> None:
        """Count these texts."""
        self.texts += len(tokens.ids)
        self.tokens += int(tokens.lengths.sum())
        self.unknown += int(tokens.unknown.sum())
        self.truncated += int(tokens.truncated.sum())


@dataclass
class Counts:
    """Token counts of both sides."""

    queries: TokenCounts = field(default_factory=TokenCounts)
    documents: TokenCounts = field(default_factory=TokenCounts)


def longest_input(config: dict[str, Any]) -> int | None:
    """Tokens a model can take, from its configuration; None where it states no limit."""
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return None
    if config["model_type"] in _OFFSET_POSITIONS:
        pad = config.get("pad_token_id")
        return positions - (pad if isinstance(pad, int) else 1) - 1
    return positions


def _architecture(transformers: Any, name: str) -> Any:
    if name == "m2m100-encoder":
        return need("transformers.models.m2m_100.modeling_m2m_100", "dense").M2M100Encoder
    return transformers.AutoModel


def load_model(folder: Path, dtype: str, architecture: str = "auto", delta: Path | None = None) -> Any:
    """The transformers model of a folder, changed by a delta where one is given, in evaluation mode.

    Raises `InputError` when the weights do not cover the model: transformers would fill the gaps with random numbers;
    or when the delta does not fit.
    """
    from safetensors import SafetensorError

    torch, transformers = need("torch", "dense"), need("transformers", "dense")
    transformers.logging.set_verbosity_error()  # its report of unused poolers; what matters is checked below
    transformers.logging.disable_progress_bar()
    try:
        model, report = _architecture(transformers, architecture).from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        remedy = "the checkpoint must be a safetensors folder of an architecture that transformers itself implements"
        raise InputError(f"transformers cannot load it: {error}", path=folder, remedy=remedy) from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(UNUSED_PARAMETERS))
    if missing:
        raise InputError(
            f"{len(missing)} parameters are not in the weights (first: {missing[0]}); they would be random",
            path=folder,
            remedy="fetch the checkpoint again, or name the one its config.json belongs to",
        )
    if delta is not None:
        apply_delta(model, delta)
    return model.eval()


class Tower:
    """One checkpoint: texts in, pooled vectors out, loaded when first used."""

    def __init__(self, folder: Path, settings: TransformerSettings, name: str) -> None:
        self._folder = folder
        self._settings = settings
        self._name = name
        self.config = configuration(folder)
        limit = longest_input(self.config)
        asked = max(settings.query_max_length, settings.document_max_length)
        if limit is not None and asked > limit:
            raise UsageError(
                f"encoder {name!r} is asked for {asked} tokens, but {folder.name} takes {limit}",
                remedy=f"set query_max_length and document_max_length to {limit} or less",
            )

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The checkpoint's tokenizer."""
        tokenizer = load_tokenizer(self._folder)
        pad = self.config.get("pad_token_id")
        if isinstance(pad, int):
            tokenizer.pad = pad  # some models count positions from where the padding id is not
        return tokenizer

    @cached_property
    def head(self) -> DenseHead | None:
        """The dense layer after pooling, if the card has one."""
        head = self._settings.head
        return None if head is None else load_dense_head(self._folder / head.path, head.activation)

    @cached_property
    def _delta(self) -> Path | None:
        return None if self._settings.delta is None else find(self._settings.delta)

    @property
    def dimension(self) -> int:
        """Width of the pooled vectors."""
        if self.head is not None:
            return self.head.dimension
        width = self.config.get("hidden_size", self.config.get("d_model", self.config.get("dim")))
        if not isinstance(width, int):
            raise InputError("config.json states no hidden_size", path=self._folder / "config.json")
        return width

    @cached_property
    def digests(self) -> dict[str, str]:
        """Digests of everything read from the folder."""
        found = {"weights": weights_digest(self._folder), "tokenizer": tokenizer_digest(self._folder)}
        if self._settings.head is not None:
            found["head"] = head_digest(self._folder / self._settings.head.path)
        if self._delta is not None:
            found["delta"] = digest_file(self._delta)
        return found

    @cached_property
    def _model(self) -> Any:
        torch = need("torch", "dense")
        torch.set_num_threads(min(torch.get_num_threads(), usable_threads()))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = load_model(self._folder, self._settings.dtype, self._settings.architecture, self._delta)
        return model.to(device)

    def _forward(self, tokens: Tokens, rows: Rows) -> Vectors:
        import torch

        ids, mask = (
            torch.from_numpy(array).to(self._model.device) for array in padded(tokens.ids, rows, self.tokenizer.pad)
        )
        with torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            return self._finish(hidden, mask, self._settings.pooling)

    def _finish(self, hidden: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> Vectors:
        import torch

        vectors = pool(hidden, mask, pooling)
        if self.head is not None:
            vectors = self.head.apply(vectors)
        if self._settings.normalise:
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        finished: Vectors = vectors.cpu().numpy()
        return finished

    def tokens(self, texts: list[str], max_length: int, languages: Sequence[str | None]) -> Tokens:
        """Token ids of texts whose ISO 639 codes are `languages`; the codes matter to models with language tokens."""
        if self._settings.language_tokens is None:
            return self.tokenizer.encode(texts, max_length)
        end = self.config.get("eos_token_id")
        if not isinstance(end, int):
            raise InputError("config.json states no eos_token_id", path=self._folder / "config.json")
        opening = {language: self._language_id(language) for language in set(languages)}
        return self.tokenizer.encode_between(texts, max_length, [opening[language] for language in languages], end)

    def _language_id(self, language: str | None) -> int:
        known = self._settings.language_tokens or {}
        if language not in known:
            raise UsageError(
                f"encoder {self._name!r} needs the language of every text and does not know {language or 'none'!r}",
                key="encoder.language_tokens",
                remedy=f"it knows {', '.join(sorted(known))}",
            )
        found = self.tokenizer.id_of(known[language])
        if found is None:
            raise InputError(f"the tokenizer has no language token {known[language]!r}", path=self._folder)
        return found

    def embed(self, tokens: Tokens) -> Vectors:
        """`(texts, dimension)` float32, in the order of the texts."""
        return encode_batches(
            tokens.lengths,
            lambda rows: self._forward(tokens, rows),
            name=self._name,
            dimension=self.dimension,
            budget=self._settings.batch_tokens or default_budget(self._model.device.type),
        )


class TransformerEncoder:
    """A bi-encoder described by `TransformerSettings`; both sides share one tower unless the card names two."""

    def __init__(self, settings: TransformerSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._documents = Tower(self._folder(settings.checkpoint), settings, name)
        self._queries = self._documents
        if settings.query_checkpoint is not None:
            self._queries = Tower(self._folder(settings.query_checkpoint), settings, name)
        self.counts = Counts()

    def _folder(self, checkpoint: str) -> Path:
        path = find(checkpoint, self._settings.revision)
        if self._settings.tokenizer is None:
            return path
        from lapca_bench.encoders.e5_q4 import checkpoint_folder

        return checkpoint_folder(path, find(self._settings.tokenizer))

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of weights, tokenizer and head, and every setting that changes a vector."""
        left_out = (
            "checkpoint",
            "query_checkpoint",
            "revision",
            "format",
            "tokenizer",
            "delta",
            "batch_tokens",
            "head.path",
            "vocabulary",
        )
        settings = identity_settings(self._settings, *left_out)
        for side, tower in (("document", self._documents), ("query", self._queries)):
            settings.update({f"{side}.{what}": digest for what, digest in tower.digests.items()})
        return EncoderIdentity(self._name, settings, releases("torch", "transformers", "tokenizers"))

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return self._documents.dimension

    @property
    def similarity(self) -> Similarity:
        """How scores are computed from vectors."""
        return self._settings.similarity

    def shown_query(self, text: str) -> str:
        """The query as the tokenizer reads it."""
        return self._settings.query_prompt + text

    def shown_document(self, document: Document) -> str:
        """The document as the tokenizer reads it."""
        return self._settings.document_prompt + document.content(self._settings.title_separator)

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts; what `health.check` looks at."""
        return self._documents.tokenizer.encode(texts, max_length)

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:
        """`(len(texts), dimension)` float32."""
        shown = [self.shown_query(text) for text in texts]
        tokens = self._queries.tokens(shown, self._settings.query_max_length, [language] * len(shown))
        self.counts.queries.add(tokens)
        return self._queries.embed(tokens)

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:
        """`(len(documents), dimension)` float32."""
        shown = [self.shown_document(document) for document in documents]
        languages = [language or document.language for document in documents]
        tokens = self._documents.tokens(shown, self._settings.document_max_length, languages)
        self.counts.documents.add(tokens)
        return self._documents.embed(tokens)
