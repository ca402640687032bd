"""Changes of weights in 4 bits: blocks of 64 neighbouring numbers, each a multiple of its block's scale.

A change is small beside the weight that it is added to, so that rounding it coarsely moves a vector hardly at all; what
writes such a file compares the vectors of both and refuses to write where they differ (`training.shipping`). Scales are
float16, numbers −7 to 7 and two to a byte, the first in the lower half. What does not divide into blocks stays float16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BLOCK = 64
LARGEST = 7

_NUMBERS, _SCALES = "|numbers", "|scales"


def in_blocks(changes: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a file of these changes (float); matrices whose rows divide into blocks become two tensors."""
    import torch

    found: dict[str, torch.Tensor] = {}
    for name, change in changes.items():
        if change.dim() < 2 or change.shape[-1] % BLOCK:
            found[name] = change.to(torch.float16).contiguous()
            continue
        blocks = change.float().reshape(*change.shape[:-1], -1, BLOCK)
        scales = (blocks.abs().amax(dim=-1) / LARGEST).to(torch.float16)
        numbers = (blocks / scales.float().clamp(min=torch.finfo(torch.float32).tiny)[..., None]).round()
        shifted = (numbers.clamp(-LARGEST, LARGEST) + LARGEST + 1).to(torch.uint8).flatten(start_dim=-2)
        found[name + _NUMBERS] = (shifted[..., 0::2] | (shifted[..., 1::2] << 4)).contiguous()
        found[name + _SCALES] = scales.contiguous()
    return found


def out_of_blocks(stored: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The changes in a file's tensors, those in blocks as float32; raises `ValueError` for parts that do not fit."""
    import torch

    found: dict[str, torch.Tensor] = {}
    for key, value in stored.items():
        name, bar, kind = key.partition("|")
        if not bar:
            found[name] = value
        elif bar + kind == _NUMBERS:
            scales = stored.get(name + _SCALES)
            fits = scales is not None and value.dtype == torch.uint8 and scales.is_floating_point() and value.dim() > 1
            if not fits or scales is None or value.shape != (*scales.shape[:-1], scales.shape[-1] * BLOCK // 2):
                raise ValueError(f"the numbers and the scales of {name} do not belong together")
            halves = torch.stack([value & 15, value >> 4], dim=-1).flatten(start_dim=-2).float() - LARGEST - 1
            blocks = halves.reshape(*scales.shape, BLOCK) * scales.float()[..., None]
            found[name] = blocks.flatten(start_dim=-2)
        elif bar + kind != _SCALES or name + _NUMBERS not in stored:
            raise ValueError(f"{key} belongs to nothing")
    return found
