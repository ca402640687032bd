"""Anything that turns texts into vectors becomes an `Encoder`: the door for users' own classes.

A user's object has no digest of its weights, so its identity is made of its class, its source code and a behavioural
fingerprint: the vectors it gives for a fixed set of texts. Changed weights change the fingerprint, so that vectors
cached for the old ones are never used again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from lapca_bench.digest import digest_bytes
from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, Setting
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Encoder, Similarity, Vectors, VectorSide
from lapca_bench.encoders.settings import DenseSettings
from lapca_bench.encoders.texts import well_formed
from lapca_bench.errors import STOPS, EncoderError, LapcaError, UsageError

PROBES = (
    "How does a heat pump warm a house in winter?",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "东京是日本的首都，人口超过一千三百万。",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "القاهرة هي عاصمة جمهورية مصر العربية.",
    "x",
)
SIGNIFICANT_DIGITS = 3  # of a probe vector's values: more than rounding changes, less than new weights do


def fingerprint(vectors: Vectors) -> str:
    """Digest of probe vectors, rounded relative to their largest value so that the last bits take no part.

    A value that lies at the edge between two roundings may fall on either side after a change of the machine or the
    batching; that costs encoding anew and never a wrong number.
    """
    largest = np.abs(vectors).max(initial=0.0)
    steps = np.round(vectors / (largest or 1.0) * 10**SIGNIFICANT_DIGITS).astype("<i4")
    return digest_bytes(str(steps.shape).encode() + steps.tobytes())


def source_digest(thing: object) -> str:
    """Digest of the source of a function or of an object's class; "unknown" for what has none (built-ins)."""
    target = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)
    try:
        return digest_bytes(inspect.getsource(target).encode("utf-8", "surrogatepass"))
    except (OSError, TypeError):
        return "unknown"


def _stated_identity(thing: object) -> dict[str, Setting]:
    """The `identity` and `version` attributes of a user's class, as text."""
    stated: dict[str, Setting] = {}
    for name in ("identity", "version"):
        value = getattr(thing, name, None)
        if value is not None and not callable(value):
            stated[f"stated.{name}"] = str(value)
    return stated


class AdaptedEncoder(DenseEncoder[DenseSettings]):
    """An `Encoder` around an `encode` function. Every call's result is checked; see `adapt`."""

    def __init__(
        self, thing: object, encode: Callable[[list[str]], object], settings: DenseSettings, name: str
    ) -> None:
        super().__init__(settings, name)
        self._thing = thing
        self._function = encode
        self.zero_vectors = 0  # rows without a direction so far (such texts score 0 with everything)

    @cached_property
    def _probes(self) -> Vectors:
        return checked(self._call(list(PROBES)), name=self._name, texts=len(PROBES), dimension=None)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Class, source, stated version, prompts and the behavioural fingerprint."""
        described = self._thing if inspect.isroutine(self._thing) else type(self._thing)
        settings: dict[str, Setting] = {
            "class": f"{described.__module__}.{described.__qualname__}",
            "source": source_digest(self._thing),
            "fingerprint": fingerprint(self._probes),
            "similarity": self._settings.similarity,
            "query_prompt": self._settings.query_prompt,
            "document_prompt": self._settings.document_prompt,
            "title_separator": self._settings.title_separator,
        }
        return EncoderIdentity(self._name, settings | _stated_identity(self._thing))

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return int(self._probes.shape[1])

    def _call(self, texts: list[str]) -> object:
        try:
            return self._function(texts)
        except (LapcaError, *STOPS):
            raise
        except BaseException as error:  # sys.exit() too: it is that system alone that fails
            raise EncoderError(
                f"encoder {self._name!r} failed on {len(texts)} texts: {type(error).__name__}: {error}",
                remedy="call its encode on those texts by itself to see where",
            ) from error

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:  # noqa: ARG002
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        texts = [well_formed(text) for text in texts]  # most tokenizers fail on lone surrogates
        vectors = checked(self._call(texts), name=self._name, texts=len(texts), dimension=self.dimension)
        self.zero_vectors += int((~vectors.any(axis=1)).sum())
        return normalised(vectors) if self._settings.normalise else vectors


def adapt(
    thing: object,
    name: str | None = None,
    similarity: Similarity = "cosine",
    *,
    query_prompt: str = "",
    document_prompt: str = "",
    title_separator: str = " ",
) -> Encoder:
    """An `Encoder` from an object with `encode(list[str]) -> array`, from a function, or from an `Encoder` (as it is).

    The array may be numpy, a torch tensor or lists of numbers. With `similarity` "cosine" rows are L2-normalised here;
    with "dot" they are used as they come. Every call is checked (`EncoderError`): one row per text, as many columns
    every time, finite values. Raises `UsageError` for anything else, a class that was not instantiated included.
    """
    if inspect.isclass(thing):
        raise UsageError(f"{thing.__name__} is a class, not an encoder", remedy=f"pass an instance: {thing.__name__}()")
    if isinstance(thing, Encoder):
        return thing
    if similarity not in ("cosine", "dot"):
        raise UsageError(f"unknown similarity {similarity!r}", remedy='it is "cosine" or "dot"')
    encode = getattr(thing, "encode", None)
    if not callable(encode):
        encode = thing
    if not callable(encode):
        raise UsageError(
            f"{type(thing).__name__} cannot be an encoder: it has no encode method and is no function",
            remedy="give it a method encode(self, texts: list[str]) that returns one row per text",
        )
    shown = name or getattr(thing, "name", None) or getattr(thing, "__name__", None) or type(thing).__name__
    settings = DenseSettings(
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        title_separator=title_separator,
        normalise=similarity == "cosine",
        similarity=similarity,
    )
    return AdaptedEncoder(thing, encode, settings, str(shown))
