"""What a folder of weights states about itself, read from its JSON files; no model is loaded.

The files are those that transformers and sentence-transformers write: config.json, tokenizer_config.json, modules.json,
config_sentence_transformers.json, sentence_bert_config.json and a config.json in the folder of each module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lapca_bench.encoders.protocol import VectorSide
from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value

STANFORD_COLBERT = "HF_ColBERT"  # the architecture that ColBERT's own code names in config.json
_KNOWN_MODULES = {"Transformer", "Pooling", "Dense", "Normalize", "StaticEmbedding", "SpladePooling", "MLMTransformer"}


@dataclass(frozen=True)
class ModuleEntry:
    """One entry of modules.json: a class, the sub-folder it reads ("" is the folder itself), and its settings there."""

    type: str
    path: str
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The class without the package it lies in, which changes between releases."""
        return self.type.rpartition(".")[2]


@dataclass(frozen=True)
class FolderStatement:
    """The JSON files of a folder; what it lacks is empty. Raises `InputError` for one that is not JSON."""

    folder: Path

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The content of config.json."""
        return self._table("config.json")

    @cached_property
    def tokenizer(self) -> Mapping[str, Any]:
        """The content of tokenizer_config.json."""
        return self._table("tokenizer_config.json")

    @cached_property
    def sentences(self) -> Mapping[str, Any]:
        """config_sentence_transformers.json: prompts, similarity, truncation, the kind of model."""
        return self._table("config_sentence_transformers.json")

    @cached_property
    def modules(self) -> tuple[ModuleEntry, ...]:
        """modules.json, in the order in which a text passes them."""
        content = self._json("modules.json")
        entries = [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []
        return tuple(self._module(str(one.get("type", "")), str(one.get("path", ""))) for one in entries)

    def _module(self, kind: str, path: str) -> ModuleEntry:
        name = "sentence_bert_config.json" if kind.endswith(".Transformer") else "config.json"
        return ModuleEntry(kind, path, self._table(f"{path}/{name}" if path else name))

    @property
    def model_type(self) -> str:
        """The class of sentence-transformers that the folder was saved by, "" where it does not say."""
        if STANFORD_COLBERT in (self.config.get("architectures") or ()):
            return "MultiVectorEncoder"
        stated = str(self.sentences.get("model_type") or "")
        return {"ColBERT": "MultiVectorEncoder"}.get(stated, stated)  # what PyLate calls it

    @cached_property
    def prompts(self) -> Mapping[str, str]:
        """The prompts that the folder brings, by name, without empty ones."""
        stated = self.sentences.get("prompts")
        found = {str(k): v for k, v in stated.items() if isinstance(v, str)} if isinstance(stated, dict) else {}
        if STANFORD_COLBERT in (self.config.get("architectures") or ()):
            about = self._table("artifact.metadata")
            found.setdefault("query", f"{about.get('query_token_id') or '[unused0]'} ")
            found.setdefault("document", f"{about.get('doc_token_id') or '[unused1]'} ")
        for side in ("query", "document"):
            prefix = self.sentences.get(f"{side}_prefix")
            if isinstance(prefix, str):
                found[side] = prefix + found.get(side, "").removeprefix(prefix)
        return {name: prompt for name, prompt in found.items() if prompt}

    def prompt(self, side: VectorSide) -> str:
        """What `encode_query` or `encode_document` of sentence-transformers puts before a text."""
        return self.prompts.get(side, "")

    @property
    def unused_prompts(self) -> Mapping[str, str]:
        """Stated prompts that no side of a search is given, by name."""
        used = {self.prompt("query"), self.prompt("document")}
        return {name: prompt for name, prompt in self.prompts.items() if prompt not in used}

    @property
    def routed(self) -> bool:
        """Whether queries and documents may pass through different modules."""
        return any(one.name not in _KNOWN_MODULES for one in self.modules)

    def _table(self, name: str) -> Mapping[str, Any]:
        content = self._json(name)
        return content if isinstance(content, dict) else {}

    def _json(self, name: str) -> object:
        path = self.folder / name
        try:
            return json_value(path.read_text(encoding="utf-8")) if path.is_file() else None
        except (OSError, ValueError) as error:
            raise InputError(
                f"not readable as JSON: {error}", path=path, remedy="fetch the checkpoint again"
            ) from error
