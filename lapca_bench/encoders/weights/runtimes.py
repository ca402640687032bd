"""Libraries that run an exported transformer on the processor: how each writes an export, and how it runs one.

An export makes token vectors of a padded batch. Every core runs batches of its own (`batching.run_batches`), so each
library is told to give a batch one thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.threads import usable_threads
from lapca_bench.extras import need

if TYPE_CHECKING:
    import torch

# What runs an export: "onnx-int8" is another system, with numbers of its own.
Export = Literal["onnx", "onnx-int8", "openvino"]
Integers = npt.NDArray[np.int64]
# Token ids and attention mask, `(texts, longest)` each, to token vectors, `(texts, longest, width)`; from any thread.
TokenStates = Callable[[Integers, Integers], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Runtime:
    """A library by its `module`, whose release its vectors depend on, and the `extra` of lapca-bench that brings it.

    `write(states, folder)` exports a torch module of (ids, mask) in evaluation mode; `file` is the one in that folder
    which `load` opens. Both raise what the library raises.
    """

    module: str
    extra: str
    file: str
    write: Callable[[torch.nn.Module, Path], None]
    load: Callable[[Path], TokenStates]


def _write_onnx(states: torch.nn.Module, folder: Path) -> None:
    torch = need("torch", "dense")
    need("onnx", "onnx")
    axes = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the tracer, about Python values; the gate sees what they would spoil
        torch.onnx.export(
            states,
            _example(),
            str(folder / "model.onnx"),
            input_names=["input_ids", "attention_mask"],
            output_names=["states"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes},
            opset_version=17,
            dynamo=False,  # the newer exporter needs onnxscript and finds nothing more here
        )


def _write_int8_onnx(states: torch.nn.Module, folder: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    _write_onnx(states, folder)
    whole, small = folder / "model.onnx", folder / "int8.onnx"
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"])
    small.replace(whole)


def _load_onnx(file: Path) -> TokenStates:
    runtime = need("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def states(ids: Integers, mask: Integers) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = session.run(["states"], {"input_ids": ids, "attention_mask": mask})[0]
        return found

    return states


def _write_openvino(states: torch.nn.Module, folder: Path) -> None:
    torch, openvino = need("torch", "dense"), need("openvino", "openvino")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer, as above
        model = openvino.convert_model(states, example_input=_example())
    openvino.save_model(model, str(folder / "model.xml"), compress_to_fp16=False)


def _load_openvino(file: Path) -> TokenStates:
    openvino = need("openvino", "openvino")
    threads = usable_threads()
    options = {
        "INFERENCE_PRECISION_HINT": "f32",  # it would take bfloat16 where the processor has it
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # several processes on one machine would all be pinned to its first cores
    }
    model = openvino.Core().compile_model(str(file), "CPU", options)
    free: SimpleQueue[Any] = SimpleQueue()
    for _ in range(threads):  # once, since making one waits for batches at work
        free.put(model.create_infer_request())

    def states(ids: Integers, mask: Integers) -> npt.NDArray[np.float32]:
        request = free.get()
        try:
            found: npt.NDArray[np.float32] = request.infer(
                {"input_ids": ids, "attention_mask": mask}, share_inputs=True
            )[0]
        finally:
            free.put(request)
        return found

    return states


def _example() -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    ids = torch.ones((2, 8), dtype=torch.int64)
    return ids, torch.ones_like(ids)


RUNTIMES: dict[Export, Runtime] = {
    "onnx": Runtime("onnxruntime", "onnx", "model.onnx", _write_onnx, _load_onnx),
    "onnx-int8": Runtime("onnxruntime", "onnx", "model.onnx", _write_int8_onnx, _load_onnx),
    "openvino": Runtime("openvino", "openvino", "model.xml", _write_openvino, _load_openvino),
}
