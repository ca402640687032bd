"""Shards of work on a Ray cluster: every worker holds the task with its model, and gets one shard at a time.

Outputs come back in the order of the shards, whichever worker made them, so a result is the same to the last bit as on
one machine. A worker that is lost, with its machine or alone, is replaced and the shard it held is given out again;
shards it had finished are in the store and count. Tasks read and write the store by its path, so the cache
(LAPCA_BENCH_CACHE) must lie where all machines see it, on NFS or another file system that they share; where the store
has a shared URL, each machine uses the cache that it has itself (`store.shelf`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Generic

from lapca_bench.errors import LapcaError
from lapca_bench.extras import need
from lapca_bench.store.executor import Output, Shard

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

PATIENCE = 120  # seconds without any worker before the work is given up
ATTEMPTS = 3  # times that one shard may take its worker down before the work is given up


@dataclass
class _Job(Generic[Shard]):
    place: int
    shard: Shard
    attempts: int = 0


@dataclass
class RayExecutor:
    """Runs tasks on the cluster at `address` ("local" starts one on this machine), `cores` to a worker.

    Raises `MissingResourceError` where Ray is not installed, `LapcaError` where there is no such cluster.
    """

    address: str = "local"
    cores: int = 1
    _ray: ModuleType | None = field(default=None, init=False, repr=False)

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

    def _connected(self) -> ModuleType:
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


class _Worker(Generic[Shard, Output]):
    """What runs in a worker's process."""

    def __init__(self, task: Callable[[Shard], Output]) -> None:
        self._task = task

    def here(self) -> None:
        """Answers once the cluster has found a place for this worker."""

    def run(self, shard: Shard) -> Output:
        """The task's output."""
        return self._task(shard)


class _Crew(Generic[Shard, Output]):
    """The workers of one `map`, and which shard each of them holds.

    A worker gets its first shard when it has a place: one hired for a machine that was lost may wait for another for
    ever, and a shard must not wait with it.
    """

    def __init__(self, ray: ModuleType, task: Callable[[Shard], Output], cores: int, workers: int) -> None:
        self._ray = ray
        self._task = ray.put(task)
        self._kind = ray.remote(num_cpus=cores, max_restarts=0, scheduling_strategy="SPREAD")(_Worker)
        self._size = workers
        # By its promise to be here: worker.
        self._joining: dict[ObjectRef[None], ActorHandle[_Worker[Shard, Output]]] = {}
        self._idle: list[ActorHandle[_Worker[Shard, Output]]] = []
        # By the promised output: worker and shard.
        self._busy: dict[ObjectRef[Output], tuple[ActorHandle[_Worker[Shard, Output]], _Job[Shard]]] = {}
        self._returned: list[_Job[Shard]] = []  # shards of lost workers
        self._done: dict[int, Output | Exception] = {}  # outputs, and exceptions, whose turn has not come
        for _ in range(workers):
            self._hire()

    def _hire(self) -> None:
        worker = self._kind.remote(self._task)
        self._joining[worker.here.remote()] = worker

    def leave(self) -> None:
        """End all workers."""
        for worker in [*self._joining.values(), *self._idle, *(worker for worker, _ in self._busy.values())]:
            self._ray.kill(worker)

    def work(self, shards: Iterable[Shard]) -> Iterator[Output]:
        """Outputs in order; runs at most a few shards per worker ahead of whoever takes them."""
        source = iter(shards)
        given, taken, more = 0, 0, True
        while more or taken < given:
            while self._idle and self._returned:
                self._give(self._returned.pop())
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
            elif more or taken < given:
                self._wait()

    def _give(self, job: _Job[Shard]) -> None:
        worker = self._idle.pop()
        self._busy[worker.run.remote(job.shard)] = (worker, job)

    def _wait(self) -> None:
        """Take what is ready: workers that have come, outputs, and news of workers that were lost."""
        patience = None if self._busy else PATIENCE
        ready, _ = self._ray.wait([*self._busy, *self._joining], num_returns=1, timeout=patience)
        if not ready:
            message = f"no machine of the Ray cluster has had room for a worker for {PATIENCE} s"
            raise LapcaError(message, remedy="bring machines back; run the same command again to go on")
        for promise in ready:
            if promise in self._joining:
                self._join(promise)
            else:
                self._take(promise)

    def _join(self, promise: ObjectRef[None]) -> None:
        worker = self._joining.pop(promise)
        try:
            self._ray.get(promise)
        except self._ray.exceptions.RayTaskError as error:
            raise _cause(error) from None
        except self._ray.exceptions.RayError:
            self._hire()
        else:
            self._idle.append(worker)

    def _take(self, promise: ObjectRef[Output]) -> None:
        worker, job = self._busy.pop(promise)
        try:
            self._done[job.place] = self._ray.get(promise)
        except self._ray.exceptions.RayTaskError as error:
            self._done[job.place] = _cause(error)
        except self._ray.exceptions.RayError as error:
            self._ray.kill(worker)
            self._hire()
            job.attempts += 1
            if job.attempts < ATTEMPTS:
                self._returned.append(job)
            else:
                message = f"a shard took its worker down {ATTEMPTS} times; the last time: {error}"
                lost = LapcaError(message, remedy="look at the memory of the machines; run it again to go on")
                self._done[job.place] = lost
            return
        self._idle.append(worker)


def _cause(error: Exception) -> Exception:
    """What the task itself raised."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else LapcaError(str(error))
