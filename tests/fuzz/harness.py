"""Fuzzing of every reader: whole files, damaged at random, must be read or refused in one clear message.

    python tests/fuzz/harness.py                  the long profile: a million inputs
    python tests/fuzz/harness.py --inputs 20000   as many, shared out over the readers

An input passes when it is read, or refused by a `LapcaError` that names the file and says what to do. It fails with any
other exception, after two seconds of processor time, or when it needs more than 2 GB of memory beyond the start.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent))

from readers import ODD, Reader, readers

SEED = 20261124
SECONDS = 2.0
MEMORY = 2 * 1024**3
ROUNDS = 50  # over all readers, so that an unfinished long run has tried them all
DEAR = 20  # a dear reader gets a twentieth of a cheap one's inputs


class TooSlow(BaseException):
    """An input took more processor time than any should."""


@dataclass
class Tally:
    """Inputs of one reader: how many were read, how many cleanly refused, and one traceback of each failure."""

    tried: int = 0
    read: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, bytes] = field(default_factory=dict)


def mutated(draw: random.Random, reader: Reader) -> bytes:
    """One of the whole files with one to six random damages."""
    content = bytearray(draw.choice(reader.seeds))
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        at = draw.randrange(len(content) + 1)
        stop = min(len(content), at + draw.choice((1, 1, 2, 4, 16, 64)))
        match draw.randrange(8):
            case 0 if content:
                content[min(at, len(content) - 1)] ^= 1 << draw.randrange(8)
            case 1:
                del content[at:stop]
            case 2:
                content[at:at] = content[at:stop] * draw.choice((1, 2, 50))
            case 3:
                content[at:stop] = draw.randbytes(draw.randrange(1, 9))
            case 4:
                del content[at:]
            case 5:
                content[at:at] = draw.choice(ODD)
            case 6 if reader.words:
                content[at : draw.choice((at, stop))] = draw.choice(reader.words)
            case _:
                other = draw.choice(reader.seeds)
                content[at:stop] = other[draw.randrange(len(other) + 1) :][:64]
    return bytes(content)


def attempt(reader: Reader, path: Path, content: bytes, tally: Tally) -> None:
    """Give one input to a reader and note how it went."""
    from lapca_bench.errors import LapcaError

    path.write_bytes(content)
    tally.tried += 1
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        reader.read(path)
    except LapcaError as error:
        if error.path is None:
            _failed(tally, f"the message names no file: {error.message[:60]}", content)
        elif not error.remedy:
            _failed(tally, f"the message has no remedy: {error.message[:40]}", content)
        else:
            tally.refused += 1
    except (Exception, TooSlow) as error:  # noqa: BLE001 - what this is for
        place = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in place if "lapca_bench" in frame.filename] or place
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        _failed(tally, f"{type(error).__name__} at {where}: {str(error)[:80]}", content)
    else:
        tally.read += 1
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _failed(tally: Tally, what: str, content: bytes) -> None:
    tally.failures[what] += 1
    tally.examples.setdefault(what, content)


def _too_slow(_signum: int, _frame: FrameType | None) -> None:
    raise TooSlow(f"more than {SECONDS:g} s of processor time")


class Fuzzed:
    """One reader under fire; `upto` goes on to so many inputs, of which the first are its whole files."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.tally = Tally()
        self._draw = random.Random(f"{SEED} {reader.name}")

    def upto(self, inputs: int, folder: Path) -> None:
        """Try until so many inputs were tried in all."""
        path = folder / self.reader.file
        while self.tally.tried < inputs:
            seeds = self.reader.seeds
            whole = self.tally.tried < len(seeds)
            attempt(
                self.reader, path, seeds[self.tally.tried] if whole else mutated(self._draw, self.reader), self.tally
            )


def main() -> int:
    """Fuzz and print counts; exit 1 where an input failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs over all readers")
    parser.add_argument("--only", action="append", help="only this reader; repeat for more")
    given = parser.parse_args()
    chosen = [reader for reader in readers().values() if not given.only or reader.name in given.only]
    for reader in chosen:  # libraries are loaded before memory is limited
        with tempfile.TemporaryDirectory() as folder:
            first = Fuzzed(reader)
            first.upto(1, Path(folder))
            if reader.whole and not first.tally.read:
                raise SystemExit(f"{reader.name}: its whole file is not read; mend tests/fuzz/readers.py")
    _limit_memory()
    signal.signal(signal.SIGPROF, _too_slow)
    share = given.inputs / sum(1 if reader.cheap else 1 / DEAR for reader in chosen)
    total = Counter[str]()
    began = time.perf_counter()
    quick = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder in memory, made for this run alone
    with tempfile.TemporaryDirectory(dir=quick) as folder:
        fuzzed = [Fuzzed(reader) for reader in chosen]
        with contextlib.suppress(KeyboardInterrupt):  # stopped early, it still says what it found
            for part in range(1, ROUNDS + 1):
                for one in fuzzed:
                    one.upto(round(share * part / ROUNDS / (1 if one.reader.cheap else DEAR)) + 1, Path(folder))
                tried = sum(one.tally.tried for one in fuzzed)
                failures = sum(sum(one.tally.failures.values()) for one in fuzzed)
                spent = time.perf_counter() - began
                print(f"{tried} tried, {failures} failed, {spent:.0f} s", file=sys.stderr, flush=True)
    print(f"{'reader':<22}   tried    read refused failed")
    for one in fuzzed:
        tally, failed = one.tally, sum(one.tally.failures.values())
        print(f"{one.reader.name:<22} {tally.tried:7} {tally.read:7} {tally.refused:7} {failed:6}")
        for what, count in tally.failures.most_common(12):
            print(f"  FAILED {count} × {what}\n    {tally.examples[what][:160]!r}")
        total.update(tried=tally.tried, read=tally.read, refused=tally.refused, failed=failed)
    print(
        f"{total['tried']} inputs tried, {total['read']} read, {total['refused']} clean errors,"
        f" {total['failed']} failures; {time.perf_counter() - began:.0f} s"
    )
    return 1 if total["failed"] else 0


def _limit_memory() -> None:
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    sys.exit(main())
