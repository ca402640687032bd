"""Tuning on a development split: BM25's k1 and b and a hybrid's alpha over grids, a fusion's parameters by ranx.

A tuned system is another system: it gets a card of its own, which says on what it was tuned and counts that family as
seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from lapca_bench.collections.base import Collection
from lapca_bench.errors import UsageError
from lapca_bench.experiment.rescoring import score_run
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import Aggregate, aggregate, parse
from lapca_bench.scoring.measures import parse_mean
from lapca_bench.search.card import SystemCard
from lapca_bench.search.fusion import FusionCard, FusionSettings
from lapca_bench.search.fusion import fuse as fuse_by_weights
from lapca_bench.search.lexical.bm25 import BM25Card, BM25System
from lapca_bench.search.ranx_fusion import RanxFusionCard, best_parameters, fuse
from lapca_bench.search.registry import Workspace, build_system

K1 = (0.5, 0.7, 0.9, 1.2, 1.5, 2.0)
B = (0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
ALPHA = tuple(step / 20 for step in range(21))

_RANX_NAMES = {"nDCG": "ndcg", "RR": "mrr", "R": "recall", "AP": "map", "P": "precision", "Success": "hit_rate"}


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and the mean of the measure over the languages as the collection averages them."""

    settings: dict[str, object]
    mean: float


@dataclass(frozen=True)
class Tuned:
    """All trials in the order in which they were made, the best (the first of equals), and the card that it gives."""

    trials: tuple[Trial, ...]
    best: Trial
    card: SystemCard


def tune(
    card: SystemCard,
    collection: Collection,
    measure: str | None = None,
    workspace: Workspace | None = None,
    grid: tuple[Sequence[float], Sequence[float]] = (K1, B),
) -> Tuned:
    """Tune a system of kind bm25, fusion or ranx-fusion on the split that `collection` was loaded with.

    `measure` defaults to the collection's main one. Raises `UsageError` for another kind.
    """
    measure = str(parse_mean(measure or collection.card.policy.measures[0]))
    workspace = workspace or Workspace()
    match card:
        case BM25Card():
            trials = tuple(_bm25(card, collection, measure, workspace, grid))
        case FusionCard():
            trials = tuple(_hybrid(card.fusion, collection, measure, workspace))
        case RanxFusionCard():
            trials = tuple(_fusion(card, collection, measure, workspace))
        case _:
            raise UsageError(
                f"systems of kind {card.kind} have nothing to tune", remedy="name one of bm25, fusion or ranx-fusion"
            )
    best = max(trials, key=lambda trial: trial.mean)  # the first of equals
    return Tuned(trials, best, _tuned(card, best, collection, measure))


def _bm25(
    card: BM25Card,
    collection: Collection,
    measure: str,
    workspace: Workspace,
    grid: tuple[Sequence[float], Sequence[float]],
) -> Iterator[Trial]:
    for k1, b in product(*grid):
        system = BM25System(workspace.indexes, k1, b, card.bm25.analyser, card.name)
        run = system.search(collection, collection.queries(), _depth(collection, measure))
        yield Trial({"k1": k1, "b": b}, _mean(run, collection, measure))


def _hybrid(settings: FusionSettings, collection: Collection, measure: str, workspace: Workspace) -> Iterator[Trial]:
    """Weights α and 1 − α of two systems; last, where queries are in several languages, the best α of each.

    Source of an α per language: Zhang et al. 2021, Mr. TyDi, section 4.
    """
    if len(settings.systems) != 2:
        raise UsageError(f"{len(settings.systems)} systems have no single alpha", remedy="fuse two, or use ranx-fusion")
    depth, queries = _depth(collection, measure), collection.queries()
    task = collection.card.policy.task
    runs = [build_system(part, workspace, task).search(collection, queries, depth) for part in settings.systems]
    best: dict[str, tuple[float, list[float]]] = {}
    whole: tuple[float, list[float]] | None = None
    for alpha in ALPHA:
        weights = [alpha, round(1 - alpha, 2)]
        means = _means(
            fuse_by_weights("", runs, settings.method, [weights] * len(queries)).cut(depth), collection, measure
        )
        mean = _needed(means, collection)
        yield Trial({"weights": weights}, mean)
        if whole is None or mean > whole[0]:
            whole = (mean, weights)
        for language, value in means.means.items():
            if value is not None and (language not in best or value > best[language][0]):
                best[language] = (value, weights)
    if whole is not None and len(best) > 1:
        languages = {language: weights for language, (_, weights) in best.items()}
        by_query = [languages.get(query.language, whole[1]) for query in queries]
        mean = _needed(
            _means(fuse_by_weights("", runs, settings.method, by_query).cut(depth), collection, measure), collection
        )
        yield Trial({"weights": whole[1], "languages": languages}, mean)


def _fusion(card: RanxFusionCard, collection: Collection, measure: str, workspace: Workspace) -> Iterator[Trial]:
    settings = card.ranx_fusion
    qrels = collection.relevance()
    parsed = parse(measure)
    name = None if parsed.parameters else _RANX_NAMES.get(parsed.name)
    if not isinstance(qrels, Qrels) or name is None:
        raise UsageError(f"ranx cannot optimise {measure} on {collection.card.name}", remedy="use --measure nDCG@10")
    systems = [build_system(part, workspace, collection.card.policy.task) for part in settings.systems]
    depth = _depth(collection, measure)
    runs = [system.search(collection, collection.queries(), depth) for system in systems]
    metric = name if parsed.depth is None else f"{name}@{parsed.depth}"
    found = best_parameters(runs, qrels, settings.method, settings.normalisation, metric)
    for parameters in ([settings.parameters] if settings.parameters else []) + [found]:
        run = fuse(card.name, runs, settings.method, settings.normalisation, parameters)
        yield Trial({"parameters": parameters}, _mean(run, collection, measure))


def _depth(collection: Collection, measure: str) -> int:
    return max(collection.card.policy.depth, parse(measure).depth or 0)


def _mean(run: Run, collection: Collection, measure: str) -> float:
    return _needed(_means(run, collection, measure), collection)


def _means(run: Run, collection: Collection, measure: str) -> Aggregate:
    return aggregate(score_run(run, collection, (measure,)))[str(parse(measure))]


def _needed(means: Aggregate, collection: Collection) -> float:
    mean = means.mean(collection.card.policy.average)
    if mean is None:
        raise UsageError(f"{collection.card.name}: a language has no judged query", remedy="name another split")
    return mean


def _tuned(card: SystemCard, best: Trial, collection: Collection, measure: str) -> SystemCard:
    (table, settings), about = next(iter(card.tables.items())), collection.card
    note = f"Tuned on {about.name}, split {collection.split}, by {measure}: {best.mean:.4f} there."
    return card.model_copy(
        update={
            "name": f"{card.name}-tuned",
            "title": f"{card.title}; then tuned on {about.name}",
            "trained_on": sorted({*card.trained_on, about.family}),
            "note": f"{note} Before: {card.note}" if card.note else note,
            table: settings.model_copy(update=best.settings),
        }
    )
