"""ranx's metric functions, as Python reads them or compiled by numba.

ranx decorates its functions for numba, which compiles them on first use: on a fresh machine most of the time of a first
table. The functions are plain Python below the decorator, and on the small inputs of most tables plain Python is done
sooner. So they are loaded twice: `interpreted` reads the same files with numba's compiler switched off, as modules of
its own, so that nobody else's ranx is touched; `compiled` is ranx as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from lapca_bench.errors import MissingResourceError
from lapca_bench.paths import keep_compiled_code_private

Functions = Mapping[str, Callable[..., Any]]

# ranx's functions by name, and the file of `ranx.metrics` that each is in.
_FILES = {
    "ndcg": "ndcg",
    "ndcg_burges": "ndcg",
    "reciprocal_rank": "reciprocal_rank",
    "recall": "recall",
    "hit_rate": "hit_rate",
    "precision": "precision",
    "average_precision": "average_precision",
}
_PACKAGE = "lapca_bench_ranx_interpreted"  # what the second copy is called among the loaded modules


@cache
def compiled() -> Functions:
    """The functions as ranx offers them; the first call of each compiles it, or reads what this user compiled."""
    keep_compiled_code_private()
    metrics = import_module("ranx.metrics")
    return {name: getattr(metrics, name) for name in _FILES}


@cache
def interpreted() -> Functions:
    """The same functions without numba's compiler: they take lists of arrays of any length."""
    keep_compiled_code_private()
    config: Any = import_module("numba.core.config")
    found = find_spec("ranx")
    if found is None or not found.submodule_search_locations:
        raise MissingResourceError("ranx is not installed", remedy="pip install ranx")
    package = ModuleType(_PACKAGE)
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "metrics")]
    sys.modules[_PACKAGE] = package
    for library in ("numba", "numba.typed.typedlist", "numba.typed.typeddict"):  # its own functions stay compiled
        import_module(library)
    before = config.DISABLE_JIT
    config.DISABLE_JIT = True  # looked at where a function is decorated, that is, while its file is loaded
    try:
        return {name: getattr(import_module(f"{_PACKAGE}.{file}"), name) for name, file in _FILES.items()}
    finally:
        config.DISABLE_JIT = before
