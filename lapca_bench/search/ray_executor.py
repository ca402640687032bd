"""Shards of work on a Ray cluster: every worker holds the task with its model, and gets one shard at a time.

Outputs come back in the order of the shards, whichever worker made them, so a result is the same to the last bit as on
one machine. A worker that is lost, with its machine or alone, is replaced and the shard it held is given out again;
shards it had finished are in the store and count. Tasks read and write the store by its path, so the cache
(LAPCA_BENCH_CACHE) must lie where all machines see it: on NFS or another file system that they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lapca_bench.encoders.extras import need
from lapca_bench.errors import LapcaError
from lapca_bench.store.executor import Output, Shard

ATTEMPTS = 3  # times that one shard may take its worker down before the work is given up


@dataclass
class _Job:
    place: int
    shard: Any
    attempts: int = 0


@dataclass
class RayExecutor:
    """Runs tasks on the cluster at `address` ("local" starts one on this machine), `cores` to a worker.

    Raises `MissingResourceError` where Ray is not installed, `LapcaError` where there is no such cluster.
    """

    address: str = "local"
    cores: int = 1
    _ray: Any = field(default=None, init=False, repr=False)

    @property
    def workers(self) -> int:
        """How many workers the cluster has room for now."""
        processors = float(self._connected().cluster_resources().get("CPU", 0))
        if processors < self.cores:
            raise LapcaError(
                f"the Ray cluster at {self.address!r} has {processors:g} cores, and a worker takes {self.cores}",
                remedy="start its machines (`ray start`), or ask for fewer cores to a worker",
            )
        return int(processors // self.cores)

    def map(self, task: Callable[[Shard], Output], shards: Iterable[Shard]) -> Iterator[Output]:
        """Run `task` on every shard; an exception of a task is raised at its shard's place."""
        crew = _Crew(self._connected(), task, self.cores, self.workers)
        try:
            yield from crew.work(shards)
        finally:
            crew.leave()

    def _connected(self) -> Any:
        if self._ray is None:
            ray = need("ray", "ray")
            if not ray.is_initialized():
                try:
                    ray.init(address=self.address, log_to_driver=False, include_dashboard=None, logging_level="ERROR")
                except (ConnectionError, ValueError, RuntimeError) as error:
                    message = f"no Ray cluster at {self.address!r}: {error}"
                    raise LapcaError(message, remedy="start one with `ray start --head`, or say local") from error
            self._ray = ray
        return self._ray


class _Worker:
    """What runs in a worker's process."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        self._task = task

    def run(self, shard: Any) -> Any:
        """The task's output."""
        return self._task(shard)


class _Crew:
    """The workers of one `map`, and which shard each of them holds."""

    def __init__(self, ray: Any, task: Callable[[Any], Any], cores: int, workers: int) -> None:
        self._ray = ray
        self._task = ray.put(task)
        self._kind = ray.remote(num_cpus=cores, max_restarts=0, scheduling_strategy="SPREAD")(_Worker)
        self._size = workers
        self._idle = [self._hire() for _ in range(workers)]
        self._busy: dict[Any, tuple[Any, _Job]] = {}  # by the promised output: worker and shard
        self._done: dict[int, Any] = {}  # outputs, and exceptions, whose turn has not come

    def _hire(self) -> Any:
        return self._kind.remote(self._task)

    def leave(self) -> None:
        """End all workers."""
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            self._ray.kill(worker)

    def work(self, shards: Iterable[Any]) -> Iterator[Any]:
        """Outputs in order; runs at most a few shards per worker ahead of whoever takes them."""
        source = iter(shards)
        given, taken, more = 0, 0, True
        while more or taken < given:
            while more and self._idle and given - taken < 4 * self._size:
                try:
                    shard = next(source)
                except StopIteration:
                    more = False
                    break
                self._give(_Job(given, shard))
                given += 1
            if taken in self._done:
                output = self._done.pop(taken)
                taken += 1
                if isinstance(output, Exception):
                    raise output
                yield output
            elif self._busy:
                self._wait()

    def _give(self, job: _Job) -> None:
        worker = self._idle.pop()
        self._busy[worker.run.remote(job.shard)] = (worker, job)

    def _wait(self) -> None:
        """Take what is ready; replace workers that were lost and give out their shards again."""
        ready, _ = self._ray.wait(list(self._busy), num_returns=1)
        for promise in ready:
            worker, job = self._busy.pop(promise)
            try:
                self._done[job.place] = self._ray.get(promise)
            except self._ray.exceptions.RayTaskError as error:
                self._done[job.place] = _cause(error)
            except self._ray.exceptions.RayError as error:
                job.attempts += 1
                if job.attempts == ATTEMPTS:
                    message = f"a shard took its worker down {ATTEMPTS} times; the last time: {error}"
                    lost = LapcaError(message, remedy="look at the memory of the machines; run it again to go on")
                    self._done[job.place] = lost
                self._ray.kill(worker)
                worker = self._hire()
                if job.attempts < ATTEMPTS:
                    self._idle.append(worker)
                    self._give(job)
                    continue
            self._idle.append(worker)


def _cause(error: Any) -> Exception:
    """What the task itself raised."""
    return error.cause if isinstance(getattr(error, "cause", None), Exception) else LapcaError(str(error))
