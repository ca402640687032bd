"""Starting the Java machine that Lucene runs in, once per process, before anything of Lucene is used."""

from __future__ import annotations

import locale
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lapca_bench.errors import LapcaError, MissingResourceError, StoreError
from lapca_bench.search.lexical.fault_handlers import FaultHandlers
from lapca_bench.search.lexical.java import WAYS_OUT, find_jar, find_java

JavaObject = Any  # as the bridge gives it: its methods have their Java names
AutoClass = Callable[[str], JavaObject]  # a Java class by its name


@contextmanager
def java() -> Iterator[AutoClass]:
    """The Java machine, started where it does not run yet, for one thread at a time: gives `jnius.autoclass`.

    Every piece of work in Java happens inside. The bridge keeps the object that a method is called on in the method,
    which all threads share: of two threads that each fill an index, one would write into the other's, and two first
    uses at once end the process. The machine also gets its fault handlers back where they were replaced.

    Raises `MissingResourceError` where Java or Lucene is absent, another package already started an older machine, or
    this process was forked from one in which it runs.
    """
    _refuse_a_fork()
    with _TURNS.lock:
        _TURNS.process = os.getpid()
        machine = _machine()
        machine.handlers.restore()
        yield machine.autoclass


@dataclass(frozen=True)
class _Machine:
    """The machine that runs in this process; `encoding` is how it spells paths."""

    autoclass: AutoClass
    handlers: FaultHandlers
    encoding: str


class _Turns:
    """Whose turn it is in Java, and the process in which it was started; a fork has neither."""

    def __init__(self) -> None:
        self.process: int | None = None
        self.lock = threading.RLock()
        os.register_at_fork(after_in_child=self._forget_lock)

    def _forget_lock(self) -> None:
        self.lock = threading.RLock()  # a thread that the fork lacks may have held it


_TURNS = _Turns()


def _refuse_a_fork() -> None:
    """Raise `MissingResourceError` where Java's threads are another process's: a call into it would wait for ever."""
    if _TURNS.process == os.getpid():
        return
    if _TURNS.process is None and not _started_elsewhere():
        return
    raise MissingResourceError(
        "this process was forked from one in which Java runs, and Java does not come along",
        remedy='fork before the first use of BM25, or start processes by "spawn" or "forkserver" '
        '(multiprocessing.get_context("spawn"))',
    )


def _started_elsewhere() -> bool:
    """Whether another package started Java before this process was forked: no thread of the machine's is left."""
    known, tasks = sys.modules.get("jnius_config"), Path("/proc/self/task")
    if known is None or not known.vm_running or not tasks.is_dir():
        return False
    return len(list(tasks.iterdir())) <= threading.active_count()


@contextmanager
def _spelling() -> Iterator[None]:
    """The C locale, in which Java can name plain letters alone, is C.UTF-8 while it starts; Python does the same."""
    before = os.environ.get("LC_ALL")
    if locale.setlocale(locale.LC_CTYPE) not in ("C", "POSIX"):
        yield
        return
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before


@cache
def _machine() -> _Machine:
    java, jar = find_java(), find_jar()
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ.pop("JVM_PATH", None)
    import jnius_config

    if not jnius_config.vm_running:
        jnius_config.set_classpath(str(jar))
        jnius_config.add_options(
            "-Xrs",  # leave Ctrl-C to Python
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
            "-Dslf4j.internal.verbosity=ERROR",
            "-Dlog4j2.level=OFF",
            "--enable-native-access=ALL-UNNAMED",
            "-Djava.util.logging.config.file=/dev/null",
        )
    try:
        with _spelling():
            from jnius import autoclass
    except Exception as error:
        raise MissingResourceError(
            f"Java {java.version} (from {java.source}) does not start: {error}", remedy=WAYS_OUT
        ) from error
    try:
        autoclass("org.apache.lucene.index.IndexWriter")
    except Exception as error:
        raise MissingResourceError(
            f"the running Java machine does not know Lucene: {error}",
            remedy="run lapca-bench in a process in which nothing else started Java",
        ) from error
    encoding = str(autoclass("java.lang.System").getProperty("sun.jnu.encoding") or "utf-8")
    return _Machine(autoclass, FaultHandlers(), encoding)


def java_path(folder: Path) -> JavaObject:
    """The `java.nio.file.Path` of a folder, inside `java()`.

    Raises `StoreError` where Java, which spells paths as its locale does, cannot name it: whatever lies there is whole.
    """
    encoding = _machine().encoding
    try:
        spelt = os.fsencode(folder).decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise StoreError(
            f"Java cannot spell this path in this process's locale ({encoding})",
            path=os.fsencode(folder).decode("utf-8", "backslashreplace"),
            remedy="set LC_ALL=C.UTF-8, or point LAPCA_BENCH_CACHE at a folder named in plain letters",
        ) from error
    return _machine().autoclass("java.io.File")(spelt).toPath()


@contextmanager
def java_errors(raised: Callable[[str], LapcaError]) -> Iterator[None]:
    """Turn an exception of Java into what `raised` makes of its message."""
    from jnius import JavaException

    try:
        yield
    except JavaException as error:
        message = f"{(error.classname or 'Java').rpartition('.')[2]}: {error.innermessage or error}"
        raise raised(message.splitlines()[0]) from error


@cache
def lucene_version() -> str:
    """The version of Lucene in the jar; starts Java."""
    with java() as autoclass:
        return str(autoclass("org.apache.lucene.util.Version").LATEST.toString())
