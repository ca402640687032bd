"""Checkpoints: transformers folders that AutoModel and sentence-transformers load, with the training's state beside.

A checkpoint is whole or absent (it is filled under a temporary name and renamed). The state is safetensors and JSON:
trained parameters, optimiser moments, the step, the history. No pickle.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lapca_bench.atomic import atomic_folder, remove, write_json, write_text
from lapca_bench.errors import InputError, UsageError
from lapca_bench.parsing import json_value
from lapca_bench.sealed import check_folder, seal_folder
from lapca_bench.training.history import TrainingProgress
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.model_card import model_card
from lapca_bench.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

_STATE = "training.safetensors"
_PROGRESS = "training.json"
_DAMAGED = "delete this folder; the checkpoint before it is used then"
_STEP_FOLDER = re.compile(r"step-(\d+)$")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentencepiece.bpe.model",
    "vocab.txt",
    "added_tokens.json",
)


@dataclass(frozen=True)
class Record:
    """What a checkpoint says of itself: the recipe's training digest, the progress, the whole recipe, facts."""

    recipe: str
    progress: TrainingProgress
    settings: dict[str, object] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)

    def recipe_of(self, checkpoint: Path) -> Recipe:
        """The recipe as it was when the checkpoint was written; raises `UsageError` where it is not in there."""
        if not self.settings:
            raise UsageError("this checkpoint does not hold its recipe", path=checkpoint, remedy="name it: --recipe")
        return Recipe.model_validate_json(json.dumps(self.settings))


def read_record(checkpoint: Path) -> Record:
    """What stands beside the weights; raises `InputError` for a folder that is no checkpoint or is damaged."""
    try:
        content = json_value((checkpoint / _PROGRESS).read_text(encoding="utf-8"))
        return Record(**content | {"progress": TrainingProgress(**content["progress"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "name a step-N folder of `pretrain`; if this is one, delete it: the one before it is used then"
        raise InputError(f"not a whole checkpoint: {error}", path=checkpoint, remedy=remedy) from error


def save_checkpoint(
    folder: Path,
    tower: TrainedTower,
    optimiser: Optimizer,
    progress: TrainingProgress,
    recipe: Recipe,
    facts: Mapping[str, object],
) -> Path:
    """Write `folder/step-N`; returns it. `facts` (data, command) go into the model card."""
    from safetensors.torch import save_file

    target = folder / f"step-{progress.step:07d}"
    with atomic_folder(target) as temporary:
        write_model(temporary, tower, recipe, facts, progress)
        save_file(_state(tower, optimiser), temporary / _STATE)
        record = Record(recipe.training_digest(), progress, recipe.model_dump(mode="json"), dict(facts))
        write_json(temporary / _PROGRESS, asdict(record))
        seal_folder(temporary)
    return target


def write_model(
    folder: Path, tower: TrainedTower, recipe: Recipe, facts: Mapping[str, object], progress: TrainingProgress
) -> None:
    """Write weights, tokenizer, sentence-transformers' modules and the model card into an existing folder."""
    encoder = tower.encoder
    if recipe.trained.what == "adapter":
        encoder = copy.deepcopy(encoder).merge_and_unload()
    encoder.save_pretrained(str(folder))
    for name in _TOKENIZER_FILES:
        if (tower.folder / name).is_file():
            shutil.copyfile(tower.folder / name, folder / name)
    _write_modules(folder, recipe, encoder.config.hidden_size)
    write_text(folder / "README.md", model_card(recipe, facts, progress.step, progress.history))


def _write_modules(folder: Path, recipe: Recipe, width: int) -> None:
    """The files by which sentence-transformers rebuilds pooling, normalisation and prompts."""
    settings = recipe.encoder
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")] + (
        [("2_Normalize", "Normalize")] if settings.normalise else []
    )
    described = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(modules)
    ]
    write_json(folder / "modules.json", described)
    longest = max(settings.query_max_length, settings.document_max_length)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    pooling = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "last": "pooling_mode_lasttoken"}
    modes = {mode: name == settings.pooling for name, mode in pooling.items()}
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **modes})
    if settings.normalise:
        (folder / "2_Normalize").mkdir()
    prompts = {"query": settings.query_prompt, "document": settings.document_prompt}
    similarity = {"similarity_fn_name": settings.similarity}
    write_json(
        folder / "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": None, **similarity}
    )


def _state(tower: TrainedTower, optimiser: Optimizer) -> dict[str, Tensor]:
    stored: dict[str, Tensor] = {}
    for name, parameter in tower.trained_parameters().items():
        stored[f"parameter/{name}"] = parameter.detach().contiguous()
        for moment, value in optimiser.state.get(parameter, {}).items():
            stored[f"{moment}/{name}"] = value.detach().contiguous()
    return stored


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run's folder, oldest first."""
    found = [path for path in folder.glob("step-*") if _STEP_FOLDER.search(path.name) and (path / _PROGRESS).is_file()]
    return sorted(found)


def resume(folder: Path, tower: TrainedTower, optimiser: Optimizer, recipe: Recipe) -> TrainingProgress:
    """Load the newest checkpoint of a run's folder into tower and optimiser; with none there, start afresh.

    Raises `UsageError` for a checkpoint of another configuration, `InputError` or `StoreError` for a damaged one.
    """
    found = checkpoints(folder)
    return restore(found[-1], tower, optimiser, recipe) if found else TrainingProgress()


def restore(checkpoint: Path, tower: TrainedTower, optimiser: Optimizer, recipe: Recipe) -> TrainingProgress:
    """Load one checkpoint; raises as `resume` does."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_folder(checkpoint, _DAMAGED)
    record = read_record(checkpoint)
    progress = record.progress
    try:
        stored = load_file(checkpoint / _STATE)
    except (OSError, SafetensorError) as error:
        raise InputError(f"a damaged checkpoint: {error}", path=checkpoint, remedy=_DAMAGED) from error
    if record.recipe != recipe.training_digest():
        raise UsageError(
            "this checkpoint is of another configuration",
            path=checkpoint,
            remedy="train into another --out folder, or go back to the recipe that began this one",
        )
    with torch.no_grad():
        for name, parameter in tower.trained_parameters().items():
            parameter.copy_(stored[f"parameter/{name}"])
            moments = {key.partition("/")[0]: value for key, value in stored.items() if key.partition("/")[2] == name}
            moments.pop("parameter")
            if moments:
                device = parameter.device
                optimiser.state[parameter] = {
                    moment: value if moment == "step" else value.to(device) for moment, value in moments.items()
                }
    return progress


def prune(folder: Path, keep: int, best_step: int) -> None:
    """Delete all but the `keep` newest checkpoints and the best one."""
    for path in checkpoints(folder)[:-keep]:
        if int(path.name.removeprefix("step-")) != best_step:
            remove(path)
