"""Which files of a repository loading a model takes: weights once, tokenizer, configurations, and the model card."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

_ENDINGS = (".json", ".txt", ".model", ".safetensors")
_PICKLES = (".bin", ".pt", ".pth")
_OTHER_FORMATS = {"onnx", "openvino", "coreml", "tflite", "gguf", "original", "runs", ".git"}
_TRAINING = ("optimizer", "scheduler", "rng_state", "training_args", "trainer_state")
CARD = "README.md"


def needed(names: Collection[str]) -> tuple[str, ...]:
    """The files to bring, sorted; empty where the repository has no weights.

    In a folder with safetensors its pickles are left out, but for small parts beside the model (`*_linear.pt`), which
    have no other form.
    """
    paths = [
        PurePosixPath(name) for name in sorted(names) if not _OTHER_FORMATS.intersection(PurePosixPath(name).parts)
    ]
    paths = [path for path in paths if not path.name.startswith(_TRAINING)]
    safe = {path.parent for path in paths if path.suffix == ".safetensors"}
    weights = [path for path in paths if path.suffix == ".safetensors"]
    weights += [path for path in paths if is_pickle(path.name) and (path.parent not in safe or _is_part(path))]
    if not weights:
        return ()
    rest = [path for path in paths if path.suffix in _ENDINGS and path.suffix != ".safetensors"]
    rest = [path for path in rest if not (path.name.endswith(".bin.index.json") and path.parent in safe)]
    card = [PurePosixPath(CARD)] if CARD in names else []
    return tuple(sorted(map(str, {*weights, *rest, *card})))


def is_pickle(name: str) -> bool:
    """Whether a file holds pickled weights."""
    return name.endswith(_PICKLES)


def _is_part(path: PurePosixPath) -> bool:
    return path.stem.endswith("_linear")
