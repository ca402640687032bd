"""A folder that sentence-transformers loads: one of its classes, its prompts, and which files it is made of."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lapca_bench.digest import digest_file, digest_value
from lapca_bench.encoders.hardware import device_named
from lapca_bench.encoders.identity import EncoderIdentity, identity_settings
from lapca_bench.encoders.protocol import VectorSide
from lapca_bench.encoders.sentence_settings import SentenceSettings
from lapca_bench.encoders.stated import FolderStatement
from lapca_bench.encoders.texts import well_formed
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.pointers import files_below, refuse_pickles
from lapca_bench.errors import InputError, MissingResourceError
from lapca_bench.extras import need, releases

Library = Literal["SentenceTransformer", "SparseEncoder", "MultiVectorEncoder", "CrossEncoder"]

OLDEST = 6  # release of sentence-transformers
# Never read by a load: words, pictures, code (which is not run), and pickled weights, of which `refuse_pickles` speaks.
_NOT_READ = (".md", ".png", ".jpg", ".jpeg", ".svg", ".pdf", ".py", ".bin", ".onnx", ".h5", ".msgpack", ".ot")


class SentenceModel:
    """A model of sentence-transformers, loaded when first used; each side goes through the library's own method.

    A prompt is the card's where it states one, else the folder's; it is always handed to the library, so that what is
    recorded is what the model reads.
    """

    def __init__(self, settings: SentenceSettings, library: Library, name: str) -> None:
        self.name = name
        self.folder = find(settings.checkpoint, settings.revision)
        self.stated = FolderStatement(self.folder)
        self._settings = settings
        self._library = library

    def __getstate__(self) -> dict[str, object]:
        """Without the weights: another process loads them itself."""
        return {name: value for name, value in self.__dict__.items() if name != "model"}

    @cached_property
    def model(self) -> Any:
        """The library's model; raises `InputError` where it cannot load the folder."""
        library = need("sentence_transformers", "sentence-transformers")
        loading: dict[str, object] = {"use_safetensors": True}
        if self._settings.dtype is not None:
            loading["dtype"] = getattr(need("torch", "dense"), self._settings.dtype)
        refuse_pickles(self.folder)
        release = releases("sentence-transformers")["sentence-transformers"]
        if int(release.partition(".")[0]) < OLDEST:
            raise MissingResourceError(
                f"sentence-transformers {release} runs code of a model's folder unasked",
                remedy=f"pip install 'sentence-transformers>={OLDEST}.0'",
            )
        try:
            model = getattr(library, self._library)(
                str(self.folder),
                device=device_named(self._settings.device),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs=loading,
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, ImportError) as error:
            remedy = "fetch the checkpoint again; pickled weights and remote code are not loaded"
            raise InputError(
                f"sentence-transformers cannot load it: {error}", path=self.folder, remedy=remedy
            ) from error
        if self._settings.max_length is not None:
            model.max_seq_length = self._settings.max_length
        return model

    def prompt(self, side: VectorSide) -> str:
        """What stands before a text of this side."""
        key = f"{side}_prompt"
        stated = key in self._settings.model_fields_set
        return str(getattr(self._settings, key)) if stated else self.stated.prompt(side)

    def encode(self, prompted: list[str], side: VectorSide, **further: object) -> Any:
        """What the library makes of texts that begin with their side's prompt."""
        prompt = self.prompt(side)
        method = self.model.encode_query if side == "query" else self.model.encode_document
        return method(
            [well_formed(text.removeprefix(prompt)) for text in prompted],
            prompt=prompt,
            batch_size=self._settings.batch_size,
            show_progress_bar=False,
            **further,
        )

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digest of every file that the folder's modules are made of, and every setting that changes a vector."""
        settings = identity_settings(self._settings)
        settings |= {"query_prompt": self.prompt("query"), "document_prompt": self.prompt("document")}
        if self.stated.routed:
            settings["sides"] = "each through its own route"  # before, both sides took that of documents
        settings["files"] = digest_value({self._place(path): digest_file(path) for path in self._parts()})
        versions = releases("sentence-transformers", "torch", "transformers", "tokenizers")
        return EncoderIdentity(self.name, settings, versions)

    def _parts(self) -> list[Path]:
        return [path for path in files_below(self.folder) if path.suffix not in _NOT_READ and path.name[0] != "."]

    def _place(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()
