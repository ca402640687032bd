"""Names that stand for several measures: trec_eval's groups, and its lists of cut-offs.

`official` and `all` are what `trec_eval -m official` and `-m all_trec` print, under trec_eval's own names, so that two
outputs can be laid side by side. Left out are what is no number (runid, relstring), measures that trec_eval calls
experimental (G, binG, ndcg_rel, Rndcg), and what is not normalised (dcg, ideal_dcg).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CUTOFFS = (5, 10, 15, 20, 30, 100, 200, 500, 1000)


def _at(name: str, numbers: Iterable[object] = _CUTOFFS) -> list[str]:
    return [f"{name}_{number}" for number in numbers]


_OFFICIAL = [
    *("num_q", "num_ret", "num_rel", "num_rel_ret", "map", "gm_map", "Rprec", "bpref", "recip_rank"),
    *_at("iprec_at_recall", (f"{tenths / 10:.2f}" for tenths in range(11))),
    *_at("P"),
]
_SETS = ["set_P", "set_recall", "set_relative_P", "set_map", "set_F"]
GROUPS: dict[str, list[str]] = {
    "official": _OFFICIAL,
    "set": ["num_q", "num_ret", "num_rel", "num_rel_ret", "utility", *_SETS],
    "all": [
        *_OFFICIAL,
        *_at("recall"),
        *("infAP", "gm_bpref", "utility", "11pt_avg", "ndcg"),
        *_at("relative_P"),
        *_at("Rprec_mult", (f"{fifths / 5:.2f}" for fifths in range(1, 11))),
        *_at("success", (1, 5, 10)),
        *_at("map_cut"),
        *_at("ndcg_cut"),
        *_SETS,
        "num_nonrel_judged_ret",
    ],
}
_OTHERWISE = {"all_trec": "all"}
_LIST = re.compile(r"(?P<name>[\w-]+)[._](?P<numbers>[0-9.]+(?:,[0-9.]+)+)")


def expand(names: Iterable[str]) -> list[str]:
    """The names of single measures that `names` stand for, in order; a name of one measure stays as it is written."""
    found: list[str] = []
    for name in names:
        group = GROUPS.get(_OTHERWISE.get(name.strip().lower(), name.strip().lower()))
        listed = _LIST.fullmatch(name.strip())
        if group:
            found += group
        elif listed:
            found += _at(listed["name"], listed["numbers"].split(","))
        else:
            found.append(name)
    return found
