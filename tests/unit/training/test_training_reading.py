"""Losses of pairs read in one sequence: they fall, add up over chunks and processes, and resume bit for bit."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.training import recipe, source  # noqa: E402

from lapca_bench.errors import UsageError  # noqa: E402
from lapca_bench.training.batch import Batch  # noqa: E402
from lapca_bench.training.loop import Training  # noqa: E402
from lapca_bench.training.model.language_modelling import IGNORED  # noqa: E402
from lapca_bench.training.model.tower import TrainedTower  # noqa: E402
from lapca_bench.training.recipe import load_recipe  # noqa: E402
from lapca_bench.training.step.joint_reading import JointReading  # noqa: E402
from lapca_bench.training.step.processes import Processes  # noqa: E402
from lapca_bench.training.step.step import Step  # noqa: E402

XLM = {"alignment": 0.0, "mlm": 1.0, "tlm": 1.0, "same_page": 0}
QLM = {"alignment": 0.0, "mlm": 0.0, "qlm": 1.0, "relevance": 1.0, "same_page": 0}
ALL = {"alignment": 1.0, "mlm": 0.5, "tlm": 1.0, "qlm": 0.7, "relevance": 2.0, "same_page": 0}

pytestmark = pytest.mark.usefixtures("one_thread")


def tower_of(made) -> TrainedTower:
    needs = made.objective.needs
    return TrainedTower(made.encoder, made.trained, language_model=needs.language_model, grader=needs.grader, seed=1)


def gradients(tower: TrainedTower) -> dict[str, torch.Tensor]:
    found = tower.trained_parameters().items()
    return {name: torch.zeros_like(one) if one.grad is None else one.grad for name, one in found}


@pytest.mark.parametrize("objective", [XLM, QLM], ids=["xlm", "qlm and relevance"])
def test_the_loss_falls(start, pairs, tmp_path, objective) -> None:
    """By 0.1 at least, five times what the mean of ten steps varies by; no batch comes twice."""
    made = recipe(
        start,
        objective=objective,
        pairs={"held_out": 0},
        trained={"dropout": False},
        optimisation={"steps": 50, "batch": 24, "chunk": 96, "learning_rate": 2e-2},
    )
    outcome = Training(made, source(made, pairs), tmp_path).run()
    losses = [entry["loss"] for entry in outcome.progress.history if "loss" in entry]
    assert np.mean(losses[-10:]) < np.mean(losses[:5]) - 0.1


@pytest.mark.parametrize("objective", [XLM, QLM, ALL], ids=["xlm", "qlm", "all"])
def test_chunks_and_processes_add_up_to_the_plain_gradient(start, pairs, objective) -> None:
    def made_of(chunk: int):
        return recipe(start, objective=objective, trained={"dropout": False}, optimisation={"chunk": chunk})

    batch = source(made_of(8), pairs).batch(0)
    whole = tower_of(made_of(100))
    loss = Step(whole, made_of(100), Processes()).backward(batch, 0)
    chunked = tower_of(made_of(5))
    assert Step(chunked, made_of(5), Processes()).backward(batch, 0) == pytest.approx(loss, rel=1e-5)
    parts = []
    if not objective["alignment"]:  # what compares vectors needs an exchange: test_training_loop
        for rank in range(2):
            half = tower_of(made_of(5))
            Step(half, made_of(5), Processes(rank, 2, lambda tensor: tensor)).backward(batch, 0)
            parts.append(gradients(half))
    for name, gradient in gradients(whole).items():
        torch.testing.assert_close(gradients(chunked)[name], gradient, rtol=1e-4, atol=1e-6)
        if parts:
            torch.testing.assert_close(parts[0][name] + parts[1][name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("objective", [XLM, QLM], ids=["xlm", "qlm"])
def test_resumed_ends_with_the_same_weights_and_moments(start, pairs, tmp_path, objective) -> None:
    from safetensors.torch import load_file

    made, stopped = (recipe(start, objective=objective, optimisation={"stop_after": n}) for n in (None, 4))
    whole = Training(made, source(made, pairs), tmp_path / "whole").run()
    Training(stopped, source(stopped, pairs), tmp_path / "parts").run()
    resumed = Training(made, source(made, pairs), tmp_path / "parts").run()
    one, other = (load_file(outcome.checkpoint / "training.safetensors") for outcome in (whole, resumed))
    assert one.keys() == other.keys()
    assert ("parameter/grader.weight" in one) == (objective is QLM)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_relevance_grades_the_own_passage_one_and_others_nought(start) -> None:
    """By hand: three pairs, of which two share a passage, and another block of the third pair's page."""
    made = recipe(start, objective=QLM | {"qlm": 0.0})
    tower = tower_of(made)
    batch = Batch(
        ("p", "q", "r"), ("aa1", "aa2 aa3", "aa4"), ("bb1", "bb1", "bb4 bb5"), ("bb",) * 3, ("bb9", "bb0"), (2,)
    )
    (chunk,) = JointReading(tower, made, made.objective.terms, None).chunks(batch, 0)
    names = {number: name for name, number in tower.tokenizer.vocabulary.items()}
    shown = [
        " ".join(names[i] for i, seen in zip(*row, strict=True) if seen) for row in zip(*_arrays(chunk), strict=True)
    ]
    own = {"[CLS] aa1 [SEP] bb1 [SEP]", "[CLS] aa2 aa3 [SEP] bb1 [SEP]", "[CLS] aa4 [SEP] bb4 bb5 [SEP]"}
    others = {"[CLS] aa2 aa3 [SEP] bb4 bb5 [SEP]", "[CLS] aa4 [SEP] bb1 [SEP]", "[CLS] aa4 [SEP] bb9 [SEP]"}
    assert set(shown) == own | others
    hidden = tower.hidden_states(chunk.rows).detach()
    due = torch.tensor([float(text in own) for text in shown])
    error = (tower.grades(hidden) - due).square().mean()
    assert chunk.loss(hidden).item() == pytest.approx(error.item(), rel=1e-5)


def _arrays(chunk) -> tuple[np.ndarray, np.ndarray]:
    return chunk.rows.ids, chunk.rows.mask


def test_translations_are_masked_on_both_sides_and_count_places_anew(start, pairs) -> None:
    made = recipe(start, objective=XLM | {"mlm": 0.0, "tlm_mask": 0.5}, optimisation={"chunk": 100})
    (chunk,) = JointReading(tower_of(made), made, made.objective.terms, tower_of(made).mask_vocabulary()).chunks(
        source(made, pairs).batch(0), 0
    )
    assert chunk.rows.positions[0].tolist() == [*range(8), *range(8)]  # [CLS] six words [SEP], twice
    hidden = chunk.rows.labels != IGNORED
    assert hidden[:, :8].any()
    assert hidden[:, 8:].any()


def test_positions_start_where_the_model_counts_from(start, tmp_path) -> None:
    """XLM-R numbers the first token 2; counted on plainly, positions given are the positions it would take itself."""
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = XLMRobertaConfig(vocab_size=125, max_position_embeddings=40, pad_token_id=0, **sizes)
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(start).save_pretrained(tmp_path)
    made = recipe(tmp_path, objective=QLM | {"qlm": 0.0}, trained={"dropout": False})
    tower = tower_of(made)
    batch = Batch(("p", "q"), ("aa1", "aa2"), ("bb1", "bb2"), ("bb", "bb"))
    (chunk,) = JointReading(tower, made, made.objective.terms, None).chunks(batch, 0)
    ids = torch.from_numpy(chunk.rows.ids)
    torch.testing.assert_close(tower.hidden_states(chunk.rows), tower.encoder(input_ids=ids).last_hidden_state)


def test_more_than_the_model_reads_and_nothing_to_learn_are_refused(start) -> None:
    made = recipe(start, objective=QLM, optimisation={"query_length": 20, "passage_length": 20})
    with pytest.raises(UsageError, match="together may have 40 tokens, but the start model reads 32"):
        JointReading(tower_of(made), made, made.objective.terms, None)
    with pytest.raises(ValueError, match="every weight is 0"):
        recipe(start, objective={"alignment": 0.0, "mlm": 0.0})


def test_shipped_recipes_name_their_method(start, pairs, tmp_path) -> None:
    assert load_recipe("xlm").objective.tlm > 0
    assert load_recipe("query-language-model").objective.relevance > 0
    made = recipe(start, objective=XLM, optimisation={"steps": 1}).model_copy(update={"about": "XLM, as a test"})
    card = Training(made, source(made, pairs), tmp_path).run().checkpoint / "README.md"
    assert "XLM, as a test" in card.read_text(encoding="utf-8")
    assert "LAPCA-R:" not in card.read_text(encoding="utf-8")


def test_settings_that_a_recipe_does_not_use_leave_old_checkpoints_good(start) -> None:
    assert recipe(start).training_digest() == recipe(start, objective={"qlm_mask": 0.5}).training_digest()
    assert recipe(start).training_digest() != recipe(start, objective={"qlm": 0.5}).training_digest()
