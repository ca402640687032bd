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
from lapca_bench.encoders.settings import TransformerSettings
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.parsing import toml_table
from lapca_bench.toml_model import Strict
from lapca_bench.training.batches.settings import PairSettings, QuestionSettings, ViewSettings
from lapca_bench.training.evaluation import EvaluationSettings
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.model.tower import TrainedSettings


class ObjectiveSettings(Strict):
    """`loss` alignment·L_align + mlm·L_MLM + brake·L_brake + L_pivot (METHOD items 6 and 7), and losses of pairs read.

    `same_page` and `mined` are hard negatives per pair, `refresh` the steps after which mined ones are sought again;
    candidates above `ceiling` times the positive's score count as false negatives. `direction` "both" is the symmetric
    loss, "passage" ranks passages only (fine-tuning). `brake` holds vectors near the start model's.
    `pivot` pulls the vectors of a block, in whatever language, to the start model's vector of its text in
    `pivot_language` where the pairs hold one: languages meet where the start model already knows how to rank.
    `ranking` pulls the scores between views to those between their pivots, at `ranking_temperature`. Where `teacher`
    names a system, fine-tuning adds distillation·KL(its scores || the model's) over each batch, both softened by
    `distillation_temperature`.
    `tlm` (XLM), `qlm` and `relevance` (Yu et al. 2021) weigh losses over a query view and a passage view read in one
    sequence: words hidden in both (`tlm_mask`), words hidden in the query (`qlm_mask`), and the grade of a pair. With
    them alignment may be 0.
    """

    temperature: float = Field(default=0.05, gt=0)
    alignment: float = Field(default=1.0, ge=0)
    mlm: float = Field(default=1.0, ge=0)
    brake: float = Field(default=0.0, ge=0)
    pivot: float = Field(default=0.0, ge=0)
    pivot_language: str = "en"
    ranking: float = Field(default=0.0, ge=0)
    ranking_temperature: float = Field(default=0.02, gt=0)
    direction: Literal["both", "passage"] = "both"
    similarity: Literal["cosine", "dot"] = "cosine"
    same_page: int = Field(default=1, ge=0)
    mined: int = Field(default=0, ge=0)
    refresh: int = Field(default=1000, ge=1)
    ceiling: float = Field(default=0.95, gt=0)
    teacher: str | None = None
    distillation: float = Field(default=1.0, ge=0)
    distillation_temperature: float = Field(default=0.05, gt=0)
    tlm: float = Field(default=0.0, ge=0)
    tlm_mask: float = Field(default=0.15, gt=0, lt=1)
    qlm: float = Field(default=0.0, ge=0)
    qlm_mask: float = Field(default=0.3, gt=0, lt=1)
    relevance: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        if not (self.compares_vectors or self.predicts_words or self.relevance):
            raise ValueError("every weight is 0: nothing would be learnt")
        return self

    @property
    def has_pivot(self) -> bool:
        """Whether the start model's vectors of pivot texts are needed."""
        return self.pivot > 0 or self.ranking > 0

    @property
    def compares_vectors(self) -> bool:
        """Whether any loss looks at the vectors of views."""
        return self.alignment > 0 or self.brake > 0 or self.has_pivot or self.teacher is not None

    @property
    def predicts_words(self) -> bool:
        """Whether any loss is over hidden words."""
        return self.mlm > 0 or self.tlm > 0 or self.qlm > 0

    @property
    def reads_pairs(self) -> bool:
        """Whether any loss reads two texts in one sequence."""
        return self.tlm > 0 or self.qlm > 0 or self.relevance > 0


class OptimisationSettings(Strict):
    """AdamW with linear warm-up and decay (METHOD item 9). `chunk` is the number of texts embedded at once.

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
    views: ViewSettings = ViewSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
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
        content["optimisation"].pop("stop_after")
        if self.encoder.delta is None:
            content["encoder"].pop("delta")
        if self.objective.teacher is None:
            for key in ("teacher", "distillation", "distillation_temperature"):
                content["objective"].pop(key)
        if not self.objective.reads_pairs:
            for key in ("tlm", "tlm_mask", "qlm", "qlm_mask", "relevance"):
                content["objective"].pop(key)
        if self.questions == QuestionSettings():
            content.pop("questions")
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
