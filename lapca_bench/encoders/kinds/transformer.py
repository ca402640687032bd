"""The transformer bi-encoder: tokenise once, sorted batches, pool, optional dense head, normalise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lapca_bench.encoders.identity import EncoderIdentity, IdentityIfSet, NotIdentity, identity_settings
from lapca_bench.encoders.probes import probes
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import DenseSettings, NetworkSettings
from lapca_bench.encoders.threads import usable_threads
from lapca_bench.encoders.weights.batching import CPU_BUDGET, Rows, encode_batches, run_batches
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.dense_layer import DenseLayer, DenseLayerSettings, layer_digest, load_dense_layer
from lapca_bench.encoders.weights.exported import export_folder, exported, pass_gate
from lapca_bench.encoders.weights.network import Network, folder_of, load_model
from lapca_bench.encoders.weights.pooling import Pooling, pool
from lapca_bench.encoders.weights.runtimes import RUNTIMES, Export, TokenStates
from lapca_bench.encoders.weights.spans import Span, SpannedText, pooled_tokens
from lapca_bench.encoders.weights.tokenizer import Tokens, padded
from lapca_bench.errors import InputError, UsageError
from lapca_bench.extras import releases

if TYPE_CHECKING:
    import torch

Seen = npt.NDArray[np.bool_]


class TransformerSettings(NetworkSettings, DenseSettings):
    """A bi-encoder that transformers can load.

    `query_checkpoint` is given where the two sides have their own weights. `delta` is a file of changes to the weights,
    as `lapca-bench delta` writes it: "resource:NAME/path", or a path seen from the folder of the card or recipe that
    names it. `language_tokens` maps ISO codes to the token that opens a text (NLLB's way, the end-of-text token comes
    last); a text of another language is an error. `architecture` names an encoder that is half of a larger model.
    `dimension` keeps the first columns of Matryoshka vectors. `backend` is what runs the model on a
    processor: torch, or ONNX Runtime or OpenVINO from an export that `exported` makes and checks; "onnx-int8" is
    another system, whose vectors also depend a little on what shares their batch.
    """

    paths: ClassVar[tuple[str, ...]] = ("checkpoint", "tokenizer", "query_checkpoint", "delta")
    own_paths: ClassVar[tuple[str, ...]] = ("delta",)

    type: Literal["transformer"]
    query_checkpoint: Annotated[str | None, NotIdentity] = None
    delta: Annotated[str | None, NotIdentity] = None
    pooling: Literal["cls", "mean", "last"]
    head: DenseLayerSettings | None = None
    dimension: Annotated[int | None, IdentityIfSet] = Field(default=None, ge=1)
    architecture: Literal["auto", "m2m100-encoder"] = "auto"
    language_tokens: dict[str, str] | None = None
    backend: Annotated[Literal["torch", Export], NotIdentity] = "torch"

    @model_validator(mode="after")
    def _an_export_is_of_float32(self) -> Self:
        if self.backend != "torch" and (self.dtype != "float32" or self.architecture != "auto"):
            msg = f'backend = "{self.backend}" takes whole models in float32'
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _q4_is_one_model(self) -> Self:
        if self.format == "e5-q4" and self.query_checkpoint is not None:
            msg = 'format = "e5-q4" is one model for both sides'
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _a_delta_changes_one_model(self) -> Self:
        if self.delta is not None and self.query_checkpoint is not None:
            msg = "`delta` is for one model for both sides"
            raise ValueError(msg)
        return self

    @property
    def further(self) -> tuple[str | None, ...]:
        """What is read besides the checkpoint."""
        return (self.query_checkpoint, *super().further, self.delta)

    def encoder(self, name: str | None = None) -> TransformerEncoder:
        """The encoder of these settings."""
        return TransformerEncoder(self, name or self.checkpoint)


class Tower(Network):
    """A network of one vector per text: token vectors pooled, and a dense layer where the card has one."""

    def __init__(self, folder: Path, settings: TransformerSettings, name: str) -> None:
        asked = max(settings.query_max_length, settings.document_max_length)
        delta = None if settings.delta is None else find(settings.delta)
        super().__init__(settings, name, asked, settings.architecture, folder=folder, delta=delta)
        self._settings = settings

    @cached_property
    def head(self) -> DenseLayer | None:
        """The dense layer after pooling, if the card has one."""
        head = self._settings.head
        return None if head is None else load_dense_layer(self.folder / head.path, head.activation)

    @property
    def dimension(self) -> int:
        """Width of the finished vectors; raises `UsageError` where the card keeps more than there are."""
        whole = self.width if self.head is None else self.head.dimension
        kept = self._settings.dimension
        if kept is not None and kept > whole:
            raise UsageError(
                f"encoder {self.name!r} has vectors of {whole} columns", key="dimension", remedy=f"{whole} or less"
            )
        return kept or whole

    @cached_property
    def digests(self) -> dict[str, str]:
        """Digests of everything read from the folder."""
        head = self._settings.head
        return super().digests if head is None else {**super().digests, "head": layer_digest(self.folder / head.path)}

    @cached_property
    def _exported(self) -> TokenStates | None:
        """What runs the model in torch's stead, if anything does; compared with torch before its first use."""
        backend = self._settings.backend
        if backend == "torch":
            return None
        folder = export_folder(self.digests, backend)
        states = exported(folder, backend, lambda: load_model(self.folder, "float32", delta=self._delta))
        tokens = self.tokenizer.encode(list(probes().values()), min(128, self._settings.document_max_length))
        rows = np.arange(len(tokens.ids))
        parts = np.array_split(rows, len(rows) // 4)

        def reference() -> Vectors:
            return np.concatenate([self._by_torch(tokens, part) for part in parts])

        ours = np.concatenate([self._by_export(states, tokens, part) for part in parts])
        pass_gate(folder, backend, self.name, ours, reference)
        self.__dict__.pop("model", None)  # the gate alone has used it
        return states

    def _forward(self, tokens: Tokens, rows: Rows) -> Vectors:
        states = self._exported
        return self._by_torch(tokens, rows) if states is None else self._by_export(states, tokens, rows)

    def _by_torch(self, tokens: Tokens, rows: Rows) -> Vectors:
        import torch

        with torch.inference_mode():
            output, _, mask = self.run(tokens, rows)
            return self._finish(output.last_hidden_state.float(), mask, self._settings.pooling)

    def _by_export(self, states: TokenStates, tokens: Tokens, rows: Rows) -> Vectors:
        import torch

        ids, mask = padded(tokens.ids, rows, self.tokenizer.pad)
        with torch.inference_mode():
            return self._finish(torch.from_numpy(states(ids, mask)), torch.from_numpy(mask), self._settings.pooling)

    def _finish(self, hidden: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> Vectors:
        import torch

        vectors = pool(hidden, mask, pooling)
        if self.head is not None:
            vectors = self.head.apply(vectors)
        vectors = vectors[:, : self._settings.dimension]
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
            raise InputError("config.json states no eos_token_id", path=self.folder / "config.json")
        opening = {language: self._language_id(language) for language in set(languages)}
        return self.tokenizer.encode_between(texts, max_length, [opening[language] for language in languages], end)

    def _language_id(self, language: str | None) -> int:
        known = self._settings.language_tokens or {}
        if language not in known:
            raise UsageError(
                f"encoder {self.name!r} needs the language of every text and does not know {language or 'none'!r}",
                key="encoder.language_tokens",
                remedy=f"it knows {', '.join(sorted(known))}",
            )
        found = self.tokenizer.id_of(known[language])
        if found is None:
            raise InputError(f"the tokenizer has no language token {known[language]!r}", path=self.folder)
        return found

    def embed(self, tokens: Tokens) -> Vectors:
        """`(texts, dimension)` float32, in the order of the texts."""
        return encode_batches(
            tokens.lengths,
            lambda rows: self._forward(tokens, rows),
            name=self.name,
            dimension=self.dimension,
            budget=self._budget(),
            threads=self._batches_at_once(),
        )

    def embed_spans(self, texts: list[str], spans: Sequence[Sequence[Span]], opening: int) -> tuple[Vectors, Seen]:
        """A vector per span (characters) of every text, one text's after another's, and which of them were read at all.

        `opening` characters of every text are its prompt. Raises `UsageError` for a model that does not take the mean
        of its tokens, has a layer after it, or is run from an export.
        """
        settings = self._settings
        if settings.pooling != "mean" or self.head is not None or settings.backend != "torch":
            remedy = 'name a system with pooling = "mean", without a head, run by torch'
            raise UsageError(f"{self.name} cannot pool parts of a text", key="encoder.pooling", remedy=remedy)
        read = self.tokenizer.encode_places(texts, settings.document_max_length)
        made = [
            SpannedText.of(ids.astype(np.int64), places, own, opening)
            for (ids, places), own in zip(read, spans, strict=True)
        ]
        tokens = Tokens(
            [text.ids.astype(np.int32) for text in made], np.zeros(len(made), bool), np.zeros(len(made), int)
        )
        starts = np.cumsum([0, *(len(own) for own in spans)])
        vectors = np.zeros((int(starts[-1]), self.dimension), dtype=np.float32)
        for rows, output in run_batches(
            tokens.lengths,
            lambda rows: self._parts(tokens, rows, [made[row] for row in rows]),
            name=self.name,
            budget=self._budget(),
            threads=self._batches_at_once(),
        ):
            vectors[np.concatenate([np.arange(starts[row], starts[row + 1]) for row in rows])] = output
        return vectors, np.concatenate([np.zeros(0, bool), *(text.seen for text in made)])

    def _parts(self, tokens: Tokens, rows: Rows, texts: Sequence[SpannedText]) -> Vectors:
        import torch

        with torch.inference_mode():
            output, _, mask = self.run(tokens, rows)
            owners, chosen = (torch.from_numpy(one).to(mask.device) for one in pooled_tokens(texts, mask.shape[1]))
            return self._finish(output.last_hidden_state.float()[owners], chosen, "mean")

    def _batches_at_once(self) -> int:
        return self.threads if self._exported is None else usable_threads()  # made before several threads ask for it

    def _budget(self) -> int:
        if self._exported is None:
            return self.budget(self._settings)
        return self._settings.batch_tokens or CPU_BUDGET


class TransformerEncoder(DenseEncoder[TransformerSettings]):
    """A bi-encoder described by `TransformerSettings`; both sides share one tower unless the card names two."""

    def __init__(self, settings: TransformerSettings, name: str) -> None:
        super().__init__(settings, name)
        self._documents = Tower(folder_of(settings), settings, name)
        self._queries = self._documents
        if settings.query_checkpoint is not None:
            self._queries = Tower(find(settings.query_checkpoint, settings.revision), settings, name)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of weights, tokenizer and head, and every setting that changes a vector."""
        settings = identity_settings(self._settings)
        libraries = ["torch", "transformers", "tokenizers"]
        if self._settings.backend != "torch":
            settings["backend"] = self._settings.backend
            libraries.append(RUNTIMES[self._settings.backend].module)
        for side, tower in (("document", self._documents), ("query", self._queries)):
            settings.update({f"{side}.{what}": digest for what, digest in tower.digests.items()})
        return EncoderIdentity(self._name, settings, releases(*libraries))

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return self._documents.dimension

    @property
    def folder(self) -> Path:
        """The transformers folder of the document side."""
        return self._documents.folder

    @property
    def configuration(self) -> dict[str, object]:
        """The content of that folder's config.json."""
        return self._documents.config

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts; what `health.check` looks at."""
        return self._documents.tokenizer.encode(texts, max_length)

    def encode_spans(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> tuple[Vectors, Seen]:
        """Parts of documents, read in them: a vector per span of every text, and which spans were read at all."""
        prompt = self._prompt("document")
        moved = [[(start + len(prompt), end + len(prompt)) for start, end in own] for own in spans]
        return self._documents.embed_spans([prompt + text for text in texts], moved, len(prompt))

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:
        if side == "query":
            tower, longest = self._queries, self._settings.query_max_length
        else:
            tower, longest = self._documents, self._settings.document_max_length
        return tower.embed(tower.tokens(texts, longest, languages))
