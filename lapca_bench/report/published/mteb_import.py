"""MTEB's result files read as reported numbers, those of its releases before 1.11 among them.

Before 1.11 a file was `{"mteb_dataset_name": task, split: {part: {measure: score}}}`, without parts where a task had
one language only.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeGuard

from lapca_bench.errors import InputError
from lapca_bench.inputs.text import read_utf8
from lapca_bench.parsing import json_value
from lapca_bench.report.published.mteb_task import mteb_tasks, printed_measure
from lapca_bench.report.published.published import PublishedValue

MAIN = "main_score"
_MTEB = "MTEB writes one JSON file per task, with task_name and scores by split"
_OLD_NAME = "mteb_dataset_name"
_NO_SPLIT = (_OLD_NAME, "mteb_version", "dataset_revision")
_OLD_GROUPS = ("cos_sim", "dot", "euclidean", "manhattan", "max", "similarity")  # of measures, never of a part
# Which key a main score is, where several have its value.
_PREFERRED = ("ndcg_at_10", "f1", "map", "map_at_1000", "ndcg_at_20", "accuracy")


@dataclass(frozen=True)
class Attribution:
    """What an MTEB file does not say of its numbers: system, setting, source (a key of sources.toml) and place."""

    system: str
    setting: str
    source: str
    place: str
    collection: str = ""  # default: the collection of the file's task


@dataclass(frozen=True)
class MtebNumbers:
    """The numbers of a file, and in a sentence each the entries that hold none."""

    values: tuple[PublishedValue, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _TaskScores:
    task: str
    splits: Mapping[str, Sequence[Mapping[str, Any]]]


def read_mteb(path: Path, about: Attribution, measures: Iterable[str] = ()) -> MtebNumbers:
    """The numbers of an MTEB result file as reported values; `measures` are MTEB's keys (default: the main score's).

    An entry whose number is null is skipped. Raises `InputError` where the file is not one, lacks a measure, holds a
    score outside [0, 1], or no number at all.
    """
    scores = _scores(path)
    tasks = {task.task: family for family, task in mteb_tasks().items()}
    collection = about.collection or tasks.get(scores.task, scores.task)
    entries = [(split, entry) for split, found in scores.splits.items() for entry in found]
    keys = tuple(measures) or (_main_key(scores.task, [entry for _, entry in entries], path),)
    values: list[PublishedValue] = []
    skipped: list[str] = []
    for split, entry in entries:
        for key in keys:
            score = entry[key] if key in entry else _absent(path, entry, key)
            if score is None or (isinstance(score, float) and math.isnan(score)):
                skipped.append(f"{entry.get('hf_subset')!r} ({split}) has no {key}")
            else:
                values.append(_value((collection, split), entry, key, _fraction(path, entry, key, score), about))
    if not values:
        raise InputError(f"no number in this file: {skipped[0]}", path=path, remedy="name other measures, or leave it")
    return MtebNumbers(tuple(values), tuple(skipped))


def _scores(path: Path) -> _TaskScores:
    try:
        content = json_value(read_utf8(path))
    except ValueError as error:
        raise InputError(f"not an MTEB result file: {error}", path=path, remedy=_MTEB) from error
    if isinstance(content, dict) and _OLD_NAME in content and "scores" not in content:
        return _TaskScores(str(content[_OLD_NAME]), dict(_old_splits(content, path)))
    try:
        task, splits = str(content["task_name"]), dict(content["scores"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"not an MTEB result file: {error}", path=path, remedy=_MTEB) from error
    for entries in splits.values():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InputError("not an MTEB result file: a split is no list of entries", path=path, remedy=_MTEB)
    if not any(splits.values()):
        raise InputError("not an MTEB result file: it holds no scores", path=path, remedy=_MTEB)
    return _TaskScores(task, {str(split): entries for split, entries in splits.items()})


def _old_splits(content: Mapping[str, Any], path: Path) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for split, found in content.items():
        if split in _NO_SPLIT:
            continue
        if not isinstance(found, dict):
            message = f"not an MTEB result file: {split} holds no scores"
            raise InputError(message, path=path, remedy=_MTEB)
        parts = {part: one for part, one in found.items() if isinstance(one, dict) and part not in _OLD_GROUPS}
        if not parts:
            parts = {"default": {key: score for key, score in found.items() if key != "evaluation_time"}}
        yield split, [{**scores, "hf_subset": part} for part, scores in parts.items()]


def _main_key(task: str, entries: Sequence[Mapping[str, Any]], path: Path) -> str:
    """The key whose values are the main scores; where no entry states them, the task's own."""
    stated = [entry for entry in entries if _is_number(entry.get(MAIN))]
    own = next((known.main_score for known in mteb_tasks().values() if known.task == task), None)
    preferred = [key for key in (own, *_PREFERRED) if key is not None]
    if not stated:
        found = next((key for key in preferred if any(key in entry for entry in entries)), None)
        if found is None:
            raise InputError("no main measure in this file", path=path, remedy="name the measures")
        return found
    equal = [key for key in stated[0] if key != MAIN and all(_is_main(entry, key) for entry in stated)]
    return next((key for key in (*preferred, *equal) if key in equal), MAIN)


def _is_main(entry: Mapping[str, Any], key: str) -> bool:
    score = entry.get(key)
    return _is_number(score) and math.isclose(score, entry[MAIN], rel_tol=1e-6, abs_tol=1e-9)


def _is_number(score: object) -> TypeGuard[float]:
    return isinstance(score, int | float) and not isinstance(score, bool) and not math.isnan(score)


def _absent(path: Path, entry: Mapping[str, Any], key: str) -> object:
    """The number of an entry without this key: None where the whole entry is empty of numbers, else an error."""
    if any(isinstance(score, int | float) for score in entry.values()):
        message = f"no {key} for {entry.get('hf_subset')!r}"
        raise InputError(message, path=path, key=key, remedy=f"it has {', '.join(map(str, list(entry)[:8]))}")
    return None


def _fraction(path: Path, entry: Mapping[str, Any], key: str, score: object) -> float:
    if not _is_number(score) or not 0 <= score <= 1:
        message = f"{key} is {score!r} for {entry.get('hf_subset')!r}"
        raise InputError(message, path=path, key=key, remedy="scores are fractions, 0 to 1")
    return float(score)


def _value(
    place: tuple[str, str], entry: Mapping[str, Any], key: str, score: float, about: Attribution
) -> PublishedValue:
    printed = f"{100 * score:.3f}"
    return PublishedValue(
        collection=place[0],
        protocol="mteb",
        split=place[1],
        setting=about.setting,
        system=about.system,
        language=str(entry.get("hf_subset", "")).removesuffix("-eng"),
        measure=printed_measure(key),
        value=float(printed),
        unit="percent",
        source=about.source,
        place=about.place,
        kind="reported",
        note="",
        printed=printed,
    )


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
