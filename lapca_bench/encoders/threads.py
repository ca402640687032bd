"""How many threads the work may use, and work spread over them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def usable_threads() -> int:
    """Processors that this process may run on, and no more than OMP_NUM_THREADS says where it is set."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(processors, int(asked)) if asked.isdigit() and int(asked) else processors


def in_order(
    task: Callable[[Item], Outcome],
    items: Iterable[Item],
    threads: int,
    initializer: Callable[[], None] | None = None,
) -> Iterator[Outcome]:
    """`map` over threads that runs only a little ahead of whoever takes the results."""
    ahead: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(threads, initializer=initializer) as pool:
        try:
            for item in items:
                ahead.append(pool.submit(task, item))
                if len(ahead) > 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def in_order_by_torch(task: Callable[[Item], Outcome], items: Iterable[Item], threads: int) -> Iterator[Outcome]:
    """The same in threads in which torch uses a single one: no core waits for another after each of its operations.

    With one thread the task runs where it is, and torch's operations use as many as they are set to.
    """
    if threads == 1:
        yield from map(task, items)
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield from in_order(task, items, threads, initializer=lambda: torch.set_num_threads(1))
    finally:
        torch.set_num_threads(before)  # it is the number of threads that start later, too


@cache
def blas() -> Any:
    """What sets how many threads this process's BLAS uses.

    The last bits of a product depend on it, so what is compared bit by bit is computed with one.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
