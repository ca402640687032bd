"""What the settings of models that sentence-transformers loads have in common, of whichever class they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lapca_bench.encoders.identity import NotIdentity
from lapca_bench.encoders.settings import CheckpointSettings, PromptSettings


class SentenceSettings(CheckpointSettings, PromptSettings):
    """A folder (or hub name) that sentence-transformers loads with its own modules.

    A side without a prompt here gets the one that the folder states for it; "" gives it none.
    """

    type: Literal["sentence-transformers"]
    max_length: int | None = Field(default=None, ge=1)
    batch_size: Annotated[int, NotIdentity] = Field(default=32, ge=1)
