"""Kill −9 at every write and at random moments: each verb is killed, looked at, run again, and compared.

    python tests/faults/harness.py            the long profile: every write of every verb (or many), and random moments
    python tests/faults/harness.py --fast     a few of each, for the test suite

Every kill is a process of its own that runs the command line, forked from one that has imported it (importing torch
takes seconds, a fork milliseconds). It is killed by the system (SIGKILL), either by itself at its n-th change of the
file system (an audit hook counts openings for writing, renames, removals and folders, and every fsync), or from outside
after a random share of its usual time. Some are killed twice before they may finish.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from jobs import JOBS, Job, artefacts, differences, prepare_process, write_inputs, wrong_state

SEED = 20261124
STUCK = 300  # seconds after which a process says where it stands and ends: a failure with its traceback, not a hang
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


@dataclass
class Tally:
    """Kills of one verb, those that it survived, those that came after its end, and what went wrong."""

    injected: int = 0
    survived: int = 0
    too_late: int = 0
    failures: list[str] = field(default_factory=list)


class Points:
    """Counts changes of the file system below a folder; the process dies at the `deadly`-th, before it happens."""

    def __init__(self, folder: Path, deadly: int | None) -> None:
        self._below = os.fsencode(folder.resolve())
        self._deadly = deadly
        self.count = 0
        self._fsync = os.fsync
        os.fsync = self._counted_fsync
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            _, mode, flags = arguments
            writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else flags & _WRITES  # type: ignore[operator]
            if not writes:
                return
        elif event not in _CHANGES:
            return
        path = arguments[0]
        if isinstance(path, str | bytes | os.PathLike) and os.fsencode(os.path.abspath(path)).startswith(self._below):
            self._reached()

    def _counted_fsync(self, descriptor: int) -> None:
        self._reached()
        self._fsync(descriptor)

    def _reached(self) -> None:
        self.count += 1
        if self.count == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def start(job: Job, folder: Path, deadly: int | None = None, report: Path | None = None) -> int:
    """Fork a process that runs the job in `folder`; returns its id. `report` gets the number of writes."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.chdir(folder)
        out = os.open("out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        faulthandler.dump_traceback_later(STUCK, exit=True, file=out)
        os.environ["LAPCA_BENCH_CACHE"] = str(folder / "cache")
        os.environ.pop("LAPCA_BENCH_DATA", None)
        sys.argv = ["lapca-bench", *job.words]
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        prepare_process(folder)
        from lapca_bench.cli.main import main

        points = Points(folder, deadly)
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        if report is not None:
            report.write_text(str(points.count))
    except BaseException:  # noqa: BLE001 - the forked copy must never go on in the harness's code
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise AssertionError  # never reached


def wait(child: int) -> int:
    """The exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Bench:
    """Undisturbed runs of all jobs, and the kills."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seed = random.Random(SEED)
        self.expected: dict[str, dict[str, str]] = {}
        self.output: dict[str, str] = {}
        self.points: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        write_inputs(root / "inputs")

    def fresh(self, job: Job, label: str) -> Path:
        """A folder with the job's inputs and, where it builds on another, that one's outcome."""
        base = self.root / "done" / job.after[0] if job.after else self.root / "inputs"
        folder = self.root / label.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder, symlinks=True)
        return folder

    def undisturbed(self, job: Job) -> None:
        """Run it twice as it is, after those it builds on; raises where it fails or is not repeatable."""
        if job.name in self.expected:
            return
        for earlier in job.after:
            self.undisturbed(JOBS[earlier])
        report = self.root / "count.txt"
        done = self.root / "done" / job.name
        for attempt in range(2):
            folder = self.fresh(job, "work")
            began = time.perf_counter()
            code = wait(start(job, folder, report=report))
            if code != 0:
                raise SystemExit(f"{job.name} ended with {code}:\n{(folder / 'out.txt').read_text()}")
            self.seconds[job.name] = time.perf_counter() - began
            found = artefacts(folder)
            if attempt and (differing := differences(self.expected[job.name], found)):
                raise SystemExit(f"{job.name} is not repeatable: {differing}")
            self.expected[job.name] = found
            self.output[job.name] = self._said(folder)
            self.points[job.name] = int(report.read_text())
            shutil.rmtree(done, ignore_errors=True)
            done.parent.mkdir(exist_ok=True)
            folder.rename(done)

    def _said(self, folder: Path) -> str:
        text = (folder / "out.txt").read_text()
        return text if "judged queries" in text else ""  # scoring leaves nothing but what it says

    def killed(self, job: Job, tally: Tally, *, points: tuple[int, ...] = (), moments: tuple[float, ...] = ()) -> None:
        """Kill the job at these writes, then after these shares of its time, in turn; then let it finish."""
        folder = self.fresh(job, "work")
        where = f"{job.name}, killed at {[*points, *(round(moment, 3) for moment in moments)]}"
        killed = 0
        for point in points:
            killed += self._killed(wait(start(job, folder, deadly=point)), tally, where, folder)
        for moment in moments:
            child = start(job, folder)
            time.sleep(moment * self.seconds[job.name])
            os.kill(child, signal.SIGKILL)
            killed += self._killed(wait(child), tally, where, folder)
        code = wait(start(job, folder))
        if code != 0:
            tally.failures.append(
                f"{where}: afterwards it ended with {code}: {(folder / 'out.txt').read_text()[-800:]}"
            )
            return
        wrong = [*wrong_state(folder), *differences(self.expected[job.name], artefacts(folder))]
        if self._said(folder) != self.output[job.name]:
            wrong.append("it says something else")
        if wrong:
            tally.failures.append(f"{where}: {wrong[:5]}")
        else:
            tally.survived += killed

    def _killed(self, code: int, tally: Tally, where: str, folder: Path) -> bool:
        if code == 0:
            tally.too_late += 1  # it had ended before the kill came
        elif code == -signal.SIGKILL:
            tally.injected += 1
        else:
            text = (folder / "out.txt").read_text()[-800:]
            tally.failures.append(f"{where}: ended with {code} instead of being killed: {text}")
        if wrong := wrong_state(folder):
            tally.failures.append(f"{where}: taken for whole: {wrong[:5]}")
        return code == -signal.SIGKILL

    def plan(self, job: Job, *, fast: bool) -> Iterator[dict[str, tuple[int, ...] | tuple[float, ...]]]:
        """Every write and some random moments; in the fast profile a few of each."""
        count = self.points[job.name]
        every = list(range(1, count + 1))
        limit = (2 if job.heavy else 4) if fast else (8 if job.heavy else 24)
        chosen = every if len(every) <= limit else sorted(self.seed.sample(every, limit))
        yield from ({"points": (point,)} for point in chosen)
        if not fast and count > 1:
            yield from (
                {"points": (self.seed.choice(every), self.seed.choice(every))} for _ in range(1 if job.heavy else 2)
            )
        moments = 1 if fast else (2 if job.heavy else 4)
        yield from ({"moments": (self.seed.uniform(0.05, 1),)} for _ in range(moments))


def preload(*, heavy: bool) -> None:
    """Import what jobs use, so that forks need not; nothing is called that starts a thread."""
    import importlib

    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its thread would hold locks at the moment of a fork
    light = ("pandas", "pyarrow.parquet", "bm25s", "lapca_bench.cli.main", "lapca_bench.store.cache")
    for name in (*light, "torch", "transformers", "lapca_bench.training.loop") if heavy else light:
        importlib.import_module(name)


def main() -> int:
    """Run a profile; prints counts per verb, exits 1 where a kill was not survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--fast", action="store_true", help="a few kills per verb, without the heavy ones")
    parser.add_argument("--only", action="append", choices=list(JOBS), help="only this verb; repeat for more")
    given = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    wanted = given.only or [name for name, job in JOBS.items() if not (given.fast and job.heavy)]
    total = Tally()
    began = time.perf_counter()
    preload(heavy=any(JOBS[name].heavy for name in wanted))
    with tempfile.TemporaryDirectory(prefix="lapca-faults-") as root:
        os.environ["NUMBA_CACHE_DIR"] = str(Path(root) / "numba")
        bench = Bench(Path(root))
        print(f"{'verb':<26} writes  killed  too late  survived")
        for name in sorted(wanted, key=lambda name: JOBS[name].heavy):
            bench.undisturbed(JOBS[name])
            tally = Tally()
            for kill in bench.plan(JOBS[name], fast=given.fast):
                bench.killed(JOBS[name], tally, **kill)  # type: ignore[arg-type]
            print(
                f"{name:<26} {bench.points[name]:6}  {tally.injected:6}  {tally.too_late:8}  {tally.survived:8}",
                flush=True,
            )
            for failure in tally.failures:
                print(f"  FAILED {failure}", flush=True)
            total.injected += tally.injected
            total.survived += tally.survived
            total.too_late += tally.too_late
            total.failures += tally.failures
    print(
        f"{total.injected} kills injected, {total.survived} survived, {len(total.failures)} failures"
        f" ({total.too_late} came after the end); {time.perf_counter() - began:.0f} s"
    )
    return 1 if total.failures or total.survived != total.injected else 0


if __name__ == "__main__":
    sys.exit(main())
