"""Ablations: variants of one recipe, trained alike and compared on the same queries.

A plan is a TOML file: the recipe, changes for all, the files of pairs to mine, and per variant its changes. The first
variant is the reference that every other one is tested against.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from lapca_bench import toml_model
from lapca_bench.atomic import atomic_path
from lapca_bench.digest import digest_value
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.toml_model import Strict
from lapca_bench.training.evaluation import Looks
from lapca_bench.training.mining.mine import mine_to_file
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.pretrain import pretrain_on
from lapca_bench.training.recipe import Recipe, load_recipe, start_at

if TYPE_CHECKING:
    import pandas as pd

START = "start model"


class PairFile(Strict):
    """A file of pairs: the corpus it is mined from, and changes of the recipe's `[mining]`."""

    corpus: str
    changes: Mapping[str, object] = {}


class Variant(Strict):
    """One row: a name, the files of pairs it trains on (default: the plan's), and its changes of the recipe."""

    name: str = Field(min_length=1)
    pairs: tuple[str, ...] = ()
    changes: Mapping[str, object] = {}


class AblationPlan(Strict):
    """What is varied, and how it is looked at: the recipe's `[evaluation]` names the collections."""

    recipe: str
    seeds: tuple[int, ...] = (1,)
    pairs: tuple[str, ...] = Field(min_length=1)
    changes: Mapping[str, object] = {}
    mined: dict[str, PairFile]
    variants: tuple[Variant, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _names_are_known(self) -> AblationPlan:
        names = [variant.name for variant in self.variants]
        if len({*names, START}) != len(names) + 1:
            msg = f'every variant needs a name of its own, other than "{START}"'
            raise ValueError(msg)
        for used in {*self.pairs, *(name for variant in self.variants for name in variant.pairs)}:
            if used not in self.mined:
                msg = f"pairs {used!r} are nowhere mined: add [mined.{used}]"
                raise ValueError(msg)
        return self

    def recipe_of(self, changes: Mapping[str, object], seed: int) -> Recipe:
        """The plan's recipe with its changes, then these."""
        return load_recipe(self.recipe, **{**self.changes, **changes, "seed": seed})


def shipped_plans() -> dict[str, Path]:
    """The plans of this package by name."""
    folder = Path(str(files("lapca_bench.training") / "ablations"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_plan(name: str) -> AblationPlan:
    """The validated plan of a shipped name or a path.

    Raises `UsageError` with file, line and key; every variant's recipe is validated too.
    """
    shipped = shipped_plans()
    path = shipped.get(name, Path(name).expanduser())
    if not path.is_file() and path.suffix != ".toml":
        raise unknown_name("plan of ablations", name, list(shipped))
    plan = toml_model.read(path, AblationPlan, remedy="mend it in the plan")
    for variant in plan.variants:
        if not plan.recipe_of(variant.changes, 1).evaluation.collections:
            remedy = 'name what to measure, as "evaluation.collections" = ["help-pages/mixed"]'
            raise UsageError("the recipe names no collections", path=path, key="evaluation.collections", remedy=remedy)
    return plan


def run_plan(plan: AblationPlan, out: Path) -> dict[str, list[pd.DataFrame]]:
    """Mine, train and measure whatever is missing in the folder `out`; then the scores of the start model and variants.

    A frame per seed, with the columns collection, query, measure and value. A variant's checkpoints are removed once
    its scores are written, so that a plan needs the disk of one training.
    """
    import pandas as pd

    looks = Looks.of(plan.recipe_of({}, plan.seeds[0]).evaluation)
    if looks is None:
        raise UsageError("the recipe names no collections", key="evaluation.collections")
    paths = {START: [_start_scored(plan, looks, out)]} | {
        variant.name: [_scored(plan, variant, seed, looks, out) for seed in plan.seeds] for variant in plan.variants
    }
    return {name: [pd.read_csv(path) for path in of_seeds] for name, of_seeds in paths.items()}


def finished_part(plan: AblationPlan, out: Path) -> AblationPlan:
    """The plan without the variants that have not been trained and measured in the folder `out` yet.

    Raises `UsageError` where the reference or every other one is missing.
    """
    done = [
        variant
        for variant in plan.variants
        if all(_scores_path(plan, variant, seed, out).is_file() for seed in plan.seeds)
    ]
    if len(done) < 2 or done[0] != plan.variants[0]:
        remedy = f"run the plan first; {plan.variants[0].name!r} is what the others are compared with"
        raise UsageError(f"{len(done)} of {len(plan.variants)} variants are finished in {out}", remedy=remedy)
    return plan.model_copy(update={"variants": tuple(done)})


@dataclass(frozen=True)
class AblationCost:
    """What is left of a plan's trainings, in steps and texts, and of its files of pairs to mine."""

    left: int
    trainings: int
    steps: int
    texts: int
    files_left: int
    files: int


def cost_of(plan: AblationPlan, out: Path) -> AblationCost:
    """What `run_plan` would still do. Nothing is loaded or written."""
    left = [
        plan.recipe_of(variant.changes, seed).optimisation
        for variant in plan.variants
        for seed in plan.seeds
        if not _scores_path(plan, variant, seed, out).is_file()
    ]
    return AblationCost(
        len(left),
        len(plan.variants) * len(plan.seeds),
        sum(one.steps for one in left),
        sum(one.steps * one.batch * 2 for one in left),
        sum(not _pairs_path(plan, name, out).is_file() for name in plan.mined),
        len(plan.mined),
    )


def _pairs_path(plan: AblationPlan, name: str, out: Path) -> Path:
    spec = plan.mined[name]
    settings = _mining_settings(plan, name).model_dump(mode="json")
    return out / "pairs" / f"{name}-{digest_value({'corpus': spec.corpus, 'mining': settings})[:12]}.parquet"


def _mining_settings(plan: AblationPlan, name: str) -> MiningSettings:
    changes = {f"mining.{key}": value for key, value in plan.mined[name].changes.items()}
    return plan.recipe_of(changes, plan.seeds[0]).mining


def _scores_path(plan: AblationPlan, variant: Variant, seed: int, out: Path) -> Path:
    recipe = plan.recipe_of(variant.changes, seed)
    pairs = [_pairs_path(plan, name, out).name for name in variant.pairs or plan.pairs]
    looks = recipe.evaluation.model_dump(mode="json")
    digest = digest_value({"training": recipe.training_digest(), "looks": looks, "pairs": pairs})
    return out / "scores" / f"{digest[:12]}.csv"


def _scored(plan: AblationPlan, variant: Variant, seed: int, looks: Looks, out: Path) -> Path:
    """The per-query scores of one variant and seed; mined, trained and measured where they are not there yet."""
    from lapca_bench.encoders import build

    path = _scores_path(plan, variant, seed, out)
    if path.is_file():
        return path
    pairs = [_pairs_path(plan, name, out) for name in variant.pairs or plan.pairs]
    for name, file in zip(variant.pairs or plan.pairs, pairs, strict=True):
        if not file.is_file():
            mine_to_file(_mining_settings(plan, name), plan.mined[name].corpus, file)
    recipe = plan.recipe_of(variant.changes, seed)
    unseen = recipe.evaluation.model_copy(update={"collections": ()})  # looked at once, when the training is done
    folder = out / "training" / path.stem
    checkpoint = pretrain_on(recipe.model_copy(update={"evaluation": unseen}), pairs, folder).checkpoint
    _write(looks.per_query(build(start_at(recipe.encoder, checkpoint.resolve()), variant.name)), path)
    shutil.rmtree(folder)
    return path


def _start_scored(plan: AblationPlan, looks: Looks, out: Path) -> Path:
    from lapca_bench.encoders import build

    recipe = plan.recipe_of({}, plan.seeds[0])
    looked = recipe.evaluation.model_dump(mode="json")
    digest = digest_value({"encoder": recipe.encoder.model_dump(mode="json"), "looks": looked})
    path = out / "scores" / f"{digest[:12]}.csv"
    if not path.is_file():
        _write(looks.per_query(build(recipe.encoder, START)), path)
    return path


def _write(frame: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False)
