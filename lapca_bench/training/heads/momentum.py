"""Momentum contrast: a slowly following copy of the encoder and queues of its past vectors as negatives.

One queue per direction (or per language) makes it dual: vectors of source sentences are contrasted with the queue of
target vectors and the reverse, so that negatives lie in the positive's language.
Sources: He et al. 2020 (MoCo), eqs. 1-2; Chen et al. 2023 (structural contrastive pretraining) for two queues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


class VectorQueue:
    """The last `capacity` vectors put in, L2-normalised, first in first out. Holds no gradient."""

    def __init__(self, capacity: int, dimension: int) -> None:
        import torch

        if capacity < 1:
            raise ValueError("a queue needs room for one vector")
        self._rows = torch.zeros(capacity, dimension)
        self._next = 0
        self._filled = 0

    def __len__(self) -> int:
        """Vectors in the queue now."""
        return self._filled

    def vectors(self) -> Tensor:
        """(len(self), dimension), in no particular order."""
        return self._rows[: self._filled]

    def put(self, vectors: Tensor) -> None:
        """Add rows; the oldest leave when the queue is full."""
        import torch
        from torch.nn import functional

        capacity = len(self._rows)
        rows = functional.normalize(vectors.detach(), dim=-1)[-capacity:]
        places = (self._next + torch.arange(len(rows))) % capacity
        self._rows[places] = rows.to(self._rows)
        self._next = (self._next + len(rows)) % capacity
        self._filled = min(capacity, self._filled + len(rows))


def follow(follower: nn.Module, leader: nn.Module, momentum: float = 0.999) -> None:
    """theta_k ← m·theta_k + (1 − m)·theta_q for every parameter (MoCo, eq. 2)."""
    import torch

    with torch.no_grad():
        for slow, fast in zip(follower.parameters(), leader.parameters(), strict=True):
            slow.mul_(momentum).add_(fast, alpha=1 - momentum)


def queue_info_nce(queries: Tensor, keys: Tensor, queue: Tensor, *, temperature: float) -> Tensor:
    """Mean over i of −log( exp(s(q_i, k_i)/tau) / [exp(s(q_i, k_i)/tau) + Σ_j exp(s(q_i, queue_j)/tau)] ).

    Keys and queue come from the follower and take no gradient (MoCo, eq. 1).
    """
    import torch
    from torch.nn import functional

    q, k = functional.normalize(queries, dim=-1), functional.normalize(keys.detach(), dim=-1)
    positive = (q * k).sum(-1, keepdim=True)
    logits = torch.cat([positive, q @ queue.detach().T], dim=1) / temperature
    return functional.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))


def dual_queue_info_nce(
    source: Tensor,
    target: Tensor,
    source_keys: Tensor,
    target_keys: Tensor,
    queues: tuple[Tensor, Tensor],
    *,
    temperature: float,
) -> Tensor:
    """Both directions: source against (its target key, target queue), target against (its source key, source queue).

    `queues` are (source queue, target queue). The mean of the two losses.
    """
    source_queue, target_queue = queues
    there = queue_info_nce(source, target_keys, target_queue, temperature=temperature)
    back = queue_info_nce(target, source_keys, source_queue, temperature=temperature)
    return (there + back) / 2
