"""A delta: what training changed in a model, as one small file that is added to the base model when it is loaded.

The file is safetensors: for every tensor that moved, trained minus base as float16, under the name that the
transformers model itself gives it. The difference is small, so float16 rounds it to an error far below that of
storing the weights themselves; in 4 bits (`delta_blocks`) it is coarser. The header holds the digest of the base's
tensors, so that it fits no other model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lapca_bench.encoders.weights.checkpoint import UNUSED_PARAMETERS
from lapca_bench.encoders.weights.delta_blocks import out_of_blocks
from lapca_bench.errors import InputError, UsageError

if TYPE_CHECKING:
    import torch

_REMEDY = "get the file again, or write it anew with `lapca-bench delta`"
BASE = "base"  # the key of the header that holds `base_digest`


def _tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors that vectors depend on, by name; they share their memory with the model."""
    return {name: value for name, value in model.state_dict().items() if not name.startswith(UNUSED_PARAMETERS)}


def base_digest(model: torch.nn.Module) -> str:
    """SHA-256 over name, type, shape and content of every tensor that vectors depend on."""
    import torch

    hasher = hashlib.sha256()
    for name, tensor in sorted(_tensors(model).items()):
        content = tensor.detach().cpu().contiguous()
        hasher.update(f"{name} {content.dtype} {tuple(content.shape)}\n".encode())
        hasher.update(content.flatten().view(torch.uint8).numpy().data)
    return hasher.hexdigest()


def difference(base: torch.nn.Module, trained: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What was changed from model `base` to model `trained`, both float32: the tensors that moved, as float16.

    Raises `UsageError` where nothing moved or the two are of different shapes, `InputError` for values that float16
    cannot hold.
    """
    import torch

    before, after = _tensors(base), _tensors(trained)
    if {name: one.shape for name, one in before.items()} != {name: one.shape for name, one in after.items()}:
        remedy = "name the recipe that began the training"
        raise UsageError("checkpoint and base are of different shapes", remedy=remedy)
    moved = {name: (after[name] - value) for name, value in before.items() if not torch.equal(after[name], value)}
    if not moved:
        raise UsageError("no weight of the checkpoint differs from its base", remedy="train before writing a delta")
    found = {name: value.to(torch.float16).contiguous() for name, value in moved.items()}
    for name, value in found.items():
        if not torch.isfinite(value).all():
            raise InputError(f"the change of {name} is not finite in float16", remedy="this training has diverged")
    return found


def write_delta(path: Path, changes: Mapping[str, torch.Tensor], header: Mapping[str, str]) -> None:
    """Write the file; `header` holds `BASE` and whatever a reader should know besides."""
    from safetensors.torch import save

    path.write_bytes(save(dict(changes), metadata={"format": "pt", **header}))


def delta_header(path: Path) -> dict[str, str]:
    """What a delta says of itself; raises `InputError` for a file that is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stored:
            return dict(stored.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InputError(f"not a readable delta: {error}", path=path, remedy=_REMEDY) from error


def apply_delta(model: torch.nn.Module, path: Path) -> None:
    """Add the file's changes to a base model in float32, in place.

    Raises `InputError` for a file that is damaged, made for another base, or holds a tensor that does not fit.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stored:
            header = stored.metadata() or {}
            kept = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
        changes = out_of_blocks(kept)
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"not a readable delta: {error}", path=path, remedy=_REMEDY) from error
    found = base_digest(model)
    if header.get(BASE) != found:
        raise InputError(
            f"made for another base model ({header.get(BASE, 'none named')[:12]}, this one is {found[:12]})",
            path=path,
            remedy="name the base model of the delta's model card as `checkpoint`",
        )
    own = _tensors(model)
    with torch.no_grad():
        for name, change in changes.items():
            if name not in own or own[name].shape != change.shape:
                shape = tuple(own[name].shape) if name in own else "no such tensor"
                raise InputError(f"{name} is {tuple(change.shape)}, the model has {shape}", path=path, remedy=_REMEDY)
            if not change.dtype.is_floating_point or not torch.isfinite(change).all():
                raise InputError(f"{name} holds values that are no finite numbers", path=path, remedy=_REMEDY)
            own[name] += change.to(own[name].dtype)
