"""The language bias of a system on the page of a pool of several languages."""

from __future__ import annotations

from lapca_bench.report.board.table import heat, number
from lapca_bench.scoring.bias import LanguageBias
from lapca_bench.visible import visible


def bias_context(system: str, bias: LanguageBias) -> dict[str, object]:
    """The language bias of one system: figures, shares, and the matrix with its heat."""
    columns = list(dict.fromkeys(language for cells in bias.matrix.values.values() for language in cells))
    known = [v for cells in bias.matrix.values.values() for v in cells.values() if v is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)

    def cell(value: float | None) -> tuple[str, str]:
        if value is None:
            return "–", "num"
        return number(value), f"num {heat(value, low, high)}".rstrip()

    return {
        "name": visible(system),
        "facts": [
            (f"PEER@{bias.k}, 1 is fair", f"{bias.peer:.3f}"),
            (f"AWRF@{bias.k}, 1 is fair", f"{bias.awrf:.3f}"),
            ("first document in the question's language", f"{number(bias.same_language_first)} %"),
            ("relevant first documents, in the question's language", f"{number(bias.first.relevant_same)} %"),
            ("relevant first documents, in another", f"{number(bias.first.relevant_other)} %"),
            (f"LPR@{bias.k}, 1 prefers the question's language", "–" if bias.lpr is None else f"{bias.lpr:.3f}"),
            (f"Lang_nDCG@{bias.k}", f"{bias.lang_ndcg:.3f}"),
            (f"Complete@{bias.k}", f"{bias.complete:.3f}"),
        ],
        "k": bias.k,
        "measure": bias.matrix.measure,
        "columns": columns,
        "shares": [
            ("share of the first documents", [number(bias.retrieved.get(language, 0.0)) for language in columns]),
            ("share of the relevant ones", [number(bias.relevant.get(language, 0.0)) for language in columns]),
        ],
        "rows": [
            (language, [cell(cells.get(column)) for column in columns])
            for language, cells in bias.matrix.values.items()
        ],
    }
