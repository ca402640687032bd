"""What the settings of several kinds of encoder have in common; each kind's own lie beside its class, below `kinds`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from lapca_bench.encoders.hardware import DEVICE, Hardware
from lapca_bench.encoders.identity import NotIdentity
from lapca_bench.encoders.protocol import Similarity
from lapca_bench.encoders.weights.checkpoint import HUB, RESOURCE, find
from lapca_bench.errors import UsageError
from lapca_bench.toml_model import Strict
from lapca_bench.types import Task

_NO_PATH = (RESOURCE, HUB)


class EncoderTable(Strict):
    """A table of a card that describes an encoder: no value is converted to the type of its field."""

    model_config = ConfigDict(strict=True)

    def check(self) -> None:
        """Raise `MissingResourceError` unless the files that the encoder reads are on this machine."""

    paths: ClassVar[tuple[str, ...]] = ()  # fields that may hold the path of a file or folder, or a hub name
    own_paths: ClassVar[tuple[str, ...]] = ()  # those of them that hold a path and nothing else

    def beside(self, folder: Path) -> Self:
        """The same with relative paths taken from `folder`, that of the card, where something lies there."""
        return self._with_paths(lambda name, value: _from_folder(value, folder, surely=name in self.own_paths))

    def seen_from(self, folder: Path) -> Self:
        """The same with paths as they are written in a card that lies in `folder`."""
        return self._with_paths(lambda _, value: _to_folder(value, folder))

    def _with_paths(self, change: Callable[[str, str], str]) -> Self:
        stated = {name: value for name in self.paths if isinstance(value := getattr(self, name), str)}
        changed = {name: change(name, value) for name, value in stated.items() if not value.startswith(_NO_PATH)}
        return self.model_copy(update=changed) if changed else self

    def on(self, hardware: Hardware) -> Self:  # noqa: ARG002
        """The same where a user asks for `hardware`, as far as this kind of encoder can be told."""
        return self

    def for_task(self, task: Task) -> Self:  # noqa: ARG002
        """The same as it is used for a kind of task, where that makes a difference."""
        return self


def _from_folder(value: str, folder: Path, *, surely: bool) -> str:
    """A value of a card as a path from here; what is no path of something that lies beside the card stays as it is."""
    place, colon, member = value.partition(".py:")  # of an encoder in a Python file
    path = Path(f"{place}.py" if colon else value).expanduser()
    if path.is_absolute() or not (surely or (folder / path).exists()):
        return value
    return f"{(folder / path).resolve()}{':' if colon else ''}{member}"


def _to_folder(value: str, folder: Path) -> str:
    place, colon, member = value.partition(".py:")
    path = Path(f"{place}.py" if colon else value).expanduser()
    if not path.exists():
        return value
    seen = Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    seen = seen if seen.startswith(".") else f"./{seen}"
    return f"{seen}{':' if colon else ''}{member}"


class PromptSettings(EncoderTable):
    """What is put before a query or document, and between a document's title and its text.

    `bitext_prompt` stands before both sides where translations are sought (Tatoeba, BUCC); without it these are
    prompted as queries and documents. MTEB's bitext tasks give models that know prompts for queries and documents none.
    """

    query_prompt: str = ""
    document_prompt: str = ""
    bitext_prompt: Annotated[str | None, NotIdentity] = None  # what `for_task` makes of it has an identity of its own
    title_separator: str = " "

    def for_task(self, task: Task) -> Self:
        """The same with the prompts of this kind of task."""
        if task != "bitext" or self.bitext_prompt is None:
            return self
        return self.model_copy(update={"query_prompt": self.bitext_prompt, "document_prompt": self.bitext_prompt})


class DenseSettings(PromptSettings):
    """What every encoder of one vector per text has."""

    normalise: bool = True
    similarity: Similarity = "cosine"

    @model_validator(mode="after")
    def _cosine_needs_normalised_vectors(self) -> Self:
        if self.similarity == "cosine" and not self.normalise:
            msg = 'similarity = "cosine" needs normalise = true (or say similarity = "dot")'
            raise ValueError(msg)
        return self


class CheckpointSettings(EncoderTable):
    """Where weights lie: `checkpoint` is "resource:NAME", a local folder or file, or a hub name."""

    paths: ClassVar[tuple[str, ...]] = ("checkpoint",)

    checkpoint: Annotated[str, NotIdentity]
    revision: Annotated[str | None, NotIdentity] = None

    @property
    def further(self) -> tuple[str | None, ...]:
        """What is read besides the checkpoint, None for what the card does not name."""
        return ()

    def check(self) -> None:
        """Raise `MissingResourceError` unless the files that the encoder reads are on this machine."""
        find(self.checkpoint, self.revision)
        for place in self.further:
            if place is not None:
                find(place)


class WeightsSettings(CheckpointSettings):
    """Which weights transformers loads, and how.

    `format` "e5-q4" reads the 4-bit file of multilingual-e5-small, for which `tokenizer` names the tokenizer.json.
    `batch_tokens` bounds a padded batch (default: what suits the device); `device` is "auto" (a GPU where there is
    one), "cpu", "cuda", "cuda:1" or "mps".
    """

    paths: ClassVar[tuple[str, ...]] = ("checkpoint", "tokenizer")

    format: Annotated[Literal["transformers", "e5-q4"], NotIdentity] = "transformers"
    tokenizer: Annotated[str | None, NotIdentity] = None
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    batch_tokens: Annotated[int | None, NotIdentity] = Field(default=None, ge=1)
    device: Annotated[str, NotIdentity] = Field(default="auto", pattern=f"^({DEVICE})$")

    def on(self, hardware: Hardware) -> Self:
        """The same with the device, precision and batches that a user asks for.

        Raises `UsageError` where this model cannot be had in that precision.
        """
        changes = hardware.changes
        if not changes:
            return self
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise UsageError(said, key="dtype", remedy="leave --dtype out for this system") from None

    @property
    def further(self) -> tuple[str | None, ...]:
        """What is read besides the checkpoint."""
        return (self.tokenizer,)

    @model_validator(mode="after")
    def _q4_needs_a_tokenizer(self) -> Self:
        if (self.format == "e5-q4") != (self.tokenizer is not None):
            msg = 'format = "e5-q4" and `tokenizer` go together'
            raise ValueError(msg)
        return self


class NetworkSettings(WeightsSettings, PromptSettings):
    """A transformers model that reads queries and documents.

    `vocabulary` names the golden token ids that `health.check` compares with.
    """

    query_max_length: int = Field(default=512, ge=3)
    document_max_length: int = Field(default=512, ge=3)
    vocabulary: Annotated[str | None, NotIdentity] = None
