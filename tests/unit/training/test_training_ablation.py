"""Ablations: every variant is trained once, compared query by query with the first, and a plan's mistakes are named."""

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.search import ToyCollection
from toys.training import WORDS, write_start

from lapca_bench.errors import UsageError
from lapca_bench.report.ablation import markdown, rows, write_rows
from lapca_bench.run import Qrels
from lapca_bench.training import ablation
from lapca_bench.training.ablation import START, load_plan, run_plan, shipped_plans
from lapca_bench.types import Document, Query


def sentences(seed: int, number: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(WORDS, size=(number, 6))


def text(language: str, row: np.ndarray) -> str:
    return " ".join(f"{language}{number}" for number in row)


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Aligned toy pages, a recipe over a random start model, and a collection of other toy sentences."""
    pages = tmp_path / "pages.jsonl"
    lines = [
        {"link": str(number), "language": language, "paragraphs": [{"id": "0", "text": text(language, row)}]}
        for number, row in enumerate(sentences(0, 120))
        for language in ("aa", "bb")
    ]
    pages.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    recipe = tmp_path / "toy.toml"
    recipe.write_text(
        f"""name = "toy"
[encoder]
type = "transformer"
checkpoint = "{write_start(tmp_path / "start")}"
pooling = "mean"
query_max_length = 16
document_max_length = 16
[views]
sentence = 0.0
monolingual = 0.0
mask = 0.0
[objective]
mlm = 0.0
same_page = 0
[trained]
dropout = false
[optimisation]
steps = 80
batch = 32
gradient_cache = false
learning_rate = 5e-3
[evaluation]
collections = ["toy/toy"]
""",
        encoding="utf-8",
    )
    held = sentences(5, 12)
    documents = [Document(f"d{n}", text("bb", row), language="bb") for n, row in enumerate(held)]
    toy = ToyCollection(documents, [Query(f"q{n}", text("aa", row), "aa") for n, row in enumerate(held)])
    monkeypatch.setattr(toy, "relevance", lambda: Qrels({f"q{n}": {f"d{n}": 1} for n in range(12)}), raising=False)
    monkeypatch.setattr("lapca_bench.collections.registry.load", lambda name, split: toy)
    path = tmp_path / "plan.toml"
    path.write_text(
        f"""recipe = "{recipe}"
pairs = ["gold"]
[mined.gold]
corpus = "{pages}"
changes = {{ method = "gold", "blocks.unit" = "paragraph", "blocks.minimum_characters" = 0 }}
[[variants]]
name = "aligned"
[[variants]]
name = "hardly trained"
changes = {{ "optimisation.learning_rate" = 1e-9 }}
""",
        encoding="utf-8",
    )
    return path


def test_variants_are_trained_once_and_compared_with_the_first(plan, tmp_path, monkeypatch) -> None:
    made, out = load_plan(str(plan)), tmp_path / "out"
    assert ablation.cost_of(made, out) == ablation.AblationCost(2, 2, 160, 10240, 1, 1)
    found = list(rows(run_plan(made, out), "aligned"))
    by_name = {row.variant: row for row in found}
    assert list(by_name) == [START, "aligned", "hardly trained"]
    assert by_name["aligned"].mean > by_name[START].mean + 0.2
    assert by_name["hardly trained"].mean == pytest.approx(by_name[START].mean, abs=0.05)
    assert by_name["hardly trained"].difference_high < 0
    assert by_name["aligned"].difference == 0
    assert not list((out / "training").iterdir()), "checkpoints are removed once scores are written"
    monkeypatch.setattr(ablation, "pretrain_on", None)
    unfinished = made.variants[1].model_copy(update={"name": "later", "changes": {"optimisation.steps": 1}})
    longer = made.model_copy(update={"variants": (*made.variants, unfinished)})
    assert ablation.finished_part(longer, out) == made
    with pytest.raises(UsageError, match="0 of 3 variants"):
        ablation.finished_part(longer, tmp_path / "elsewhere")
    assert list(rows(run_plan(made, out), "aligned")) == found
    assert ablation.cost_of(made, out).left == 0
    table = pd.read_csv(write_rows(found, out))
    assert list(table["variant"]) == list(by_name)
    assert "| aligned | " in markdown(found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('pairs = ["gold"]', 'pairs = ["silver"]', "nowhere mined"),
        ('name = "hardly trained"', 'name = "aligned"', "name of its own"),
        ('name = "hardly trained"', f'name = "{START}"', "name of its own"),
        ("learning_rate", "learning_speed", "learning_speed"),
        ("[mined.gold]", "[mined.gold", "not TOML"),
    ],
)
def test_a_wrong_plan_says_what_is_wrong(plan, old, new, message) -> None:
    plan.write_text(plan.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_plan(str(plan))


def test_shipped_plans_are_valid_and_another_name_is_refused() -> None:
    assert [len(load_plan(name).variants) > 1 for name in shipped_plans()] == [True]
    with pytest.raises(UsageError, match="unknown plan"):
        load_plan("smal")
