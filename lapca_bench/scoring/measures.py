"""Measures as values: `parse("nDCG@10")` gives a `Measure`, `str` gives the text back; equal texts are equal measures.

A name says everything that changes the number: the cut-off and its unit, the gain (`nDCG` is linear as in trec_eval,
`nDCG_exp` exponential), the denominator (`R` all relevant documents, `R_cap` at most k of them, `Success` hit or miss),
what is matched (`R` judged documents, `AnswerRecall` and `R@2kt` answer strings) and, in brackets, what differs from
the usual (`AP(rel=2)@100`). Reciprocal rank is written `RR@k` here, since the mean is taken by the table and not by the
measure; `MRR@k` is read as the same measure. `measures.toml` lists them all; `spelling` reads what people write.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.scoring.naming.definitions import BY_NAME, SHARE, Definition, Need, Value, forms, written
from lapca_bench.scoring.naming.spelling import read

_LEAST = 1e-5  # trec_eval's MIN_GEO_MEAN


@dataclass(frozen=True)
class Measure:
    """One measure at one cut-off. Make it with `parse`; a direct construction is checked the same way.

    `parameters` holds what differs from the definition's, in the definition's order, and what the name always states.
    """

    name: str
    cutoff: int | None = None
    unit: str = ""
    parameters: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self) -> None:
        """Raise `UsageError` for a name, unit, cut-off or parameter that no measure has."""
        definition = BY_NAME.get((self.name, self.unit))
        if definition is None:
            raise unknown_name("measure", str(self), forms())
        remedy = f"write {definition.form}"
        if self.cutoff is None and definition.cutoff == "required":
            raise UsageError(f"measure {self.name!r} needs a cut-off", remedy=remedy)
        if self.cutoff is not None and definition.cutoff in {"none", "share"}:
            raise UsageError(f"measure {self.name!r} has no cut-off", remedy=remedy)
        if self.cutoff is not None and self.cutoff < 1:
            raise UsageError(f"the cut-off of {self} must be at least 1", remedy=remedy)
        object.__setattr__(self, "parameters", _checked(definition, dict(self.parameters)))

    def __str__(self) -> str:
        inside = ",".join(f"{name}={written(value)}" for name, value in self.parameters if name != SHARE)
        head = f"{self.name}({inside})" if inside else self.name
        if SHARE in dict(self.parameters):
            return f"{head}@{written(self.parameter(SHARE))}"
        return head if self.cutoff is None else f"{head}@{self.cutoff}{self.unit}"

    @property
    def definition(self) -> Definition:
        """What it means, where it comes from and what it needs."""
        return BY_NAME[self.name, self.unit]

    @property
    def needs(self) -> frozenset[Need]:
        """What must be given besides the run."""
        return self.definition.needs

    @property
    def by_rank(self) -> bool:
        """Whether it reads nothing but judgements in the order of the run."""
        return self.definition.by_rank

    @property
    def is_tabled(self) -> bool:
        """Whether the figure of a run is a mean over queries and higher is better: it can be in a table and a test."""
        return self.definition.mean == "mean" and not self.definition.lower_is_better

    def figure(self, values: npt.NDArray[np.float64]) -> float:
        """What the values of queries come to: their mean, for counts their sum, for some the geometric mean."""
        if not len(values):
            return float("nan")
        if self.definition.mean == "sum":
            return float(values.sum())
        if self.definition.mean == "geometric":
            return float(np.exp(np.log(np.maximum(values, _LEAST)).mean()))
        return float(values.mean())

    @property
    def depth(self) -> int | None:
        """Documents per query that can change the value; None where that is not known beforehand."""
        if self.unit or self.parameter("judged_only", False):
            return None
        return self.definition.depth or self.cutoff

    def parameter(self, name: str, default: Value = 0) -> Value:
        """The value of a parameter: as given, as defined, or `default` for one that this measure does not have."""
        given = dict(self.parameters)
        return given[name] if name in given else self.definition.parameters.get(name, default)


def _checked(definition: Definition, given: dict[str, Value]) -> tuple[tuple[str, Value], ...]:
    """The parameters in canonical form: of the right type and range, in order, and without those that say nothing."""
    remedy = f"{definition.name} takes {', '.join(definition.parameters) or 'no parameter'}; docs/measures.md has them"
    known = dict(definition.parameters)
    if definition.cutoff == "share":
        if SHARE not in given:
            raise UsageError(f"measure {definition.name!r} needs a number", remedy=f"write {definition.form}")
        known[SHARE] = 0.0
    if unknown := set(given) - set(known):
        raise UsageError(f"measure {definition.name!r} has no parameter {sorted(unknown)[0]!r}", remedy=remedy)
    found: list[tuple[str, Value]] = []
    for name, usual in known.items():
        value = given.get(name, usual)
        if isinstance(usual, float) and isinstance(value, int | float) and not isinstance(value, bool):
            value = float(written(float(value)))  # what is written is what counts
        low, high, said = _POSSIBLE[name]
        if type(value) is not type(usual) or isinstance(value, str) or not low <= value <= high:
            raise UsageError(f"{definition.name}: {name}={value} is not possible", remedy=f"{name} is {said}")
        if value != usual or name in definition.stated or name == SHARE:
            found.append((name, value))
    return tuple(found)


_POSSIBLE: dict[str, tuple[float, float, str]] = {  # lowest, highest, and both in words
    "rel": (1, float("inf"), "a whole number from 1 on"),
    "max": (1, 30, "a whole number from 1 to 30"),
    "p": (1e-9, 1 - 1e-9, "a number between 0 and 1"),
    "beta": (0, 1e9, "a number from 0 on"),
    "judged_only": (False, True, "True or False"),
    SHARE: (0, 1e6, "a number from 0 on"),
}


def parse(text: str | Measure) -> Measure:
    """The measure that `text` names; other common spellings ("MRR@10", "recall_cap@5", "ndcg_cut_10") are accepted.

    Two texts that mean the same give equal measures, so `str(parse(text))` is the one canonical spelling. Raises
    `UsageError` with the nearest names for an unknown one, and for a missing or impossible cut-off or parameter.
    """
    if isinstance(text, Measure):
        return text
    name, cutoff, unit, parameters = read(text)
    return Measure(name, cutoff, unit, tuple(parameters.items()))


def parse_mean(text: str | Measure) -> Measure:
    """As `parse`, for a table or a test: raises `UsageError` too where the figure is no mean, or lower is better."""
    measure = parse(text)
    if not measure.is_tabled:
        of = {"sum": "a sum over queries", "geometric": "a geometric mean over queries", "mean": "better when lower"}
        raise UsageError(
            f"{measure} is {of[measure.definition.mean]}, which no table shows and no test compares",
            remedy=f"lapca-bench score RUN QRELS -m {measure}",
        )
    return measure
