from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lapca_bench.encoders import EncoderIdentity, adapt, build
from lapca_bench.encoders.health import Finding, check
from lapca_bench.encoders.kinds.term_weights import SparseSettings
from lapca_bench.encoders.kinds.token_vectors import LateInteractionSettings
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.probes import golden_tokens, probes
from lapca_bench.errors import UsageError

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import write_checkpoint, write_tokenizer

SAMPLES = {"en": ["the Cat sat", "Zebra"], "de": ["Die Katze"], "zh": ["漢字 漢字"]}


def settings(folder: Path, **changes: Any) -> TransformerSettings:
    base = {"type": "transformer", "checkpoint": str(folder), "pooling": "mean", "query_prompt": "query: "}
    return TransformerSettings.model_validate(base | {"query_max_length": 16, "document_max_length": 4} | changes)


def by_check(findings: list[Finding]) -> dict[tuple[str, str], Finding]:
    return {(finding.check, finding.language): finding for finding in findings}


def golden(folder: Path) -> dict[str, list[int]]:
    encoder = build(settings(folder), "tiny")
    return {language: encoder.tokenise([probes()[language]]).ids[0].tolist() for language in ("en", "de", "fr")}


def test_a_sound_encoder_and_what_is_told_of_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    found = by_check(check(build(settings(folder), "tiny"), settings(folder), SAMPLES, golden(folder)))
    outcomes = {key: finding.outcome for key, finding in found.items()}
    for sound in ("padding", "order", "normalised", "similarity", "identity", "first query", "first document"):
        assert outcomes[sound, ""] == "ok", found[sound, ""]
    for language in ("en", "de", "fr"):
        assert outcomes["golden tokens", language] == "ok"
    assert outcomes["tokens", "en"] == "ok"
    assert outcomes["tokens", "zh"] == "failed"  # no Chinese character is in the vocabulary
    assert "% unknown" in found["tokens", "zh"].detail
    assert outcomes["truncation", "en"] == "warning"
    assert found["first query", ""].detail == "'query: the Cat sat'"


def test_a_tokenizer_that_drifts_to_lower_case_is_caught(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    expected = golden(folder)
    write_tokenizer(folder, lower=True)
    found = by_check(check(build(settings(folder), "tiny"), settings(folder), SAMPLES, expected))
    for language in expected:
        assert found["golden tokens", language].outcome == "failed"
        assert "the tokenizer has drifted" in found["golden tokens", language].detail


def test_the_lower_casing_dpr_class_is_caught(tmp_path: Path) -> None:
    """A checkpoint without tokenizer.json goes through transformers, whose class for DPR lower-cases by default."""
    from toys.checkpoints import VOCABULARY

    folder = write_checkpoint(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    cased = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(cased))
    expected = golden(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "DPRQuestionEncoderTokenizer"}))
    found = by_check(check(build(settings(folder), "tiny"), settings(folder), SAMPLES, expected))
    assert {found["golden tokens", language].outcome for language in expected} == {"failed"}


def test_vectors_that_depend_on_the_batch_or_say_the_same_of_everything_are_caught() -> None:
    def batchwise(texts: list[str]) -> np.ndarray:
        return np.array([[len(text), i + 1.0, len(texts)] for i, text in enumerate(texts)])

    found = by_check(check(adapt(batchwise, name="batchwise"), samples=SAMPLES))
    assert found["padding", ""].outcome == "failed"
    assert found["order", ""].outcome == "failed"
    constant = adapt(lambda texts: np.ones((len(texts), 3)), name="constant")
    found = by_check(check(constant, samples=SAMPLES))
    assert found["similarity", ""].outcome == "failed"
    assert found["identity", ""].outcome == "skipped"
    assert found["tokens", ""].outcome == "skipped"


def test_rows_that_are_not_normalised_are_caught() -> None:
    class Long:
        identity = adapt(lambda texts: np.ones((len(texts), 2)), name="long").identity
        dimension = 2
        similarity = "cosine"

        def encode_queries(self, texts: Any, *, language: Any = None) -> np.ndarray:
            return np.array([[len(t), 1] for t in texts], dtype=np.float32)

        def encode_documents(self, documents: Any, *, language: Any = None) -> np.ndarray:
            return self.encode_queries([d.text for d in documents])

    assert by_check(check(Long(), samples=SAMPLES))["normalised", ""].outcome == "failed"


def test_an_identity_that_another_process_does_not_share_is_caught(tmp_path: Path) -> None:
    folder, other = write_checkpoint(tmp_path / "a"), write_checkpoint(tmp_path / "b", seed=1)
    encoder = build(settings(folder), "tiny")
    differs = by_check(check(encoder, settings(other), SAMPLES))["identity", ""]
    assert differs.outcome == "failed"
    assert "in another process" in differs.detail
    (other / "config.json").unlink()
    assert "cannot build it" in by_check(check(encoder, settings(other), SAMPLES))["identity", ""].detail


def test_unknown_vocabularies_and_empty_samples() -> None:
    assert golden_tokens("xlm-roberta")["en"][0] == 0
    with pytest.raises(UsageError, match="unknown vocabulary 'xlm-robert'"):
        golden_tokens("xlm-robert")
    with pytest.raises(UsageError, match="no sample texts"):
        check(adapt(lambda texts: np.ones((len(texts), 3))), samples={"en": []})


class TokenRows:
    """A row per word; with `drifts` they lean on how many texts are in the call."""

    dimension = 2
    identity = EncoderIdentity("rows", {})

    def __init__(self, drifts: float = 0.0) -> None:
        self._drifts = drifts

    def shown_query(self, text):
        return f"q: {text}"

    def shown_document(self, document):
        return f"d: {document.content()}"

    def encode_documents(self, documents, *, language=None):
        lean = self._drifts * len(documents)
        return [np.array([[len(word), 1.0 + lean] for word in one.content().split()], np.float32) for one in documents]


def test_rows_that_depend_on_the_batch_are_found() -> None:
    from toys.search import WordCountEncoder

    sound = by_check(check(TokenRows()))
    assert (sound["padding", ""].outcome, sound["order", ""].outcome) == ("ok", "ok")
    assert sound["first document", ""].detail.startswith("'d: ")
    assert ("similarity", "") not in sound
    drifting = by_check(check(TokenRows(0.5)))
    assert (drifting["padding", ""].outcome, drifting["order", ""].outcome) == ("failed", "ok")
    assert all(one.outcome in ("ok", "skipped") for one in check(WordCountEncoder()))
    assert by_check(check(TokenRows(), samples={"en": [" "]}))["padding", ""].outcome == "ok"  # texts without rows


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("bert", LateInteractionSettings(checkpoint="", query_max_length=16, document_max_length=4)),
        ("bert-mlm", SparseSettings(checkpoint="", expansion="masked-lm", query_max_length=16, document_max_length=4)),
    ],
)
def test_of_sparse_and_token_rows_tokens_and_identity_are_looked_at_too(
    tmp_path: Path, kind: str, changes: Any
) -> None:
    folder = write_checkpoint(tmp_path / "m", kind)
    made = changes.model_copy(update={"checkpoint": str(folder)})
    expected = golden(folder)
    found = by_check(check(made.encoder("tiny"), made, SAMPLES, expected))
    assert {found["golden tokens", language].outcome for language in expected} == {"ok"}
    assert (found["tokens", "en"].outcome, found["tokens", "zh"].outcome) == ("ok", "failed")
    assert found["truncation", "en"].outcome == "warning"
    for sound in ("padding", "order", "identity", "first query"):
        assert found[sound, ""].outcome == "ok", found[sound, ""]
    assert "in two processes" in found["identity", ""].detail
    write_tokenizer(folder, lower=True)
    drifted = by_check(check(made.encoder("tiny"), None, SAMPLES, expected))
    assert {drifted["golden tokens", language].outcome for language in expected} == {"failed"}
