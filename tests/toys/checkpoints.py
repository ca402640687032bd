"""Tiny checkpoints of the real architectures, random weights, written by the tests."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np

from lapca_bench.encoders.kinds.transformer import TransformerSettings

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("query", "passage", ":", "the", "Cat", "cat", "sat", "mat", ".", "a_Latn", "b_Latn")
VOCABULARY = (
    *SPECIAL,
    *WORDS,
    *string.ascii_letters,
    *string.digits,
    *(f"##{c}" for c in string.ascii_lowercase),
    "é",
    "ß",
)
HIDDEN = 16


def ids_of(*tokens: str) -> list[int]:
    """The tokens' places in the vocabulary."""
    return [VOCABULARY.index(token) for token in tokens]


def write_tokenizer(folder: Path, *, lower: bool = False) -> None:
    """A WordPiece tokenizer.json over letters and a few words; `lower` makes it lower-case first."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {token: i for i, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens([*SPECIAL, "a_Latn", "b_Latn"])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(special), encoding="utf-8")


COMMON: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "pad_token_id": 0,
}
XLM_R = {**COMMON, "max_position_embeddings": 33, "type_vocab_size": 1}
BERT = {**COMMON, "max_position_embeddings": 32}
M2M100 = {
    "vocab_size": len(VOCABULARY),
    "d_model": HIDDEN,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}

T5 = {"vocab_size": len(VOCABULARY), "d_model": HIDDEN, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2}
LLAMA = {**COMMON, "num_key_value_heads": 1, "max_position_embeddings": 32}

# Class of the model, class of its configuration, and the values that differ from the architecture's own.
ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertModel", "BertConfig", BERT),
    "bert-mlm": ("BertForMaskedLM", "BertConfig", BERT),
    "bert-classifier": ("BertForSequenceClassification", "BertConfig", {**BERT, "num_labels": 1}),
    "bert-two-classes": ("BertForSequenceClassification", "BertConfig", {**BERT, "num_labels": 2}),
    "xlm-roberta": ("XLMRobertaModel", "XLMRobertaConfig", XLM_R),
    "xlm-roberta-mlm": ("XLMRobertaForMaskedLM", "XLMRobertaConfig", XLM_R),
    "xlm-roberta-classifier": ("XLMRobertaForSequenceClassification", "XLMRobertaConfig", {**XLM_R, "num_labels": 1}),
    "xmod": ("XmodModel", "XmodConfig", {**XLM_R, "languages": ["en_XX", "de_DE"]}),
    "mpnet": ("MPNetModel", "MPNetConfig", {**COMMON, "max_position_embeddings": 33}),
    "gte": ("GteModel", "GteConfig", {**COMMON, "max_position_embeddings": 64}),
    "xlm": (
        "XLMModel",
        "XLMConfig",
        {"vocab_size": len(VOCABULARY), "emb_dim": HIDDEN, "n_layers": 2, "n_heads": 2, "pad_index": 0},
    ),
    "gpt2": (
        "GPT2Model",
        "GPT2Config",
        {"vocab_size": len(VOCABULARY), "n_embd": HIDDEN, "n_layer": 2, "n_head": 2, "n_positions": 32},
    ),
    "t5": ("T5Model", "T5Config", T5),
    "t5-encoder": ("T5EncoderModel", "T5Config", T5),
    "bart": ("BartModel", "BartConfig", M2M100),
    "llama": ("LlamaModel", "LlamaConfig", {**LLAMA, "pad_token_id": -1}),
    "qwen3": ("Qwen3Model", "Qwen3Config", {**LLAMA, "head_dim": 8}),
    "qwen2": ("Qwen2Model", "Qwen2Config", LLAMA),
    "gemma3": ("Gemma3TextModel", "Gemma3TextConfig", {**LLAMA, "head_dim": 8, "use_bidirectional_attention": True}),
    "modernbert": ("ModernBertModel", "ModernBertConfig", {**COMMON, "max_position_embeddings": 64}),
    "m2m100": ("M2M100Encoder", "M2M100Config", M2M100),
}


def _model(kind: str, positions: int | None) -> Any:
    import transformers
    from transformers.models.m2m_100 import modeling_m2m_100

    model, config, values = ARCHITECTURES[kind]
    home = modeling_m2m_100 if kind == "m2m100" else transformers
    if positions is not None:
        values = {**values, "max_position_embeddings": positions}
    return getattr(home, model)(getattr(transformers, config)(**values))


def write_checkpoint(
    folder: Path, kind: str = "bert", *, seed: int = 0, lower: bool = False, positions: int | None = None
) -> Path:
    """A whole transformers folder of one architecture with random weights; returns `folder`.

    `positions` is the architecture's longest input where it matters.
    """
    import torch

    torch.manual_seed(seed)
    model = _model(kind, positions).eval()
    for parameter in model.parameters():  # the usual initialisation is so small that all texts look alike
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    write_tokenizer(folder, lower=lower)
    return folder


def write_head(
    path: Path, out: int = 8, seed: int = 1, *, bias: bool = True
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A dense head's safetensors; returns its weight and bias."""
    from safetensors.numpy import save_file

    draw = np.random.default_rng(1)
    weight = draw.normal(size=(out, HIDDEN)).astype(np.float32)
    biases = draw.normal(size=out).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"linear.weight": weight, **({"linear.bias": biases} if bias else {})}, path)
    return weight, biases


def write_static(folder: Path, *, layout: str = "model2vec", seed: int = 2) -> np.ndarray[Any, Any]:
    """A static encoder's folder; returns its matrix."""
    from safetensors.numpy import save_file

    matrix = np.random.default_rng(seed).normal(size=(len(VOCABULARY), HIDDEN)).astype(np.float32)
    write_tokenizer(folder)
    name = {"model2vec": "embeddings", "sentence-transformers": "embedding.weight"}[layout]
    save_file({name: matrix}, folder / "model.safetensors")
    return matrix


def settings(folder: Path, **changes: Any) -> TransformerSettings:
    """A checkpoint's `[encoder]` table: mean pooling of at most 16 tokens, with these changes."""
    base = {"type": "transformer", "checkpoint": str(folder), "pooling": "mean"}
    base |= {"query_max_length": 16, "document_max_length": 16}
    return TransformerSettings.model_validate(base | changes)
