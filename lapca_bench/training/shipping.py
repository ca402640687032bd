"""A trained checkpoint made small: its delta over the start model, a model card, and a system card that runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lapca_bench.atomic import atomic_path, write_text
from lapca_bench.encoders.delta import BASE, base_digest, difference, write_delta
from lapca_bench.encoders.network import load_model
from lapca_bench.errors import UsageError
from lapca_bench.training.card import model_card
from lapca_bench.training.checkpoint import checkpoints, read_record
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.tower import load_start

DELTA = "delta.safetensors"
SYSTEM_CARD = "card.toml"
MODEL_CARD = "README.md"


def ship(checkpoint: Path, out: Path, recipe: Recipe | None = None, *, scale: float = 1.0) -> Path:
    """Write delta, model card and system card of a checkpoint into the folder `out`; returns the delta's path.

    `scale` in (0, 1] keeps that share of what training changed: start + scale·(trained − start), an average of the
    weights before and after, which gives back what training forgot for a part of what it learned (Wortsman et al.
    2022, Robust fine-tuning of zero-shot models, eq. 1).

    `checkpoint` may be a training's folder: its best checkpoint where the recipe selects that, else its last.
    `recipe` is needed only for a checkpoint that does not hold its own. Raises as `difference` does.
    """
    checkpoint = _selected(checkpoint)
    record = read_record(checkpoint)
    made = recipe or record.recipe_of(checkpoint)
    base = load_start(made.encoder, with_delta=False)
    if not 0 < scale <= 1:
        raise UsageError(f"a scale of {scale} keeps no share of the change", remedy="give one above 0 and up to 1")
    changes = {name: value * scale for name, value in difference(base, load_model(checkpoint, "float32")).items()}
    header = {
        BASE: base_digest(base),
        "base_checkpoint": made.encoder.checkpoint,
        "recipe": made.model_dump_json(),
        "facts": json.dumps(record.facts, ensure_ascii=False),
        "step": str(record.progress.step),
        "scale": str(scale),
    }
    with atomic_path(out / DELTA) as temporary:
        write_delta(temporary, changes, header)
    size = (out / DELTA).stat().st_size
    parameters = sum(value.numel() for value in changes.values())
    share = {} if scale == 1 else {"share of the change kept": scale}
    facts = (
        record.facts
        | share
        | {
            "this folder": f"`{DELTA}`: {parameters:,} changed weights in float16, {size / 1e6:.1f} MB, "
            f"to be added to the start model; `{SYSTEM_CARD}` runs it with lapca-bench",
        }
    )
    write_text(out / MODEL_CARD, model_card(made, facts, record.progress.step, record.progress.history))
    write_text(out / SYSTEM_CARD, _system_card(made))
    return out / DELTA


def _selected(folder: Path) -> Path:
    """The checkpoint that a training's folder stands for; any other folder is taken for a checkpoint."""
    found = checkpoints(folder)
    if not found:
        return folder
    record = read_record(found[-1])
    best = folder / f"step-{record.progress.best_step:07d}"
    chosen = record.recipe is not None and record.recipe_of(found[-1]).evaluation.select == "best" and best in found
    return best if chosen else found[-1]


def _system_card(recipe: Recipe) -> str:
    head = {
        "name": recipe.name,
        "title": recipe.title or recipe.name,
        "kind": "dense",
        "licence": recipe.licence or "see README.md",
        "citation": "a reconstruction after Abulkhanov et al. 2023, LAPCA, SIGIR",
        "url": "https://doi.org/10.1145/3539618.3592006",
        "languages": ["*"],
        "note": "LAPCA-R; what it was trained on and how stands in README.md beside this card.",
        "requires": ["dense"],
    }
    encoder = recipe.encoder.model_dump(exclude_defaults=True, exclude_none=True) | {"delta": DELTA}
    tables = {key: value for key, value in encoder.items() if isinstance(value, dict)}
    plain = {key: value for key, value in encoder.items() if key not in tables}
    lines = [*_assignments(head), "", "[encoder]", 'type = "transformer"']
    lines += _assignments({key: value for key, value in plain.items() if key != "type"})
    for name, table in tables.items():
        lines += ["", f"[encoder.{name}]", *_assignments(table)]
    return "\n".join([*lines, ""])


def _assignments(values: dict[str, Any]) -> list[str]:
    """TOML lines; strings, numbers, truth values and lists are written in JSON as in TOML."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
