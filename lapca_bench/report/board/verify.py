"""Scoring stored runs again, to see whether each result says what its run says.

A result is verified when its files match their digests, its collection is on this machine in the version and with the
files it was made from, scoring the run again gives every stored per-query value, and what else can be computed is as it
says: each mean and count, the languages, the system's digest from its settings, the key from its parts. Of a run that
was stored cut (`lapca-bench run --keep`, `board keep`), the measures that look no deeper are verified, and the others
are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Literal

from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import Collection
from lapca_bench.digest import digest_value
from lapca_bench.errors import LapcaError, MissingResourceError, StoreError, UsageError
from lapca_bench.experiment.rescoring import score_run, within_kept
from lapca_bench.scoring.scorer import Scores
from lapca_bench.store.result_key import result_key
from lapca_bench.store.results import AnyResult, StoredMean, StoredResult

if TYPE_CHECKING:
    import pandas as pd

State = Literal["verified", "differs", "damaged", "not verified"]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Verification:
    """How one result came out, and why; `unseen` are measures that look deeper than the run that is stored."""

    result: AnyResult
    state: State
    reason: str = ""
    unseen: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the result must not be trusted, as opposed to not being checkable here."""
        return self.state in {"differs", "damaged"}


def verify(results: Iterable[AnyResult]) -> Iterator[Verification]:
    """Each result's verification; collections are loaded once."""
    loaded: dict[tuple[str, str], Collection] = {}
    for result in results:
        place = (result.collection, result.split)
        try:
            if isinstance(result, StoredResult):
                result.verify()
            if place not in loaded:
                loaded[place] = collections.load(result.collection, result.split)
            yield check(result, loaded[place])
        except StoreError as error:
            yield Verification(result, "damaged", error.message)
        except (MissingResourceError, UsageError) as error:
            yield Verification(result, "not verified", error.message)
        except LapcaError as error:
            yield Verification(result, "differs", error.message)


def misfit(result: AnyResult, collection: Collection) -> str:
    """Why `result` was not made from `collection` as it is here; empty where it was."""
    about = result.provenance.collection
    if about.version != collection.card.version:
        return f"made from version {about.version}, here is {collection.card.version}"
    if about.fingerprint != collection.fingerprint:
        return "made from other files of the collection than those here"
    return ""


def check(result: AnyResult, collection: Collection) -> Verification:
    """Score the run of `result` on `collection` and compare every value; raises what scoring raises."""
    if reason := misfit(result, collection):
        return Verification(result, "not verified", reason)
    if reason := _twice(result):
        return Verification(result, "differs", reason)
    scored = tuple(dict.fromkeys(result.scores["measure"]))
    measures = [measure for measure in scored if within_kept(result, measure)]
    if not measures:
        kept = result.provenance.kept
        reason = f"only {kept} documents per query are stored, fewer than {', '.join(scored)} look at; the means hold"
        other = contradiction(result) or _other_key(result, collection)
        return Verification(result, "differs" if other else "not verified", other or reason)
    documents = {document.id for document in collection.documents()}
    again = score_run(result.run, collection, measures, documents, "numpy")
    unseen = tuple(measure for measure in scored if measure not in measures)
    reason = (
        _other_values(result, again, unseen)
        or contradiction(result)
        or _other_key(result, collection)
        or _other_counts(result, again)
    )
    if reason:
        return Verification(result, "differs", reason)
    deeper = f"; not {', '.join(unseen)}, which look deeper than the {result.provenance.kept} documents kept"
    values = int((~result.scores["measure"].isin(unseen)).sum())
    return Verification(result, "verified", f"{values} values{deeper if unseen else ''}", unseen)


def contradiction(result: AnyResult) -> str:
    """What `result` says that its own scores and parts do not bear out, found without its collection; else "".

    Raises `StoreError` where its files are damaged, and what malformed scores raise.
    """
    scores, about = result.scores, result.provenance
    if reason := _twice(result):
        return reason
    found = set(scores["language"])
    if found != set(result.languages) or len(set(result.languages)) != len(result.languages):
        return "its languages are not those of its scores"
    if reason := _other_means(result):
        return reason
    system = about.get("system")
    if isinstance(system, dict) and set(system) == {"kind", "settings"}:
        if digest_value(system) != result.system_digest:
            return "its system's digest is not that of the settings it states"
        if system["kind"] != result.kind:
            return f"its system is of kind {system['kind']!r}, and it says {result.kind!r}"
    return ""


def _twice(result: AnyResult) -> str:
    """Which score stands twice: a mean over such rows is whatever the one who repeated them likes."""
    repeated = result.scores[result.scores.duplicated(["query", "measure"])]
    if repeated.empty:
        return ""
    first = repeated.iloc[0]
    return f"its scores name query {first['query']!r} twice for {first['measure']}"


def _other_means(result: AnyResult) -> str:
    """Which mean or count is not that of the scores, or is there twice, not at all, or of nothing that was scored."""
    said: dict[tuple[str, str], StoredMean] = {}
    for one in result.aggregates:
        if said.setdefault((one["measure"], one["language"]), one) is not one:
            return f"it states the mean of {one['measure']} for {_told(one['language'])} twice"
    measures = dict.fromkeys([*result.scores["measure"], *(measure for measure, _ in said)])
    for one in _means(result, measures):
        of = f"{one['measure']} for {_told(one['language'])}"
        stated = said.pop((one["measure"], one["language"]), None)
        if stated is None:
            return f"it states no mean of {of}"
        if stated["queries"] != one["queries"]:
            return f"its mean of {of} counts {stated['queries']} queries, its scores {one['queries']}"
        if not _alike(stated["mean"], one["mean"]):
            return f"its mean of {of} is not that of its values"
    return f"it states means for {', '.join(sorted({_told(language) for _, language in said}))}" if said else ""


def _means(result: AnyResult, measures: Iterable[str]) -> Iterator[StoredMean]:
    """As `means_of`, in one pass: a site has thousands of results."""
    of: dict[tuple[str, str], list[float]] = {}
    columns = (result.scores[name].tolist() for name in ("measure", "language", "value"))
    for measure, language, value in zip(*columns, strict=True):
        of.setdefault((measure, language), []).append(value)
    for measure in measures:
        every = {language: of.get((measure, language), []) for language in result.languages}
        means = {language: fsum(values) / len(values) if values else None for language, values in every.items()}
        present = [mean for mean in means.values() if mean is not None]
        whole, queries = len(present) == len(means), sum(map(len, every.values()))
        macro = fsum(present) / len(present) if whole else None
        micro = fsum(value for values in every.values() for value in values) / queries if whole else None
        for language, mean in means.items():
            yield {"measure": measure, "language": language, "mean": mean, "queries": len(every[language])}
        if list(means) != [""]:
            yield {"measure": measure, "language": "", "mean": macro, "queries": queries}
        yield {"measure": measure, "language": "*", "mean": micro, "queries": queries}


def _alike(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= TOLERANCE


def _told(language: str) -> str:
    return {"": "all languages", "*": "all queries"}.get(language, language)


def _other_key(result: AnyResult, collection: Collection) -> str:
    """Whether the key is not made of the parts that the result states, where it states them."""
    about = result.provenance
    if about.depth is None or "system" not in about:
        return ""
    card = collection.card
    key = result_key(
        result.system_digest, card.name, collection.split, collection.fingerprint, about.depth, card.policy
    )
    if key != result.key:
        return f"its key is {result.key[:12]}…, its system, collection, split, depth and policy make {key[:12]}…"
    return ""


def values_of(scores: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """Scores by measure, language and query."""
    keys = zip(*(scores[name].tolist() for name in ("measure", "language", "query")), strict=True)
    return dict(zip(keys, scores["value"].tolist(), strict=True))


def _other_values(result: AnyResult, again: Scores, unseen: tuple[str, ...]) -> str:
    """How stored values differ from those of `again`, which lacks the measures `unseen`; "" where they do not."""
    if tuple(result.languages) != again.languages:
        return "its languages are not the collection's"
    stored = {place: value for place, value in values_of(result.scores).items() if place[0] not in unseen}
    scored = values_of(again.frame)
    if odd := len(stored.keys() ^ scored.keys()):
        return f"{odd} scores stand for other queries, languages or measures"
    distance = {place: abs(value - scored[place]) for place, value in stored.items()}
    wrong = [place for place, away in distance.items() if not away <= TOLERANCE]  # NaN is wrong, too
    if not wrong:
        return ""
    worst = max(wrong, key=lambda place: (distance[place] != distance[place], distance[place]))
    measure, _, query = worst
    return (
        f"{len(wrong)} of {len(stored)} values, most for query {query!r} by {measure}: "
        f"stored {stored[worst]:.6f}, scored {scored[worst]:.6f}"
    )


def _other_counts(result: AnyResult, again: Scores) -> str:
    """Which count of queries or ties is not that of the run, where it was recorded and the run is stored whole."""
    about = result.provenance
    counted: dict[str, dict[str, int]] = {
        "left_out": {"missing": again.missing, "excluded": again.excluded, "unjudged": again.unjudged}
    }
    if about.kept is None:
        counted["ties"] = {"results": again.tied}
    for table, counts in counted.items():
        recorded = about.get(table)
        for name, count in counts.items():
            if isinstance(recorded, dict) and recorded.get(name, count) != count:
                return f"it states {table}.{name} = {recorded[name]}, and scoring finds {count}"
    return ""
