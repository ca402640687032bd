"""The kinds of encoder, one file each: settings and class together.

To add a kind of one vector per text: a file here, and a line in `EncoderSettings`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lapca_bench.encoders.kinds.endpoint import EndpointSettings
from lapca_bench.encoders.kinds.onnx import OnnxSettings
from lapca_bench.encoders.kinds.sentence_transformers import (
    SentenceSparseSettings,
    SentenceTokenVectorSettings,
    SentenceTransformersSettings,
)
from lapca_bench.encoders.kinds.static import StaticSettings
from lapca_bench.encoders.kinds.term_weights import SparseSettings
from lapca_bench.encoders.kinds.token_vectors import LateInteractionSettings
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.kinds.user import PythonSettings
from lapca_bench.encoders.protocol import Encoder

# The `[encoder]` table of a card.
EncoderSettings = Annotated[
    TransformerSettings
    | StaticSettings
    | OnnxSettings
    | SentenceTransformersSettings
    | EndpointSettings
    | PythonSettings,
    Field(discriminator="type"),
]
AnySettings = (
    EncoderSettings | SparseSettings | SentenceSparseSettings | LateInteractionSettings | SentenceTokenVectorSettings
)


def build(settings: EncoderSettings, name: str | None = None) -> Encoder:
    """The encoder that these settings describe; weights are loaded when the first text is encoded.

    `name` is shown in tables (default: the checkpoint). Raises `MissingResourceError` where weights or a library are
    not on this machine, and `InputError` where the checkpoint is malformed.
    """
    return settings.encoder(name)
