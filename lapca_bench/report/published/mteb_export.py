"""Measured results as MTEB's result files, which its own classes read (`TaskResult.from_disk`).

MTEB keeps one JSON file per task: `scores` by split, one entry per part with `hf_subset`, `languages`, `main_score` and
a key per measure. Scores are fractions. A collection that is a task of MTEB is written with that task's main score and
languages; others under their family's name, with the main measure that they declare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from lapca_bench.collections.languages import known_language
from lapca_bench.errors import UsageError
from lapca_bench.report.published.mteb_task import MtebTask, mteb_measure, mteb_tasks
from lapca_bench.store.results import StoredResult


@dataclass(frozen=True)
class MtebFiles:
    """Content by file name, and in a sentence each what is not in them."""

    files: Mapping[str, dict[str, Any]]
    left_out: tuple[str, ...]


def mteb_files(results: Sequence[StoredResult]) -> MtebFiles:
    """One file per task, from the results of one system.

    `evaluation_time` is None where vectors were read from the store, because nobody knows then what a whole evaluation
    takes. Raises `UsageError` where results of several systems are given, or none holds a task's main score.
    """
    systems = {result.system for result in results}
    if len(systems) != 1:
        raise UsageError(f"results of {len(systems)} systems", remedy="export one system at a time (--system)")
    files: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for result in results:
        family, _, part = result.collection.partition("/")
        known = mteb_tasks().get(family)
        if known is not None and part not in known.languages:
            left_out.append(f"{result.collection} is no part of MTEB's task {known.task}")
            continue
        main = known.main_score if known else _main_key(result)
        entries = [entry for language in result.languages if (entry := _entry(result, part, language, known, main))]
        if not entries:
            left_out.append(f"{result.collection} was not scored by the task's main score, {main}")
            continue
        task = known.task if known else family
        content = files.setdefault(f"{task}.json", _head(task, result))
        took = None if result.provenance.reused else result.provenance.timings.stages.get("total")
        known_so_far = content["evaluation_time"]
        content["evaluation_time"] = None if took is None or known_so_far is None else known_so_far + took
        content["scores"].setdefault(result.split, []).extend(entries)
    if not files:
        raise UsageError("nothing to export: no measure of these results is MTEB's", remedy="; ".join(left_out))
    return MtebFiles(files, tuple(left_out))


def _head(task: str, result: StoredResult) -> dict[str, Any]:
    return {
        "task_name": task,
        "dataset_revision": result.provenance.collection.version,
        "mteb_version": None,  # mteb's readers take whatever stands here for a version of mteb
        "evaluated_by": f"lapca-bench {version('lapca-bench')}",
        "evaluation_time": 0.0,
        "kg_co2_emissions": None,
        "scores": {},
    }


def _main_key(result: StoredResult) -> str | None:
    declared = result.provenance.policy.measures or tuple(one["measure"] for one in result.aggregates)
    return next((key for measure in declared if (key := mteb_measure(measure))), None)


def _entry(
    result: StoredResult, part: str, language: str, known: MtebTask | None, main: str | None
) -> dict[str, Any] | None:
    """The scores of one language; None where the main one is not among them."""
    found: dict[str, Any] = {}
    for aggregate in result.aggregates:
        key = mteb_measure(aggregate["measure"])
        if aggregate["language"] == language and aggregate["mean"] is not None and key is not None:
            found[key] = aggregate["mean"]
    if main not in found:
        return None
    several = len(result.languages) > 1  # MTEB has one entry per part, so each language is one
    name = f"{part}-{language}".lstrip("-") if several else part
    codes = list(known.languages[part]) if known else [_code(language)]
    return {"main_score": found[main], **found, "hf_subset": name or "default", "languages": codes}


def _code(language: str) -> str:
    """A language as MTEB writes it ("deu-Latn"); one that is not known here as it stands."""
    found = known_language(language)
    return f"{found.iso639_3}-{found.script}" if found else language
