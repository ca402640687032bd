"""From a folder of weights to the table of a card: what the folder states is used, and what is decided has a reason.

A folder of sentence-transformers whose modules this project has itself (a transformer, pooling, one dense layer,
normalisation) is read as `type = "transformer"`, which is the faster way to the same vectors; any other goes through
the library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

from lapca_bench.encoders.probes import probes
from lapca_bench.encoders.stated import FolderStatement
from lapca_bench.encoders.weights.network import longest_input
from lapca_bench.encoders.weights.tokenizer import load_tokenizer
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.extras import need

Value = str | int | float | bool | dict[str, str]
Kind = Literal["dense", "sparse", "late-interaction", "cross-encoder"]

_POOLING = {"cls": "cls", "mean": "mean", "lasttoken": "last"}
_ACTIVATIONS = {"Identity": "identity", "Tanh": "tanh"}
_SPARSE = {"SpladePooling", "MLMTransformer", "SparseAutoEncoder", "CSRSparsity", "SparseStaticEmbedding", "IDF"}
_MODEL2VEC_KEYS = {"embedding_dtype", "apply_pca", "apply_zipf"}  # of its config.json
_MODEL2VEC_LENGTH = 512  # tokens that model2vec reads of a text
_NO_LIMIT = 1_000_000  # tokenizers without a longest input state 10^30
_UNSTATED_LENGTH, _UNSTATED = 512, "not stated"
_BITEXT = ("BitextMining", "bitext_mining", "bitext")


@dataclass(frozen=True)
class EncoderDraft:
    """A table of a card in the making: `reasons` say for its keys what was read where, `warnings` what to look at."""

    kind: Kind
    table: str
    values: dict[str, Value]
    requires: str
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def draft(folder: Path, checkpoint: str) -> EncoderDraft:
    """The draft for a folder that a card will name as `checkpoint`.

    Raises `InputError` where the folder says nothing that could be read, or what no kind of encoder can do.
    """
    stated = FolderStatement(folder)
    for attempt in (_static, _of_pairs, _of_tokens, _of_terms, _by_modules, _by_configuration):
        found = attempt(stated, checkpoint)
        if found is not None:
            return found
    raise InputError(
        "holds neither config.json nor modules.json",
        path=folder,
        remedy="point at the folder that `save_pretrained` or sentence-transformers' `save` wrote",
    )


def _static(stated: FolderStatement, checkpoint: str) -> EncoderDraft | None:
    """A folder of model2vec: it leaves out unknown tokens, which sentence-transformers, named there too, counts."""
    if stated.config.get("model_type") != "model2vec" and not _MODEL2VEC_KEYS & set(stated.config):
        return None
    length = stated.config.get("max_length", stated.config.get("seq_length"))
    length = length if isinstance(length, int) and 0 < length < _NO_LIMIT else _MODEL2VEC_LENGTH
    values: dict[str, Value] = {"type": "static", "checkpoint": checkpoint, "max_length": length}
    typical = int(median(len(token) for token in load_tokenizer(stated.folder).vocabulary))
    values["max_characters"] = max(1, length * typical)
    reasons = {
        "type": "config.json: model2vec",
        "max_length": "config.json, or what model2vec reads of a text",
        "max_characters": f"as model2vec cuts texts first: max_length times {typical}, the median length of its tokens",
    }
    return EncoderDraft("dense", "encoder", values, "dense", reasons)


def _of_pairs(stated: FolderStatement, checkpoint: str) -> EncoderDraft | None:
    classifies = any(str(one).endswith("ForSequenceClassification") for one in _architectures(stated))
    if not (classifies or stated.model_type == "CrossEncoder"):
        return None
    if not classifies:
        raise InputError(
            "a cross-encoder that is no classifier of pairs is not supported",
            path=stated.folder,
            remedy="give it a class with score(query, documents), and name that by `builder` in a card",
        )
    length, why = _length(stated, None)
    values: dict[str, Value] = {"checkpoint": checkpoint, "max_length": length}
    reasons = {"checkpoint": f"config.json: {_architectures(stated)[0]}", "max_length": why}
    told = (
        "a cross-encoder alone reads every pair of query and document: put it behind a first stage by a card of "
        'kind = "rerank" whose table [rerank] has first = "bm25" and second = this folder'
    )
    return EncoderDraft("cross-encoder", "cross_encoder", values, "dense", reasons, (told,))


def _of_tokens(stated: FolderStatement, checkpoint: str) -> EncoderDraft | None:
    by_pylate = any(one.type.startswith("pylate.") for one in stated.modules)
    if not (stated.model_type == "MultiVectorEncoder" or by_pylate):
        return None
    return _through_library(stated, checkpoint, "late-interaction", "late_interaction", "a vector per token")


def _of_terms(stated: FolderStatement, checkpoint: str) -> EncoderDraft | None:
    if stated.model_type != "SparseEncoder" and not any(one.name in _SPARSE for one in stated.modules):
        return None
    return _through_library(stated, checkpoint, "sparse", "sparse", "a weight per term")


def _through_library(
    stated: FolderStatement, checkpoint: str, kind: Kind, table: str, why: str, warnings: tuple[str, ...] = ()
) -> EncoderDraft:
    values: dict[str, Value] = {"type": "sentence-transformers", "checkpoint": checkpoint}
    prompts, reasons = _prompts(stated)
    where = "modules.json" if stated.modules else "config.json"
    reasons = {"type": f"{where}: {why}; sentence-transformers itself encodes", **reasons}
    told = (*warnings, *_unused(stated))
    return EncoderDraft(kind, table, {**values, **prompts}, "sentence-transformers", reasons, told)


def _by_modules(stated: FolderStatement, checkpoint: str) -> EncoderDraft | None:
    if not stated.modules:
        return None
    similarity, normalise, similar_why, warnings = _similarity(stated)
    closing: dict[str, Value] = {"normalise": normalise, "similarity": similarity}
    own, why_not = _own_modules(stated)
    length, why = _length(stated, stated.modules[0].config.get("max_seq_length"))
    if own is None or why == _UNSTATED:
        found = _through_library(stated, checkpoint, "dense", "encoder", why_not or "texts of any length", warnings)
        return EncoderDraft(
            **{
                **vars(found),
                "values": {**found.values, **closing},
                "reasons": found.reasons | {"similarity": similar_why},
            }
        )
    prompts, reasons = _prompts(stated)
    values: dict[str, Value] = {"type": "transformer", "checkpoint": checkpoint, **own, **prompts}
    values |= {"query_max_length": length, "document_max_length": length, **closing}
    cut = stated.sentences.get("truncate_dim")
    if isinstance(cut, int):
        values["dimension"] = cut
    reasons = {
        "pooling": f"{stated.modules[1].path}/config.json",
        "head": "the dense module of modules.json",
        "dimension": "config_sentence_transformers.json: truncate_dim",
        "query_max_length": why,
        "similarity": similar_why,
        **reasons,
    }
    return EncoderDraft("dense", "encoder", values, "dense", reasons, (*warnings, *_unused(stated)))


def _own_modules(stated: FolderStatement) -> tuple[dict[str, Value] | None, str]:
    """What stands for the modules in a table of type transformer; else None, and why the library is needed."""
    names = [one.name for one in stated.modules]
    rest = names[2:-1] if names[-1] == "Normalize" else names[2:]
    if names[:2] != ["Transformer", "Pooling"] or rest not in ([], ["Dense"]):
        return None, ", ".join(names)
    reads, pools = stated.modules[0].config, stated.modules[1].config
    mode = _pooling_mode(pools)
    checks: Mapping[str, bool] = {
        "weights in a folder of their own": not stated.modules[0].path,
        "lower-cased texts": not reads.get("do_lower_case"),
        "a task of its own": reads.get("transformer_task", "feature-extraction") == "feature-extraction",
        "processing of its own": not reads.get("processing_kwargs"),
        "another output than token vectors": reads.get("module_output_name", "token_embeddings") == "token_embeddings",
        "an encoder-decoder": not stated.config.get("is_encoder_decoder")
        or stated.config.get("model_type") in ("t5", "mt5"),
        "a model within a model": "text_config" not in stated.config,
        f"pooling {mode}": mode in _POOLING,
        "prompts that are not pooled": pools.get("include_prompt", True) is True,
    }
    lacking = next((what for what, holds in checks.items() if not holds), None)
    if lacking is not None:
        return None, lacking
    found: dict[str, Value] = {"pooling": _POOLING[mode]}
    if rest:
        head, path = stated.modules[2].config, f"{stated.modules[2].path}/model.safetensors"
        activation = _ACTIVATIONS.get(str(head.get("activation_function", "")).rpartition(".")[2])
        inner = {str(head.get(key) or "sentence_embedding") for key in ("module_input_name", "module_output_name")}
        if activation is None or head.get("use_residual") or inner != {"sentence_embedding"}:
            return None, "a dense module of another kind"
        if not (stated.folder / path).is_file():
            return None, "a dense module without safetensors"
        found["head"] = {"path": path, "activation": activation}
    return (found, "") if same_tokens(stated.folder) else (None, "a tokenizer that transformers changes")


def _pooling_mode(config: Mapping[str, object]) -> str:
    """The one mode of a pooling module's settings, as newer and older releases write it; several joined by "+"."""
    mode = config.get("pooling_mode")
    if isinstance(mode, str):
        return mode
    if isinstance(mode, list):
        return "+".join(map(str, mode))
    older = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
    modes = [key.removeprefix("pooling_mode_") for key, on in config.items() if key.startswith("pooling_mode_") and on]
    return "+".join(older.get(one, one) for one in modes) or "mean"


def _by_configuration(stated: FolderStatement, checkpoint: str) -> EncoderDraft | None:
    """A folder of transformers alone, which says nothing of pooling: what sentence-transformers does with it."""
    if not isinstance(stated.config.get("model_type"), str):
        return None
    named = _architectures(stated)[0] if _architectures(stated) else str(stated.config["model_type"])
    causal = named.endswith("ForCausalLM") and stated.config.get("is_causal", True) is not False
    pooling = "last" if causal else "mean"
    length, why = _length(stated, None)
    values: dict[str, Value] = {"type": "transformer", "checkpoint": checkpoint, "pooling": pooling}
    values |= {"query_max_length": length, "document_max_length": length, "normalise": True, "similarity": "cosine"}
    reasons = {
        "pooling": f"not stated; what sentence-transformers takes for {named}",
        "query_max_length": why,
        "similarity": "not stated",
    }
    warnings = [f"{stated.folder.name} states no pooling and no prompts: {pooling} pooling and none are taken"]
    if not same_tokens(stated.folder):
        warnings.append("its tokenizer.json and transformers' class of tokenizer give other tokens; the file is taken")
    return EncoderDraft("dense", "encoder", values, "dense", reasons, tuple(warnings))


def _architectures(stated: FolderStatement) -> list[str]:
    named = stated.config.get("architectures")
    return [str(one) for one in named] if isinstance(named, list) else []


def _similarity(stated: FolderStatement) -> tuple[str, bool, str, tuple[str, ...]]:
    """The similarity, whether vectors are normalised, where that is stated, and what to warn of."""
    named = stated.sentences.get("similarity_fn_name")
    normalised = any(one.name == "Normalize" for one in stated.modules)
    where = "config_sentence_transformers.json" if named else "not stated; sentence-transformers takes cosine"
    if named == "dot":
        return "dot", normalised, where, ()
    if named in ("euclidean", "manhattan") and not (named == "euclidean" and normalised):
        return "cosine", True, where, (f"the folder states {named} distance, which is not offered: cosine is taken",)
    return "cosine", True, where, ()


def _length(stated: FolderStatement, asked: object) -> tuple[int, str]:
    """The longest input, and where it is stated."""
    limits: dict[str, int] = {}
    if isinstance(asked, int):
        limits["sentence_bert_config.json: max_seq_length"] = asked
    else:
        own = stated.tokenizer.get("model_max_length")
        if isinstance(own, int | float) and 0 < own < _NO_LIMIT:
            limits["tokenizer_config.json: model_max_length"] = int(own)
    positions = longest_input({"model_type": "", **stated.config})
    if positions is not None:
        limits["config.json: positions"] = positions
    if not limits:
        return _UNSTATED_LENGTH, _UNSTATED
    where = min(limits, key=lambda place: limits[place])
    return limits[where], where


def _prompts(stated: FolderStatement) -> tuple[dict[str, Value], dict[str, str]]:
    values: dict[str, Value] = {"query_prompt": stated.prompt("query"), "document_prompt": stated.prompt("document")}
    bitext = next((stated.prompts[name] for name in _BITEXT if name in stated.prompts), None)
    if bitext is not None:
        values["bitext_prompt"] = bitext
    reasons = {
        key: "config_sentence_transformers.json" if value else "none is stated for this side"
        for key, value in values.items()
    }
    return values, reasons


def _unused(stated: FolderStatement) -> Iterator[str]:
    """Prompts that are stated and given to no side, first those that may be meant for a side without one."""
    unused = {name: prompt for name, prompt in stated.unused_prompts.items() if name not in _BITEXT}
    default = stated.sentences.get("default_prompt_name")
    bare = [side for side in ("query", "document") if not stated.prompts.get(side)]
    near = [name for name in unused if name in ("passage", "corpus", default) or "query" in name.lower()]
    if bare and near:
        shown = ", ".join(f"{name} = {unused[name]!r}" for name in near)
        keys = " and ".join(f"{side}_prompt" for side in bare)
        yield f"prompts are stated that neither side is given: {shown}; if they are meant for a side, set {keys}"
    others = [name for name in unused if name not in near or not bare]
    if others:
        yield f"prompts for other tasks are not used: {', '.join(others)}"


def same_tokens(folder: Path) -> bool:
    """Whether our reading of a folder's tokenizer and transformers' own give a few sentences the same tokens."""
    transformers = need("transformers", "dense")
    texts = list(probes().values())
    try:
        theirs = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        expected = theirs(texts)["input_ids"]
        return bool([ids.tolist() for ids in load_tokenizer(folder).encode(texts, None).ids] == expected)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, LapcaError):
        return False
