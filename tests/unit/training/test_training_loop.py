"""The loop on a toy parallel corpus: it learns, caches gradients exactly, resumes exactly, refuses nonsense."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.training import LANGUAGES, WORDS, recipe, source  # noqa: E402

from lapca_bench.errors import InputError, UsageError  # noqa: E402
from lapca_bench.search.registry import find_card  # noqa: E402
from lapca_bench.training.batch import Batch  # noqa: E402
from lapca_bench.training.checkpoint import checkpoints  # noqa: E402
from lapca_bench.training.evaluation import Looks  # noqa: E402
from lapca_bench.training.loop import Training, TrainingError  # noqa: E402
from lapca_bench.training.model.row_gradients import add_gradients_by_row  # noqa: E402
from lapca_bench.training.model.tower import TrainedTower, load_start  # noqa: E402
from lapca_bench.training.model.tower_encoder import TowerEncoder  # noqa: E402
from lapca_bench.training.recipe import load_recipe  # noqa: E402
from lapca_bench.training.shipping import ship, system_card  # noqa: E402
from lapca_bench.training.step.processes import Processes  # noqa: E402
from lapca_bench.training.step.step import Step  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def gradients(tower: TrainedTower) -> torch.Tensor:
    return torch.cat(
        [parameter.grad.flatten() for parameter in tower.trained_parameters().values() if parameter.grad is not None]
    )


def test_training_learns_a_toy_language(start, pairs, tmp_path) -> None:
    made = recipe(
        start,
        views={"mask": 0.0},
        objective={"mlm": 0.0},
        trained={"dropout": False},
        optimisation={"steps": 150, "batch": 32, "chunk": 64, "gradient_cache": False},
    )
    outcome = Training(made, source(made, pairs), tmp_path).run()
    looks = [entry["evaluation"]["held-out accuracy"] for entry in outcome.progress.history if "evaluation" in entry]
    assert looks[0] <= 0.3
    assert looks[-1] >= 0.9


@pytest.mark.parametrize("chunk", [3, 8, 64])
def test_cached_gradient_is_the_plain_gradient(start, pairs, chunk) -> None:
    plain = recipe(
        start, trained={"dropout": False}, optimisation={"chunk": 64, "gradient_cache": False}, objective={"brake": 0.0}
    )
    cached = recipe(start, trained={"dropout": False}, optimisation={"chunk": chunk, "gradient_cache": True})
    batch = source(plain, pairs).batch(0)
    found = []
    for made in (plain, cached):
        tower = TrainedTower(made.encoder, made.trained, language_model=True, seed=1)
        loss = Step(tower, made, Processes()).backward(batch, 0)
        found.append((loss, gradients(tower)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-4, atol=1e-6)


@pytest.fixture
def _threads_restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads_restored")
def test_threads_have_the_plain_gradient_and_the_same_bits_every_time(start, pairs) -> None:
    made = recipe(
        start,
        objective={"mlm": 0.0, "brake": 0.5, "pivot": 0.5, "ranking": 0.5},
        views={"mask": 0.0},
        trained={"dropout": False},
        optimisation={"chunk": 4},
    )
    batch = source(made, pairs).batch(0)
    found = []
    for threads in (1, 2, 3, 3):
        torch.set_num_threads(threads)
        tower = TrainedTower(made.encoder, made.trained, language_model=False, seed=1)
        teacher = load_start(made.encoder).eval().requires_grad_(requires_grad=False)
        loss = Step(tower, made, Processes(), teacher).backward(batch, 0)
        found.append((loss, gradients(tower)))
        assert torch.get_num_threads() == threads
    for loss, gradient in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-5)
        torch.testing.assert_close(gradient, found[0][1], rtol=1e-4, atol=1e-6)
    assert torch.equal(found[2][1], found[3][1])


def test_embeddings_added_row_by_row_have_the_plain_gradient() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Embedding(11, 4, padding_idx=1)
    found: list[torch.nn.Embedding] = []
    model = SimpleNamespace(get_input_embeddings=lambda: plain, set_input_embeddings=found.append)
    add_gradients_by_row(model)
    ids = torch.tensor([[3, 5, 3, 1], [10, 3, 1, 1]])
    for _ in range(2):  # the second time it is added to what is there, and so is a tied head's dense gradient
        for embedding in (plain, found[0]):
            (embedding(ids).sin() @ embedding.weight.T).square().sum().backward()
    torch.testing.assert_close(found[0].weight.grad, plain.weight.grad)
    frozen = torch.nn.Embedding(11, 4).requires_grad_(requires_grad=False)
    add_gradients_by_row(SimpleNamespace(get_input_embeddings=lambda: frozen))


def test_killed_and_resumed_ends_with_the_same_weights(start, pairs, tmp_path) -> None:
    whole = Training(recipe(start), source(recipe(start), pairs), tmp_path / "whole").run()
    stopped = recipe(start, optimisation={"stop_after": 4})
    Training(stopped, source(stopped, pairs), tmp_path / "parts").run()
    resumed = Training(recipe(start), source(recipe(start), pairs), tmp_path / "parts").run()
    assert resumed.step == whole.step == 6
    one, other = weights(whole.checkpoint), weights(resumed.checkpoint)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_of_another_configuration_is_refused(start, pairs, tmp_path) -> None:
    first = recipe(start, optimisation={"steps": 2})
    Training(first, source(first, pairs), tmp_path).run()
    other = recipe(start, optimisation={"steps": 2, "learning_rate": 1e-3})
    with pytest.raises(UsageError, match="another configuration"):
        Training(other, source(other, pairs), tmp_path).run()


def test_a_loss_that_is_not_finite_names_the_batch_and_keeps_the_checkpoint(
    start, pairs, tmp_path, monkeypatch
) -> None:
    made = recipe(start, evaluation={"save_every": 2})
    original = Step.backward
    monkeypatch.setattr(
        Step, "backward", lambda self, batch, step: float("nan") if step == 2 else original(self, batch, step)
    )
    with pytest.raises(TrainingError, match=r"step 3 is nan.*pair \d+"):
        Training(made, source(made, pairs), tmp_path).run()
    assert [path.name for path in checkpoints(tmp_path)] == ["step-0000002"]


def test_checkpoints_load_without_this_package(start, pairs, tmp_path) -> None:
    from transformers import AutoModel

    made = recipe(start, optimisation={"steps": 1})
    folder = Training(made, source(made, pairs), tmp_path).run().checkpoint
    model = AutoModel.from_pretrained(folder)
    assert model.config.hidden_size == 32
    sentence_transformers = pytest.importorskip("sentence_transformers")
    loaded = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    assert loaded.encode(["aa1 aa2"]).shape == (1, 32)
    assert "LAPCA-R" in (folder / "README.md").read_text(encoding="utf-8")


def test_an_adapter_moves_little_and_is_merged_into_the_checkpoint(start, pairs, tmp_path) -> None:
    pytest.importorskip("peft")
    made = recipe(
        start, trained={"what": "adapter", "layers": 1, "rank": 2}, objective={"mlm": 0.0}, optimisation={"steps": 2}
    )
    folder = Training(made, source(made, pairs), tmp_path).run().checkpoint
    before, after = weights(start), weights(folder)
    assert before.keys() <= after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


@pytest.mark.usefixtures("_threads_restored")
@pytest.mark.parametrize(("changes", "threads"), [({}, (1, 1)), ({"objective": {"mlm": 0.0}}, (1, 3))])
def test_two_processes_share_the_gradient_of_one(start, pairs, changes, threads) -> None:
    """Each process of two computes its chunks; their parts add up to the whole (exchanged by hand here).

    They may differ in their numbers of threads.
    """
    made = recipe(start, trained={"dropout": False}, **changes)
    batch = source(made, pairs).batch(0)
    whole = TrainedTower(made.encoder, made.trained, language_model=True, seed=1)
    Step(whole, made, Processes()).backward(batch, 0)
    matrices: list[torch.Tensor] = []
    for rank in range(2):  # first what each process embeds
        torch.set_num_threads(threads[rank])
        tower = TrainedTower(made.encoder, made.trained, language_model=True, seed=1)

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.dim() == 2:
                matrices.append(tensor.clone())
            return tensor

        Step(tower, made, Processes(rank, 2, keep)).backward(batch, 0)
    joint = matrices[0] + matrices[1]
    parts = []
    for rank in range(2):
        torch.set_num_threads(threads[rank])
        tower = TrainedTower(made.encoder, made.trained, language_model=True, seed=1)
        Step(tower, made, Processes(rank, 2, lambda tensor: joint.clone() if tensor.dim() == 2 else tensor)).backward(
            batch, 0
        )
        parts.append(gradients(tower))
    torch.testing.assert_close(parts[0] + parts[1], gradients(whole), rtol=1e-4, atol=1e-6)


def test_pivot_loss_is_the_mean_distance_from_the_start_models_vectors(start, pairs) -> None:
    """At the start teacher and student are one model: a view stands as far from its pivot as that model puts it."""
    objective = {"mlm": 0.0, "alignment": 0.0, "pivot": 2.0, "pivot_language": "bb"}
    made = recipe(start, objective=objective, views={"mask": 0.0}, trained={"dropout": False})
    batch = source(made, pairs).batch(0)
    tower = TrainedTower(made.encoder, made.trained, language_model=False, seed=1)
    loss = Step(tower, made, Processes(), load_start(made.encoder)).backward(batch, 0)

    encoder = TowerEncoder(tower, "start", query_length=16, passage_length=16)
    texts, aims = (*batch.queries, *batch.passages), (*batch.query_pivots, *batch.passage_pivots)
    views = list(zip(texts, aims, strict=True))
    ours, pivots = zip(*((text, pivot) for text, pivot in views if pivot), strict=True)
    assert 0 < len(ours) < len(views)  # pages without text in the pivot language pull at nothing
    cosines = (encoder.encode(ours, "query") * encoder.encode(pivots, "query")).sum(axis=1)
    assert loss == pytest.approx(2 * float(np.mean(1 - cosines)), rel=1e-4)
    assert any(float(gradient.abs().max()) > 0 for gradient in gradients(tower).split(1000))


def test_ranking_loss_is_nil_for_the_pivots_themselves_and_keeps_their_order() -> None:
    from lapca_bench.training.losses.pivot import Pivot, Pivots, PivotSettings

    term = Pivot(PivotSettings(ranking=1.0, ranking_temperature=0.5))
    torch.manual_seed(0)
    matrix = torch.randn(8, 5, dtype=torch.float64)
    alike = Pivots(torch.arange(8), matrix.clone())
    assert float(term.towards(alike, matrix, 4)) == pytest.approx(0, abs=1e-12)
    # Pair 3 has no pivot for its passage: rows 0 to 2 of the queries against rows 4 to 6, by hand.
    other = Pivots(torch.tensor([0, 1, 2, 3, 4, 5, 6]), torch.randn(7, 5, dtype=torch.float64))
    unit = torch.nn.functional.normalize
    p = torch.softmax(unit(other.vectors[:3], dim=1) @ unit(other.vectors[4:], dim=1).T / 0.5, dim=1)
    q = torch.softmax(unit(matrix[:3], dim=1) @ unit(matrix[4:7], dim=1).T / 0.5, dim=1)
    assert float(term.towards(other, matrix, 4)) == pytest.approx(float((p * (p / q).log()).sum() / 3))


def test_pairs_of_one_language_or_none_are_refused(start, pairs) -> None:
    with pytest.raises(InputError, match="no pairs are left"):
        source(recipe(start, pairs={"minimum_margin": 2.0}), pairs)
    with pytest.raises(InputError, match="too few"):
        source(recipe(start, optimisation={"batch": 500}), pairs)


def test_batches_mix_languages_and_hold_no_page_twice(start, pairs) -> None:
    made = recipe(start)
    batches = source(made, pairs)
    batch: Batch = batches.batch(3)
    assert batch == source(made, pairs).batch(3)
    assert set(batch.languages) == set(LANGUAGES)
    assert len({name.split()[0] for name in batch.names}) == 16
    single = recipe(start, pairs={"batches": "single-pair", "held_out": 0})
    assert len({name.split("(")[1].split(",")[0] for name in source(single, pairs).batch(0).names}) == 1


def changes_of(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a delta's file."""
    from safetensors.numpy import load_file

    return {name: value.astype(np.float32) for name, value in load_file(path).items()}


def test_a_shipped_delta_runs_by_its_card_as_the_checkpoint_does(start, pairs, tmp_path) -> None:
    """Checkpoint → delta folder → system card → the checkpoint's own vectors; training can go on from it."""
    from lapca_bench.encoders import build
    from lapca_bench.search.kinds import read_card

    made = recipe(start, trained={"what": "upper", "layers": 1}, objective={"mlm": 0.0}, optimisation={"steps": 2})
    checkpoint = Training(made, source(made, pairs), tmp_path / "run", facts={"command": "`x`"}).run().checkpoint
    ship([checkpoint], tmp_path / "small")
    card = read_card(tmp_path / "small/card.toml")
    small = build(card.encoder, card.name).encode_queries(["aa1 bb2", "cc3"])
    whole = build(made.encoder.model_copy(update={"checkpoint": str(checkpoint)}), "whole")
    np.testing.assert_allclose(small, whole.encode_queries(["aa1 bb2", "cc3"]), atol=1e-5)
    assert "| command | `x` |" in (tmp_path / "small/README.md").read_text(encoding="utf-8")
    half = changes_of(ship([checkpoint], tmp_path / "half", scale=0.5).delta)
    for name, value in changes_of(tmp_path / "small/delta.safetensors").items():
        np.testing.assert_allclose(half[name], value * 0.5, atol=1e-7)
    assert "| share of the change kept | 0.5 |" in (tmp_path / "half/README.md").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="keeps no share"):
        ship([checkpoint], tmp_path / "none", scale=0.0)
    seeded = made.model_copy(update={"seed": 2})
    second = Training(seeded, source(seeded, pairs), tmp_path / "second").run().checkpoint
    ship([second], tmp_path / "other")
    mean = changes_of(ship([checkpoint, second], tmp_path / "mean").delta)
    other = changes_of(tmp_path / "other/delta.safetensors")
    for name, value in changes_of(tmp_path / "small/delta.safetensors").items():
        np.testing.assert_allclose(mean[name], (value + other[name]) / 2, rtol=2e-3, atol=1e-6)
    assert "| seeds | 1, 2 |" in (tmp_path / "mean/README.md").read_text(encoding="utf-8")
    longer = recipe(start, trained={"what": "upper", "layers": 1}, objective={"mlm": 0.0}, optimisation={"steps": 3})
    third = Training(longer, source(longer, pairs), tmp_path / "third").run().checkpoint
    with pytest.raises(UsageError, match="another recipe"):
        ship([checkpoint, third], tmp_path / "none")
    further = recipe(start, encoder={"delta": card.encoder.delta}, objective={"mlm": 0.0}, optimisation={"steps": 1})
    again = Training(further, source(further, pairs), tmp_path / "more").run().checkpoint
    ship([again], tmp_path / "again")
    assert read_card(tmp_path / "again/card.toml").encoder.delta == str(tmp_path / "again/delta.safetensors")
    with pytest.raises(InputError, match="not a whole checkpoint"):
        ship([tmp_path], tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "method"), [("small", "LAPCA"), ("xlm", "Conneau & Lample 2019"), ("query-language-model", "Yu, Fei & Li")]
)
def test_a_system_card_cites_the_method_of_its_recipe(name, method, tmp_path) -> None:
    from lapca_bench.search.kinds import read_card

    made = load_recipe(name)
    (tmp_path / "card.toml").write_text(system_card(made), encoding="utf-8")
    card = read_card(tmp_path / "card.toml")
    assert method in card.citation
    assert card.url == made.url
    assert made.about in card.note
    assert made.model_copy(update={"citation": "", "url": ""}).training_digest() == made.training_digest()
    assert ("LAPCA" in card.citation + card.note) == (name == "small")


def test_a_trained_system_is_not_zero_shot_on_what_it_and_its_start_model_saw(tmp_path) -> None:
    from lapca_bench.search.card import saw
    from lapca_bench.search.kinds import read_card
    from lapca_bench.training.mining.report import corpus_of_pairs

    (tmp_path / "help.report.json").write_text('{"corpus": "help-pages"}', encoding="utf-8")
    assert corpus_of_pairs(tmp_path / "help.parquet") == "help-pages"
    (tmp_path / "other.report.json").write_text("[", encoding="utf-8")
    assert [corpus_of_pairs(tmp_path / name) for name in ("other.parquet", "none.parquet")] == ["", ""]
    (tmp_path / "card.toml").write_text(system_card(load_recipe("small"), "help-pages, mine"), encoding="utf-8")
    card = read_card(tmp_path / "card.toml")
    assert saw(card.trained_on, "help-pages")
    assert {"mine", *find_card("me5-small-q4").trained_on} <= set(card.trained_on)
    assert not saw(card.trained_on, "tatoeba")


def test_a_collection_decides_when_to_stop_and_what_to_keep(start, pairs, tmp_path, monkeypatch) -> None:
    """A toy collection of aligned sentences: the measure rises with training; with no rise, patience ends it."""
    from toys.search import ToyCollection

    from lapca_bench.run import Qrels
    from lapca_bench.types import Document, Query

    random = np.random.default_rng(5)
    sentences = random.integers(WORDS, size=(12, 6))
    documents = [Document(f"d{n}", " ".join(f"bb{w}" for w in row), language="bb") for n, row in enumerate(sentences)]
    queries = [Query(f"q{n}", " ".join(f"aa{w}" for w in row), "aa") for n, row in enumerate(sentences)]
    toy = ToyCollection(documents, queries)
    monkeypatch.setattr(toy, "relevance", lambda: Qrels({f"q{n}": {f"d{n}": 1} for n in range(12)}), raising=False)
    monkeypatch.setattr("lapca_bench.collections.registry.load", lambda name, split: toy)
    looks = {"collections": ["toy/toy"], "split": "test", "queries": 8, "documents": 10, "every": 2, "patience": 2}
    made = recipe(
        start, evaluation=looks | {"select": "best", "save_every": 1000}, optimisation={"learning_rate": 1e-9}
    )
    evaluation = Looks.of(made.evaluation)
    assert (len(evaluation.looks[0].queries), len(evaluation.looks[0].documents)) == (8, 10)
    outcome = Training(made, source(made, pairs), tmp_path / "idle", evaluation).run()
    assert (outcome.step, outcome.progress.best_step) == (4, 0)
    assert list(outcome.progress.history[0]["evaluation"]) == ["nDCG@10 toy/toy", "held-out accuracy"]
    fast = {"steps": 100, "batch": 32, "chunk": 64, "gradient_cache": False, "learning_rate": 5e-3}
    learns = recipe(
        start,
        evaluation=looks | {"every": 100, "documents": 0},
        views={"mask": 0.0},
        objective={"mlm": 0.0},
        trained={"dropout": False},
        optimisation=fast,
    )
    learned = Training(learns, source(learns, pairs), tmp_path / "learns", Looks.of(learns.evaluation)).run()
    values = [one["evaluation"]["nDCG@10 toy/toy"] for one in learned.progress.history if "evaluation" in one]
    assert values[-1] > values[0] + 0.2


def test_a_collection_judged_by_answers_is_refused(start, monkeypatch) -> None:
    from toys.search import ToyCollection

    from lapca_bench.run import Answers

    toy = ToyCollection([])
    monkeypatch.setattr(toy, "relevance", lambda: Answers({}), raising=False)
    monkeypatch.setattr("lapca_bench.collections.registry.load", lambda name, split: toy)
    with pytest.raises(UsageError, match="judged by answer strings"):
        Looks.of(recipe(start, evaluation={"collections": ["toy/toy"]}).evaluation)
