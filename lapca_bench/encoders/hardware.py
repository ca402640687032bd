"""`Hardware`: where models run, in which precision, and how much of a batch at once; a user's choice, above the cards'.

The device and the size of batches change a vector by rounding only and are no part of an identity; the precision of
weights is part of it, so that vectors in half precision never stand for others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from lapca_bench.errors import UsageError
from lapca_bench.extras import need

Dtype = Literal["float32", "float16", "bfloat16"]
DEVICE = r"auto|cpu|mps|cuda(:\d+)?"
_DTYPES = ("auto", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Hardware:
    """What a user asks of this machine; None leaves it to each card.

    `device`: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1" or "mps". `dtype`: precision of weights,
    "auto" for half precision on a GPU (bfloat16 where it computes in it) and float32 elsewhere; without it what cards
    say, which is float32 where they say nothing. `batch_tokens`: tokens of a padded batch. Raises `UsageError` for
    another word.
    """

    device: str | None = None
    dtype: str | None = None
    batch_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse words that mean nothing."""
        if self.device is not None and not re.fullmatch(DEVICE, self.device):
            raise UsageError(f"unknown device {self.device!r}", key="device", remedy="auto, cpu, cuda, cuda:1 or mps")
        if self.dtype is not None and self.dtype not in _DTYPES:
            raise UsageError(f"unknown dtype {self.dtype!r}", key="dtype", remedy=f"one of {', '.join(_DTYPES)}")
        if self.batch_tokens is not None and self.batch_tokens < 1:
            raise UsageError("a batch has at least one token", key="batch_tokens", remedy="give a positive number")

    @property
    def changes(self) -> dict[str, Any]:
        """The settings of a model that are replaced."""
        asked = {"device": self.device, "dtype": self._precision(), "batch_tokens": self.batch_tokens}
        return {name: value for name, value in asked.items() if value is not None}

    def _precision(self) -> str | None:
        if self.dtype != "auto":
            return self.dtype
        device = device_named(self.device or "auto")
        if device == "cpu":
            return "float32"
        return "bfloat16" if device.startswith("cuda") and computes_in_bfloat16() else "float16"


def device_named(asked: str) -> str:
    """The device that is meant, by its name in torch; raises `UsageError` for one that this machine does not have."""
    torch = need("torch", "dense")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return "cuda" if gpus else "cpu"
    if asked == "mps" and not torch.backends.mps.is_available():
        raise UsageError("this machine has no Apple GPU that PyTorch can use", key="device", remedy="--device auto")
    if asked.startswith("cuda") and int(asked.partition(":")[2] or 0) >= gpus:
        found = f"{gpus} GPU{'s' * (gpus != 1)}" if gpus else "no GPU"
        remedy = "--device auto; `lapca-bench doctor` names what there is"
        raise UsageError(f"device {asked} is asked for, and PyTorch sees {found} here", key="device", remedy=remedy)
    return asked


def computes_in_bfloat16() -> bool:
    """Whether the GPU multiplies in bfloat16 itself (compute capability 8 and later)."""
    torch = need("torch", "dense")
    return bool(torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8)


def gpus() -> list[str]:
    """The GPUs that PyTorch sees, in words: name, memory, what it computes in."""
    torch = need("torch", "dense")
    found = []
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(number)
        half = "bfloat16" if about.major >= 8 else "float16"
        found.append(f"cuda:{number} {about.name}, {about.total_memory / 2**30:.0f} GiB, half precision: {half}")
    if torch.backends.mps.is_available():
        found.append("mps: this machine's Apple GPU")
    return found
