"""What a submission may say, by name, type, length and range: the one gate that everything in it passes.

Nothing is converted to fit, nothing that is not named here gets past but the notes of a system, which are bounded. What
can be recomputed is recomputed afterwards (`checks`); what cannot, such as seconds and versions, is at least possible.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lapca_bench.errors import LapcaError
from lapca_bench.scoring.measures import parse
from lapca_bench.visible import hidden, visible

FORMAT = 1
MOST_RESULTS = 5_000
SYSTEM_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+@()/:,=&#-]{0,98}[A-Za-z0-9._+@()#])?")
_PLACE = re.compile(r"[A-Za-z0-9][\w.+-]*(?:/[\w.+-]+)*", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*|")
_DEEPEST, _MOST_VALUES, _LONGEST_TEXT, _LARGEST = 12, 50_000, 200_000, 2**62


def _system_name(text: str) -> str:
    if not SYSTEM_NAME.fullmatch(text) or "  " in text:
        raise ValueError(
            "a name on a shared board has 1 to 100 letters, digits, blanks and ._+@()/:,=&#- of ASCII, and begins with "
            "a letter or digit"
        )
    return text


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError("no name of a collection or split")
    return text


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise ValueError("no code of a language")
    return text


def _line(text: str) -> str:
    if any(hidden(char) for char in text):
        raise ValueError("it holds characters that a terminal obeys or hides")
    return text


def _measure(text: str) -> str:
    try:
        known = str(parse(text))
    except LapcaError as error:
        raise ValueError(error.message) from None
    if known != text:
        raise ValueError(f"this measure is written {known}")
    return text


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("no date and time as ISO 8601 writes them") from None
    if moment.tzinfo is None:
        raise ValueError("a date and time without its zone")
    if moment.astimezone(UTC).isoformat(timespec="seconds") != text:  # boards compare them as texts
        raise ValueError("a date and time that is not of the form 2026-11-29T10:00:00+00:00")
    return text


def _text(text: str) -> str:
    text.encode("utf-8")  # a lone surrogate is a ValueError
    return text


def _json(value: Any) -> Any:
    """`value` where it is JSON of a size that a result may have."""
    waiting, count = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count > _MOST_VALUES:
            raise ValueError("larger or deeper than notes of a system are")
        if isinstance(one, dict):
            waiting += [(inner, depth + 1) for name, inner in one.items() if _line(name) == name]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in one]
        else:
            _scalar(one)
    return value


def _card(value: dict[str, Any]) -> dict[str, Any]:
    """A card; its texts are read by people, and may have lines."""
    waiting: list[Any] = [_json(value)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            _line(one.replace("\n", "").replace("\t", ""))
        elif isinstance(one, dict | list):
            waiting += one.values() if isinstance(one, dict) else one
    return value


def _scalar(value: Any) -> None:
    if isinstance(value, str):
        if len(_text(value)) > _LONGEST_TEXT:
            raise ValueError("a text that is too long")
    elif isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > _LARGEST:
            raise ValueError("a number that is not finite, or too large")
    elif value is not None:
        raise ValueError("not JSON")


SystemName = Annotated[str, AfterValidator(_system_name)]
Place = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_place)]
Language = Annotated[str, AfterValidator(_language)]
Line = Annotated[str, Field(max_length=500), AfterValidator(_line)]
Command = Annotated[str, Field(max_length=20_000), AfterValidator(_line)]
MeasureName = Annotated[str, Field(max_length=100), AfterValidator(_measure)]
Id = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_text)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Mean = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Card = Annotated[dict[str, Any], AfterValidator(_card)]
Notes = Annotated[Any, AfterValidator(_json)]
Named = Annotated[dict[str, Any], AfterValidator(_json)]


class Fact(BaseModel):
    """A part of a submission: types are taken as they are, unknown keys refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class PackedMean(Fact):
    """A mean over a language, over languages ("") or over queries ("*")."""

    measure: MeasureName
    language: Language | Literal["*"]
    mean: Mean | None
    queries: Count


class CollectionFacts(Fact):
    """The collection that a result says it was made from."""

    name: Place
    version: Line
    licence: Line = ""
    fingerprint: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^\w+$")]
    queries: Count


class SystemFacts(Fact):
    """What the digest of a system is made of."""

    kind: Line
    settings: Named


class PolicyFacts(Fact):
    """How a collection was evaluated."""

    measures: Annotated[list[MeasureName], Field(min_length=1, max_length=100)]
    depth: Annotated[int, Field(ge=1, le=_LARGEST)]
    self_match: Literal["keep", "drop"]
    no_relevant: Literal["zero", "exclude"]
    average: Literal["macro", "micro"]
    translations: Line = ""
    task: Line = ""


class TieFacts(Fact):
    """How ties were ordered, and how many results are tied with the one before."""

    order: Line
    results: Count


class LeftOutFacts(Fact):
    """Queries that the run lacks, that the policy leaves out, that nobody judged."""

    missing: Count
    excluded: Count
    unjudged: Count


class RecallFacts(Fact):
    """What an approximate search found of an exact one."""

    recall: Share
    at: Annotated[int, Field(ge=1, le=_LARGEST)]
    queries: Count


class ProvenanceFacts(Fact):
    """How a result was made; what a system notes of its own is bounded JSON."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Notes]

    finished: Annotated[str, AfterValidator(_moment)]
    command: Annotated[Command, Field(min_length=1)]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{3,64}(\+changes)?$")] | None = None
    versions: Annotated[dict[Line, Line], Field(min_length=1, max_length=500)]
    python: Line = ""
    platform: Line = ""
    processor: Line = ""
    threads: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    environment: dict[Line, Line] = Field(default_factory=dict)
    collection: CollectionFacts
    system: SystemFacts
    policy: PolicyFacts
    depth: Annotated[int, Field(ge=1, le=_LARGEST)]
    kept: Annotated[int, Field(ge=1, le=_LARGEST)] | None = None
    ties: TieFacts | None = None
    left_out: LeftOutFacts | None = None
    engine: Line = ""
    timings: Annotated[dict[Line, Amount], Field(max_length=200)]
    encoded: Count = 0
    reused: Count = 0
    index_bytes: Count | None = None
    recall: RecallFacts | None = None
    vectors_per_query: Amount | None = None
    vectors_per_document: Amount | None = None
    card: Card | None = None


class PackedResult(Fact):
    """The facts of one result."""

    key: Digest
    system: SystemName
    title: SystemName
    kind: Annotated[Line, Field(min_length=1, max_length=60)]
    system_digest: Digest
    collection: Place
    split: Place
    languages: Annotated[list[Language], Field(min_length=1, max_length=1_000)]
    aggregates: Annotated[list[PackedMean], Field(min_length=1, max_length=100_000)]
    provenance: ProvenanceFacts


class Content(Fact):
    """All of a submission but its rows."""

    format: Literal[1]
    results: Annotated[list[PackedResult], Field(min_length=1, max_length=MOST_RESULTS)]
    queries: list[list[Id]]
    cards: dict[SystemName, Card]


def refused(error: ValidationError) -> str:
    """What is wrong, in words: the first three places, and how many more there are."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{_path(fault['loc'])}: {_reason(fault)}" for fault in faults[:3]]
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return "; ".join(told) + more


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(visible(str(part))[:60] for part in location)


def _reason(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such entry"
    return visible(str(fault["msg"]).removeprefix("Value error, "))[:300]
