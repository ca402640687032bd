"""`lapca-bench bias`: whether a mixed pool favours documents by their language, in figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lapca_bench.cli.options import Split
from lapca_bench.cli.output import Json, say, say_columns, say_json, tell
from lapca_bench.paths import DEFAULT_RESULTS

if TYPE_CHECKING:
    from lapca_bench.run import Run
    from lapca_bench.scoring.bias import LanguageBias
    from lapca_bench.store.results import StoredResult


def bias(
    collection: Annotated[str, typer.Option("--collection", "-c", help="One pool of several languages.")],
    system: Annotated[str | None, typer.Option("--system", "-s", help="A system with a stored result.")] = None,
    run: Annotated[Path | None, typer.Option("--run", help="A run file instead (TREC or .parquet).")] = None,
    first: Annotated[int, typer.Option("--first", "-k", min=1, help="Documents looked at per query.")] = 20,
    measure: Annotated[
        str | None, typer.Option("--measure", "-m", help="The rank measure that fills the matrix (default: RR@20).")
    ] = None,
    split: Split = None,
    results: Annotated[Path, typer.Option(help="Folder of stored results.")] = DEFAULT_RESULTS,
    json: Json = False,
) -> None:
    """Describe the language bias of a run over a mixed pool.

    Shows shares, rank penalties, fairness, and the language matrix.
    """
    from dataclasses import asdict

    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.report.pool_bias import bias_of_result, pool_bias

    if (system is None) == (run is None):
        raise UsageError("name one run", remedy="give either --system NAME (its stored result) or --run FILE")
    loaded = registry.load(collection, split)
    if run is None:
        found = bias_of_result(_stored(collection, system, split, results), loaded, measure, first)
    else:
        found = pool_bias(_read(run), loaded, measure, first)
    if json:
        say_json(asdict(found))
        return
    _show(found)
    tell(f"{found.queries} queries with a relevant document; first {found.k} documents; docs/measures.md defines each")


def _read(path: Path) -> Run:
    from lapca_bench.store.runs import read_run

    return read_run(path)


def _stored(collection: str, system: str | None, split: str | None, results: Path) -> StoredResult:
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.selection import select

    chosen = select(results, collection, [system] if system else [], split).results
    if len(chosen) != 1:
        raise UsageError(f"{collection} stands for {len(chosen)} collections", remedy="name one pool, as xquad-r/mixed")
    if chosen[0].provenance.kept is not None:
        tell(f"only {chosen[0].provenance.kept} documents per query are stored: penalties are bounded by that")
    return chosen[0]


def _show(found: LanguageBias) -> None:
    say_columns(
        ("documents in", f"share of first {found.k}", "share of relevant", "rank penalty"),
        [
            (name, f"{share:.1%}", f"{found.relevant[name]:.1%}", _signed(found.penalty.get(name)))
            for name, share in found.retrieved.items()
        ],
    )
    say()
    say_columns(
        ("figure", "value"),
        [
            ("same language first", f"{found.same_language_first:.1%}"),
            (f"PEER@{found.k}", f"{found.peer:.3f}"),
            (f"AWRF@{found.k}", f"{found.awrf:.3f}"),
            (f"LPR@{found.k}", "–" if found.lpr is None else f"{found.lpr:.3f}"),
            (f"Lang_nDCG@{found.k}", f"{found.lang_ndcg:.3f}"),
            (f"Complete@{found.k}", f"{found.complete:.3f}"),
            ("MaxRank (Max@R)", f"{found.worst_rank:.1f}"),
        ],
    )
    say()
    first = found.first
    say_columns(
        ("first document", "in the question's language", "in another"),
        [
            ("relevant", f"{first.relevant_same:.1%}", f"{first.relevant_other:.1%}"),
            ("not relevant", f"{first.irrelevant_same:.1%}", f"{first.irrelevant_other:.1%}"),
        ],
    )
    say()
    matrix = found.matrix
    columns = list(next(iter(matrix.values.values())))
    say(f"{matrix.measure}, question language (down) by document language (across)")
    say_columns(("", *columns), [(row, *(_cell(cells[c]) for c in columns)) for row, cells in matrix.values.items()])
    say(f"macro over cells {matrix.macro:.3f}, micro over queries {matrix.micro:.3f}")


def _signed(value: Any) -> str:
    return "–" if value is None else f"{value:+.1f}"


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
