"""Tiny folders as sentence-transformers saves them, random weights, written by the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from toys.checkpoints import HIDDEN, write_checkpoint

PROMPTS = {"query": "query : ", "document": "passage : "}


def saved(folder: Path, modules: list[Any], *, library: str = "SentenceTransformer", **settings: Any) -> Path:
    """A folder of these modules, saved by a class of sentence-transformers."""
    import sentence_transformers

    made = getattr(sentence_transformers, library)(modules=modules, device="cpu", **settings)
    made.save(str(folder), safe_serialization=True)
    return folder


def checkpoint(folder: Path, kind: str = "bert", seed: int = 0) -> Path:
    """A random checkpoint whose tokenizer is of no family, so that no class of transformers changes it."""
    return change(
        write_checkpoint(folder, kind, seed=seed), "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast"
    )


def reader(folder: Path, kind: str = "bert", seed: int = 0, **settings: Any) -> Any:
    """The module that turns texts into token vectors, over a random checkpoint in `folder`."""
    from sentence_transformers.base.modules import Transformer

    return Transformer(str(checkpoint(folder, kind, seed)), max_seq_length=16, **settings)


def pooling(mode: str = "mean", **settings: Any) -> Any:
    """The module that makes one vector of token vectors."""
    from sentence_transformers.sentence_transformer.modules import Pooling

    return Pooling(HIDDEN, mode, **settings)


def dense(wide: int = HIDDEN, narrow: int = 8, activation: str = "Tanh", **settings: Any) -> Any:
    """A dense module with random weights."""
    import torch
    from sentence_transformers.base.modules import Dense

    torch.manual_seed(5)
    return Dense(wide, narrow, activation_function=getattr(torch.nn, activation)(), **settings)


def routed(folder: Path) -> Any:
    """A module that sends queries and documents through models of their own."""
    from sentence_transformers.base.modules import Router

    return Router.for_query_document(
        query_modules=[reader(folder / "q", seed=1), pooling()],
        document_modules=[reader(folder / "d", seed=2), pooling()],
    )


def change(folder: Path, file: str, **values: Any) -> Path:
    """`folder`, with these entries of one of its JSON files changed."""
    path = folder / file
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **values}), encoding="utf-8")
    return folder
