"""What machine this is, and what its processor can do: the limit that encoding and search are held against."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numpy as np

SIDE = 2048  # of the square matrices: large enough for any library to reach its best


def describe() -> str:
    """Processor, cores that this process may use, memory, system and Python."""
    processor = platform.processor() or platform.machine()
    features = ""
    information = Path("/proc/cpuinfo")
    if information.exists():
        fields = dict(
            (part.strip() for part in line.split(":", 1))
            for line in information.read_text().splitlines()
            if ":" in line
        )
        processor = fields.get("model name", processor)
        known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
        features = " (" + ", ".join(name for name in known if name in fields.get("flags", "").split()) + ")"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor}{features}, {threads()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


def threads() -> int:
    """Cores that this process may use; every contestant gets as many threads."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(*packages: str) -> str:
    """Names and versions of installed packages."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    return ", ".join(found)


def multiply_rate(repeats: int = 5) -> dict[str, float]:
    """Floating-point operations per second of a float32 product of square matrices, by library: medians.

    "torch" is what `@` calls (MKL); oneDNN, which torch brings too, can be the faster one.
    """
    import torch

    left, right = np.random.default_rng(0).standard_normal((2, SIDE, SIDE), dtype=np.float32)
    tensors = torch.from_numpy(left), torch.from_numpy(right)
    work = 2.0 * SIDE**3
    rates = {}
    by_onednn = torch.ops.mkldnn._linear_pointwise
    for name, multiply in (
        ("numpy", lambda: left @ right),
        ("torch", lambda: tensors[0] @ tensors[1]),
        ("oneDNN", lambda: by_onednn(*tensors, None, "none", [], "none")),
    ):
        multiply()
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            multiply()
            seconds.append(time.perf_counter() - started)
        rates[name] = work / median(seconds)
    return rates
