"""Trained checkpoints made small: their delta over the start model, a model card, and a system card that runs it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.atomic import atomic_path, write_text
from lapca_bench.digest import digest_file
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.probes import probes
from lapca_bench.encoders.settings import CheckpointSettings
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.delta import BASE, base_digest, delta_header, difference, write_delta
from lapca_bench.encoders.weights.delta_blocks import in_blocks, out_of_blocks
from lapca_bench.encoders.weights.network import folder_of, load_model
from lapca_bench.encoders.weights.tokenizer import load_tokenizer
from lapca_bench.errors import UsageError
from lapca_bench.search.card import SystemCard
from lapca_bench.search.dense import DenseCard
from lapca_bench.search.registry import cards
from lapca_bench.training.checkpoint import checkpoints, read_record
from lapca_bench.training.model.tower import load_start
from lapca_bench.training.model_card import model_card
from lapca_bench.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor, nn

DELTA = "delta.safetensors"
SAME_VECTOR = 0.9999  # the least cosine of a probe's vectors before and after changes are stored in 4 bits
SYSTEM_CARD = "card.toml"
MODEL_CARD = "README.md"


@dataclass(frozen=True)
class Shipped:
    """The files of a delta and of the system card that runs it, and the delta's bytes."""

    delta: Path
    card: Path
    size: int


def ship(
    given: Sequence[Path], out: Path, recipe: Recipe | None = None, *, scale: float = 1.0, bits: int = 16
) -> Shipped:
    """Write delta, model card and system card of checkpoints into the folder `out`.

    Each may be a training's folder: its best checkpoint where the recipe selects that, else its last. What several
    trainings of one recipe with different seeds changed is averaged (Wortsman et al. 2022, Model soups, section 2).
    `scale` in (0, 1] keeps that share of the change: start + scale·(trained − start), an average of the weights before
    and after, which gives back what training forgot for a part of what it learned (Wortsman et al. 2022, Robust
    fine-tuning of zero-shot models, eq. 1).
    With `bits` = 4 changes are stored in blocks (`delta_blocks`), if no vector of the probes moves by it.
    `recipe` is needed only for checkpoints that do not hold their own.
    Raises `UsageError` for checkpoints of different recipes or another scale, and as `difference` does.
    """
    if not 0 < scale <= 1:
        raise UsageError(f"a scale of {scale} keeps no share of the change", remedy="give one above 0 and up to 1")
    if bits not in (4, 16):
        raise UsageError(f"changes are not stored in {bits} bits", key="--bits", remedy="16 or 4")
    selected = [_selected(one) for one in given]
    records = [read_record(one) for one in selected]
    recipes = [recipe or record.recipe_of(one) for one, record in zip(selected, records, strict=True)]
    made, record = recipes[0], records[0]
    for place, other in zip(given, recipes, strict=True):
        if other.model_copy(update={"seed": made.seed}).training_digest() != made.training_digest():
            remedy = "average trainings that differ in their seed alone"
            raise UsageError(f"of another recipe than {given[0]}", path=place, remedy=remedy)
    facts = _with_start(record.facts, made.encoder)
    base = load_start(made.encoder, with_delta=False)
    changes = _averaged([difference(base, load_model(one, "float32")) for one in selected], scale)
    header = {
        BASE: base_digest(base),
        "base_checkpoint": made.encoder.checkpoint,
        "recipe": _told(made).model_dump_json(),
        "facts": json.dumps(facts, ensure_ascii=False),
        "step": str(record.progress.step),
        "seeds": json.dumps([one.seed for one in recipes]),
        "scale": str(scale),
    }
    stored = changes if bits == 16 else _in_few_bits(base, changes, made.encoder, out)
    with atomic_path(out / DELTA) as temporary:
        write_delta(temporary, stored, header)
    size = (out / DELTA).stat().st_size
    parameters = sum(value.numel() for value in changes.values())
    options = [] if scale == 1 else ["--scale", str(scale)]
    options += [] if bits == 16 else ["--bits", str(bits)]
    made_small = shlex.join(["delta", *(one.absolute().name for one in given), *options, "--out", out.absolute().name])
    stored_as = "float16" if bits == 16 else f"{bits} bits"
    facts = facts | {
        "seeds": ", ".join(str(one.seed) for one in recipes),
        "share of the change kept": scale,
        "made small": f"`lapca-bench {made_small}`",
        "this folder": f"`{DELTA}`: {parameters:,} changed weights in {stored_as}, {size / 1e6:.1f} MB, "
        "to be added to the start model; `card.toml` runs it with lapca-bench",
    }
    # What was measured while one training ran says nothing of an average or of a share.
    history = record.progress.history if scale == 1 and len(recipes) == 1 else ()
    write_text(out / MODEL_CARD, model_card(_told(made), facts, record.progress.step, history))
    write_text(out / SYSTEM_CARD, system_card(made, str(facts.get("corpora", ""))))
    return Shipped(out / DELTA, out / SYSTEM_CARD, size)


def _told(recipe: Recipe) -> Recipe:
    """The recipe with the name alone of a delta that it goes on from: where it lay is nobody's business."""
    if recipe.encoder.delta is None:
        return recipe
    path = Path(recipe.encoder.delta)
    encoder = recipe.encoder.model_copy(update={"delta": f"{path.parent.name}/{path.name}"})
    return recipe.model_copy(update={"encoder": encoder})


def _with_start(facts: Mapping[str, object], encoder: TransformerSettings) -> dict[str, object]:
    """The facts with those of the delta that the training went on from: its content, and the corpora it has seen."""
    if encoder.delta is None:
        return dict(facts)
    path = find(encoder.delta)
    before = json.loads(delta_header(path).get("facts", "{}"))
    corpora = {name for one in (facts, before) for name in str(one.get("corpora", "")).split(", ") if name}
    started = f"the delta with SHA-256 {digest_file(path)[:12]}"
    return {**facts, "goes on from": started, "corpora": ", ".join(sorted(corpora))}


def _in_few_bits(
    base: nn.Module, changes: Mapping[str, Tensor], encoder: TransformerSettings, out: Path
) -> dict[str, Tensor]:
    """The changes in blocks; raises `UsageError` where a probe's vector then differs from the exact one.

    `base` is left changed.
    """
    import torch

    stored = in_blocks(changes)
    tensors = dict(base.state_dict())
    start = {name: tensors[name].clone() for name in changes}
    tokenizer = load_tokenizer(folder_of(encoder))
    tokens = [torch.from_numpy(ids.astype(np.int64))[None] for ids in tokenizer.encode(list(probes().values()), 64).ids]

    def vectors(added: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            for name, change in added.items():
                tensors[name].copy_(start[name] + change.float())
            return torch.cat([base(input_ids=ids).last_hidden_state.float().mean(dim=1) for ids in tokens])

    cosine = float(torch.nn.functional.cosine_similarity(vectors(changes), vectors(out_of_blocks(stored))).min())
    if cosine < SAME_VECTOR:
        remedy = "write it with --bits 16"
        message = f"in 4 bits a vector differs from the exact one (cosine {cosine:.5f})"
        raise UsageError(message, path=out, remedy=remedy)
    return stored


def _averaged(changes: Sequence[Mapping[str, Tensor]], scale: float) -> dict[str, Tensor]:
    """Scale · mean over trainings, tensor by tensor, summed in float32; a tensor that one left alone counts as 0."""
    import torch

    share = scale / len(changes)
    summed: dict[str, Tensor] = {}
    for one in changes:
        for name, value in one.items():
            summed[name] = summed.get(name, torch.zeros(value.shape)) + share * value.float()
    return {name: value.to(torch.float16) for name, value in summed.items()}


def _selected(folder: Path) -> Path:
    """The checkpoint that a training's folder stands for; any other folder is taken for a checkpoint."""
    found = checkpoints(folder)
    if not found:
        return folder
    record = read_record(found[-1])
    best = folder / f"step-{record.progress.best_step:07d}"
    chosen = record.recipe is not None and record.recipe_of(found[-1]).evaluation.select == "best" and best in found
    return best if chosen else found[-1]


def system_card(recipe: Recipe, corpora: str = "") -> str:
    """The card, as TOML, of the system that the delta beside it makes of the recipe's start model.

    `corpora` are those of the pairs, with commas between. The card counts as seen what they and the start model saw, as
    far as a card of the start model is known: what a system was trained on is not zero-shot.
    """
    start = [card.trained_on for card in cards().values() if _is_start(card, recipe)]
    seen = {name for known in start for name in known} | {name for name in corpora.split(", ") if name}
    head = {
        "name": recipe.name,
        "title": recipe.title or recipe.name,
        "kind": "dense",
        "licence": recipe.licence or "see README.md",
        "citation": recipe.citation,
        "url": recipe.url,
        "languages": ["*"],
        "trained_on": sorted(seen),
        "note": f"{recipe.about} What it was trained on and how stands in README.md beside this card.",
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


def _is_start(card: SystemCard, recipe: Recipe) -> bool:
    """Whether a card's encoder is the recipe's start model itself, without training on top."""
    if not isinstance(card, DenseCard) or not isinstance(card.encoder, CheckpointSettings):
        return False
    trained = isinstance(card.encoder, TransformerSettings) and card.encoder.delta is not None
    return card.encoder.checkpoint == recipe.encoder.checkpoint and not trained


def _assignments(values: Mapping[str, object]) -> list[str]:
    """TOML lines; strings, numbers, truth values and lists are written in JSON as in TOML."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
