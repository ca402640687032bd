"""`lapca-bench score`: one TREC run against TREC judgements, or against a collection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json, tell

if TYPE_CHECKING:
    from lapca_bench.run import Qrels, Run
    from lapca_bench.scoring import Scores

DEFAULT_MEASURES = ("nDCG@10", "RR@10", "R@100", "AP")

Measures = Annotated[
    list[str] | None,
    typer.Option(
        "--measure",
        "-m",
        metavar="NAME",
        help="A measure such as nDCG@10, RR@10 or R@100, as trec_eval and ir_measures write them too; repeat for more.",
    ),
]
ScoreMeasures = Annotated[
    list[str] | None,
    typer.Option(
        "--measure",
        "--measures",
        "-m",
        metavar="NAME",
        help="A measure such as nDCG@10, RR@10 or AP(rel=2), as trec_eval and ir_measures write them too; all or "
        "official: what trec_eval prints. Repeat for more.",
    ),
]


def score(
    run: Annotated[
        Path,
        typer.Argument(help="Run file (TREC, also compressed, or Parquet); for XOR-Retrieve also predictions (.json)."),
    ],
    qrels: Annotated[Path | None, typer.Argument(help="Judgements: query 0 document grade.")] = None,
    measure: ScoreMeasures = None,
    collection: Annotated[
        str | None, typer.Option("--collection", "-c", help="Score against this collection instead of a qrels file.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="The collection's split.")] = None,
    per_query: Annotated[bool, typer.Option("--per-query", help="Show every query's values too.")] = False,
    ties: Annotated[
        bool, typer.Option("--ties", help="Show instead what each mean could be if ties were broken otherwise.")
    ] = False,
    json: Json = False,
) -> None:
    """Score a run file as `trec_eval -c` does.

    Means are over all judged queries. A judged query that the run lacks counts as 0. Documents are ordered by score,
    ties by document id, both descending; the rank column is ignored.
    """
    from lapca_bench.cli.score_predictions import ENDINGS, score_predictions
    from lapca_bench.errors import UsageError
    from lapca_bench.scoring.distinct import once_each
    from lapca_bench.scoring.naming.groups import expand
    from lapca_bench.store.runs import read_run

    if collection is not None and run.name.endswith(ENDINGS):
        score_predictions(run, collection, split, json=json)
        return
    loaded = read_run(run)
    asked = tuple(once_each(expand(measure or ())).values())
    if ties:
        _ties(loaded, qrels, collection, split, asked, json=json)
        return
    if qrels is not None:
        scores, names = _on_files(loaded, qrels, asked or DEFAULT_MEASURES)
    elif collection is not None:
        scores, names = _on_collection(loaded, collection, split, asked)
    else:
        raise UsageError("nothing to score against", remedy="lapca-bench score RUN QRELS, or --collection NAME")
    if json:
        say_json(_document(scores, names, per_query))
        return
    if per_query:
        table = scores.frame.pivot_table(index="query", columns="measure", values="value", sort=False)
        rows = [(query, *(figure(m, row[m]) for m in scores.measures)) for query, row in table.iterrows()]
        say_columns(("query", *names), rows)
        say()
    means = scores.means
    languages = [language for language in scores.languages if language] if len(scores.languages) > 1 else []
    heads = ("measure", *languages, "mean") if languages else ("measure", "mean")
    say_columns(
        heads,
        [
            (name, *(figure(m, means[m][language]) for language in languages), figure(m, means[m]["mean"]))
            for name, m in zip(names, scores.measures, strict=True)
        ],
    )
    judged = scores.frame["query"].nunique()
    tell(f"{judged} judged queries; {scores.missing} of them missing from the run (each counts as 0)")
    if scores.unjudged:
        tell(f"{scores.unjudged} queries without judgements ignored")
    if scores.excluded:
        tell(f"{scores.excluded} queries without a relevant document left out")


def _ties(
    run: Run, qrels: Path | None, collection: str | None, split: str | None, measures: tuple[str, ...], *, json: bool
) -> None:
    from lapca_bench.cli.score_ties import score_ties
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.run import Qrels
    from lapca_bench.store.runs import read_qrels

    if qrels is not None:
        score_ties(run, read_qrels(qrels), measures or DEFAULT_MEASURES, exclude=False, json=json)
        return
    if collection is None:
        raise UsageError("nothing to score against", remedy="lapca-bench score RUN QRELS, or --collection NAME")
    loaded = registry.load(collection, split)
    relevance, policy = loaded.relevance(), loaded.card.policy
    if not isinstance(relevance, Qrels):
        raise UsageError(f"{collection} is judged by answers", remedy="ties need relevance judgements")
    score_ties(run, relevance, measures or policy.measures, exclude=policy.no_relevant == "exclude", json=json)


def _on_files(run: Run, qrels: Path, measures: tuple[str, ...]) -> tuple[Scores, tuple[str, ...]]:
    from lapca_bench.scoring import score_files
    from lapca_bench.store.runs import read_qrels

    relevance = read_qrels(qrels)
    tell_strangers(run, relevance)
    return score_files(run, relevance, measures), measures


def figure(measure: str, value: float) -> str:
    """A value as it is printed: four digits, a count without any."""
    from lapca_bench.scoring import parse

    return f"{value:.0f}" if parse(measure).definition.mean == "sum" else f"{value:.4f}"


def tell_strangers(run: Run, relevance: Qrels) -> None:
    """Say so where not one judged document is in the run, which is how ids that were written differently look."""
    from lapca_bench.collections.judged import judged_documents

    judged = judged_documents(relevance)
    if len(run) and judged and judged.isdisjoint(run.vocabulary.tolist()):
        first, other = run.vocabulary[0], min(judged)
        tell(f"no judged document is in run {run.name!r} (the run has {first!r}, the judgements {other!r}): ids alike?")


def _on_collection(
    run: Run, collection: str, split: str | None, measures: tuple[str, ...]
) -> tuple[Scores, tuple[str, ...]]:
    from lapca_bench.collections import registry
    from lapca_bench.collections.judged import absent_judged
    from lapca_bench.experiment.rescoring import score_run
    from lapca_bench.scoring.distinct import once_each

    loaded = registry.load(collection, split)
    names = measures or tuple(once_each(loaded.card.policy.measures).values())
    documents = {document.id for document in loaded.documents()}
    if lacking := absent_judged(loaded, documents):
        tell(str(lacking))
    return score_run(run, loaded, names, documents=documents), names


def _document(scores: Scores, names: tuple[str, ...], per_query: bool) -> dict[str, Any]:
    means = scores.means
    document: dict[str, Any] = {
        "run": scores.run,
        "measures": {name: means[measure]["mean"] for name, measure in zip(names, scores.measures, strict=True)},
        "queries": int(scores.frame["query"].nunique()),
        "missing": scores.missing,
        "excluded": scores.excluded,
        "unjudged": scores.unjudged,
    }
    if per_query:
        shown = dict(zip(scores.measures, names, strict=True))
        values: dict[str, dict[str, float]] = {}
        for query, measure, value in scores.frame[["query", "measure", "value"]].itertuples(index=False):
            values.setdefault(query, {})[shown[measure]] = value
        document["per_query"] = values
    return document
