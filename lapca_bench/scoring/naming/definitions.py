"""What the measures are: the entries of `measures.toml`, each with its name, meaning, source and other spellings."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

Need = Literal["judgements", "answers", "texts", "document languages"]
Cutoff = Literal["required", "optional", "none", "share"]
Mean = Literal["mean", "sum", "geometric"]
Value = int | float | bool | str

SHARE = "share"  # the parameter that the number after @ is, where it is no cut-off
_BY_RANK = ("ranking", "pooled", "user_models")  # modules whose measures read nothing but a joined run


@dataclass(frozen=True)
class Definition:
    """What every measure of one name has in common: an entry of `measures.toml`, which says what each field means.

    `unit` follows the number in the text ("kt": thousand tokens). `of_predicted`: queries that the run lacks are left
    out instead of counting 0.
    """

    name: str
    cutoff: Cutoff
    function: str
    text: str
    source: str
    needs: frozenset[Need] = frozenset({"judgements"})
    parameters: Mapping[str, Value] = field(default_factory=dict)
    stated: Sequence[str] = ()
    depth: int | None = None
    mean: Mean = "mean"
    lower_is_better: bool = False
    trec_eval: str = ""
    trec_eval_at: str = ""
    also: Sequence[str] = ()
    unit: str = ""
    of_predicted: bool = False

    @property
    def form(self) -> str:
        """How the measure is written, with `k` for the number (`x` for one between 0 and 1)."""
        shown = ",".join(f"{name}={written(self.parameters[name])}" for name in self.stated)
        head = f"{self.name}({shown})" if shown else self.name
        return head + {"required": f"@k{self.unit}", "optional": "[@k]", "share": "@x", "none": ""}[self.cutoff]

    @property
    def by_rank(self) -> bool:
        """Whether it reads nothing but judgements in the order of the run."""
        return self.function.partition(":")[0] in _BY_RANK

    def load(self) -> Callable[..., Any]:
        """The function; what a function of a module is given and gives back stands in that module."""
        module, _, name = self.function.partition(":")
        loaded: Callable[..., Any] = getattr(import_module(f"lapca_bench.scoring.{module}"), name)
        return loaded


def written(value: Value) -> str:
    """A parameter as it is written: 2, 0.95, True."""
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _definitions() -> tuple[Definition, ...]:
    listed = tomllib.loads((Path(__file__).parent / "measures.toml").read_text(encoding="utf-8"))["measure"]
    return tuple(Definition(**{**entry, "needs": frozenset(entry.get("needs", ["judgements"]))}) for entry in listed)


DEFINITIONS: tuple[Definition, ...] = _definitions()
BY_NAME: dict[tuple[str, str], Definition] = {(d.name, d.unit): d for d in DEFINITIONS}  # by name and unit


def forms() -> list[str]:
    """How every measure is written, with `k` for the number: for help texts and nearest names."""
    return [definition.form for definition in DEFINITIONS]
