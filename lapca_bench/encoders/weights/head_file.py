"""A head on disk: one safetensors file with the arrays of each map as "language.array" and its method as metadata."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np

from lapca_bench.atomic import atomic_path
from lapca_bench.encoders.postprocessing import AffineMap, Float64, PostProcessing
from lapca_bench.errors import InputError

_REMEDY = "write it with `lapca-bench heads make`"
_ARRAYS = {"offset": 1, "projection": 2, "removed": 2}  # and their number of axes


def write_head(path: Path, head: PostProcessing, about: Mapping[str, str]) -> None:
    """Write a head in half precision; `about` says of what and how it was made."""
    from safetensors.numpy import save_file

    tensors = {
        f"{language}.{name}": np.ascontiguousarray(array, dtype=np.float16)
        for language, one in head.maps.items()
        for name, array in one.arrays.items()
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"method": head.method, **about})


def find_head(place: str) -> Path:
    """The file that "package:path/inside/it" or a path names; raises `InputError` where there is none."""
    package, colon, inside = place.partition(":")
    if colon and package.isidentifier():
        try:
            path = Path(str(files(package).joinpath(inside)))
        except ModuleNotFoundError:
            raise InputError(f"no package {package!r} is installed", key="weights", remedy=_REMEDY) from None
    else:
        path = Path(place).expanduser()
    if not path.is_file():
        raise InputError("there is no such head", path=path, key="weights", remedy=_REMEDY)
    return path


def read_head(path: Path) -> tuple[PostProcessing, Mapping[str, str]]:
    """The head in a file and what is said of it; raises `InputError` for anything else."""
    from safetensors import SafetensorError, safe_open

    arrays: dict[str, dict[str, Float64]] = {}
    try:
        with safe_open(path, "numpy") as opened:
            about: dict[str, str] = opened.metadata() or {}
            for key in opened.keys():  # noqa: SIM118 (not a mapping)
                language, _, name = key.rpartition(".")
                arrays.setdefault(language, {})[name] = opened.get_tensor(key).astype(np.float64)
    except (OSError, SafetensorError) as error:
        raise InputError(f"not a readable head: {error}", path=path, remedy=_REMEDY) from error
    sound = all(
        "offset" in one and all(array.ndim == _ARRAYS.get(name) for name, array in one.items())
        for one in arrays.values()
    )
    if not arrays or not sound or "method" not in about:
        raise InputError(f"holds {', '.join(sorted(arrays)) or 'nothing'}, no head", path=path, remedy=_REMEDY)
    maps = {language: AffineMap(**one) for language, one in arrays.items()}
    return PostProcessing(about["method"], maps), about
