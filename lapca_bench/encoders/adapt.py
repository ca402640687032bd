"""Anything that turns texts into vectors becomes an `Encoder`: the door for users' own classes.

A user's object has no digest of its weights, so its identity is made of its class, its code with all that it refers to
and its attributes (`inner_state`), the files it reads while it is made and probed (`traced`), and a behavioural
fingerprint: the vectors it gives for a fixed set of texts. Where it holds something that nobody can look into, its
vectors are not used again by another process, unless the user vouches for it (--trust-identity).
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Sequence
from functools import cached_property
from typing import cast, get_args
from uuid import uuid4

import numpy as np

from lapca_bench.digest import digest_bytes, digest_value
from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, Setting
from lapca_bench.encoders.inner_state import inner_state
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Encoder, Similarity, Vectors, VectorSide
from lapca_bench.encoders.settings import DenseSettings
from lapca_bench.encoders.sides import Sides
from lapca_bench.encoders.texts import well_formed
from lapca_bench.encoders.traced import trace_of
from lapca_bench.errors import STOPS, EncoderError, LapcaError, UsageError

PROBES = (
    "How does a heat pump warm a house in winter?",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "东京是日本的首都，人口超过一千三百万。",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "القاهرة هي عاصمة جمهورية مصر العربية.",
    "x",
)
TRUST = "LAPCA_BENCH_TRUST_IDENTITY"  # set: what cannot be looked into is taken to be what it was
_PROCESS = uuid4().hex  # no other process has it

log = logging.getLogger(__name__)

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
    """An `Encoder` around functions of texts, one for each side. Every call's result is checked; see `adapt`."""

    def __init__(self, thing: object, sides: Sides, settings: DenseSettings, name: str) -> None:
        super().__init__(settings, name)
        self._trace = trace_of(thing)
        self._before = inner_state(thing)
        self._thing = thing
        self._sides = sides
        self.zero_vectors = 0  # rows without a direction so far (such texts score 0 with everything)

    @cached_property
    def _probes(self) -> Vectors:
        return self._probed("document")

    def _probed(self, side: VectorSide) -> Vectors:
        texts = [self._sides.prompt(side) + text for text in PROBES]
        return checked(self._call(texts, side), name=self._name, texts=len(PROBES), dimension=None)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Class, source, stated version, prompts and the behavioural fingerprint."""
        described = self._thing if inspect.isroutine(self._thing) else type(self._thing)
        settings: dict[str, Setting] = {
            "class": f"{described.__module__}.{described.__qualname__}",
            "source": source_digest(self._thing),
            "fingerprint": fingerprint(self._probes),
            "similarity": self._settings.similarity,
            "query_prompt": self._prompt("query"),
            "document_prompt": self._prompt("document"),
            "title_separator": self._settings.title_separator,
        }
        if self._sides.differ:
            settings["query_fingerprint"] = fingerprint(self._probed("query"))
        now = inner_state(self._thing)
        settings["state"] = digest_value(self._before.steady(now))
        settings["read"] = self._trace.digest
        if now.opaque and not os.environ.get(TRUST):
            settings["identity"] = f"class source only ({', '.join(sorted(now.opaque))})"
            settings["process"] = _PROCESS
            log.warning(
                "%s holds %s, which cannot be looked into: its results are not used again by another process "
                "(--trust-identity uses them)",
                self._name,
                ", ".join(sorted(now.opaque)),
            )
        return EncoderIdentity(self._name, settings | _stated_identity(self._thing))

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return int(self._probes.shape[1])

    def _prompt(self, side: VectorSide) -> str:
        return self._sides.prompt(side) or super()._prompt(side)

    def _call(self, texts: list[str], side: VectorSide) -> object:
        try:
            with self._trace.recording():
                return self._sides.encode(texts, side)
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
        vectors = checked(self._call(texts, side), name=self._name, texts=len(texts), dimension=self.dimension)
        self.zero_vectors += int((~vectors.any(axis=1)).sum())
        return normalised(vectors) if self._settings.normalise else vectors


def adapt(
    thing: object,
    name: str | None = None,
    similarity: Similarity | None = None,
    *,
    query_prompt: str | None = None,
    document_prompt: str | None = None,
    title_separator: str = " ",
) -> Encoder:
    """An `Encoder` from an object with `encode(list[str]) -> array`, from a function, or from an `Encoder` (as it is).

    The array may be numpy, a torch tensor or lists of numbers. With `similarity` "cosine" rows are L2-normalised here;
    with "dot" they are used as they come; None takes what the object states (`similarity`, or a SentenceTransformer's
    `similarity_fn_name`), else cosine. An object with `encode_query` and `encode_document` has each side encoded by its
    own; where it holds `prompts` too, as a SentenceTransformer does, a side gets its own prompt unless one is given
    here. Every call is checked (`EncoderError`): one row per text, as many columns every time, finite values. Raises
    `UsageError` for anything else, a class that was not instantiated included.
    """
    if inspect.isclass(thing):
        raise UsageError(f"{thing.__name__} is a class, not an encoder", remedy=f"pass an instance: {thing.__name__}()")
    if isinstance(thing, Encoder):
        return thing
    stated = similarity or stated_similarity(thing) or "cosine"
    if stated not in ("cosine", "dot"):
        raise UsageError(f"unknown similarity {stated!r}", remedy='it is "cosine" or "dot"')
    sides = Sides.of(thing, query_prompt, document_prompt)
    shown = name or getattr(thing, "name", None) or getattr(thing, "__name__", None) or type(thing).__name__
    settings = DenseSettings(
        query_prompt=query_prompt or "",
        document_prompt=document_prompt or "",
        title_separator=title_separator,
        normalise=stated == "cosine",
        similarity=stated,
    )
    return AdaptedEncoder(thing, sides, settings, str(shown))


def stated_similarity(thing: object) -> Similarity | None:
    """The similarity that an object or class says its vectors were made for; None where it says none, or another."""
    for name in ("similarity", "similarity_fn_name"):
        value = getattr(thing, name, None)
        for known in get_args(Similarity):
            if value == known:
                return cast("Similarity", known)
    return None
