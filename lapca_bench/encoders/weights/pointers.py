"""Files that weights point at: shards of an index, external data of ONNX, modules of a folder; none outside of it.

What a load reads belongs to an identity, so a pointer is followed, and one that leads out of its folder is refused.
"""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path

from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value

_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\xff][\x01-\x07]?)")  # protobuf: a key "location" and its value
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".npy")


def inside(folder: Path, name: str, pointing: Path) -> Path:
    """The file `name` of `folder`; raises `InputError` where it is none, or leads elsewhere."""
    path = folder / name
    if Path(name).is_absolute() or not Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder)):
        message = f"points at {name!r}, outside of its folder"
        raise InputError(message, path=pointing, remedy="put all files of the model into one folder")
    if not path.is_file():
        raise InputError(f"points at {name!r}, which is not here", path=pointing, remedy="fetch the model again")
    return path


def shards(folder: Path) -> list[Path]:
    """Indexes of safetensors weights, and all files that they name."""
    found: dict[Path, None] = {}
    for index in sorted(folder.glob("*.safetensors.index.json")):
        try:
            names = set(json_value(index.read_text("utf-8"))["weight_map"].values())
            listed = sorted(map(str, names))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "fetch the checkpoint again"
            raise InputError(f"this index of weights cannot be read: {error}", path=index, remedy=remedy) from error
        found.update(dict.fromkeys([index, *(inside(folder, name, index) for name in listed)]))
    return list(found)


def refuse_adapters(folder: Path) -> None:
    """Raise `InputError` for a folder of adapters: transformers would load the weights below them from elsewhere."""
    path = folder / "adapter_config.json"
    if path.is_file():
        remedy = "merge the adapter into its base (`merge_and_unload`) and save the model whole"
        raise InputError("an adapter is loaded over weights that lie elsewhere", path=path, remedy=remedy)


def external_data(model: Path) -> list[Path]:
    """The files in which an ONNX model keeps tensors."""
    if model.stat().st_size == 0:
        return []
    with model.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = set()
        for found in _LOCATION.finditer(content):
            length = found[1][0] if found[1][0] < 128 else (found[1][0] & 127) | (found[1][-1] << 7)
            start = found.start(1) + (1 if found[1][0] < 128 else 2)
            names.add(content[start : start + length])
    return [inside(model.parent, os.fsdecode(name), model) for name in sorted(names)]


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, through links too."""
    walked = os.walk(folder, followlinks=True)
    return sorted(Path(place, name) for place, _, names in walked for name in names)


def refuse_pickles(folder: Path) -> None:
    """Raise `InputError` for a module of a folder whose weights are pickled, or lie outside of it.

    A pickled file beside safetensors is not loaded.
    """
    of_folder: dict[Path, list[Path]] = {}
    for path in files_below(folder):
        of_folder.setdefault(path.parent, []).append(path)
    for files in of_folder.values():
        pickled = [path for path in files if path.suffix in _PICKLED and "tokenizer" not in path.name]
        if pickled and not any(path.suffix == ".safetensors" for path in files):
            raise InputError(
                "pickled weights are not loaded",
                path=pickled[0],
                remedy="convert them: `model.save_pretrained(folder)` of today's library writes safetensors",
            )
    modules = folder / "modules.json"
    if modules.is_file():
        try:
            places = [str(module["path"]) for module in json_value(modules.read_text("utf-8"))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"cannot be read: {error}", path=modules, remedy="fetch the model again") from error
        for place in places:
            if Path(place).is_absolute() or ".." in Path(place).parts:
                message = f"points at {place!r}, outside of its folder"
                raise InputError(message, path=modules, remedy="put all modules of the model into one folder")
