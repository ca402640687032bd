"""MTEB result files and model-card metadata: measured results written in both, MTEB files read as reported numbers.

MTEB keeps one JSON file per task: `scores` by split, one entry per language with `hf_subset`, `main_score` and a key
per measure. A model card's `model-index` lists task, dataset and metrics. Scores are fractions in both.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lapca_bench.errors import InputError, UsageError
from lapca_bench.parsing import json_value
from lapca_bench.report.published.published import PublishedValue
from lapca_bench.store.results import StoredResult

# MTEB's names of the tasks that both score alike.
TASKS = {"xquad-retrieval": "XQuADRetrieval", "tatoeba": "Tatoeba", "miracl": "MIRACLRetrieval", "bucc": "BUCC.v2"}
_NAMES = {"nDCG": "ndcg", "RR": "mrr", "R": "recall", "AP": "map", "P": "precision", "Accuracy": "accuracy", "F1": "f1"}
_MTEB = "MTEB writes one JSON file per task, with task_name and scores by split"
_FROM_MTEB = {"ndcg": "nDCG", "mrr": "MRR", "recall": "R", "map": "mAP", "precision": "P"}


def mteb_measure(measure: str) -> str | None:
    """MTEB's key for a measure ("nDCG@10" → "ndcg_at_10"); None where MTEB has none."""
    name, _, cutoff = measure.partition("@")
    if name not in _NAMES or not (cutoff.isdigit() or not cutoff):
        return None
    return f"{_NAMES[name]}_at_{cutoff}" if cutoff else _NAMES[name]


def mteb_files(results: Sequence[StoredResult]) -> dict[str, dict[str, Any]]:
    """File name → content, one file per task, from the results of one system.

    Raises `UsageError` where results of several systems are given, or none of their measures is MTEB's.
    """
    systems = {result.system for result in results}
    if len(systems) != 1:
        raise UsageError(f"results of {len(systems)} systems", remedy="export one system at a time (--system)")
    files: dict[str, dict[str, Any]] = {}
    for result in results:
        family, _, subset = result.collection.partition("/")
        task = TASKS.get(family, family)
        entries = [entry for language in result.languages if (entry := _entry(result, subset, language))]
        if not entries:
            continue
        content = files.setdefault(
            f"{task}.json",
            {
                "task_name": task,
                "dataset_revision": result.provenance.collection.version,
                "mteb_version": f"lapca-bench {version('lapca-bench')}",
                "evaluation_time": 0.0,
                "kg_co2_emissions": None,
                "scores": {},
            },
        )
        content["evaluation_time"] += result.provenance.timings.total
        content["scores"].setdefault(result.split, []).extend(entries)
    if not files:
        raise UsageError("no measure of these results is one of MTEB's")
    return files


def _entry(result: StoredResult, subset: str, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for aggregate in result.aggregates:
        key = mteb_measure(aggregate["measure"])
        if aggregate["language"] == language and aggregate["mean"] is not None and key is not None:
            found.setdefault("main_score", aggregate["mean"])
            found[key] = aggregate["mean"]
    if found:
        found |= {"hf_subset": subset or "default", "languages": [language]}
    return found


def model_index(results: Sequence[StoredResult], name: str) -> str:
    """Metadata for the head of a model card: YAML between two lines of dashes (JSON, which YAML includes)."""
    listed = [
        {
            "task": {"type": "Retrieval"},
            "dataset": {
                "name": f"{result.collection} ({language})",
                "type": result.collection.partition("/")[0],
                "config": result.collection.partition("/")[2] or "default",
                "split": result.split,
                "revision": result.provenance.collection.version,
            },
            "metrics": [
                {"type": mteb_measure(a["measure"]) or a["measure"], "name": a["measure"], "value": 100 * a["mean"]}
                for a in result.aggregates
                if a["language"] == language and a["mean"] is not None
            ],
            "source": {"name": "lapca-bench", "url": f"lapca-bench result {result.key}"},
        }
        for result in results
        for language in result.languages
    ]
    if not listed:
        raise UsageError("no result to list", remedy="run an experiment first: lapca-bench run --help")
    index = [{"name": name, "results": listed}]
    return f"---\nmodel-index: {json.dumps(index, indent=2, ensure_ascii=False, allow_nan=False)}\n---\n"


@dataclass(frozen=True)
class Attribution:
    """What an MTEB file does not say of its numbers: system, setting, source (a key of sources.toml) and place."""

    system: str
    setting: str
    source: str
    place: str
    collection: str = ""  # default: the collection of the file's task


def read_mteb(path: Path, about: Attribution, measures: Iterable[str] = ()) -> list[PublishedValue]:
    """The numbers of an MTEB result file as reported values; `measures` are MTEB's keys (default: the main score's).

    Raises `InputError` where the file is not one, lacks a measure, or holds a score outside [0, 1].
    """
    try:
        content = json_value(path.read_text(encoding="utf-8"))
        task, splits = str(content["task_name"]), dict(content["scores"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"not an MTEB result file: {error}", path=path, remedy=_MTEB) from error
    families = {name: family for family, name in TASKS.items()}
    collection = about.collection or families.get(task, task)
    if not splits:
        raise InputError("not an MTEB result file: it holds no scores", path=path, remedy=_MTEB)
    for entries in splits.values():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InputError("not an MTEB result file: a split is no list of entries", path=path, remedy=_MTEB)
    return [
        _value(path, (collection, str(split)), entry, key, about)
        for split, entries in splits.items()
        for entry in entries
        for key in tuple(measures) or (_main_key(entry, path),)
    ]


def _main_key(entry: Mapping[str, Any], path: Path) -> str:
    """The key whose value is the main score: nDCG@10 for retrieval, F1 for bitext mining."""
    for key in ("ndcg_at_10", "f1"):
        if key in entry:
            return key
    raise InputError("no main measure in this entry", path=path, remedy="name the measures")


def _value(
    path: Path, place: tuple[str, str], entry: Mapping[str, Any], key: str, about: Attribution
) -> PublishedValue:
    score = entry.get(key)
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        message = f"{key} is {score!r} for {entry.get('hf_subset')!r}"
        raise InputError(message, path=path, key=key, remedy="scores are fractions, 0 to 1")
    printed = f"{100 * score:.3f}"
    return PublishedValue(
        collection=place[0],
        protocol="mteb",
        split=place[1],
        setting=about.setting,
        system=about.system,
        language=str(entry.get("hf_subset", "")).removesuffix("-eng"),
        measure=_published_measure(key),
        value=float(printed),
        unit="percent",
        source=about.source,
        place=about.place,
        kind="reported",
        note="",
        printed=printed,
    )


def _published_measure(key: str) -> str:
    found = re.fullmatch(r"([a-z]+)_at_(\d+)", key)
    if found and found[1] in _FROM_MTEB:
        return f"{_FROM_MTEB[found[1]]}@{found[2]}"
    return {"f1": "F1 (xx->en)", "accuracy": "accuracy (xx->en)"}.get(key, key)


def as_csv(values: Sequence[PublishedValue]) -> str:
    """The values in the columns of `leaderboards/published`, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(PublishedValue)]
    kept = [name for name in names if name != "printed"]
    writer.writerow(kept)
    for value in values:
        record = dict(zip(names, astuple(value), strict=True))
        writer.writerow([record["printed"] if name == "value" else record[name] for name in kept])
    return out.getvalue()
