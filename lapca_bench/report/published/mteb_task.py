"""What MTEB calls things: its tasks, their main scores and languages, and its keys of measures."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_KEYS = {"nDCG": "ndcg", "RR": "mrr", "R": "recall", "AP": "map", "P": "precision", "Accuracy": "accuracy", "F1": "f1"}
_PRINTED = {"ndcg": "nDCG", "mrr": "MRR", "recall": "R", "map": "mAP", "precision": "P", "hit_rate": "Success"}


@dataclass(frozen=True)
class MtebTask:
    """A task of MTEB that a family of collections here stands for; `languages` by part (`hf_subset`)."""

    task: str
    main_score: str
    languages: Mapping[str, tuple[str, ...]]


@cache
def mteb_tasks() -> Mapping[str, MtebTask]:
    """The tasks by family of collections."""
    tables = tomllib.loads(files(__package__).joinpath("mteb_tasks.toml").read_text(encoding="utf-8"))
    return {
        family: MtebTask(
            table["task"], table["main_score"], {part: tuple(codes) for part, codes in table["languages"].items()}
        )
        for family, table in tables.items()
    }


def mteb_measure(measure: str) -> str | None:
    """MTEB's key for a measure ("nDCG@10" → "ndcg_at_10"); None where MTEB has none."""
    name, _, cutoff = measure.partition("@")
    if name not in _KEYS or not (cutoff.isdecimal() or not cutoff):
        return None
    return f"{_KEYS[name]}_at_{cutoff}" if cutoff else _KEYS[name]


def printed_measure(key: str) -> str:
    """A key of MTEB as the tables of published numbers write it ("ndcg_at_20" → "nDCG@20")."""
    found = re.fullmatch(r"([a-z_]+?)(?:_at_([0-9]+))?", key)
    if found and found[1] in _PRINTED and (found[2] or found[1] in ("map", "mrr")):
        return _PRINTED[found[1]] + (f"@{found[2]}" if found[2] else "")
    return {"f1": "F1 (xx->en)", "accuracy": "accuracy (xx->en)"}.get(key, key)
