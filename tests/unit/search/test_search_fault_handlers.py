"""Java keeps the handlers of faults that it needs; without them a null reference in compiled code ends the process."""

import subprocess
import sys

import pytest

from lapca_bench.errors import MissingResourceError
from lapca_bench.search.lexical import java

REPLACE = "signal.signal(signal.SIGSEGV, signal.SIG_DFL)"
RAY = "import ray; ray.init(address='local', num_cpus=1, include_dashboard=False, log_to_driver=False); ray.shutdown()"


def null_references(after: str) -> subprocess.CompletedProcess[str]:
    """A process that starts Java, does something else, and then has Java follow null until that code is compiled."""
    lines = [
        "import signal",
        "from lapca_bench.search.lexical.machine import java",
        "with java() as autoclass:",
        "    largest = autoclass('java.util.Collections')",
        "from jnius import JavaException",
        *after.splitlines(),
        "found = 0",
        "for _ in range(30_000):",
        "    try:",
        "        largest.max(None)",
        "    except JavaException:",
        "        found += 1",
        "print(found)",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(autouse=True)
def needs_java():
    try:
        java.find_java(), java.find_jar()
    except MissingResourceError as error:
        pytest.skip(str(error))


def test_a_replaced_handler_ends_the_process():
    assert null_references(REPLACE).returncode == -11, "the danger is gone, and with it what guards against it"


def test_a_replaced_handler_is_put_back():
    done = null_references(REPLACE + "\nwith java(): pass")
    assert (done.returncode, done.stdout) == (0, "30000\n"), done.stderr


def test_ray_may_come_and_go():
    pytest.importorskip("ray", reason="needs the extra lapca-bench[ray]")
    done = null_references(RAY + "\nwith java(): pass")
    assert (done.returncode, done.stdout) == (0, "30000\n"), done.stderr
