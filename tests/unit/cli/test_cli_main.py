"""The command line as a whole: start-up, help, version, ways to end."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
from toys.cli import command, in_process

HEAVY = (
    "torch",
    "transformers",
    "ranx",
    "numba",
    "faiss",
    "jnius",
    "pandas",
    "pyarrow",
    "numpy",
    "scipy",
    "rich",
    "pydantic",
)

SHOW_MODULES = """
import sys, json
try:
    sys.argv = ["lapca-bench", "--help"]
    from lapca_bench.cli.main import main
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def test_help_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", SHOW_MODULES], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert [name for name in HEAVY if name in loaded] == []
    assert "run" in done.stdout


def test_importing_the_package_imports_nothing_heavy():
    program = "import json, sys, lapca_bench; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in HEAVY if name in json.loads(done.stdout)] == []


def test_public_names_exist():
    import lapca_bench

    for name in lapca_bench.__all__:
        assert callable(getattr(lapca_bench, name)) or getattr(lapca_bench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = lapca_bench.absent


def _verbs() -> list[tuple[str, ...]]:
    from lapca_bench.cli.main import VERBS

    found: list[tuple[str, ...]] = []
    for first, second in VERBS:
        if callable(first):
            found.append((first.__name__,))
            continue
        names = [one.name or one.callback.__name__.replace("_", "-") for one in second.registered_commands]
        found += [(first, name) for name in names]
    return found


@pytest.mark.parametrize("verb", _verbs(), ids=" ".join)
def test_every_verb_explains_itself(verb, capsys):
    ended = in_process(*verb, "--help", capture=capsys)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("Usage: lapca-bench")
    assert len(ended.out.split("Options:")[0].strip().splitlines()) >= 3
    assert "Example: lapca-bench" in ended.out


def test_help_lists_every_verb_in_a_whole_sentence(capsys):
    listed = in_process("--help", capture=capsys).out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert len(listed) > 15
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def test_version(capsys):
    from importlib.metadata import version

    assert in_process("--version", capture=capsys).out == f"lapca-bench {version('lapca-bench')}\n"


def test_a_reader_that_leaves_is_no_error():
    with subprocess.Popen(command("collections", "list"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=100)
    assert err == b""


def test_doctor_names_every_problem_with_a_remedy(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "absent"))
    ended = in_process("doctor", "--json", capture=capsys)
    findings = json.loads(ended.out)
    assert ended.code == 1
    assert {"python", "packages", "java", "threads", "cache", "data"} <= {finding["what"] for finding in findings}
    assert next(finding for finding in findings if finding["what"] == "data")["state"] == "broken"
    assert all(finding["remedy"] for finding in findings if finding["state"] != "ok")


def test_systems_list_for_programs(capsys):
    records = json.loads(in_process("systems", "list", "--json", capture=capsys).out)
    assert {"name", "kind", "runnable", "reason"} <= set(records[0])
    assert "bm25" in {record["name"] for record in records}
    assert all(isinstance(record["runnable"], bool) for record in records)
    assert all(record["reason"] for record in records if not record["runnable"])
    lexical = json.loads(in_process("systems", "list", "--kind", "bm25", "--json", capture=capsys).out)
    assert {record["kind"] for record in lexical} == {"bm25"}


def test_collections_list_and_info(capsys):
    records = json.loads(in_process("collections", "list", "help-pages", "--json", capture=capsys).out)
    assert {record["name"].partition("/")[0] for record in records} == {"help-pages"}
    assert "licence" in in_process("collections", "info", "help-pages/de-en", capture=capsys).out
    assert "stands for 14" in in_process("collections", "info", "help-pages/xx-en", capture=capsys).out


def test_packaged_experiments_are_sound(capsys):
    names = [record["name"] for record in json.loads(in_process("experiments", "list", "--json", capture=capsys).out)]
    assert "demo" in names
    for name in names:
        assert in_process("experiments", "check", name, capture=capsys).code == 0


def test_what_an_experiment_needs_fetched():
    from lapca_bench.experiment import spec
    from lapca_bench.experiment.needs import of_experiment

    systems = ("bm25", "bm25+me5-small-q4", "use-multilingual", "anything.py:Mine")
    experiment = spec.build({"systems": systems, "collections": ("help-pages/xx-en", "xquad-r/mixed")})
    needed = {"me5-small-q4", "me5-tokenizer", "use-multilingual", "help-pages"}
    # xquad-r only where no folder of the user's holds it
    assert set(of_experiment(experiment).resources) - {"xquad-r"} == needed


def test_cache_verbs(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "x").write_bytes(b"12345")
    rooms = {room["name"]: room for room in json.loads(in_process("cache", "ls", "--json", capture=capsys).out)}
    assert rooms["vectors"]["files"] == 1
    assert in_process("cache", "verify", capture=capsys).code == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_traceback(closed, tmp_path):
    program = f"{shlex.quote(sys.executable)} -c 'from lapca_bench.cli.main import main; main()' --version"
    done = subprocess.run(["sh", "-c", f"{program} {closed}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if " >&-" in f" {closed}" else f"lapca-bench {version('lapca-bench')}\n")


def test_a_process_that_loses_the_interruption_ends_all_the_same():
    """As where memory ran out: the exception is raised in a finalizer, which Python prints and forgets."""
    script = (
        "import os, signal\nfrom lapca_bench.cli import main as command\ncommand.GRACE = 1\n"
        "class Loses:\n    def __del__(self): os.kill(os.getpid(), signal.SIGTERM)\n"
        "def spin(**_):\n    Loses()\n    while True: pass\n"
        "command.app = spin\ncommand.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGALRM


def test_what_a_table_needs_names_models_of_the_hub_too(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    words = ("reproduce", "mr-tydi", "--run", "--rows", "mdpr-msmarco", "--columns", "sw", "--dry-run")
    done = in_process(*words, capture=capsys)
    assert done.code == 0
    assert "mr-tydi-corpus-sw" in done.out
    assert "hub:castorini/mdpr-tied-pft-msmarco" in done.out
