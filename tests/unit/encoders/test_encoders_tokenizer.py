from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.encoders.weights.tokenizer import filled_up, load_tokenizer, padded, tokenizer_digest
from lapca_bench.errors import InputError, LapcaError

pytest.importorskip("tokenizers")

from toys.checkpoints import VOCABULARY, ids_of, write_tokenizer


def test_ids_truncation_and_unknown_tokens_are_counted(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    tokens = tokenizer.encode(["Cat sat", "the mat .", "漢字 cat", "the mat . cat sat"], 5)
    assert tokens.ids[0].tolist() == ids_of("[CLS]", "Cat", "sat", "[SEP]")
    assert tokens.ids[1].tolist() == ids_of("[CLS]", "the", "mat", ".", "[SEP]")
    assert tokens.truncated.tolist() == [False, False, False, True]
    assert tokens.unknown.tolist() == [0, 0, 2, 0]
    assert tokens.lengths.tolist() == [4, 5, 5, 5]
    assert (tokenizer.pad, tokenizer.unknown) == (0, 1)


def test_special_tokens_may_be_left_out_or_chosen(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.encode(["cat sat"], None, special_tokens=False).ids[0].tolist() == ids_of("cat", "sat")
    between = tokenizer.encode_between(["cat sat mat", "cat"], 4, ids_of("a_Latn", "b_Latn"), VOCABULARY.index("[SEP]"))
    assert between.ids[0].tolist() == ids_of("a_Latn", "cat", "sat", "[SEP]")
    assert between.ids[1].tolist() == ids_of("b_Latn", "cat", "[SEP]")
    assert between.truncated.tolist() == [True, False]


def test_lone_surrogates_become_the_replacement_character(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    broken, replaced = tokenizer.encode(["cat \ud800 sat", "cat \ufffd sat"], None).ids
    assert broken.tolist() == replaced.tolist()


def test_the_file_is_read_as_it_is_whatever_class_the_configuration_names(tmp_path: Path) -> None:
    """transformers' DPR and BERT classes lower-case by default; the file says otherwise, and the file is right."""
    write_tokenizer(tmp_path)
    before = load_tokenizer(tmp_path).encode(["Cat"], None).ids[0].tolist()
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    drifted = settings | {"tokenizer_class": "DPRQuestionEncoderTokenizer", "do_lower_case": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(drifted))
    assert load_tokenizer(tmp_path).encode(["Cat"], None).ids[0].tolist() == before == ids_of("[CLS]", "Cat", "[SEP]")


def test_a_checkpoint_with_a_word_list_alone_goes_through_transformers(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    )
    assert load_tokenizer(tmp_path).encode(["cat sat"], None).ids[0].tolist() == ids_of("[CLS]", "cat", "sat", "[SEP]")
    assert tokenizer_digest(tmp_path)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "a")
    write_tokenizer(tmp_path / "b")
    write_tokenizer(tmp_path / "c", lower=True)
    digests = [tokenizer_digest(tmp_path / name) for name in "abc"]
    assert digests[0] == digests[1] != digests[2]


@given(
    st.lists(st.sampled_from(["cat", "sat", "zebra", " ", "\n\n", ".", "漢", "x" * 99, "x" * 130]), max_size=90),
    st.integers(3, 9),
)
def test_cutting_a_very_long_text_before_tokenising_changes_nothing(
    long_texts: Any, pieces: list[str], kept: int
) -> None:
    tokenizer, cutting = long_texts
    text = "".join(pieces) * 3
    plain, cut = tokenizer.encode([text], kept), cutting.encode([text], kept)
    assert plain.ids[0].tolist() == cut.ids[0].tolist()
    assert plain.truncated.tolist() == cut.truncated.tolist()


@pytest.fixture(scope="module")
def long_texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The same tokenizer without the cut, and with one that every text of the test is long enough for."""
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    plain, cutting = load_tokenizer(folder), load_tokenizer(folder)
    plain._beginning = lambda text, _: text  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lapca_bench.encoders.weights.tokenizer.LONG_TEXT", 2)
        yield plain, cutting


def test_malformed_and_absent_files_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(LapcaError, match="no tokenizer files"):
        tokenizer_digest(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{not json")
    with pytest.raises(InputError, match="not a tokenizer") as caught:
        load_tokenizer(tmp_path)
    assert caught.value.path == tmp_path / "tokenizer.json"
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match="not readable as JSON"):
        load_tokenizer(tmp_path)


def test_sequences_are_filled_up_on_the_right_to_the_longest() -> None:
    texts = [np.array([5, 6, 7], np.int32), np.array([], np.int32), np.array([8], np.int32)]
    assert filled_up(texts, 9).tolist() == [[5, 6, 7], [9, 9, 9], [8, 9, 9]]
    assert filled_up([], 9).shape == (0, 1)
    ids, mask = padded(texts, [2, 0], 1)
    assert ids.tolist() == [[8, 1, 1], [5, 6, 7]]
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert ids.dtype == mask.dtype == np.int64
