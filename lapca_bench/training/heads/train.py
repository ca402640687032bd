"""Training a linear head over frozen vectors: the seed methods that need no more than aligned text and a CPU.

Every method learns `x -> (x - offset) @ weight` for all languages and starts at the identity. Epochs go on until the
held-out text has not been better aligned for a method's `patience` of them; the best epoch's head is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.encoders.postprocessing import EVERY, AffineMap, PostProcessing
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.errors import InputError, UsageError, unknown_name
from lapca_bench.progress import progress
from lapca_bench.training.heads.frozen import Flags, FrozenVectors
from lapca_bench.training.heads.methods import METHODS, HeadMethod
from lapca_bench.training.heads.pairs import Context, HeadTrainingSettings, Pairs
from lapca_bench.training.held_out import held_out_accuracy

if TYPE_CHECKING:
    from torch import Tensor

HELD_OUT = 8  # every eighth group is looked at and never trained on


@dataclass(frozen=True)
class TrainedHead:
    """The head, its best epoch (0: the identity), and held-out accuracy before and after."""

    head: PostProcessing
    epoch: int
    before: float
    after: float


@dataclass
class _Best:
    accuracy: float
    epoch: int
    state: dict[str, Tensor]


def train_head(name: str, frozen: FrozenVectors, settings: HeadTrainingSettings | None = None) -> TrainedHead:
    """Train the method called `name`; raises `UsageError` with the nearest names for an unknown one."""
    import torch

    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    settings = settings or HeadTrainingSettings()
    torch.manual_seed(settings.seed)
    held = frozen.groups % HELD_OUT == HELD_OUT - 1
    rows = np.flatnonzero(METHODS[name].usable(frozen, settings) & ~held)
    if len(rows) < 2 or not held.any():
        raise InputError("too little aligned text to train on", remedy="take more paragraphs")
    context = Context(frozen, Pairs(frozen, rows, settings.seed), settings)
    method = METHODS[name](context)
    optimiser = torch.optim.Adam([{"params": list(part.parameters()), "lr": rate} for part, rate in method.rates()])
    before = _accuracy(frozen, held, frozen.vectors)
    best = _Best(before, 0, _copied(method))
    with progress(f"train {name}", settings.epochs, "epoch") as bar:
        for epoch in range(1, settings.epochs + 1):
            for batch in context.pairs.epoch(settings.batch):
                loss = method.loss(batch)
                if not bool(torch.isfinite(loss)):
                    raise UsageError(f"the loss of {name} is not finite in epoch {epoch}", remedy="lower the rate")
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                method.moved()
            with torch.no_grad():
                found = _accuracy(frozen, held, method.head(context.vectors).numpy())
            if found > best.accuracy:
                best = _Best(found, epoch, _copied(method))
            bar.advance()
            if epoch - best.epoch >= method.patience:
                break
    arrays = {key: value.numpy().astype(np.float64) for key, value in best.state.items()}
    one = AffineMap(arrays["offset"], arrays["weight"])
    return TrainedHead(PostProcessing(name, {EVERY: one}), best.epoch, before, best.accuracy)


def _copied(method: HeadMethod) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in method.head.state_dict().items()}


def _accuracy(frozen: FrozenVectors, held: Flags, vectors: Vectors) -> float:
    """How often the held-out document nearest to a held-out query translates it, by cosine."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    asked, given = np.flatnonzero(held & frozen.asked), np.flatnonzero(held & ~frozen.asked)
    return held_out_accuracy(unit[asked], unit[given], frozen.groups[asked], frozen.groups[given])
