"""Scoring stored runs again, to see whether each result says what its run says.

A result is verified when its files match their digests, its collection is on this machine in the version and with the
files it was made from, and scoring the run again gives every stored per-query value. Of a run that was stored cut
(`lapca-bench run --keep`, `board keep`), the measures that look no deeper are verified, and the others are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import Collection
from lapca_bench.errors import LapcaError, MissingResourceError, StoreError, UsageError
from lapca_bench.experiment.runner import score_run, within_kept
from lapca_bench.store.results import StoredResult

if TYPE_CHECKING:
    import pandas as pd

State = Literal["verified", "differs", "damaged", "not verified"]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Verification:
    """How one result came out, and why; `unseen` are measures that look deeper than the run that is stored."""

    result: StoredResult
    state: State
    reason: str = ""
    unseen: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the result must not be trusted, as opposed to not being checkable here."""
        return self.state in {"differs", "damaged"}


def verify(results: Iterable[StoredResult]) -> Iterator[Verification]:
    """Each result's verification; collections are loaded once."""
    loaded: dict[tuple[str, str], Collection] = {}
    for result in results:
        place = (result.collection, result.split)
        try:
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


def misfit(result: StoredResult, collection: Collection) -> str:
    """Why `result` was not made from `collection` as it is here; empty where it was."""
    about = result.provenance.collection
    if about.version != collection.card.version:
        return f"made from version {about.version}, here is {collection.card.version}"
    if about.fingerprint != collection.fingerprint:
        return "made from other files of the collection than those here"
    return ""


def check(result: StoredResult, collection: Collection) -> Verification:
    """Score the run of `result` on `collection` and compare every value; raises what scoring raises."""
    if reason := misfit(result, collection):
        return Verification(result, "not verified", reason)
    scored = tuple(dict.fromkeys(result.scores["measure"]))
    measures = [measure for measure in scored if within_kept(result, measure)]
    if not measures:
        kept = result.provenance.kept
        reason = f"only {kept} documents per query are stored, fewer than {', '.join(scored)} look at; the means hold"
        return _compare_means(result) or Verification(result, "not verified", reason)
    documents = {document.id for document in collection.documents()}
    again = score_run(result.run, collection, measures, documents)
    unseen = tuple(measure for measure in scored if measure not in measures)
    return _compare(result, again.frame, unseen)


def _compare(result: StoredResult, again: pd.DataFrame, unseen: tuple[str, ...]) -> Verification:
    """Compare stored values with those of `again`, which lacks the measures `unseen`."""
    import numpy as np

    keys = ["measure", "language", "query"]
    stored = result.scores[~result.scores["measure"].isin(unseen)]
    both = stored.merge(again, on=keys, how="outer", suffixes=("_stored", "_scored"), indicator=True)
    odd = int((both["_merge"] != "both").sum())
    if odd:
        return Verification(result, "differs", f"{odd} scores stand for other queries, languages or measures")
    distance = (both["value_stored"] - both["value_scored"]).abs().to_numpy(dtype=np.float64)
    wrong = int((~(distance <= TOLERANCE)).sum())
    if wrong:
        worst = both.iloc[int(np.nanargmax(distance))]
        reason = (
            f"{wrong} of {len(both)} values, most for query {worst['query']!r} by {worst['measure']}: "
            f"stored {worst['value_stored']:.6f}, scored {worst['value_scored']:.6f}"
        )
        return Verification(result, "differs", reason)
    deeper = f"; not {', '.join(unseen)}, which look deeper than the {result.provenance.kept} documents kept"
    rest = deeper if unseen else ""
    return _compare_means(result) or Verification(result, "verified", f"{len(both)} values{rest}", unseen)


def _compare_means(result: StoredResult) -> Verification | None:
    """A verification that failed where a stated mean of a language is not the mean of its values."""
    said = {(a["measure"], a["language"]): a["mean"] for a in result.aggregates}
    for (measure, language), rows in result.scores.groupby(["measure", "language"], sort=False):
        mean = said.get((str(measure), str(language)))
        if mean is None or abs(mean - float(rows["value"].mean())) > TOLERANCE:
            return Verification(result, "differs", f"its mean of {measure} for {language} is not that of its values")
    return None
