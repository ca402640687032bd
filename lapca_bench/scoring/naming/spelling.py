"""Reading the name of a measure as people write it: ours, ir_measures', trec_eval's, ranx's, in any case.

`AP(rel=2)@100`, `AP@100(rel=2)`, `map_cut_100`, `map_cut.100`, `MAP@100`; `IPrec@0.1` and `iprec_at_recall_0.10`;
`RBP(p=0.95)` and ranx's `rbp.95`. A measure that ir_measures writes with a parameter and that has a name of its own
here gets it: `nDCG(dcg='exp-log2')` is `nDCG_exp`, `SetP(relative=True)` is `SetRelP`, `NumRet(rel=1)` is `NumRelRet`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from lapca_bench.errors import UsageError
from lapca_bench.scoring.naming.definitions import DEFINITIONS, SHARE, Definition, Value, forms
from lapca_bench.scoring.naming.groups import GROUPS

Parts = tuple[str, int | None, str, dict[str, Value]]  # name, cut-off, unit, parameters

_NUMBER = r"(?:[0-9]{0,9}\.[0-9]{1,20}|[0-9]{1,9})"
_WRITTEN = re.compile(
    r"(?P<name>[\w-]+?)\s*(?:\((?P<before>[^()]*)\))?\s*"
    rf"(?:@\s*(?P<number>{_NUMBER})(?P<unit>[a-z]*))?\s*(?:\((?P<after>[^()]*)\))?"
)
_TREC_EVAL = re.compile(rf"(?P<name>[\w-]+?)[._](?P<number>{_NUMBER})")
_NUMBERED_PARAMETER = {"SetF": "beta", "RBP": "p"}  # what trec_eval and ranx mean by a number after these names
_CUTOFF, _RECALL = "cutoff", "recall"  # what ir_measures calls the number after @


def _spellings() -> tuple[dict[str, str], frozenset[str]]:
    """Names in lower case with their canonical ones, and those that stand only with a number after them."""
    alone: dict[str, str] = {}
    numbered: dict[str, str] = {}
    for definition in DEFINITIONS:
        for spelling in (definition.name, definition.trec_eval, *definition.also):
            alone[spelling.lower()] = definition.name
        numbered[definition.trec_eval_at.lower()] = definition.name
    return {name: canonical for name, canonical in {**numbered, **alone}.items() if name}, frozenset(
        set(numbered) - set(alone)
    )


_NAMES, _WITH_NUMBER = _spellings()


def read(text: str) -> Parts:
    """The parts of a measure's name, not checked against its definition; `UsageError` for a name that nobody has."""
    bare = text.strip()
    if bare.lower() in _NAMES and "@" in bare:  # "Max@R", whose @ is part of the name
        return _NAMES[bare.lower()], None, "", {}
    if (found := _WRITTEN.fullmatch(bare)) and (name := _canonical(found["name"])):
        if _plain(found["name"]) in _WITH_NUMBER and found["number"] is None:
            raise UsageError(f"measure {text!r} needs a cut-off", remedy=f"write {found['name']}_10, or {name}@10")
        parameters = _parameters(f"{found['before'] or ''},{found['after'] or ''}", text)
        number = found["number"] or _taken(parameters, _CUTOFF) or _taken(parameters, _RECALL)
        if number is not None and not re.fullmatch(_NUMBER, number):
            raise UsageError(f"measure {text!r}: {number!r} is no number", remedy=f"write {_named(name)[0].form}")
        return _placed(text, *_renamed(name, parameters), number, found["unit"] or "")
    if (found := _TREC_EVAL.fullmatch(bare)) and (name := _canonical(found["name"])):
        if name in _NUMBERED_PARAMETER:
            number = found["number"] if "." in found["number"] or name == "SetF" else f"0.{found['number']}"
            return name, None, "", {_NUMBERED_PARAMETER[name]: float(number)}
        return _placed(text, name, {}, found["number"], "")
    raise _unknown(text)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _canonical(name: str) -> str | None:
    return _NAMES.get(_plain(name))


def _placed(text: str, name: str, parameters: dict[str, Value], number: str | None, unit: str) -> Parts:
    """The parts, with the number where it belongs: a cut-off, or the share that some measures have there."""
    if number is None:
        return name, None, unit, parameters
    if any(definition.cutoff == "share" for definition in _named(name)):
        return name, None, unit, {**parameters, SHARE: float(number)}
    if not number.isdecimal():
        raise UsageError(f"the cut-off of measure {text!r} is no whole number", remedy=f"write {_named(name)[0].form}")
    return name, int(number), unit, parameters


def _named(name: str) -> list[Definition]:
    return [definition for definition in DEFINITIONS if definition.name == name]


def _taken(parameters: dict[str, Value], name: str) -> str | None:
    return str(parameters.pop(name)) if name in parameters else None


def _renamed(name: str, parameters: dict[str, Value]) -> tuple[str, dict[str, Value]]:
    """The name here of what ir_measures writes with a parameter."""
    if name == "nDCG" and "dcg" in parameters:
        formula = parameters.pop("dcg")
        if formula not in {"log2", "exp-log2"}:
            raise UsageError(f"nDCG has no dcg={formula!r}", remedy="write nDCG@k (log2) or nDCG_exp@k (exp-log2)")
        name = "nDCG" if formula == "log2" else "nDCG_exp"
    elif name == "SetP" and "relative" in parameters:
        name = "SetRelP" if parameters.pop("relative") else "SetP"
    elif name == "NumRet" and "rel" in parameters:
        name = "NumRelRet"
    return name, parameters


def _parameters(inside: str, text: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for part in filter(None, map(str.strip, inside.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name.isidentifier() or name in found:
            raise UsageError(f"measure {text!r}: {part!r} is no parameter", remedy="write AP(rel=2)@100, or RBP(p=0.9)")
        found[name] = _value(value)
    return found


def _value(text: str) -> Value:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if re.fullmatch(r"[+-]?[0-9]{1,9}", text, re.ASCII):
        return int(text)
    if re.fullmatch(rf"[+-]?{_NUMBER}(?:e[+-]?[0-9]+)?", text, re.ASCII | re.IGNORECASE):
        return float(text)
    return text.strip("'\"")


def _unknown(text: str) -> UsageError:
    """With the nearest names, which hold the number that was written."""
    if text.strip().lower() in GROUPS:
        return UsageError(
            f"{text!r} stands for several measures",
            remedy=f"lapca-bench score RUN QRELS -m {text.strip()}, or name some",
        )
    number = re.search(r"[0-9]{1,6}", text)
    after = f"@{number[0]}" if number else ""
    takes = {definition.name for definition in DEFINITIONS if definition.cutoff != "none"}
    near = {name.lower(): name for name in (*_NAMES, *_NAMES.values())}  # a canonical name in its own case
    near |= {f"{name}{after}": f"{shown}{after}" for name, shown in near.items() if _NAMES[name] in takes}
    close = get_close_matches(_plain(text.strip()), list(near), n=3, cutoff=0.6)
    remedy = f"did you mean {', '.join(near[name] for name in close)}?" if close else f"known: {', '.join(forms())}"
    return UsageError(f"unknown measure {text!r}", remedy=remedy)
