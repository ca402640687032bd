"""The results that boards can be made of, and why others cannot be shown: one broken result stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lapca_bench.collections import registry as collections
from lapca_bench.errors import LapcaError, StoreError
from lapca_bench.experiment.rescoring import within_kept
from lapca_bench.report.board.verify import contradiction
from lapca_bench.report.published.output import result_folders
from lapca_bench.scoring import parse
from lapca_bench.store.kept import families
from lapca_bench.store.results import MANIFEST, StoredResult, newest, read_result

Broken = tuple[str, str]  # what is broken, and why


def readable(folders: Sequence[Path] | None = None) -> tuple[list[StoredResult], list[Broken]]:
    """Every result in these folders whose facts can be read, and what cannot be read."""
    found: list[StoredResult] = []
    broken: list[Broken] = []
    for root in result_folders(folders):
        for family in families(root):
            try:
                found += family.results
            except StoreError as error:
                broken.append((str(family.folder), error.message))
        for path in sorted(root.glob(f"*/*/*/*/*/{MANIFEST}")):
            try:
                found.append(read_result(path.parent))
            except StoreError as error:
                broken.append((str(path.parent), error.message))
    return found, broken


def usable(results: Iterable[StoredResult]) -> tuple[list[StoredResult], list[Broken]]:
    """Of every place the newest result that says of itself what its files bear out, and those that do not."""
    sound: list[StoredResult] = []
    broken: list[Broken] = []
    for result in results:
        if reason := _fault(result):
            broken.append((f"{result.system} on {result.collection} ({result.split})", reason))
        else:
            sound.append(result)
    return list(newest(sound).values()), broken


def _fault(result: StoredResult) -> str:
    try:
        for measure in {one["measure"] for one in result.aggregates}:
            parse(measure)
        if result.run is None or result.scores.empty:
            return "it has no scores"
        return contradiction(result)
    except LapcaError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one result, the others are shown
        return f"{type(error).__name__}: {error}"


def uncheckable(results: Iterable[StoredResult]) -> Iterator[tuple[StoredResult, str]]:
    """The results that `board verify` could not check on this machine, or not all of, and why."""
    reasons: dict[tuple[str, str], str] = {}
    for result in results:
        version = result.provenance.collection.version
        place = (result.collection, version)
        if place not in reasons:
            reasons[place] = _absent(result.collection, version)
        deeper = sorted({m for m in _measures(result) if not within_kept(result, m)}) if not reasons[place] else []
        if reason := reasons[place] or (f"too few documents are kept for {', '.join(deeper)}" if deeper else ""):
            yield result, reason


def _measures(result: StoredResult) -> list[str]:
    return list(dict.fromkeys(one["measure"] for one in result.aggregates))


def _absent(collection: str, version: str) -> str:
    try:
        here = collections.status(collection)
        known = collections.card(collection).version
    except LapcaError:
        return "the collection is not known here"
    if not here.present:
        return "the collection is not on the machine that built this page"
    return "" if known == version else f"made from version {version or 'unknown'}, here is {known}"
