"""A transformer exported to ONNX and run by ONNX Runtime, behind a gate that compares its vectors with torch's.

The export is made once per checkpoint and kept in the cache under the digest of all that it depends on. It is used only
if it passed the gate, on sentences of twenty languages: float32 must agree with torch to a cosine of 0.999 on every one
and keep 99% of each one's ten nearest; int8, which is another system with numbers of its own, to 0.95 on every one and
keep 80%. What was measured stands in the export's manifest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lapca_bench.atomic import atomic_folder
from lapca_bench.digest import digest_value
from lapca_bench.encoders.extras import need, releases
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.errors import EncoderError, InputError
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root
from lapca_bench.sealed import check_folder, read_sealed, seal_folder, write_sealed

Backend = Literal["torch", "onnx", "onnx-int8"]
MODEL, MANIFEST = "model.onnx", "export.json"
FORM = 1  # raised when exports are made in another way
LEAST = {"onnx": (0.999, 0.99), "onnx-int8": (0.95, 0.80)}  # cosine of every text, share of nearest ten kept
_NEAREST = 10
_REMEDY = "`lapca-bench cache verify --repair` removes it; the next use exports it again"


def export_folder(digests: dict[str, str], backend: Backend) -> Path:
    """Where the export of a checkpoint lies, made or not."""
    versions = releases("torch", "transformers", "onnxruntime")
    address = digest_value({"form": FORM, "backend": backend, "digests": digests, "versions": versions})
    return cache_root() / "exports" / address[:32]


def exported(folder: Path, backend: Backend, model: Callable[[], Any]) -> Any:
    """A session of the export in `folder`, which is made from `model()` (a transformers model) where it is missing."""
    with exclusive(folder.parent / "locks", folder.name):
        if not (folder / MODEL).is_file():
            with atomic_folder(folder) as temporary:
                _export(model(), temporary, backend)
                seal_folder(temporary)
    check_folder(folder, _REMEDY)
    return _session(folder / MODEL)


def _export(model: Any, folder: Path, backend: Backend) -> None:
    torch = need("torch", "dense")
    need("onnx", "onnx")

    ids = torch.ones((2, 8), dtype=torch.int64)
    axes = {0: "texts", 1: "tokens"}
    target = folder / MODEL
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the tracer, about Python values; the gate sees what they would spoil
        torch.onnx.export(
            _states(torch, model).eval(),
            (ids, torch.ones_like(ids)),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["states"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes},
            opset_version=17,
            dynamo=False,  # the newer exporter needs onnxscript and finds nothing more here
        )
    if backend == "onnx-int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        small = folder / "int8.onnx"
        quantize_dynamic(target, small, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"])
        small.replace(target)


def _states(torch: Any, model: Any) -> Any:
    class States(torch.nn.Module):  # type: ignore[misc]
        """Token vectors alone, of all that a model returns."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    return States()


def _session(file: Path) -> Any:
    runtime = need("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # every core runs a batch of its own (`batching.run_batches`)
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise InputError(f"ONNX Runtime cannot load it: {error}", path=file, remedy=_REMEDY) from error


def pass_gate(folder: Path, backend: Backend, name: str, ours: Vectors, reference: Callable[[], Vectors]) -> None:
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

    One that the reference puts within 0.001 of its tenth counts as kept: the order of equals is noise.
    """
    ours, reference = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (ours, reference))
    nearest = min(_NEAREST, len(ours))
    kept = []
    for one, other in zip(ours @ ours.T, reference @ reference.T, strict=True):
        tenth = np.sort(other)[-nearest]
        kept.append(float((other[np.argsort(-one)[:nearest]] >= tenth - 1e-3).mean()))
    cosine = float((ours * reference).sum(axis=1).min())
    return {"least cosine": cosine, "nearest kept": float(np.mean(kept))}
