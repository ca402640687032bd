"""Scoring a run: one row per query and measure, over all judged queries of the split.

The denominator is the judged set: a judged query that the run lacks scores 0, a query without a judgement is left out,
and a judged query without a relevant document follows the collection's policy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lapca_bench.collections.base import Policy
from lapca_bench.errors import InputError, UsageError
from lapca_bench.run import Answers, Qrels, Relevance, Run
from lapca_bench.scoring import ranking
from lapca_bench.scoring.judged import Judged, Languages, join, languages_of
from lapca_bench.scoring.measures import Measure, parse
from lapca_bench.types import Document, Query

if TYPE_CHECKING:
    import pandas as pd

Engine = Literal["ranx", "numpy"]
_ALL = sys.maxsize  # the cut-off of a measure that has none
Values = Mapping[str, float]  # by query id; a query that is not in it is left out of the mean
LanguageMeasure = Callable[[Judged, Languages, int], Values]  # a run, its languages and a cut-off
AnswerMeasure = Callable[[Run, Answers, Sequence[str], Mapping[str, Document], Sequence[int]], list[dict[str, float]]]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one run.

    `frame` has the columns query, language, measure, value, ordered by measure (as asked) and query (as in the split).
    `languages` are those of the judged queries, in order of appearance: what a mean over languages must cover.
    `missing` counts judged queries that the run lacks (each scores 0), `excluded` those that the policy leaves out,
    `unjudged` queries of the split or the run without a judgement. `tied` counts results that share their score with
    the result before them: where it is large, look at `ties.bounds`.
    """

    run: str
    measures: tuple[str, ...]
    languages: tuple[str, ...]
    frame: pd.DataFrame
    missing: int
    excluded: int
    unjudged: int
    tied: int
    engine: Engine

    def values(self, measure: str | Measure) -> pd.Series[float]:
        """The values of one measure by query id; raises `UsageError` for a measure that was not scored."""
        name = str(parse(measure))
        if name not in self.measures:
            raise UsageError(f"{name} was not scored", remedy=f"scored: {', '.join(self.measures)}")
        rows = self.frame[self.frame["measure"] == name]
        return rows.set_index("query")["value"]

    @property
    def means(self) -> dict[str, dict[str, float]]:
        """By measure: the figure of each language and, under "mean", of all queries.

        That is the mean; of counts it is the sum, and of `GMAP` and `GMBpref` the geometric mean, as in trec_eval.
        """
        found = {}
        for measure in self.measures:
            rows = self.frame[self.frame["measure"] == measure]
            figure = parse(measure).figure
            languages = {str(language): figure(own.to_numpy()) for language, own in rows.groupby("language")["value"]}
            found[measure] = {**languages, "mean": figure(rows["value"].to_numpy())}
        return found


def score(
    run: Run,
    relevance: Relevance,
    measures: Sequence[str | Measure],
    queries: Sequence[Query],
    policy: Policy,
    *,
    texts: Mapping[str, Document] | None = None,
    document_languages: Mapping[str, str] | None = None,
    documents: Collection[str] | None = None,
    engine: Engine = "ranx",
) -> Scores:
    """Score `run` over the judged ones of `queries`.

    `texts` holds the retrieved documents by id (`collections.document_texts` finds them), for measures that look for
    answer strings; `document_languages` the language of every document that is retrieved or relevant, for fairness
    measures; `documents` all document ids, to refuse a run of another collection. `engine` computes the rank measures:
    "ranx" is the reference, "numpy" gives the same values (tested to 1e-9) without ranx's seconds of start-up.

    Raises `InputError` for queries or documents that the collection does not have, for a split without a judged query
    and for a run that retrieved a query itself where the policy forbids it; `UsageError` for a measure that needs
    what was not given.
    """
    known = {query.id: query.language for query in queries}
    unknown = [query for query in run.queries if query not in known]
    if unknown:
        raise InputError(
            f"run {run.name!r} holds {len(unknown)} queries that the collection does not have, such as "
            f"{', '.join(map(repr, unknown[:3]))}",
            remedy="score the run against the collection and split that it was made on",
        )
    if documents is not None:
        _refuse_unknown_documents(run, documents)
    if policy.self_match == "drop":
        _refuse_self_matches(run)
    inputs = _Inputs(run, relevance, known, policy.no_relevant, texts, document_languages, engine)
    return _score(inputs, measures)


def score_files(
    run: Run,
    relevance: Relevance,
    measures: Sequence[str | Measure],
    *,
    no_relevant: Literal["zero", "exclude"] = "zero",
    languages: Mapping[str, str] | None = None,
    engine: Engine = "numpy",
) -> Scores:
    """Score a run against judgements alone, where no collection exists: every judged query counts, as `trec_eval -c`.

    Queries of the run without judgements are ignored, as trec_eval does, unless none has any, which is an `InputError`.
    `languages` gives the language by query id. The default engine is "numpy": here starting up is most of the cost.
    """
    judged = relevance.judgements if isinstance(relevance, Qrels) else relevance.strings
    if run.queries and not any(query in judged for query in run.queries):
        raise InputError(
            f"no query of run {run.name!r} is judged (the run has {run.queries[0]!r}, the judgements "
            f"{next(iter(judged), 'nothing')!r})",
            remedy="check that both files are of the same collection and use the same query ids",
        )
    known = {query: (languages or {}).get(query, "") for query in [*judged, *run.queries]}
    return _score(_Inputs(run, relevance, known, no_relevant, None, None, engine), measures)


@dataclass(frozen=True)
class _Inputs:
    """What the measures read; `languages` gives the language of every query of the split."""

    run: Run
    relevance: Relevance
    languages: Mapping[str, str]
    no_relevant: Literal["zero", "exclude"]
    texts: Mapping[str, Document] | None
    document_languages: Mapping[str, str] | None
    engine: Engine


def _score(inputs: _Inputs, measures: Sequence[str | Measure]) -> Scores:
    import pandas as pd

    asked = tuple(dict.fromkeys(parse(measure) for measure in measures))
    if not asked:
        raise UsageError("no measure to score", remedy='ask for at least one, such as "nDCG@10"')
    given = inputs.relevance.judgements if isinstance(inputs.relevance, Qrels) else inputs.relevance.strings
    judged = [query for query in inputs.languages if query in given]
    if not judged:
        raise InputError(
            "not one query of this split is judged", remedy="choose a split with judgements, or check the query ids"
        )
    for measure in asked:
        _refuse_unmet(measure, inputs)
    if isinstance(inputs.relevance, Qrels):
        values, excluded, tied = _by_judgements(inputs, inputs.relevance, judged, asked)
    else:
        values, excluded = _by_answers(inputs, inputs.relevance, judged, asked)
        tied = 0
    pieces = [
        pd.DataFrame(
            {
                "query": list(of_query),
                "language": [inputs.languages[query] for query in of_query],
                "measure": str(measure),
                "value": np.fromiter(of_query.values(), dtype=np.float64, count=len(of_query)),
            }
        )
        for measure, of_query in zip(asked, values, strict=True)
    ]
    return Scores(
        run=inputs.run.name,
        measures=tuple(map(str, asked)),
        languages=tuple(dict.fromkeys(inputs.languages[query] for query in judged)),
        frame=pd.concat(pieces, ignore_index=True),
        missing=sum(query not in inputs.run.index for query in judged),
        excluded=excluded,
        unjudged=len(inputs.languages) - len(judged),
        tied=tied,
        engine=inputs.engine,
    )


def _by_judgements(
    inputs: _Inputs, qrels: Qrels, judged: list[str], measures: Sequence[Measure]
) -> tuple[list[Values], int, int]:
    counted = judged
    if inputs.no_relevant == "exclude":
        counted = [query for query in judged if any(grade > 0 for grade in qrels.judgements[query].values())]
    joined = join(inputs.run, qrels.judgements, counted)
    ranked = [measure for measure in measures if measure.by_rank]
    of_rank = dict(zip(ranked, _rank_values(joined, ranked, inputs.engine), strict=True))
    read = any("document languages" in measure.needs for measure in measures)
    of_queries = [inputs.languages[query] for query in counted]
    languages = languages_of(joined, of_queries, inputs.document_languages if read else None)
    values: list[Values] = []
    for measure in measures:
        if measure in of_rank:
            values.append(dict(zip(counted, of_rank[measure].tolist(), strict=True)))
        else:
            function: LanguageMeasure = measure.definition.load()
            values.append(function(joined, languages, measure.cutoff or _ALL))
    return values, len(judged) - len(counted), int(joined.tied.sum())


def _rank_values(joined: Judged, measures: list[Measure], engine: Engine) -> list[ranking.Float64]:
    if engine == "ranx" and measures:
        from lapca_bench.scoring import ranx_engine

        return ranx_engine.evaluate(joined, measures)
    return [ranking.evaluate(joined, measure) for measure in measures]


def _by_answers(
    inputs: _Inputs, answers: Answers, judged: list[str], measures: Sequence[Measure]
) -> tuple[list[Values], int]:
    counted = judged
    if inputs.no_relevant == "exclude":
        counted = [query for query in judged if answers.strings[query]]
    texts = inputs.texts or {}
    of_measure: dict[Measure, Values] = {}
    for place in dict.fromkeys(measure.definition.function for measure in measures):
        together = [measure for measure in measures if measure.definition.function == place]  # passages are read once
        function: AnswerMeasure = together[0].definition.load()
        cutoffs = [measure.cutoff or 1 for measure in together]
        found = function(inputs.run, answers, counted, texts, cutoffs)
        for measure, recall in zip(together, found, strict=True):
            left_out = measure.definition.of_predicted
            of_measure[measure] = {q: v for q, v in recall.items() if not left_out or q in inputs.run.index}
    return [of_measure[measure] for measure in measures], len(judged) - len(counted)


def _refuse_unmet(measure: Measure, inputs: _Inputs) -> None:
    """Raise `UsageError` when `measure` needs something that was not given."""
    given = {
        "judgements": isinstance(inputs.relevance, Qrels),
        "answers": isinstance(inputs.relevance, Answers),
        "texts": inputs.texts is not None,
        "document languages": inputs.document_languages is not None,
    }
    lacking = sorted(need for need in measure.needs if not given[need])
    if lacking:
        kind = "judgements" if given["judgements"] else "answers"
        raise UsageError(
            f"{measure} needs {' and '.join(lacking)}, which {'were' if lacking[-1][-1] == 's' else 'was'} not given",
            remedy=f"this collection has {kind}: choose measures that read {kind}, or give what is lacking",
        )


def _refuse_unknown_documents(run: Run, documents: Collection[str]) -> None:
    ids = documents if isinstance(documents, set | frozenset | dict) else set(documents)
    unknown = [document for document in run.vocabulary.tolist() if document not in ids]
    if unknown:
        raise InputError(
            f"run {run.name!r} holds {len(unknown)} documents that the collection does not have, such as "
            f"{', '.join(map(repr, unknown[:3]))}",
            remedy="score the run against the collection that it was made on",
        )


def _refuse_self_matches(run: Run) -> None:
    for i, query in enumerate(run.queries):
        retrieved = run.vocabulary[run.codes[run.offsets[i] : run.offsets[i + 1]]]
        if (retrieved == query).any():
            raise InputError(
                f"run {run.name!r}: query {query!r} retrieved itself, which this collection does not allow",
                remedy="drop the document with the query's id before cutting at k, and retrieve k again",
            )
