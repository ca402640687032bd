"""The `[encoder]` table of a system's card, validated: one model per `type`, and `build`, which makes the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, overload

from pydantic import ConfigDict, Field, model_validator

from lapca_bench.encoders.identity import NotIdentity
from lapca_bench.encoders.protocol import Encoder, Similarity
from lapca_bench.toml_model import Strict

if TYPE_CHECKING:
    from lapca_bench.encoders.kinds.term_weights import SparseEncoder
    from lapca_bench.encoders.kinds.token_vectors import MultiVectorEncoder

# Backends that run an export of the model, which `exported` makes and checks.
Export = Literal["onnx", "onnx-int8", "openvino"]


class _Settings(Strict):
    model_config = ConfigDict(strict=True)


class _TextSettings(_Settings):
    """What every kind that reads prompts and lengths has in common."""

    query_prompt: str = ""
    document_prompt: str = ""
    title_separator: str = " "
    normalise: bool = True
    similarity: Similarity = "cosine"

    @model_validator(mode="after")
    def _cosine_needs_normalised_vectors(self) -> Self:
        if self.similarity == "cosine" and not self.normalise:
            msg = 'similarity = "cosine" needs normalise = true (or say similarity = "dot")'
            raise ValueError(msg)
        return self


class HeadSettings(_Settings):
    """A dense layer after pooling. `path` is relative to the checkpoint's folder."""

    path: Annotated[str, NotIdentity]
    activation: Literal["identity", "tanh"] = "tanh"


class WeightsSettings(_Settings):
    """Which weights transformers loads, and how.

    `checkpoint` is "resource:NAME", a local folder or a hub name. `format` "e5-q4" reads the 4-bit file of
    multilingual-e5-small, for which `tokenizer` names the tokenizer.json. `batch_tokens` bounds a padded batch
    (default: what suits the device).
    """

    checkpoint: Annotated[str, NotIdentity]
    revision: Annotated[str | None, NotIdentity] = None
    format: Annotated[Literal["transformers", "e5-q4"], NotIdentity] = "transformers"
    tokenizer: Annotated[str | None, NotIdentity] = None
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    batch_tokens: Annotated[int | None, NotIdentity] = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _q4_needs_a_tokenizer(self) -> Self:
        if (self.format == "e5-q4") != (self.tokenizer is not None):
            msg = 'format = "e5-q4" and `tokenizer` go together'
            raise ValueError(msg)
        return self


class TransformerSettings(WeightsSettings, _TextSettings):
    """A bi-encoder that transformers can load.

    `query_checkpoint` is given where the two sides have their own weights. `delta` is a file of changes to the weights,
    as `lapca-bench delta` writes it: "resource:NAME/path", or a path seen from the folder of the card or recipe that
    names it. `language_tokens` maps ISO codes to the token that opens a text (NLLB's way, the end-of-text token comes
    last); a text of another language is an error. `architecture` names an encoder that is half of a larger model.
    `vocabulary` names the golden token ids that `health.check` compares with. `backend` is what runs the model on a
    processor: torch, or ONNX Runtime or OpenVINO from an export that `exported` makes and checks; "onnx-int8" is
    another system, whose vectors also depend a little on what shares their batch.
    """

    type: Literal["transformer"]
    query_checkpoint: Annotated[str | None, NotIdentity] = None
    delta: Annotated[str | None, NotIdentity] = None
    pooling: Literal["cls", "mean", "last"]
    query_max_length: int = Field(default=512, ge=3)
    document_max_length: int = Field(default=512, ge=3)
    head: HeadSettings | None = None
    architecture: Literal["auto", "m2m100-encoder"] = "auto"
    language_tokens: dict[str, str] | None = None
    vocabulary: Annotated[str | None, NotIdentity] = None
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
    def _a_delta_changes_one_float32_model(self) -> Self:
        if self.delta is not None and (self.query_checkpoint is not None or self.dtype != "float32"):
            msg = "`delta` is for one model for both sides, in float32"
            raise ValueError(msg)
        return self

    def beside(self, folder: Path) -> Self:
        """The same with a relative `delta` taken from `folder`."""
        if self.delta is None or self.delta.startswith("resource:"):
            return self
        return self.model_copy(update={"delta": str((folder / Path(self.delta).expanduser()).resolve())})


class StaticSettings(_TextSettings):
    """The mean of token vectors: a safetensors matrix and a tokenizer.json in one folder.

    `dimension` keeps the first columns of a Matryoshka matrix; `tensor` names the matrix where it is not where
    model2vec and sentence-transformers' StaticEmbedding put it.
    """

    type: Literal["static"]
    checkpoint: Annotated[str, NotIdentity]
    revision: Annotated[str | None, NotIdentity] = None
    tensor: str | None = None
    dimension: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=1)


class OnnxSettings(_TextSettings):
    """An exported model run by ONNX Runtime.

    Without `tokenizer` the model takes texts itself, `texts_per_run` at a time, cut at `max_characters`. With it (a
    folder holding tokenizer.json) the model takes token ids; `pooling` "none" says that its output is already one row
    per text.
    """

    type: Literal["onnx"]
    checkpoint: Annotated[str, NotIdentity]
    file: Annotated[str | None, NotIdentity] = None
    revision: Annotated[str | None, NotIdentity] = None
    tokenizer: Annotated[str | None, NotIdentity] = None
    pooling: Literal["none", "cls", "mean", "last"] = "none"
    output: str | None = None
    texts_per_run: int = Field(default=1, ge=1)
    max_characters: int | None = Field(default=None, ge=1)
    query_max_length: int = Field(default=512, ge=3)
    document_max_length: int = Field(default=512, ge=3)
    batch_tokens: Annotated[int | None, NotIdentity] = Field(default=None, ge=1)


class SentenceTransformersSettings(_TextSettings):
    """A folder (or hub name) that sentence-transformers loads with its own modules."""

    type: Literal["sentence-transformers"]
    checkpoint: Annotated[str, NotIdentity]
    revision: Annotated[str | None, NotIdentity] = None
    max_length: int | None = Field(default=None, ge=1)
    batch_size: Annotated[int, NotIdentity] = Field(default=32, ge=1)


class PythonSettings(_TextSettings):
    """A user's own class: `path` is "file.py:Class"."""

    type: Literal["python"]
    path: str


class _TwoSides(WeightsSettings):
    """What the kinds that give no single vector have in common with bi-encoders: prompts, lengths and vocabulary."""

    query_prompt: str = ""
    document_prompt: str = ""
    title_separator: str = " "
    query_max_length: int = Field(default=512, ge=3)
    document_max_length: int = Field(default=512, ge=3)
    vocabulary: Annotated[str | None, NotIdentity] = None


class SparseSettings(_TwoSides):
    """A learned sparse encoder: a weight for each token of the vocabulary, most of them zero.

    `expansion` "masked-lm" is SPLADE's: log(1 + ReLU(logit)) of the language-modelling head, the maximum over the
    text's tokens. "tokens" is BGE-M3's: ReLU of a linear layer (`head`, a safetensors file in the checkpoint's folder)
    over each token's vector, the maximum over the places where a token stands. `special_tokens` "drop" leaves out
    those that stand for no text, and the unknown token. `query_weights`, a JSON file {token: weight} in the
    checkpoint's folder, makes of a query the weights of its distinct tokens, without the model.
    """

    expansion: Literal["masked-lm", "tokens"]
    head: Annotated[str | None, NotIdentity] = None
    special_tokens: Literal["keep", "drop"] = "drop"
    query_weights: Annotated[str | None, NotIdentity] = None

    @model_validator(mode="after")
    def _tokens_need_a_head(self) -> Self:
        if (self.expansion == "tokens") != (self.head is not None):
            msg = 'expansion = "tokens" and `head` go together'
            raise ValueError(msg)
        return self


class LateInteractionSettings(_TwoSides):
    """A multi-vector encoder: one normalised vector per token, as ColBERT has them.

    `projection` is a safetensors file in the checkpoint's folder whose `linear.weight` maps token vectors to narrower
    ones. `query_marker` and `document_marker` are tokens put after the first one of a text. `query_fill` fills queries
    up to their maximum length with a token whose vectors count (ColBERT's query augmentation); other tokens attend to
    them only with `query_fill_attended`. `skip_punctuation` leaves out the vectors of punctuation in documents,
    `special_tokens` "drop" those of tokens that stand for no text. `adapters` maps ISO codes to the language adapters
    of an X-MOD model, of which `default_adapter` serves all other languages.
    """

    projection: Annotated[str | None, NotIdentity] = None
    query_marker: str | None = None
    document_marker: str | None = None
    query_fill: str | None = None
    query_fill_attended: bool = False
    skip_punctuation: bool = False
    special_tokens: Literal["keep", "drop"] = "keep"
    adapters: dict[str, str] | None = None
    default_adapter: str | None = None

    @model_validator(mode="after")
    def _adapters_have_a_default(self) -> Self:
        if (self.adapters is None) != (self.default_adapter is None):
            msg = "`adapters` and `default_adapter` go together"
            raise ValueError(msg)
        return self


class CrossEncoderSettings(WeightsSettings):
    """A classifier of (query, document) pairs: with one label its logit is the score, with two their difference."""

    title_separator: str = " "
    max_length: int = Field(default=512, ge=3)


EncoderSettings = Annotated[
    TransformerSettings | StaticSettings | OnnxSettings | SentenceTransformersSettings | PythonSettings,
    Field(discriminator="type"),
]


@overload
def build(settings: EncoderSettings, name: str | None = None) -> Encoder: ...
@overload
def build(settings: SparseSettings, name: str | None = None) -> SparseEncoder: ...
@overload
def build(settings: LateInteractionSettings, name: str | None = None) -> MultiVectorEncoder: ...
def build(
    settings: EncoderSettings | SparseSettings | LateInteractionSettings, name: str | None = None
) -> Encoder | SparseEncoder | MultiVectorEncoder:
    """The encoder that these settings describe; weights are loaded when the first text is encoded.

    `name` is shown in tables (default: the checkpoint). Raises `MissingResourceError` where weights or a library are
    not on this machine, and `InputError` where the checkpoint is malformed.
    """
    match settings:
        case SparseSettings():
            from lapca_bench.encoders.kinds.term_weights import SparseTransformerEncoder

            return SparseTransformerEncoder(settings, name or settings.checkpoint)
        case LateInteractionSettings():
            from lapca_bench.encoders.kinds.token_vectors import TokenVectorEncoder

            return TokenVectorEncoder(settings, name or settings.checkpoint)
        case _:
            return _dense(settings, name)


def _dense(settings: EncoderSettings, name: str | None) -> Encoder:
    match settings:
        case TransformerSettings():
            from lapca_bench.encoders.kinds.transformer import TransformerEncoder

            return TransformerEncoder(settings, name or settings.checkpoint)
        case StaticSettings():
            from lapca_bench.encoders.kinds.static import StaticEncoder

            return StaticEncoder(settings, name or settings.checkpoint)
        case OnnxSettings():
            from lapca_bench.encoders.kinds.onnx import OnnxEncoder

            return OnnxEncoder(settings, name or settings.checkpoint)
        case SentenceTransformersSettings():
            from lapca_bench.encoders.kinds.sentence_transformers import SentenceTransformerEncoder

            return SentenceTransformerEncoder(settings, name or settings.checkpoint)
        case PythonSettings():
            from lapca_bench.encoders.kinds.user import load_user_encoder

            prompts = settings.model_dump(include={"query_prompt", "document_prompt", "title_separator"})
            return load_user_encoder(settings.path, name=name, similarity=settings.similarity, **prompts)
