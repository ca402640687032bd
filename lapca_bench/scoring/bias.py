"""Language bias of a mixed pool: whether documents are favoured by their language instead of their relevance.

`language_bias` describes a run from several sides; `peer` and `awrf` are the published single figures per query, where
1 is fair. PEER is the one to quote: it compares only documents of equal relevance and names no language as the norm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.run import Int64, Qrels, Run
from lapca_bench.scoring import pooled, ranking
from lapca_bench.scoring.judged import Judged, Languages, join, languages_of
from lapca_bench.scoring.measures import Measure, parse
from lapca_bench.scoring.preference import FirstDocuments, first_documents, lang_ndcg, lpr, mean_of
from lapca_bench.scoring.ranking import Float64
from lapca_bench.types import Query


def _counts(query_of: Int64, language_of: Int64, shape: tuple[int, int], weights: Float64 | None = None) -> Float64:
    """(queries, languages) sums of rows."""
    flat = np.bincount(query_of * shape[1] + language_of, weights=weights, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float64)


def _shares(counts: Float64) -> Float64:
    """Rows that sum to 1; a row of zeros stays one."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return np.asarray(counts / total, dtype=np.float64)


def awrf(joined: Judged, languages: Languages, k: int) -> dict[str, float]:
    """Attention-weighted rank fairness of the first k per query, over queries with a relevant document.

    1 - JSD(attention, relevant): each language's share of 1 / log2(max(rank, 2)) over what was retrieved, against its
    share of the relevant documents (Sapiezynski et al. 2019; discount, divergence and natural logarithm as in the
    evaluation of TREC Fair Ranking 2021). Nothing retrieved counts 0, as for every measure.
    """
    from scipy.spatial import distance

    shape = (len(joined), len(languages.names))
    within = joined.rank <= k
    attention = _counts(
        joined.query_of[within],
        languages.of[joined.documents[within]],
        shape,
        1.0 / np.log2(np.maximum(joined.rank[within], 2)),
    )
    relevant = _counts(joined.ideal_query_of, languages.of[joined.ideal_documents], shape)
    rows = np.flatnonzero(joined.relevant > 0)
    answered = rows[attention[rows].sum(axis=1) > 0]
    values = np.zeros(len(joined), dtype=np.float64)
    values[answered] = 1.0 - distance.jensenshannon(attention[answered], relevant[answered], axis=1) ** 2
    return {joined.queries[row]: float(values[row]) for row in rows}


def peer(joined: Judged, languages: Languages, k: int) -> dict[str, float]:
    """Probability of equal expected rank of the first k per query, over queries with a relevant document.

    For each positive grade, the ranks of the documents of that grade are grouped by language and tested with the
    Kruskal-Wallis statistic H = (N - 1) * sum_l n_l (mean_l - mean)^2 / sum (rank - mean)^2, which is chi-square
    distributed with (groups - 1) degrees of freedom; the value is the mean of the p-values over the query's grades
    (Yang et al., SIGIR 2024, with equal weights of the grades). Documents of one language alone, or none retrieved,
    are fair (p = 1). The U relevant documents that were not retrieved share the rank m + (U + 1) / 2, m being the last
    rank retrieved; the authors' package peer-measure 0.0.1 means the same but takes m to be N, through a comparison
    that never holds, which can put what was not retrieved ahead of what was. A query for which nothing at all was
    retrieved counts 0.
    """
    from scipy import special

    ranks = np.where(joined.found_rank <= k, joined.found_rank, 0)
    language = languages.of[joined.ideal_documents]
    values: dict[str, float] = {}
    lengths = np.diff(joined.offsets)
    for i in np.flatnonzero(joined.relevant > 0):
        part = slice(joined.ideal_offsets[i], joined.ideal_offsets[i + 1])
        grades = joined.ideal[part]
        tests = [kruskal_wallis(ranks[part][grades == g], language[part][grades == g]) for g in np.unique(grades)]
        fair = float(np.mean([special.chdtrc(freedom, h) if freedom else 1.0 for h, freedom in tests]))
        values[joined.queries[i]] = fair if lengths[i] else 0.0
    return values


def kruskal_wallis(ranks: Int64, groups: Int64) -> tuple[float, int]:
    """PEER's H and its degrees of freedom for documents of one grade; rank 0 is not retrieved. (0, 0) is no test."""
    missing = ranks == 0
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    if missing.all() or len(sizes) < 2:
        return 0.0, 0
    placed = np.where(missing, ranks.max() + (missing.sum() + 1) / 2.0, ranks)
    mean = placed.mean()
    means = np.bincount(group, weights=placed) / sizes
    between = float(sizes @ (means - mean) ** 2)
    return (len(ranks) - 1) * between / float(((placed - mean) ** 2).sum()), len(sizes) - 1


@dataclass(frozen=True)
class LanguageMatrix:
    """A measure by query language (rows) and document language (columns), None where no query has such a document.

    A cell counts only the relevant documents of its column as relevant, in the ranking of the whole pool, over the
    queries of its row that have one. `macro` is the mean over cells, `micro` the mean over the queries of all cells.
    """

    measure: str
    values: Mapping[str, Mapping[str, float | None]]
    queries: Mapping[str, Mapping[str, int]]
    macro: float
    micro: float


@dataclass(frozen=True)
class LanguageBias:
    """How a run over a mixed pool treats the languages of documents.

    By document language: `retrieved` is its mean share of the first k, `relevant` its mean share of the relevant
    documents (a system that ranks by relevance alone has both equal), `penalty` the mean number of ranks by which
    its relevant documents stand behind (positive) or ahead of the mean of all relevant documents of the same query;
    what was not retrieved counts as standing right behind the last one. `same_language_first` is the share of queries
    whose first document is in the query's language, `first` splits them by relevance too. `peer` and `awrf` are means
    over queries, and so are the measures of preference: `lpr` (None where no query has relevant documents in its own
    and in other languages), `lang_ndcg` and `complete` at k, and `worst_rank` over all that was retrieved.
    """

    k: int
    queries: int
    retrieved: Mapping[str, float]
    relevant: Mapping[str, float]
    penalty: Mapping[str, float]
    same_language_first: float
    peer: float
    awrf: float
    first: FirstDocuments
    lpr: float | None
    lang_ndcg: float
    complete: float
    worst_rank: float
    matrix: LanguageMatrix


def language_bias(
    run: Run,
    qrels: Qrels,
    queries: Sequence[Query],
    languages: Mapping[str, str],
    *,
    k: int = 20,
    measure: str | Measure = "RR@20",
) -> LanguageBias:
    """Describe the language bias of `run` over the queries with a relevant document.

    `languages` gives the language of every document that is retrieved or relevant. `measure` fills the matrix. Raises
    `InputError` for a document without a language and when not one query has a relevant document.
    """
    judged = [query for query in queries if qrels.relevant(query.id)]
    if not judged:
        raise InputError("not one query has a relevant document", remedy="choose a split with judgements")
    joined = join(run, qrels.judgements, [query.id for query in judged])
    of = languages_of(joined, [query.language for query in judged], languages)
    shape = (len(joined), len(of.names))
    within = joined.rank <= k
    retrieved = _shares(_counts(joined.query_of[within], of.of[joined.documents[within]], shape))
    relevant = _shares(_counts(joined.ideal_query_of, of.of[joined.ideal_documents], shape))
    return LanguageBias(
        k=k,
        queries=len(joined),
        retrieved=_named(of, retrieved.mean(axis=0)),
        relevant=_named(of, relevant.mean(axis=0)),
        penalty=_penalty(joined, of),
        same_language_first=_same_first(joined, of),
        peer=float(np.mean(list(peer(joined, of, k).values()))),
        awrf=float(np.mean(list(awrf(joined, of, k).values()))),
        first=first_documents(joined, of),
        lpr=mean_of(lpr(joined, of, k)),
        lang_ndcg=float(np.mean(list(lang_ndcg(joined, of, k).values()))),
        complete=float(pooled.complete(joined, k).mean()),
        worst_rank=float(pooled.worst_rank(joined, None).mean()),
        matrix=language_matrix(joined, of, parse(measure)),
    )


def _named(languages: Languages, values: Float64) -> dict[str, float]:
    return dict(zip(languages.names, values.tolist(), strict=True))


def _penalty(joined: Judged, languages: Languages) -> dict[str, float]:
    behind = (np.diff(joined.offsets) + 1)[joined.ideal_query_of]
    ranks = np.where(joined.found_rank > 0, joined.found_rank, behind).astype(np.float64)
    means = np.bincount(joined.ideal_query_of, weights=ranks, minlength=len(joined)) / np.maximum(joined.relevant, 1)
    language = languages.of[joined.ideal_documents]
    excess = np.bincount(language, weights=ranks - means[joined.ideal_query_of], minlength=len(languages.names))
    counts = np.bincount(language, minlength=len(languages.names))
    return {name: float(excess[i] / counts[i]) for i, name in enumerate(languages.names) if counts[i]}


def _same_first(joined: Judged, languages: Languages) -> float:
    answered = np.flatnonzero(np.diff(joined.offsets) > 0)
    first = languages.of[joined.documents[joined.offsets[answered]]]
    names = np.asarray(languages.names, dtype=object)[first]
    same = names == np.asarray(languages.queries, dtype=object)[answered]
    return float(np.count_nonzero(same)) / len(joined)


def language_matrix(joined: Judged, languages: Languages, measure: Measure) -> LanguageMatrix:
    """The matrix of a rank measure, with its macro and micro means."""
    rows = list(dict.fromkeys(languages.queries))
    members: dict[str, npt.NDArray[np.bool_]] = {row: np.asarray([q == row for q in languages.queries]) for row in rows}
    values: dict[str, dict[str, float | None]] = {row: {} for row in rows}
    counts: dict[str, dict[str, int]] = {row: {} for row in rows}
    total = 0.0
    for column, name in enumerate(languages.names):
        part = joined.among(languages.of == column)
        scored = ranking.evaluate(part, measure)
        for row in rows:
            cell = scored[members[row] & (part.relevant > 0)]
            values[row][name] = float(cell.mean()) if len(cell) else None
            counts[row][name] = len(cell)
            total += float(cell.sum())
    cells = [value for row in values.values() for value in row.values() if value is not None]
    queries = sum(count for row in counts.values() for count in row.values())
    return LanguageMatrix(str(measure), values, counts, macro=float(np.mean(cells)), micro=total / queries)
