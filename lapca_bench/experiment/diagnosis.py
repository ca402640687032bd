"""What `lapca-bench doctor` looks at: whether this machine can do the work, and the remedy where it cannot."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lapca_bench.atomic import sweep
from lapca_bench.encoders import hardware, health
from lapca_bench.encoders.kinds import AnySettings
from lapca_bench.encoders.probes import probes
from lapca_bench.errors import LapcaError, MissingResourceError
from lapca_bench.experiment import provenance
from lapca_bench.extras import EXTRAS, installing
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root, data_root

if TYPE_CHECKING:
    from lapca_bench.search.card import SystemCard

FREE_SPACE = 2_000_000_000  # bytes: weights, indexes and vectors of the demo take about a quarter of it


@dataclass(frozen=True)
class MachineFinding:
    """One thing looked at. "missing" is something optional that is not there, "broken" stops all work."""

    what: str
    state: Literal["ok", "missing", "broken"]
    detail: str
    remedy: str = ""


def diagnose() -> Iterator[MachineFinding]:
    """Every finding, in the order in which a newcomer meets them."""
    looks: tuple[Callable[[], Iterator[MachineFinding]], ...] = (
        _python,
        _packages,
        _extras,
        _java,
        _threads,
        _gpus,
        _cache,
        _data,
        _systems,
    )
    for look in looks:
        try:
            yield from look()
        except LapcaError as error:
            yield MachineFinding(look.__name__.strip("_"), "broken", error.message, error.remedy or "")


def _python() -> Iterator[MachineFinding]:
    yield MachineFinding("python", "ok", f"{sys.version.split()[0]} on {sys.platform}")
    yield MachineFinding("lapca-bench", "ok", version("lapca-bench"))


def _packages() -> Iterator[MachineFinding]:
    required = [name for name in map(_required, requires("lapca-bench") or []) if name]
    lacking = [name for name in required if not _installed(name)]
    if lacking:
        names = ", ".join(lacking)
        yield MachineFinding("packages", "broken", f"not installed: {names}", f"pip install {' '.join(lacking)}")
    else:
        yield MachineFinding(
            "packages", "ok", ", ".join(f"{name} {version(name)}" for name in ("numpy", "pandas", "ranx"))
        )


def _required(requirement: str) -> str:
    """The package that a requirement names; "" where it belongs to an extra."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    return name[0] if name and "extra ==" not in requirement else ""


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _extras() -> Iterator[MachineFinding]:
    for name, extra in EXTRAS.items():
        if lacking := extra.lacking:
            detail = f"{extra.purpose}: {', '.join(lacking)} not installed"
            yield MachineFinding(name, "missing", detail, installing(name))
        else:
            yield MachineFinding(name, "ok", extra.purpose)


def _java() -> Iterator[MachineFinding]:
    from lapca_bench.search.lexical.java import find_java

    try:
        java = find_java()
    except MissingResourceError as error:
        yield MachineFinding("java", "missing", error.message, error.remedy or "")
    else:
        yield MachineFinding("java", "ok", f"{java.version} from {java.source}")


def _threads() -> Iterator[MachineFinding]:
    count = provenance.threads()
    set_by_hand = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    detail = f"{count} usable; {provenance.processor()}"
    limits = [name for name, value in set_by_hand.items() if value.isdigit() and int(value) > count]
    if limits:
        yield MachineFinding("threads", "missing", f"{detail}; {limits[0]} asks for more", f"unset {limits[0]}")
    else:
        yield MachineFinding("threads", "ok", detail)


def _gpus() -> Iterator[MachineFinding]:
    if EXTRAS["dense"].lacking:
        return
    found = hardware.gpus()
    if found:
        yield MachineFinding("gpu", "ok", f"{'; '.join(found)}; used by default, in half precision with --dtype auto")
    else:
        yield MachineFinding("gpu", "ok", "none that PyTorch sees: models run on the processor")


def _cache() -> Iterator[MachineFinding]:
    root = cache_root()
    remedy = "make it writable, or point LAPCA_BENCH_CACHE at a folder that is"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        yield MachineFinding("cache", "broken", f"{root}: {error.strerror or error}", remedy)
        return
    free = shutil.disk_usage(root).free
    detail = f"{root} ({free / 1e9:.1f} GB free)"
    if free < FREE_SPACE:
        yield MachineFinding("cache", "missing", detail, "free space, or point LAPCA_BENCH_CACHE at a larger disk")
    else:
        yield MachineFinding("cache", "ok", detail)
    yield from _cache_state(root)


def _cache_state(root: Path) -> Iterator[MachineFinding]:
    """Whether locks work here, and whether killed runs left something; digests are checked by `cache verify`."""
    with exclusive(root / "locks", "00"):
        yield MachineFinding("locks", "ok", "two runs may share this cache")
    left = sweep(root)
    if left:
        remedy = "lapca-bench cache verify --repair removes them"
        yield MachineFinding("leftovers", "missing", f"{len(left)} files of runs that were killed", remedy)


def _data() -> Iterator[MachineFinding]:
    root = data_root()
    if root is None:
        remedy = "export LAPCA_BENCH_DATA=folder, for collections that are not fetched (see `collections list`)"
        yield MachineFinding("data", "missing", "LAPCA_BENCH_DATA is not set", remedy)
    elif not Path(root).is_dir():
        yield MachineFinding(
            "data", "broken", f"LAPCA_BENCH_DATA names {root}, which is no folder", "correct or unset it"
        )
    else:
        yield MachineFinding("data", "ok", str(root))


def _systems() -> Iterator[MachineFinding]:
    from lapca_bench.search import registry

    statuses = {name: registry.status(name) for name in registry.cards()}
    running = sum(status.ok for status in statuses.values())
    detail = f"{running} of {len(statuses)} run here"
    remedy = "" if running == len(statuses) else "lapca-bench systems list says why the others do not"
    yield MachineFinding("systems", "ok" if running else "missing", detail, remedy)


def check_system(name: str) -> list[health.Finding]:
    """Whether a system is sound: what `encoders.health` finds of its encoder, or of each encoder it is made of.

    Texts are those of the languages that its card claims. A system without an encoder is made and named; there is
    nothing more to look at before it searches.
    """
    from lapca_bench.search import registry
    from lapca_bench.search.stored_system import StoredSystem

    card = registry.find_card(name)
    system = registry.build_system(name)
    claimed = {code: [text] for code, text in probes().items() if code in card.languages}
    if isinstance(system, StoredSystem):
        return health.check(system.encoder, _model(card), claimed)
    findings = [finding for part in card.parts for finding in check_system(part)]
    return [*findings, health.Finding("identity", "ok", f"{name} ({card.kind}): {system.identity.digest[:16]}")]


def _model(card: SystemCard) -> AnySettings | None:
    """The settings of a card's encoder, if it has one of its own."""
    from lapca_bench.search.dense import DenseCard
    from lapca_bench.search.late_interaction import LateInteractionCard
    from lapca_bench.search.sparse import SparseCard

    match card:
        case DenseCard():
            return card.encoder
        case SparseCard():
            return card.sparse
        case LateInteractionCard():
            return card.late_interaction
        case _:
            return None
