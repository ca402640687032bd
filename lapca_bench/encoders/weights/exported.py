"""A transformer exported from torch and run by another library, behind a gate that compares its vectors with torch's.

The export is made once per checkpoint and kept in the cache under the digest of all that it depends on. It is used only
if it passed the gate, on sentences of twenty languages: float32 must agree with torch to a cosine of 0.999 on every one
and keep 99% of each one's ten nearest; int8, which is another system with numbers of its own, to 0.95 on every one and
keep 80%. What was measured stands in the export's manifest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.atomic import atomic_folder
from lapca_bench.digest import digest_value
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.weights.runtimes import RUNTIMES, Export, TokenStates
from lapca_bench.errors import EncoderError, InputError
from lapca_bench.extras import need, releases
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root
from lapca_bench.sealed import check_folder, read_sealed, seal_folder, write_sealed

if TYPE_CHECKING:
    import torch

MANIFEST = "export.json"
FORM = 1  # raised when exports are made in another way
# Cosine of every text, share of nearest ten kept.
LEAST: dict[Export, tuple[float, float]] = {
    "onnx": (0.999, 0.99),
    "onnx-int8": (0.95, 0.80),
    "openvino": (0.999, 0.99),
}
_NEAREST = 10
_REMEDY = "`lapca-bench cache verify --repair` removes it; the next use exports it again"


def export_folder(digests: dict[str, str], backend: Export) -> Path:
    """Where the export of a checkpoint lies, made or not."""
    versions = releases("torch", "transformers", RUNTIMES[backend].module)
    address = digest_value({"form": FORM, "backend": backend, "digests": digests, "versions": versions})
    return cache_root() / "exports" / address[:32]


def exported(folder: Path, backend: Export, model: Callable[[], torch.nn.Module]) -> TokenStates:
    """What runs the export in `folder`, which is made from `model()` (a transformers model) where it is missing."""
    runtime = RUNTIMES[backend]
    need(runtime.module, runtime.extra)
    file = folder / runtime.file
    with exclusive(folder.parent / "locks", folder.name):
        if not file.is_file():
            with atomic_folder(folder) as temporary:
                runtime.write(_states(model()), temporary)
                seal_folder(temporary)
    check_folder(folder, _REMEDY)
    try:
        return runtime.load(file)
    except Exception as error:  # such libraries' errors have no base of their own
        raise InputError(f"{runtime.module} cannot load it: {error}", path=file, remedy=_REMEDY) from error


def _states(model: torch.nn.Module) -> torch.nn.Module:
    import torch

    class States(torch.nn.Module):
        """Token vectors alone, of all that a model returns."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return found

    return States().eval()


def pass_gate(folder: Path, backend: Export, name: str, ours: Vectors, reference: Callable[[], Vectors]) -> None:
    """Compare an export's vectors of the probes with torch's, once; raises `EncoderError` where they part too far."""
    path = folder / MANIFEST
    if path.is_file():
        found = read_sealed(path, _REMEDY)
    else:
        found = agreement(ours, reference())
        write_sealed(path, found)
    cosine, kept = LEAST[backend]
    if found["least cosine"] < cosine or found["nearest kept"] < kept:
        raise EncoderError(
            f"the {backend} export of {name!r} is not the model: least cosine {found['least cosine']:.4f} (needs "
            f"{cosine}), {found['nearest kept']:.0%} of the nearest {_NEAREST} kept (needs {kept:.0%})",
            remedy='use backend = "torch" for this model',
        )


def agreement(ours: Vectors, reference: Vectors) -> dict[str, float]:
    """Least cosine between two encoders' vectors of the same texts, and the share of each text's nearest ten kept.

    One that the reference puts within 0.001 of its tenth counts as kept: the order of equals is noise. A vector that
    is not a number is like none: cosine -1.
    """
    ours, reference = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (ours, reference))
    nearest = min(_NEAREST, len(ours))
    kept = []
    for one, other in zip(ours @ ours.T, reference @ reference.T, strict=True):
        tenth = np.sort(other)[-nearest]
        kept.append(float((other[np.argsort(-one)[:nearest]] >= tenth - 1e-3).mean()))
    cosine = float(np.nan_to_num((ours * reference).sum(axis=1), nan=-1.0).min())
    return {"least cosine": cosine, "nearest kept": float(np.mean(kept))}
