from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lapca_bench.encoders import Encoder, ShowsTexts, adapt
from lapca_bench.encoders.adapt import PROBES, fingerprint
from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.errors import EncoderError, UsageError
from lapca_bench.types import Document


class Letters:
    """Counts of a few letters: a user's encoder in three lines."""

    scale = 1.0

    def encode(self, texts: list[str]) -> Any:
        return [[self.scale * text.count(letter) for letter in "aeiou"] for text in texts]


def test_lists_arrays_functions_and_tensors_give_the_same_vectors() -> None:
    torch = pytest.importorskip("torch")
    texts = ["banana", "queue"]
    expected = np.array([[1, 0, 0, 0, 0], [0, 2, 0, 0, 2]]) / np.array([[1.0], [8**0.5]])
    things: list[Any] = [
        Letters(),
        Letters().encode,
        lambda batch: np.array(Letters().encode(batch)),
        lambda batch: torch.tensor(Letters().encode(batch), dtype=torch.bfloat16, requires_grad=True),
        lambda batch: [torch.tensor(row, dtype=torch.float32) for row in Letters().encode(batch)],
    ]
    for thing in things:
        encoder = adapt(thing, name="letters")
        assert isinstance(encoder, Encoder)
        assert isinstance(encoder, ShowsTexts)
        vectors = encoder.encode_queries(texts)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, expected, atol=1e-6)
        assert encoder.dimension == 5


def test_dot_products_are_left_as_they_come_and_prompts_are_put_before_the_text() -> None:
    encoder = adapt(Letters(), similarity="dot", query_prompt="a: ", document_prompt="i: ", title_separator=" | ")
    assert encoder.encode_queries(["x"]).tolist() == [[1, 0, 0, 0, 0]]
    document = Document("1", "oo", "u")
    assert encoder.shown_document(document) == "i: u | oo"
    assert encoder.encode_documents([document]).tolist() == [[0, 0, 1, 2, 1]]


def test_zero_vectors_stay_zero_and_are_counted() -> None:
    encoder = adapt(Letters())
    assert encoder.encode_queries(["xyz", "a"]).tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert encoder.zero_vectors == 1


def test_an_encoder_is_handed_back_as_it_is() -> None:
    encoder = adapt(Letters())
    assert adapt(encoder) is encoder


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        (lambda n: np.zeros((n + 1, 5)), r"shape \(\d+, 5\); due was \(\d+, "),
        (lambda n: np.zeros(5), "shape"),
        (lambda n: np.zeros((n, 5, 2)), "shape"),
        (lambda n: np.zeros((n, 0)), "shape"),
        (lambda n: [[1.0] * (i + 1) for i in range(n)], "rows of different lengths"),
        (lambda n: np.full((n, 5), np.nan), "NaN or infinite values in"),
        (lambda n: np.full((n, 5), 1e300), "NaN or infinite"),
        (lambda n: [["a"] * 5] * n, "not numbers"),
        (lambda n: None, "not numbers"),
        (lambda n: np.full((n, 5), 1j), "not numbers"),
        (lambda n: {"vectors": 1}, "not numbers"),
    ],
)
def test_what_is_no_matrix_of_finite_numbers_is_a_clear_error(returned: Any, complaint: str) -> None:
    encoder = adapt(lambda texts: returned(len(texts)), name="toy")
    with pytest.raises(EncoderError, match=complaint) as caught:
        encoder.encode_queries(["a", "b"])
    assert "'toy'" in str(caught.value)
    assert caught.value.remedy


def test_a_dimension_that_changes_between_calls_is_an_error() -> None:
    encoder = adapt(lambda texts: np.ones((len(texts), 3 if len(texts) == len(PROBES) else 4)), name="toy")
    with pytest.raises(EncoderError, match=r"shape \(1, 4\); due was \(1, 3\)"):
        encoder.encode_queries(["a"])


def test_an_exception_of_the_users_code_names_the_encoder_and_the_cause() -> None:
    def broken(texts: list[str]) -> Any:
        return texts[99]

    with pytest.raises(EncoderError, match=r"'broken' failed on .* IndexError"):
        adapt(broken).encode_queries(["a"])


def test_things_that_are_no_encoders() -> None:
    with pytest.raises(UsageError, match="is a class") as caught:
        adapt(Letters)
    assert "Letters()" in str(caught.value)
    with pytest.raises(UsageError, match="cannot be an encoder"):
        adapt(42)
    with pytest.raises(UsageError, match="unknown similarity"):
        adapt(Letters(), similarity="euclid")  # type: ignore[arg-type]


def test_the_identity_follows_weights_prompts_version_and_source_and_not_the_name() -> None:
    def changed(**attributes: Any) -> Letters:
        letters = Letters()
        for name, value in attributes.items():
            setattr(letters, name, value)
        return letters

    class Relatives(Letters):
        pass

    base = adapt(Letters(), name="a").identity.digest
    assert adapt(Letters(), name="b").identity.digest == base
    others = [
        adapt(Letters(), similarity="dot"),
        adapt(Letters(), query_prompt="q: "),
        adapt(Letters(), document_prompt="d: "),
        adapt(changed(version="2")),
        adapt(changed(identity="other")),
        adapt(Relatives()),
        adapt(changed(encode=lambda texts: [[text.count(c) ** 2 for c in "aeiou"] for text in texts])),
    ]
    assert len({base, *(one.identity.digest for one in others)}) == len(others) + 1


def test_the_fingerprint_sees_new_weights_and_not_the_last_bits() -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 64)).astype(np.float32)
    coarse = (np.round(vectors / np.abs(vectors).max() * 1000) / 1000 * np.abs(vectors).max()).astype(np.float32)
    assert fingerprint(coarse) == fingerprint((coarse * np.float32(1 + 1e-6)).astype(np.float32))
    assert fingerprint(coarse) != fingerprint(coarse + np.float32(0.02))
    assert fingerprint(coarse) != fingerprint(coarse[:, ::-1].copy())


def test_nothing_is_asked_of_the_encoder_for_no_texts() -> None:
    calls: list[int] = []

    def counting(texts: list[str]) -> Any:
        calls.append(len(texts))
        return np.ones((len(texts), 2))

    assert adapt(counting).encode_queries([]).shape == (0, 2)
    assert calls == [len(PROBES)]


def test_normalising_and_checking_by_hand() -> None:
    rows = normalised(np.array([[3, 4], [0, 0], [1e-20, 0]], dtype=np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [1, 0]], atol=1e-6)
    assert checked([], name="toy", texts=0, dimension=3).shape == (0, 3)
    assert checked(np.array([[1, 2]]), name="toy", texts=1, dimension=None).dtype == np.float32


def _bfloat16(rows: list[list[float]]) -> Any:
    import torch

    return torch.tensor(rows, dtype=torch.bfloat16)


FORMS: dict[str, Any] = {
    "tensors of bfloat16": lambda rows: list(_bfloat16(rows)),
    "tensors with gradients": lambda rows: list(_bfloat16(rows).float().requires_grad_()),
    "a tuple of tensors": lambda rows: tuple(_bfloat16(rows).double()),
    "tensors and lists": lambda rows: [_bfloat16(rows)[0], *rows[1:]],
    "tensors of no dimension": lambda rows: [list(row) for row in _bfloat16(rows).requires_grad_()],
    "a parameter": lambda rows: __import__("torch").nn.Parameter(_bfloat16(rows)),
    "a sparse tensor": lambda rows: _bfloat16(rows).float().to_sparse(),
    "whole numbers": lambda rows: _bfloat16(rows).long(),
    "float16": lambda rows: np.array(rows, np.float16),
    "rows of float16": lambda rows: list(np.array(rows, np.float16)),
    "an array of objects": lambda rows: np.array(rows, object),
    "an array of tensors": lambda rows: _objects(list(_bfloat16(rows))),
    "tuples": lambda rows: tuple(map(tuple, rows)),
}


def _objects(rows: list[Any]) -> Any:
    array = np.empty(len(rows), object)
    for place, row in enumerate(rows):
        array[place] = row
    return array


@pytest.mark.parametrize("form", FORMS)
def test_whatever_holds_the_numbers_they_are_the_same(form: str) -> None:
    pytest.importorskip("torch")
    rows = [[1.0, 2.0, 0.0], [3.0, 0.0, 4.0]]
    assert checked(FORMS[form](rows), name="e", texts=2, dimension=None).tolist() == rows


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ([[1.0], [1.0, 2.0]], "rows of different lengths"),
        ([np.ones(2), np.ones(3)], "rows of different lengths"),
        ([[1.0, float("nan")], [1.0, 2.0]], "NaN or infinite values in 1 of 2 rows"),
        ([["1", "2"], ["3", "4"]], "not numbers"),
        ([None, None], "not numbers"),
        (np.ones((2, 2), complex), "not numbers"),
        ({"vectors": [[1.0], [2.0]]}, "not numbers"),
        ((row for row in [[1.0], [2.0]]), "not numbers"),
    ],
)
def test_what_holds_no_vectors_is_told(returned: Any, told: str) -> None:
    with pytest.raises(EncoderError, match=told):
        checked(returned, name="e", texts=2, dimension=None)


def test_tensors_that_hold_no_vectors_are_told() -> None:
    torch = pytest.importorskip("torch")
    for returned, told in (
        ([torch.ones(2), torch.ones(3)], "rows of different lengths"),
        (torch.ones(2, 2, dtype=torch.complex64), "not numbers"),
        ([torch.ones(2, device="meta")] * 2, "no array"),
        ([torch.ones(2), torch.full((2,), torch.nan)], "NaN"),
    ):
        with pytest.raises(EncoderError, match=told):
            checked(returned, name="e", texts=2, dimension=None)


class Ends(BaseException):
    pass


@pytest.mark.parametrize("raised", [SystemExit(0), SystemExit("bye"), GeneratorExit(), Ends(), StopIteration()])
def test_whatever_a_users_code_raises_is_its_encoders_error(raised: BaseException) -> None:
    def encode(texts: list[str]) -> Any:
        raise raised

    with pytest.raises(EncoderError, match=type(raised).__name__):
        adapt(encode, name="mine").encode_queries(["a"])


def test_an_interruption_is_not_taken_for_an_error() -> None:
    from lapca_bench.errors import Interrupted

    for stop in (KeyboardInterrupt(), Interrupted(2)):

        def encode(texts: list[str], stop: BaseException = stop) -> Any:
            raise stop

        with pytest.raises(type(stop)):
            adapt(encode, name="mine").encode_queries(["a"])
