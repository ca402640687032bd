"""Sentence retrieval between two languages: similarity search, xSIM error, weighted F1, mining of parallel sentences.

Vectors are (n, dimension) arrays; rows need not be normalised. Similarity is the cosine in float32, worked out in
blocks, so that two sides of several hundred thousand sentences fit in memory. Among equal scores the smallest index
wins, as in the authors' scripts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.margin import ratio_margin
from lapca_bench.run import Int64
from lapca_bench.scoring.judged import Judged, Languages

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_CELLS = 1 << 24  # similarities held at a time: 64 MiB


def _unit(vectors: npt.ArrayLike, side: str) -> Float32:
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or not len(rows):
        raise InputError(f"the {side} vectors have shape {rows.shape}, not (sentences, dimension)")
    if not np.isfinite(rows).all():
        raise InputError(f"the {side} vectors hold NaN or infinite values")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)


def _pair(source: npt.ArrayLike, target: npt.ArrayLike) -> tuple[Float32, Float32]:
    x, y = _unit(source, "source"), _unit(target, "target")
    if x.shape[1] != y.shape[1]:
        raise InputError(f"source vectors have {x.shape[1]} dimensions, target vectors {y.shape[1]}")
    return x, y


def _similarities(x: Float32, y: Float32) -> Iterator[tuple[int, Float32]]:
    """Blocks of rows of the cosine matrix, each with the index of its first row."""
    size = max(1, _CELLS // len(y))
    for start in range(0, len(x), size):
        yield start, x[start : start + size] @ y.T


def nearest(source: npt.ArrayLike, target: npt.ArrayLike) -> Int64:
    """For each source sentence the index of the target sentence with the highest cosine (XTREME, LASER similarity)."""
    x, y = _pair(source, target)
    found = np.empty(len(x), dtype=np.int64)
    for start, block in _similarities(x, y):
        found[start : start + len(block)] = block.argmax(axis=1)
    return found


def _neighbours(x: Float32, y: Float32, k: int) -> tuple[Int64, Float32]:
    """The k nearest rows of `y` for each row of `x`, best first: indices and cosines."""
    k = min(k, len(y))
    indices = np.empty((len(x), k), dtype=np.int64)
    cosines = np.empty((len(x), k), dtype=np.float32)
    for start, block in _similarities(x, y):
        best = np.argsort(-block, axis=1, kind="stable")[:, :k] if k * 4 > len(y) else _top(block, k)
        indices[start : start + len(block)] = best
        cosines[start : start + len(block)] = np.take_along_axis(block, best, axis=1)
    return indices, cosines


def _top(block: Float32, k: int) -> Int64:
    part = np.sort(np.argpartition(-block, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(block, part, axis=1), axis=1, kind="stable")
    return np.take_along_axis(part, order, axis=1).astype(np.int64)


def ratio_margins(source: npt.ArrayLike, target: npt.ArrayLike, k: int = 4) -> tuple[Int64, Float64]:
    """The k nearest targets of each source sentence and their ratio margins, both (sources, k).

    The neighbours of a source sentence are its k nearest targets, those of a target its k nearest sources.
    """
    x, y = _pair(source, target)
    forward, cosines = _neighbours(x, y, k)
    _, backward = _neighbours(y, x, k)
    of_source, of_target = cosines.mean(axis=1, dtype=np.float64), backward.mean(axis=1, dtype=np.float64)
    return forward, ratio_margin(cosines, of_source[:, None], of_target[forward])


def xsim_error(source: npt.ArrayLike, target: npt.ArrayLike, k: int = 4) -> float:
    """Share of source sentences whose best target by ratio margin is not the one with the same index (LASER's xSIM).

    Only the k nearest targets by cosine are candidates, as in LASER's source/xsim.py.
    """
    candidates, margins = ratio_margins(source, target, k)
    best = np.take_along_axis(candidates, margins.argmax(axis=1)[:, None], axis=1)[:, 0]
    return float((best != np.arange(len(best))).mean())


def weighted_f1(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """F1 of every class, weighted by its number of gold labels: sklearn's `f1_score(..., average="weighted")`.

    MTEB's bitext mining scores indices of aligned sentences with it. Negative predictions stand for "nothing found".
    """
    return float(class_f1(np.asarray(gold, dtype=np.int64), np.asarray(predicted, dtype=np.int64)).mean())


def class_f1(gold: Int64, predicted: Int64) -> Float64:
    """For each example the F1 of its gold class; the mean is the weighted F1."""
    if len(gold) != len(predicted) or not len(gold):
        raise InputError(f"{len(gold)} gold labels and {len(predicted)} predictions")
    classes, index = np.unique(gold, return_inverse=True)
    support = np.bincount(index)
    place = np.minimum(np.searchsorted(classes, predicted), len(classes) - 1)
    known = classes[place] == predicted
    times = np.bincount(place[known], minlength=len(classes))
    right = np.bincount(index[gold == predicted], minlength=len(classes))
    return (2.0 * right / (support + times))[index]


def retrieval_f1(joined: Judged, languages: Languages, _: int | None = None) -> dict[str, float]:
    """`class_f1` of a run of aligned sentences, per query, over the queries of each language.

    The class of a query is its relevant document, the prediction the first document retrieved. Raises `InputError`
    where a query does not have exactly one relevant document.
    """
    odd = np.flatnonzero(joined.relevant != 1)
    if len(odd):
        query, count = joined.queries[odd[0]], joined.relevant[odd[0]]
        raise InputError(
            f"F1 needs one relevant document per query, but {query!r} has {count}",
            remedy="use Accuracy or Success@1 for collections that are not aligned one to one",
        )
    first = np.full(len(joined), -1, dtype=np.int64)
    found = np.diff(joined.offsets) > 0
    first[found] = joined.documents[joined.offsets[:-1][found]]
    values = np.zeros(len(joined))
    names = np.asarray(languages.queries, dtype=object)
    for language in dict.fromkeys(languages.queries):
        rows = np.flatnonzero(names == language)
        values[rows] = class_f1(joined.ideal_documents[rows], first[rows])
    return dict(zip(joined.queries, values.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class MinedPairs:
    """Mined sentence pairs, best first; each sentence of a side occurs at most once."""

    source: Int64
    target: Int64
    margins: Float64


@dataclass(frozen=True)
class MiningQuality:
    """Precision, recall and F1 of mined pairs against gold pairs."""

    precision: float
    recall: float
    f1: float


def mine(source: npt.ArrayLike, target: npt.ArrayLike, k: int = 4) -> MinedPairs:
    """Pair sentences by ratio margin: the best target of each source and the best source of each target, then greedily.

    This is the "max" retrieval of Artetxe and Schwenk (ACL 2019) as in LASER's mine_bitexts.py.
    """
    forward, forward_margins = ratio_margins(source, target, k)
    backward, backward_margins = ratio_margins(target, source, k)
    ahead, back = forward_margins.argmax(axis=1), backward_margins.argmax(axis=1)
    rows, columns = np.arange(len(forward)), np.arange(len(backward))
    sources = np.concatenate([rows, backward[columns, back]])
    targets = np.concatenate([forward[rows, ahead], columns])
    margins = np.concatenate([forward_margins[rows, ahead], backward_margins[columns, back]])
    free_source, free_target = np.ones(len(rows), dtype=bool), np.ones(len(columns), dtype=bool)
    kept = []
    for i in np.argsort(-margins, kind="stable"):
        if free_source[sources[i]] and free_target[targets[i]]:
            free_source[sources[i]] = free_target[targets[i]] = False
            kept.append(i)
    return MinedPairs(sources[kept], targets[kept], margins[kept])


def tune_threshold(mined: MinedPairs, gold: Collection[tuple[int, int]]) -> float:
    """The margin threshold with the best F1 on training pairs: half-way to the next pair, as in LASER's bucc.py.

    Raises `InputError` when not one gold pair was mined.
    """
    right = _correct(mined, gold)
    found = np.cumsum(right)
    f1 = 2.0 * found / (np.arange(1, len(right) + 1) + len(set(gold)))
    if not right.any():
        raise InputError("not one gold pair was mined, so no threshold can be tuned")
    best = int(f1.argmax())
    return float((mined.margins[best] + mined.margins[min(best + 1, len(right) - 1)]) / 2.0)


def mining_quality(mined: MinedPairs, gold: Collection[tuple[int, int]], threshold: float) -> MiningQuality:
    """Precision, recall and F1 of the pairs at or above `threshold` (BUCC: tuned on train, applied to test)."""
    kept = mined.margins >= threshold
    correct = float(_correct(mined, gold)[kept].sum())
    extracted, wanted = int(kept.sum()), len(set(gold))
    return MiningQuality(
        precision=correct / extracted if extracted else 0.0,
        recall=correct / wanted if wanted else 0.0,
        f1=2.0 * correct / (extracted + wanted) if extracted + wanted else 0.0,
    )


def _correct(mined: MinedPairs, gold: Collection[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    wanted = set(gold)
    pairs = zip(mined.source.tolist(), mined.target.tolist(), strict=True)
    return np.fromiter((pair in wanted for pair in pairs), dtype=bool, count=len(mined.source))
