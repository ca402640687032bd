"""Terms: each states its keys, what it needs and its share of the digest; a recipe's objective is made of them."""

import pytest

from lapca_bench.training.hard_negatives import HardNegativeSettings
from lapca_bench.training.losses.objective import TERMS, Objective
from lapca_bench.training.losses.similarity import SimilaritySettings
from lapca_bench.training.losses.term import Needs


def used(**keys: object) -> list[str]:
    return [type(term).__name__ for term in Objective(**keys).terms]


def test_every_key_of_the_table_belongs_to_one_term() -> None:
    shared = set(SimilaritySettings.model_fields)
    owned = [key for kind in TERMS for key in kind.keys.model_fields if key not in shared]
    owned += [*HardNegativeSettings.model_fields, *shared]
    assert sorted(owned) == sorted(Objective.model_fields)


def test_a_term_is_used_where_its_weight_is_not_nought() -> None:
    assert used() == ["Alignment", "MaskedWords"]
    assert used(alignment=0, mlm=0, brake=1) == ["Brake"]
    assert used(mlm=0, ranking=0.5, teacher="me5-small") == ["Alignment", "Pivot", "Distillation"]
    assert used(alignment=0, tlm=1, qlm=1, relevance=1) == ["MaskedWords", "Translation", "QueryWords", "Relevance"]
    with pytest.raises(ValueError, match="every weight is 0"):
        Objective(alignment=0, mlm=0)


def test_needs_add_up() -> None:
    assert Objective(mlm=0).needs == Needs()
    assert Objective(relevance=1).needs == Needs(language_model=True, grader=True)
    assert Objective(mlm=0, brake=1, pivot=1, pivot_language="de").needs == Needs(start_model=True, pivot_language="de")


def test_keys_of_a_family_count_where_one_of_its_terms_is_used() -> None:
    reading = {"tlm", "tlm_mask", "qlm", "qlm_mask", "relevance"}
    distillation = {"teacher", "distillation", "distillation_temperature"}
    every = set(Objective.model_fields)
    assert set(Objective().digested()) == every - reading - distillation
    assert set(Objective(relevance=1).digested()) == every - distillation
    assert set(Objective(teacher="me5-small").digested()) == every - reading
