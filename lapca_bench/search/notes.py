"""What a run made of other runs says of its costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lapca_bench.run import Run

Notes = dict[str, Any]  # what a run says of itself, as JSON values


def with_costs_of(run: Run, parts: Sequence[Run]) -> Run:
    """`run` with the costs of its parts: sums of seconds, texts and bytes, the rest under each system's name."""
    timings: dict[str, float] = {}
    for part in parts:
        for stage, seconds in part.notes.get("timings", {}).items():
            timings[stage] = round(timings.get(stage, 0.0) + seconds, 3)
    notes: Notes = {
        "timings": timings,
        **{what: sum(part.notes.get(what, 0) for part in parts) for what in ("encoded", "reused", "index_bytes")},
        "parts": {
            part.name: {key: part.notes[key] for key in ("first_texts", "analysers") if key in part.notes}
            for part in parts
        },
    }
    return replace(run, notes=notes)
