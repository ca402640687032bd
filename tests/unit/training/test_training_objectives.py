"""Each objective against a value worked out by hand."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lapca_bench.training.heads import dream, momentum  # noqa: E402
from lapca_bench.training.losses import functions as objectives  # noqa: E402
from lapca_bench.training.model.language_modelling import (  # noqa: E402
    IGNORED,
    MaskVocabulary,
    hidden_token_loss,
    hide_tokens,
    query_before_document,
    translation_pair,
)

EYE = torch.eye(2)


def nll(target: float, others: list[float]) -> float:
    return -target + math.log(sum(math.exp(value) for value in [target, *others]))


def test_info_nce_of_orthogonal_pairs() -> None:
    assert float(objectives.info_nce(EYE, EYE, temperature=0.5)) == pytest.approx(nll(2, [0]))


def test_info_nce_ignores_length() -> None:
    assert float(objectives.info_nce(EYE * 7, EYE, temperature=0.5)) == pytest.approx(nll(2, [0]))


def test_hard_negatives_count_for_queries_only() -> None:
    negative = torch.tensor([[1.0, 0.0]])
    found = objectives.info_nce(EYE, EYE, temperature=1.0, negatives=negative)
    forward = (nll(1, [0, 1]) + nll(1, [0, 0])) / 2
    assert float(found) == pytest.approx((forward + nll(1, [0])) / 2)


def test_question_passage_nll_uses_the_dot_product() -> None:
    assert float(objectives.question_passage_nll(EYE * 3, EYE)) == pytest.approx(nll(3, [0]))


def test_relevance_regression() -> None:
    assert float(objectives.relevance_regression(torch.tensor([0.5, 0.5]), torch.tensor([1, 0]))) == 0.25


def test_similarity_regularisation() -> None:
    assert float(objectives.similarity_regularisation(EYE, torch.ones(2, 2))) == pytest.approx(1.0)


def test_vector_distillation_gives_the_teacher_no_gradient() -> None:
    student, teacher = EYE.clone().requires_grad_(), EYE.flip(0).clone().requires_grad_()
    loss = objectives.vector_distillation(student, teacher)
    assert float(loss.detach()) == pytest.approx(1.0)
    loss.backward()
    assert teacher.grad is None


def test_score_distillation() -> None:
    student, teacher = torch.zeros(1, 2), torch.log(torch.tensor([[0.75, 0.25]]))
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert float(objectives.score_distillation(student, teacher)) == pytest.approx(expected)


def test_reversed_gradient() -> None:
    x = torch.tensor([2.0], requires_grad=True)
    turned = objectives.reverse_gradient(x, strength=0.5)
    assert float(turned.detach()) == 2.0
    (turned * 3).sum().backward()
    assert float(x.grad) == -1.5


def test_language_adversarial() -> None:
    found = objectives.language_adversarial(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    assert float(found) == pytest.approx(nll(1, [0]))


def test_queue_is_first_in_first_out_and_normalised() -> None:
    queue = momentum.VectorQueue(2, 2)
    assert len(queue) == 0
    queue.put(torch.tensor([[3.0, 0.0]]))
    queue.put(torch.tensor([[0.0, 2.0], [-5.0, 0.0]]))
    assert sorted(queue.vectors().tolist()) == [[-1.0, 0.0], [0.0, 1.0]]


def test_follower_moves_by_one_minus_momentum() -> None:
    slow, fast = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    with torch.no_grad():
        for parameter in slow.parameters():
            parameter.fill_(0)
        for parameter in fast.parameters():
            parameter.fill_(1)
    momentum.follow(slow, fast, 0.75)
    assert slow.weight.item() == 0.25


def test_queue_info_nce() -> None:
    queue = torch.tensor([[0.0, 1.0]])
    there = momentum.queue_info_nce(EYE[:1], EYE[:1], queue, temperature=0.5)
    assert float(there) == pytest.approx(nll(2, [0]))
    both = momentum.dual_queue_info_nce(EYE[:1], EYE[:1], EYE[:1], EYE[:1], (queue, EYE[:1]), temperature=0.5)
    assert float(both) == pytest.approx((nll(2, [2]) + nll(2, [0])) / 2)


def test_dream_losses() -> None:
    x, y = EYE[:1], EYE[1:]
    one = dream.SplitVectors(whole=x + y, meaning=x, language=y)
    other = dream.SplitVectors(whole=x, meaning=y, language=y)
    batch = dream.DreamBatch(one, one, other, other)
    assert float(dream.meaning_loss(batch)) == 0
    assert float(dream.reconstruction_loss(batch)) == 0
    assert float(dream.language_loss(batch)) == 0
    worst = dream.DreamBatch(one, other, other, one)
    assert float(dream.meaning_loss(worst)) == pytest.approx(3.0)
    assert float(dream.reconstruction_loss(worst)) == pytest.approx(2.5)
    assert float(dream.identification_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))) == pytest.approx(nll(0, [1]))


VOCABULARY = MaskVocabulary(mask=9, size=8, special=frozenset({0, 1}))


def test_masking_is_eighty_ten_ten_and_spares_special_tokens() -> None:
    ids = np.full(100_000, 5)
    ids[:1000] = 0
    hidden, labels = hide_tokens(ids, VOCABULARY, 0.15, np.random.default_rng(3))
    chosen = labels != IGNORED
    assert not chosen[:1000].any()
    assert chosen[1000:].mean() == pytest.approx(0.15, abs=0.005)
    assert (hidden[chosen] == 9).mean() == pytest.approx(0.8, abs=0.02)
    assert (hidden[chosen] == 5).mean() == pytest.approx(0.1 + 0.1 / 8, abs=0.02)
    assert (hidden[~chosen] == ids[~chosen]).all()
    assert (labels[chosen] == 5).all()


def test_hidden_token_loss_of_chunks_adds_up() -> None:
    logits, labels = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1])
    whole = hidden_token_loss(logits, labels)
    parts = [hidden_token_loss(logits[i : i + 1], labels[i : i + 1], total=2) for i in range(2)]
    assert float(whole) == pytest.approx((nll(1, [0]) + nll(3, [0])) / 2)
    assert float(sum(parts)) == pytest.approx(float(whole))
    assert float(hidden_token_loss(logits[:0], labels[:0])) == 0


def test_translation_pair_restarts_positions() -> None:
    made = translation_pair([0, 4, 1], [0, 5, 6, 1], VOCABULARY, 0.0, np.random.default_rng(0))
    assert made.positions.tolist() == [0, 1, 2, 0, 1, 2, 3]
    assert (made.labels == IGNORED).all()


def test_query_language_modelling_hides_the_query_alone() -> None:
    made = query_before_document([4] * 50, [5] * 50, VOCABULARY, 0.9, np.random.default_rng(0))
    assert (made.labels[:50] != IGNORED).sum() > 30
    assert (made.labels[50:] == IGNORED).all()
    assert (made.ids[50:] == 5).all()
