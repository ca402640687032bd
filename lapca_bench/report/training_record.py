"""What a training left behind that people look at: margins of the mined pairs, losses and evaluations by step.

A record is a folder with what `mine` and `pretrain` write: `*.report.json` (margins) and `training.json` (curves);
either may be missing. Records of shown systems are in `leaderboards/training/SYSTEM`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value

PROGRESS = "training.json"
REPORT = ".report.json"


@dataclass(frozen=True)
class Margins:
    """How many proposed pairs have which margin: `counts` by lower edge, each one `MARGIN_STEP` of mining wide.

    Those below `threshold` were not kept. `about` says what was mined, with which settings, and how it agrees with
    gold, as far as the report does.
    """

    counts: Mapping[float, int]
    threshold: float | None
    about: Sequence[tuple[str, str]] = ()

    @property
    def pairs(self) -> int:
        """All proposed pairs."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Curves:
    """(step, value) of the loss and of each evaluation by its name."""

    loss: Sequence[tuple[int, float]]
    evaluations: Mapping[str, Sequence[tuple[int, float]]]


@dataclass(frozen=True)
class TrainingRecord:
    """The margins of each mined file by its name, and the curves; empty or None where not recorded."""

    margins: Mapping[str, Margins] = field(default_factory=dict)
    curves: Curves | None = None


def read_margins(path: Path) -> Margins:
    """The margins of a report that `mine` wrote, named itself or by its file of pairs.

    Raises `InputError` where it is not one.
    """
    report = path if path.name.endswith(REPORT) else path.with_suffix(REPORT)
    content = _json(report, "report of `lapca-bench mine`")
    try:
        counts = {float(edge): int(count) for edge, count in content["margins"].items()}
        threshold = content.get("settings", {}).get("threshold")
        return Margins(
            dict(sorted(counts.items())), None if threshold is None else float(threshold), tuple(_about(content))
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"not a report of `lapca-bench mine`: {error}", path=report) from error


def _about(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings = content.get("settings", {})
    found = [(name, str(content.get(name) or "")) for name in ("corpus", "licence")]
    found += [(name, str(settings.get(name) or "")) for name in ("method", "aligner", "split")]
    found.append(("pairs kept", f"{int(content['pairs']):,}"))
    threshold = settings.get("threshold")
    together = content.get("agreement", {}).get(f"{threshold:.2f}", {}).get("all") if threshold is not None else None
    if together:
        found.append(("agreement with gold", f"precision {together['precision']:.3f}, recall {together['recall']:.3f}"))
    return [(name, text) for name, text in found if text]


def read_curves(path: Path) -> Curves:
    """The curves of a `training.json`, of the checkpoint that holds it, or of the newest checkpoint of a run's folder.

    Raises `InputError` where there is none.
    """
    place = path
    if path.is_dir():
        steps = sorted(found for found in path.glob("step-*") if (found / PROGRESS).is_file())
        place = (steps[-1] if steps else path) / PROGRESS
    content = _json(place, "record of `lapca-bench pretrain`")
    loss: list[tuple[int, float]] = []
    evaluations: dict[str, list[tuple[int, float]]] = {}
    try:
        for entry in content["progress"]["history"]:
            step = int(entry["step"])
            if "loss" in entry and math.isfinite(entry["loss"]):
                loss.append((step, float(entry["loss"])))
            for name, value in entry.get("evaluation", {}).items():
                evaluations.setdefault(str(name), []).append((step, float(value)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "name a folder that `lapca-bench pretrain` wrote"
        raise InputError(f"not a record of `lapca-bench pretrain`: {error}", path=place, remedy=remedy) from error
    return Curves(loss, evaluations)


def _json(path: Path, what: str) -> Any:
    try:
        return json_value(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        remedy = "name a folder that `lapca-bench pretrain` or `mine` wrote"
        raise InputError(f"not a {what}: {error}", path=path, remedy=remedy) from error


def read_record(folder: Path) -> TrainingRecord:
    """The record of one folder; raises as `read_margins` and `read_curves` do."""
    reports = sorted(folder.glob(f"*{REPORT}"))
    curves = read_curves(folder) if (folder / PROGRESS).is_file() else None
    return TrainingRecord({path.name.removesuffix(REPORT): read_margins(path) for path in reports}, curves)


def shipped_records() -> dict[str, TrainingRecord]:
    """The records that come with the project, by system."""
    with as_file(files("lapca_leaderboards") / "training") as folder:
        return {path.name: read_record(path) for path in sorted(folder.glob("*")) if path.is_dir()}


def smoothed(series: Sequence[tuple[int, float]], most: int = 240) -> list[tuple[int, float]]:
    """At most `most` points: (last step, mean value) of as many stretches of equal length."""
    width = max(1, math.ceil(len(series) / most))
    parts = [series[start : start + width] for start in range(0, len(series), width)]
    return [(part[-1][0], math.fsum(value for _, value in part) / len(part)) for part in parts]
