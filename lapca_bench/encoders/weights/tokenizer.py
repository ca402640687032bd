"""A checkpoint's tokenizer: texts in, truncated token ids out, with counts of what was lost.

A `tokenizer.json` is read as the checkpoint's authors wrote it, with the tokenizers library alone: building it through
a transformers class lets that class's defaults (lower-casing, accent stripping) replace what the file says, and those
defaults change between releases. Only a checkpoint without that file goes through transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lapca_bench.digest import digest_bytes, digest_file, digest_value
from lapca_bench.encoders.texts import well_formed
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.extras import need
from lapca_bench.parsing import json_value

if TYPE_CHECKING:
    import tokenizers

Ids = npt.NDArray[np.int32]
Padded = npt.NDArray[np.int64]

LONG_TEXT = 64  # characters per kept token beyond which a text is cut before it is tokenised
MARGIN = 128  # tokens; a word that WordPiece does not give up on has at most 100 characters
CHUNK = 512  # texts tokenised at once; bounds the memory that the library's rich encodings take


@dataclass(frozen=True)
class Tokens:
    """Token ids of each text, whether it was cut, and how many of its tokens are the unknown token.

    `types` says for pairs of texts which token is of which text, 0 or 1.
    """

    ids: list[Ids]
    truncated: npt.NDArray[np.bool_]
    unknown: npt.NDArray[np.int64]
    types: list[Ids] | None = None

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each text, special tokens included."""
        return np.fromiter((len(ids) for ids in self.ids), dtype=np.int64, count=len(self.ids))


class Tokenizer:
    """Token ids of texts; `pad` fills up batches, `unknown` is None for tokenizers that never lack a token."""

    def __init__(self, backend: tokenizers.Tokenizer, *, pad: int, unknown: int | None, digest: str) -> None:
        backend.no_padding()
        self._backend = backend
        self.pad = pad
        self.unknown = unknown
        self.digest = digest

    def encode(self, texts: Sequence[str], max_length: int | None, *, special_tokens: bool = True) -> Tokens:
        """Ids of every text, cut at `max_length` tokens with special tokens included; None does not cut."""
        texts = [well_formed(text) for text in texts]
        if max_length is None:
            self._backend.no_truncation()
        else:
            texts = [self._beginning(text, max_length) for text in texts]
            self._backend.enable_truncation(max_length)
        ids: list[Ids] = []
        truncated = np.zeros(len(texts), dtype=np.bool_)
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            for row, encoding in enumerate(self._backend.encode_batch(chunk, add_special_tokens=special_tokens), start):
                ids.append(np.asarray(encoding.ids, dtype=np.int32))
                truncated[row] = len(ids[-1]) == max_length and len(encoding.overflowing) > 0
        unknown = np.zeros(len(texts), dtype=np.int64)
        if self.unknown is not None:
            unknown[:] = [np.count_nonzero(one == self.unknown) for one in ids]
        return Tokens(ids, truncated, unknown)

    def encode_places(self, texts: Sequence[str], max_length: int) -> list[tuple[Ids, Padded]]:
        """Ids of every text, cut as `encode` does, and the characters (tokens, 2) that each of them stands for."""
        texts = [self._beginning(well_formed(text), max_length) for text in texts]
        self._backend.enable_truncation(max_length)
        return [
            (np.asarray(one.ids, dtype=np.int32), np.asarray(one.offsets, dtype=np.int64).reshape(-1, 2))
            for start in range(0, len(texts), CHUNK)
            for one in self._backend.encode_batch(texts[start : start + CHUNK])
        ]

    def _beginning(self, text: str, max_length: int) -> str:
        """The part of a very long text that its first `max_length` tokens come from.

        Tokenisers take time that grows with the square of an unbroken text: megabytes without a space would take hours.
        A part is long enough when it gives `MARGIN` tokens more than are kept: the cut may change the tokens of the
        word it falls into, and those are then beyond what is kept.
        """
        size = LONG_TEXT * max_length
        if len(text) <= size:
            return text
        self._backend.no_truncation()
        while size < len(text):
            if len(self._backend.encode(text[:size]).ids) >= max_length + MARGIN:
                return text[:size]
            size *= 4
        return text

    def encode_between(self, texts: Sequence[str], max_length: int, first: Sequence[int], last: int) -> Tokens:
        """Ids of every text between a token of its own and one for all, cut so that both stay within `max_length`."""
        inner = self.encode(texts, max_length - 2, special_tokens=False)
        ids = [
            np.concatenate([[opening], one, [last]]).astype(np.int32)
            for opening, one in zip(first, inner.ids, strict=True)
        ]
        return Tokens(ids, inner.truncated, inner.unknown)

    def encode_pairs(self, pairs: Sequence[tuple[str, str]], max_length: int) -> Tokens:
        """Ids of pairs of texts in one sequence each, the longer text cut first, and the types of their tokens."""
        cut = [tuple(self._beginning(well_formed(text), max_length) for text in pair) for pair in pairs]
        self._backend.enable_truncation(max_length, strategy="longest_first")
        encodings = [
            encoding
            for start in range(0, len(cut), CHUNK)
            for encoding in self._backend.encode_batch(cut[start : start + CHUNK])
        ]
        ids = [np.asarray(encoding.ids, dtype=np.int32) for encoding in encodings]
        unknown = np.array([np.count_nonzero(one == self.unknown) for one in ids], dtype=np.int64)
        truncated = np.array([len(encoding.overflowing) > 0 for encoding in encodings], dtype=np.bool_)
        types = [np.asarray(encoding.type_ids, dtype=np.int32) for encoding in encodings]
        return Tokens(ids, truncated, unknown, types)

    @cached_property
    def special(self) -> Ids:
        """Ids of the tokens that stand for no text, such as those that open and close it."""
        added = self._backend.get_added_tokens_decoder()
        return np.array(sorted(number for number, token in added.items() if token.special), dtype=np.int32)

    @property
    def size(self) -> int:
        """Number of tokens in the vocabulary, added ones included."""
        return int(self._backend.get_vocab_size())

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """The id of every token."""
        return dict(self._backend.get_vocab())

    def id_of(self, token: str) -> int | None:
        """The id of a token, None where the vocabulary lacks it."""
        return self._backend.token_to_id(token)


def filled_up(sequences: Sequence[npt.NDArray[np.integer]], fill: int) -> Padded:
    """Sequences of numbers as one `(sequences, longest)` int64 array, filled up on the right."""
    width = max([1, *map(len, sequences)])
    array = np.full((len(sequences), width), fill, dtype=np.int64)
    for row, one in zip(array, sequences, strict=True):
        row[: len(one)] = one
    return array


def padded(
    ids: Sequence[npt.NDArray[np.integer]], rows: Sequence[int] | npt.NDArray[np.int64], pad: int
) -> tuple[Padded, Padded]:
    """Ids of the texts at `rows` as `(texts, longest)` int64 arrays: the ids, padded on the right, and their mask."""
    chosen = [ids[row] for row in rows]
    return filled_up(chosen, pad), filled_up([np.ones_like(one) for one in chosen], 0)


def _read_json(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        content = json_value(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"not readable as JSON: {error}", path=path, remedy="fetch the checkpoint again") from error
    return content if isinstance(content, dict) else {}


def _token_text(value: object) -> str | None:
    """Special tokens are written as a string or as an object with `content`."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _id_of(role: str, backend: tokenizers.Tokenizer, folder: Path) -> int | None:
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        token = _token_text(_read_json(folder / name).get(f"{role}_token"))
        if token is not None:
            found = backend.token_to_id(token)
            if found is not None:
                return found
    if role == "pad":
        configured = _read_json(folder / "config.json").get("pad_token_id")
        return configured if isinstance(configured, int) and configured >= 0 else None
    return None


def _unknown_of_model(path: Path, backend: tokenizers.Tokenizer) -> int | None:
    model = _read_json(path).get("model")
    if not isinstance(model, dict):
        return None
    if isinstance(model.get("unk_id"), int):
        return int(model["unk_id"])
    token = model.get("unk_token")
    return backend.token_to_id(token) if isinstance(token, str) else None


def _from_file(path: Path) -> tokenizers.Tokenizer:
    library = need("tokenizers", "dense")
    try:
        backend: tokenizers.Tokenizer = library.Tokenizer.from_file(str(path))
    except Exception as error:  # all that the library raises
        raise InputError(f"not a tokenizer: {error}", path=path, remedy="fetch the checkpoint again") from error
    return backend


def _through_transformers(folder: Path) -> tokenizers.Tokenizer:
    transformers = need("transformers", "dense")
    remedy = "save the checkpoint's tokenizer as tokenizer.json (`AutoTokenizer.from_pretrained(...).save_pretrained`)"
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_fast=True
        )
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        raise InputError(f"no tokenizer can be loaded: {error}", path=folder, remedy=remedy) from error
    if not getattr(tokenizer, "is_fast", False):
        raise InputError("the checkpoint has no fast tokenizer", path=folder, remedy=remedy)
    backend: tokenizers.Tokenizer = tokenizer.backend_tokenizer
    return backend


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint folder; raises `InputError` when there is none or it is malformed."""
    path = folder / "tokenizer.json"
    if path.is_file():
        backend, digest = _from_file(path), digest_file(path)
    else:
        backend = _through_transformers(folder)
        digest = digest_bytes(backend.to_str().encode("utf-8"))
    pad = _id_of("pad", backend, folder)
    unknown = _id_of("unk", backend, folder)
    if unknown is None and path.is_file():
        unknown = _unknown_of_model(path, backend)
    return Tokenizer(backend, pad=0 if pad is None else pad, unknown=unknown, digest=digest)


def tokenizer_digest(folder: Path) -> str:
    """What identifies a checkpoint's tokenizer without loading it: the digests of its files.

    Raises `LapcaError` when the folder holds none.
    """
    names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
    if not (folder / "tokenizer.json").is_file():
        names += ["vocab.txt", "sentencepiece.bpe.model"]
        others = ("merges.txt", "vocab.json", "added_tokens.json", "*.model", "*.tiktoken", "*.vocab", "dict.txt")
        names += sorted({path.name for pattern in others for path in folder.glob(pattern)} - set(names))
    found = {name: digest_file(folder / name) for name in names if (folder / name).is_file()}
    if not found:
        raise LapcaError("no tokenizer files here", path=folder, remedy="point at a whole checkpoint folder")
    return digest_value(found)
