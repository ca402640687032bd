"""Is an encoder sound? Checks that catch, before any number is printed, what has silently spoilt published ones.

A tokenizer that lower-cases after an upgrade, a script that became unknown tokens, vectors that depend on the batch, an
identity that changes from process to process: each is one `Finding`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lapca_bench.encoders.kinds import AnySettings
from lapca_bench.encoders.probes import golden_tokens, probes
from lapca_bench.encoders.protocol import AnyEncoder, Encoder, ShowsTexts, Tokenises, Vectors
from lapca_bench.encoders.settings import NetworkSettings
from lapca_bench.errors import UsageError
from lapca_bench.types import Document

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Outcome = Literal["ok", "warning", "failed", "skipped"]

UNKNOWN_SHARE = 0.01  # of a language's tokens; above it the tokenizer lacks the script
TRUNCATED_SHARE = 0.10  # of a language's documents; above it what the documents say last is not seen
LEAST_COSINE = 0.9999  # between vectors of one text in two batches: the rounding of float32 leaves 1 - 1e-6
COLLAPSED = 0.999  # mean cosine between different texts at which an encoder says the same of everything


@dataclass(frozen=True)
class Finding:
    """What one check found; `language` is "" where the check is not of one language."""

    check: str
    outcome: Outcome
    detail: str
    language: str = ""


def check(
    encoder: AnyEncoder,
    settings: AnySettings | None = None,
    samples: Mapping[str, Sequence[str]] | None = None,
    golden: Mapping[str, Sequence[int]] | None = None,
) -> list[Finding]:
    """Every finding about an encoder, of whichever kind; nothing is raised for an unsound one.

    `settings` is the card's table of it, from which the identity is computed again in another process; `samples`
    are texts per language (default: `probes()`); `golden` are token ids of `probes()` (default: those of the card's
    `vocabulary`).
    """
    texts = dict(samples or {language: [text] for language, text in probes().items()})
    if not any(texts.values()):
        raise UsageError("there are no sample texts to check with")
    of_network = settings if isinstance(settings, NetworkSettings) else None
    if golden is None and of_network is not None and of_network.vocabulary is not None:
        golden = golden_tokens(of_network.vocabulary)
    limit = None if of_network is None else of_network.document_max_length
    findings = [*_golden(encoder, golden), *_tokens(encoder, texts, limit)]
    findings += _invariance(encoder, texts)
    if isinstance(encoder, Encoder):
        findings += _similarities(encoder, texts)
    return [*findings, _identity(encoder, settings), *_shown(encoder, texts)]


def _golden(encoder: object, golden: Mapping[str, Sequence[int]] | None) -> Iterator[Finding]:
    if golden is None or not isinstance(encoder, Tokenises):
        why = "its card names no vocabulary" if golden is None else "it shows no tokens"
        yield Finding("golden tokens", "skipped", why)
        return
    for language, expected in sorted(golden.items()):
        found = encoder.tokenise([probes()[language]]).ids[0].tolist()
        if found == list(expected):
            yield Finding("golden tokens", "ok", f"{len(found)} ids", language)
            continue
        place = next((i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), None)
        where = f"from token {place} on" if place is not None else f"{len(found)} ids, {len(expected)} due"
        yield Finding("golden tokens", "failed", f"the tokenizer has drifted: ids differ {where}", language)


def _tokens(encoder: object, texts: Mapping[str, Sequence[str]], limit: int | None) -> Iterator[Finding]:
    if not isinstance(encoder, Tokenises):
        yield Finding("tokens", "skipped", "it shows no tokens")
        return
    for language, sample in sorted(texts.items()):
        tokens = encoder.tokenise(list(sample))
        total = max(int(tokens.lengths.sum()), 1)
        unknown = int(tokens.unknown.sum()) / total
        characters = max(sum(len(text) for text in sample), 1)
        detail = f"{unknown:.1%} unknown, {total / characters:.2f} tokens per character"
        yield Finding("tokens", "ok" if unknown <= UNKNOWN_SHARE else "failed", detail, language)
        if limit is not None:
            share = float((tokens.lengths > limit).mean())
            detail = f"{share:.0%} of {len(sample)} texts longer than {limit} tokens"
            yield Finding("truncation", "ok" if share <= TRUNCATED_SHARE else "warning", detail, language)


def _documents(texts: Mapping[str, Sequence[str]]) -> list[Document]:
    return [
        Document(f"{language}-{i}", one, "", language) for language, some in texts.items() for i, one in enumerate(some)
    ]


def _invariance(encoder: AnyEncoder, texts: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    documents = _documents(texts)[:64]
    together = _matrices(encoder.encode_documents(documents))
    alone = [matrix for one in documents for matrix in _matrices(encoder.encode_documents([one]))]
    yield _alike("padding", "alone and in a batch", together, alone)
    reverse = _matrices(encoder.encode_documents(documents[::-1]))[::-1]
    yield _alike("order", "forwards and backwards", together, reverse)


def _matrices(encoded: Vectors | csr_array | list[Vectors]) -> list[Vectors]:
    """The rows of each text, whether they came as a list, one sparse array or one dense array."""
    if isinstance(encoded, list):
        return encoded
    return [row[None] if isinstance(row, np.ndarray) else row.toarray().reshape(1, -1) for row in encoded]


def _alike(check: str, how: str, left: Sequence[Vectors], right: Sequence[Vectors]) -> Finding:
    if any(one.shape != other.shape for one, other in zip(left, right, strict=True)):
        return Finding(check, "failed", f"{how}: another number of rows")
    cosines = [_least_cosine(one, other) for one, other in zip(left, right, strict=True) if len(one)]
    least = min(cosines, default=1.0)
    return Finding(check, "ok" if least >= LEAST_COSINE else "failed", f"{how}: cosine at least {least:.6f}")


def _least_cosine(left: Vectors, right: Vectors) -> float:
    """The smallest cosine between rows; rows that are zero on both sides agree."""
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    both_zero = ~left.any(axis=1) & ~right.any(axis=1)
    cosines = np.where(both_zero, 1.0, (left * right).sum(axis=1) / np.where(norms > 0, norms, 1))
    return float(cosines.min())


def _similarities(encoder: Encoder, texts: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    vectors = encoder.encode_documents(_documents(texts)[:64])
    norms = np.linalg.norm(vectors, axis=1)
    if encoder.similarity == "cosine":
        sound = bool((np.isclose(norms, 1, atol=1e-3) | (norms == 0)).all())
        detail = f"rows of length {norms.min():.4f} to {norms.max():.4f}"
        yield Finding("normalised", "ok" if sound else "failed", detail)
    if len(vectors) < 2:
        yield Finding("similarity", "skipped", "one text has no other to be compared with")
        return
    unit = vectors / np.where(norms > 0, norms, 1)[:, None]
    cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    detail = f"cosines between texts {cosines.min():.3f} to {cosines.max():.3f}, mean {cosines.mean():.3f}"
    yield Finding("similarity", "failed" if cosines.mean() > COLLAPSED else "ok", detail)


_PRINT_DIGEST = """
import json, sys
from pydantic import TypeAdapter
from lapca_bench.encoders.kinds import AnySettings
print(TypeAdapter(AnySettings).validate_python(json.load(sys.stdin)).encoder().identity.digest)
"""


def _identity(encoder: AnyEncoder, settings: AnySettings | None) -> Finding:
    here = encoder.identity.digest
    if settings is None:
        return Finding("identity", "skipped", f"{here[:16]}; without settings it cannot be made again elsewhere")
    given = json.dumps(settings.model_dump(mode="json"))
    done = subprocess.run(  # noqa: S603 - this interpreter and a constant program
        [sys.executable, "-c", _PRINT_DIGEST], input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Finding("identity", "failed", f"another process cannot build it: {last}")
    there = done.stdout.strip()
    if there != here:
        return Finding("identity", "failed", f"{here[:16]} here, {there[:16]} in another process")
    return Finding("identity", "ok", f"{here[:16]} in two processes")


def _shown(encoder: object, texts: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    document = _documents(texts)[0]
    if not isinstance(encoder, ShowsTexts):
        yield Finding("first texts", "skipped", "it does not say what its model reads")
        return
    yield Finding("first query", "ok", repr(encoder.shown_query(document.text)[:120]))
    yield Finding("first document", "ok", repr(encoder.shown_document(document)[:120]))
