"""Java among threads, forks and locales: the right ranking or one clear error, never a crash, a hang or a mixture."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lapca_bench.errors import MissingResourceError
from lapca_bench.search.lexical.java import find_jar, find_java

HEAD = """
import multiprocessing, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.setswitchinterval(1e-6)  # threads change places as often as on many cores
from toys.search import ToyCollection
from lapca_bench.errors import LapcaError
from lapca_bench.search.lexical.bm25 import BM25System
from lapca_bench.types import Document, Query

def best(number):
    documents = [Document(f"c{number}-{i}", f"fox {i} number{number} " + "filler " * (i % 7)) for i in range(60)]
    queries = [Query(f"q{i}", f"fox {i}") for i in range(0, 60, 7)]
    run = BM25System(Path(sys.argv[1]), name=f"b{number}").search(ToyCollection(documents), queries, 5)
    assert all(document.startswith(f"c{number}-") for document in run.vocabulary)
    return [run.ranking(query.id)[0][0] for query in queries] == [f"c{number}-{i}" for i in range(0, 60, 7)]

def told(number):
    try:
        return best(number)
    except LapcaError as error:
        return f"{error.message}|{error.remedy}"
"""
THREADS = "with ThreadPoolExecutor(4) as pool: print(all(pool.map(best, range(8))))"
FORKED = """
print(best(0), flush=True)
with multiprocessing.get_context("fork").Pool(1) as pool: print(pool.map(told, [1])[0], flush=True)
print(best(2))
"""
FORKED_BEFORE = """
with multiprocessing.get_context("fork").Pool(1) as pool: print(pool.map(told, [1])[0], flush=True)
print(best(2))
"""
FORKED_MEANWHILE = """
from lapca_bench.search.lexical import machine
began = threading.Event()
look = machine.find_jar
machine.find_jar = lambda: (began.set(), look())[1]
thread = threading.Thread(target=best, args=(0,))
thread.start()
began.wait()
child = os.fork()
if child == 0:
    print(told(1), flush=True)
    os._exit(0)
os.waitpid(child, 0)
thread.join()
print(best(2))
"""
OTHERS_JAVA = """
import jnius_config
from lapca_bench.search.lexical.java import find_jar, find_java
os.environ["JAVA_HOME"] = str(find_java().home)
jnius_config.set_classpath(str(find_jar()))
import jnius
jnius.autoclass("java.lang.System")
child = os.fork()
if child == 0:
    print(told(1), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(best(2))
"""


@pytest.fixture(autouse=True)
def needs_java():
    try:
        find_java(), find_jar()
    except MissingResourceError as error:
        pytest.skip(str(error))


def lines(script: str, folder: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, folder],
        capture_output=True,
        timeout=100,
        check=False,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:].decode("utf-8", "replace")
    return done.stdout.decode("utf-8", "replace").splitlines()


def test_threads_that_start_java_at_once_each_get_their_own_ranking(tmp_path):
    assert lines(THREADS, str(tmp_path)) == ["True"]


@pytest.mark.parametrize("script", [FORKED, FORKED_MEANWHILE, OTHERS_JAVA], ids=["after", "meanwhile", "not ours"])
def test_a_fork_of_a_process_with_java_is_told_and_the_parent_goes_on(script, tmp_path):
    *_, child, parent = lines(script, str(tmp_path))
    assert child.startswith("this process was forked from one in which Java runs")
    assert "spawn" in child
    assert parent == "True"


def test_a_fork_before_java_starts_has_a_java_of_its_own(tmp_path):
    assert lines(FORKED_BEFORE, str(tmp_path)) == ["True", "True"]


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "xx_XX.nowhere"}],
    ids=["C", "POSIX without coercion", "unknown"],
)
def test_a_cache_whose_name_the_locale_cannot_spell(environment, tmp_path):
    folder = str(tmp_path / "cäche 京 ")
    assert lines("print(best(1))", folder, LC_ALL="C.UTF-8") == ["True"]  # what one locale wrote another reads
    assert lines("print(best(1), best(2))", folder, **environment) == ["True True"]


def test_a_path_that_is_no_text_is_told_with_a_remedy_and_nothing_is_to_be_deleted(tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/b\xff")
    (told,) = lines("print(told(1))", folder)
    assert "Java cannot spell this path" in told
    assert "LC_ALL=C.UTF-8" in told
    assert "delete" not in told


def test_where_java_was_started_by_another_in_the_c_locale_the_remedy_is_the_locale(tmp_path):
    script = OTHERS_JAVA.partition("child = os.fork()")[0] + "print(told(1))"
    (told,) = lines(script, str(tmp_path / "cäche"), LC_ALL="C")
    assert "LC_ALL=C.UTF-8" in told
    assert "delete" not in told
