"""Exported models run by ONNX Runtime: those that take token ids, and those that take texts and tokenise inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lapca_bench.digest import digest_file, digest_value
from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, NotIdentity, identity_settings
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import CheckpointSettings, DenseSettings
from lapca_bench.encoders.texts import well_formed
from lapca_bench.encoders.threads import usable_threads
from lapca_bench.encoders.weights.batching import CPU_BUDGET, Rows, encode_batches, says_out_of_memory
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.pointers import external_data
from lapca_bench.encoders.weights.pooling import pool_arrays
from lapca_bench.encoders.weights.tokenizer import Tokenizer, Tokens, load_tokenizer, padded, tokenizer_digest
from lapca_bench.errors import InputError
from lapca_bench.extras import need, releases

Array = npt.NDArray[np.int64] | npt.NDArray[np.object_]  # token ids and masks, or texts


class OnnxSettings(CheckpointSettings, DenseSettings):
    """An exported model run by ONNX Runtime.

    Without `tokenizer` the model takes texts itself, `texts_per_run` at a time, cut at `max_characters`. With it (a
    folder holding tokenizer.json) the model takes token ids; `pooling` "none" says that its output is already one row
    per text.
    """

    paths: ClassVar[tuple[str, ...]] = ("checkpoint", "tokenizer")

    type: Literal["onnx"]
    file: Annotated[str | None, NotIdentity] = None
    tokenizer: Annotated[str | None, NotIdentity] = None
    pooling: Literal["none", "cls", "mean", "last"] = "none"
    output: str | None = None
    texts_per_run: int = Field(default=1, ge=1)
    max_characters: int | None = Field(default=None, ge=1)
    query_max_length: int = Field(default=512, ge=3)
    document_max_length: int = Field(default=512, ge=3)
    batch_tokens: Annotated[int | None, NotIdentity] = Field(default=None, ge=1)

    @property
    def further(self) -> tuple[str | None, ...]:
        """What is read besides the checkpoint."""
        return (self.tokenizer,)

    def encoder(self, name: str | None = None) -> OnnxEncoder:
        """The encoder of these settings."""
        return OnnxEncoder(self, name or self.checkpoint)


class _Tensor(Protocol):
    """An input or output of a model; of its shape, sizes that vary have names."""

    name: str
    shape: list[int | str]


class Session(Protocol):
    """What is used of ONNX Runtime's session."""

    def get_inputs(self) -> list[_Tensor]:
        """The model's inputs."""

    def get_outputs(self) -> list[_Tensor]:
        """The model's outputs."""

    def run(self, outputs: list[str], inputs: Mapping[str, Array]) -> list[Vectors]:
        """The named outputs."""


def open_session(file: Path, *, threads: int) -> Session:
    """An inference session on the CPU; raises `InputError` when the file is no model that this machine can run."""
    runtime = need("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    extensions = need("onnxruntime_extensions", "onnx")
    try:
        options.register_custom_ops_library(extensions.get_library_path())
        session: Session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise InputError(f"ONNX Runtime cannot load it: {error}", path=file, remedy="fetch it again") from error
    return session


class OnnxEncoder(DenseEncoder[OnnxSettings]):
    """An encoder described by `OnnxSettings`.

    Texts go in `texts_per_run` at a time: a quantised model's scales depend on what else is in the run.
    """

    def __init__(self, settings: OnnxSettings, name: str) -> None:
        super().__init__(settings, name)
        self._file = self._model_file(find(settings.checkpoint, settings.revision))
        self._tokenizer_folder = None if settings.tokenizer is None else find(settings.tokenizer)

    def _model_file(self, path: Path) -> Path:
        file = path / self._settings.file if self._settings.file else path
        if file.is_dir():
            found = sorted(file.glob("*.onnx"))
            if len(found) == 1:
                return found[0]
            raise InputError(
                f"{len(found)} ONNX files here", path=file, key="file", remedy="name one of them: file = NAME.onnx"
            )
        if not file.is_file():
            raise InputError("no such ONNX file", path=file, key="file", remedy="check `file` in the card")
        return file

    @cached_property
    def _session(self) -> Session:
        return open_session(self._file, threads=1 if self._tokenizer_folder is None else usable_threads())

    @cached_property
    def _output(self) -> str:
        names = [output.name for output in self._session.get_outputs()]
        wanted = self._settings.output or names[0]
        if wanted not in names:
            remedy = f"it has {', '.join(names)}"
            raise InputError(f"the model has no output {wanted!r}", path=self._file, key="output", remedy=remedy)
        return wanted

    @cached_property
    def _tokenizer(self) -> Tokenizer | None:
        return None if self._tokenizer_folder is None else load_tokenizer(self._tokenizer_folder)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digest of the model file and of the tokenizer, and every setting that changes a vector."""
        settings = identity_settings(self._settings)
        settings["weights"] = digest_file(self._file)
        if others := external_data(self._file):
            settings["external"] = digest_value({path.name: digest_file(path) for path in others})
        if self._tokenizer_folder is not None:
            settings["tokenizer"] = tokenizer_digest(self._tokenizer_folder)
        return EncoderIdentity(self._name, settings, releases("onnxruntime", "onnxruntime-extensions", "tokenizers"))

    @cached_property
    def dimension(self) -> int:
        """Columns of the returned arrays, as the model declares them or as a first text shows."""
        shape = next(output.shape for output in self._session.get_outputs() if output.name == self._output)
        return shape[-1] if shape and isinstance(shape[-1], int) else int(self._vectors(["x"], 512, None).shape[1])

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:  # noqa: ARG002
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        settings = self._settings
        max_length = settings.query_max_length if side == "query" else settings.document_max_length
        vectors = self._vectors(texts, max_length, self.dimension)
        return normalised(vectors) if settings.normalise else vectors

    def _vectors(self, texts: list[str], max_length: int, dimension: int | None) -> Vectors:
        if self._tokenizer is None:
            return checked(self._from_texts(texts), name=self._name, texts=len(texts), dimension=dimension)
        tokens = self._tokenizer.encode(texts, max_length)
        if dimension is None:
            return self._from_tokens(tokens, np.arange(len(texts)))
        return encode_batches(
            tokens.lengths,
            lambda rows: self._from_tokens(tokens, rows),
            name=self._name,
            dimension=dimension,
            budget=self._settings.batch_tokens or CPU_BUDGET,
        )

    def _from_texts(self, texts: list[str]) -> Vectors:
        (name,) = [one.name for one in self._session.get_inputs()]
        limit = self._settings.max_characters
        step = self._settings.texts_per_run

        def run(start: int) -> Vectors:
            batch = [well_formed(text[:limit]) for text in texts[start : start + step]]
            return self._run({name: np.asarray(batch, dtype=object)})

        # One thread per text and none inside the model: texts are many, and each is small.
        with ThreadPoolExecutor(usable_threads()) as threads:
            return np.concatenate(list(threads.map(run, range(0, len(texts), step))))

    def _from_tokens(self, tokens: Tokens, rows: Rows) -> Vectors:
        pad = self._tokenizer.pad if self._tokenizer is not None else 0
        ids, mask = padded(tokens.ids, rows, pad)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        output = self._run(_inputs(given, (one.name for one in self._session.get_inputs()), self._file))
        pooling = self._settings.pooling
        pooled = output if pooling == "none" else pool_arrays(output, mask, pooling)
        return checked(pooled, name=self._name, texts=len(rows), dimension=None)

    def _run(self, inputs: Mapping[str, Array]) -> Vectors:
        try:
            return self._session.run([self._output], inputs)[0]
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            if says_out_of_memory(error):
                raise MemoryError(str(error)) from error
            raise InputError(f"ONNX Runtime fails on {self._file.name}: {error}", path=self._file) from error


def _inputs(given: Mapping[str, Array], wanted: Iterable[str], file: Path) -> dict[str, Array]:
    names = list(wanted)
    unknown = [name for name in names if name not in given]
    if unknown:
        remedy = f"export it with inputs among {', '.join(given)}"
        raise InputError(f"the model wants the input {unknown[0]!r}", path=file, remedy=remedy)
    return {name: given[name] for name in names}
