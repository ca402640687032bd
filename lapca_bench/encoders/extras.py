"""Libraries that only some encoders need: imported when asked for, with a clear error where they are absent."""

from __future__ import annotations

import importlib
import re
import sys
from importlib import metadata
from typing import Any

from lapca_bench.errors import MissingResourceError

# Libraries that tell their makers of every use, and the module that does it. Without the module they tell nothing.
_TELLTALES = {"openvino": "openvino_telemetry"}


def need(module: str, extra: str) -> Any:
    """Import `module`; raises `MissingResourceError` naming the extra of lapca-bench that brings it."""
    if module in _TELLTALES:
        sys.modules.setdefault(_TELLTALES[module], None)  # type: ignore[arg-type] # Python's way to forbid an import
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingResourceError(
            f"{module.partition('.')[0]} cannot be imported ({error})", remedy=f"pip install 'lapca-bench[{extra}]'"
        ) from error


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
