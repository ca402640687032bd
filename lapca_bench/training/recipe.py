"""A recipe: one TOML file that says how a model is trained, validated before anything is loaded.

The start model is an `[encoder]` table, the same as on a system's card. Every number of the method is a field here
with the reconstruction's default; none is hard-wired.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from lapca_bench import toml_model
from lapca_bench.digest import digest_value
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.parsing import toml_table
from lapca_bench.toml_model import Strict
from lapca_bench.training.batches.settings import PairSettings, ParagraphSettings, QuestionSettings, ViewSettings
from lapca_bench.training.evaluation import EvaluationSettings
from lapca_bench.training.losses.objective import Objective
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.model.tower import TrainedSettings


class OptimisationSettings(Strict):
    """AdamW with linear warm-up and decay (METHOD item 9). `chunk` is the number of texts embedded at once.

    Texts are cut at `query_length` and `passage_length` tokens, and at `spanned_length` where parts of them are pooled.
    `gradient_cache` recomputes chunks instead of keeping their activations. `stop_after` ends the run early while the
    schedule still counts to `steps`.
    """

    steps: int = Field(default=100_000, ge=1)
    batch: int = Field(default=1024, ge=2)
    chunk: int = Field(default=64, ge=1)
    gradient_cache: bool = True
    learning_rate: float = Field(default=5e-5, gt=0)
    warmup: float = Field(default=0.05, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=2.0, gt=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    query_length: int = Field(default=64, ge=4)
    passage_length: int = Field(default=128, ge=4)
    spanned_length: int = Field(default=256, ge=4)
    stop_after: int | None = Field(default=None, ge=1)


class Recipe(Strict):
    """Everything a training depends on besides its text.

    `about` says in the model card what is trained; `citation` and `url` are those of the method, for the system card.
    """

    name: str
    title: str = ""
    seed: int = Field(default=1, ge=0)
    licence: str = ""
    about: str = (
        "LAPCA-R: a reconstruction of LAPCA's alignment pretraining (Abulkhanov et al., SIGIR 2023). It is not the "
        "authors' model; where the paper is silent, the settings are ours."
    )
    citation: str = "a reconstruction after Abulkhanov et al. 2023, LAPCA, SIGIR"
    url: str = "https://doi.org/10.1145/3539618.3592006"
    encoder: TransformerSettings
    mining: MiningSettings = MiningSettings()
    pairs: PairSettings = PairSettings()
    questions: QuestionSettings = QuestionSettings()
    paragraphs: ParagraphSettings = ParagraphSettings()
    views: ViewSettings = ViewSettings()
    objective: Objective = Objective()
    trained: TrainedSettings = TrainedSettings()
    optimisation: OptimisationSettings = OptimisationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def _mined_negatives_resume_exactly(self) -> Self:
        periods = (self.evaluation.every, self.evaluation.save_every)
        if self.objective.mined and any(period % self.objective.refresh for period in periods):
            msg = "evaluation.every and save_every must be multiples of objective.refresh, for resuming to be exact"
            raise ValueError(msg)
        return self

    def training_digest(self) -> str:
        """What a checkpoint must agree with to be resumed: all that changes weights, not when one stops or looks.

        Parts of a recipe that this one does not use do not count, so that a new option leaves old checkpoints good.
        """
        told = {"title", "licence", "about", "citation", "url"}
        content = self.model_dump(mode="json", exclude=told | {"mining", "evaluation"})
        content["objective"] = self.objective.digested()
        content["optimisation"].pop("stop_after")
        content["encoder"].pop("bitext_prompt")  # training reads texts as queries and documents
        content["encoder"].pop("device")  # it changes no weights but by rounding
        for later in ("delta", "dimension"):
            if content["encoder"][later] is None:
                content["encoder"].pop(later)
        if self.questions == QuestionSettings():
            content.pop("questions")
        if self.paragraphs == ParagraphSettings():
            content.pop("paragraphs")
            content["optimisation"].pop("spanned_length")
        return digest_value(content)


def start_at(encoder: TransformerSettings, checkpoint: Path) -> TransformerSettings:
    """The same encoder with the weights and the tokenizer of a checkpoint's folder."""
    plain = {
        "checkpoint": str(checkpoint),
        "revision": None,
        "format": "transformers",
        "tokenizer": None,
        "delta": None,
    }
    return encoder.model_copy(update=plain)


def shipped_recipes() -> dict[str, Path]:
    """The recipes of this package by name."""
    folder = Path(str(files("lapca_bench.training") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_recipe(name: str) -> Path:
    """The file of a shipped recipe, called by its file's name or its own, or of a path.

    Raises `UsageError` with the nearest names.
    """
    shipped = shipped_recipes()
    if name in shipped:
        return shipped[name]
    path = Path(name).expanduser()
    if path.is_file() or path.suffix == ".toml":
        return path
    own_names = {tomllib.loads(one.read_text(encoding="utf-8"))["name"]: one for one in shipped.values()}
    if name in own_names:
        return own_names[name]
    raise unknown_name("recipe", name, [*shipped, *own_names])


def named_changes(assignments: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """`load_recipe`'s changes out of "table.key=value" texts, a value being TOML's or else a plain string.

    `options` are changes by options of their own, which win; None stands for an option that was not given.
    Raises `UsageError` for a text without a key or "=".
    """
    found: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not all(part.strip() for part in key.split(".")):
            raise UsageError(f"not a change of a recipe: {text!r}", remedy="write it as objective.mlm=0.5")
        try:
            found[key.strip()] = toml_table(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key.strip()] = value.strip()
    return found | {key: value for key, value in options.items() if value is not None}


def load_recipe(name: str, **changes: Any) -> Recipe:
    """The validated recipe of a name or path, `changes` being "table.key" overrides from the command line.

    Raises `UsageError` with file, line and key.
    """
    path = find_recipe(name)
    source = toml_model.document(path)
    for key, value in changes.items():
        *tables, last = key.split(".")
        place = source.table
        for table in tables:
            place = place.setdefault(table, {})
            if not isinstance(place, dict):
                raise UsageError(
                    f"{table} is a value, not a table", path=path, key=key, remedy="name a key of the recipe"
                )
        place[last] = value
    recipe = toml_model.validated(source, Recipe, "mend it in the recipe", changed=changes)
    return recipe.model_copy(update={"encoder": recipe.encoder.beside(path.parent)})
