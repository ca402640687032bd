"""What the code must never do, read from its source: run strings, load pickles, trust remote code, open connections."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapca_bench.experiment.provenance import command_line
from lapca_bench.redaction import redacted

ROOT = Path(__file__).parents[3]
SOURCES = sorted(path for room in ("lapca_bench", "baselines", "leaderboards") for path in (ROOT / room).rglob("*.py"))
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NETWORK = {"socket", "http", "urllib.request", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "urllib3"}
# The only places that may reach out: fetching, which is what `resources` is for, and servers of vectors, which are
# asked only where --allow-network was given.
MAY_REACH_OUT = {"lapca_bench/resources/download.py", "lapca_bench/resources/endpoint.py"}
FETCHES_MODELS = "lapca_bench/resources/hub.py"
READS_PICKLES = "lapca_bench/resources/unpickle_worker.py"  # a process of its own, which reads tensors alone
# These ask for the host's name, which opens no connection.
# The one file whose code is run because the user names it (file.py:Class), from its text and not from a cached .pyc.
RUNS_A_FILE_OF_THE_USER = {("exec", "lapca_bench/encoders/kinds/user.py")}
NAMES_THE_HOST = {"lapca_bench/atomic.py", "lapca_bench/lock.py"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in SOURCES:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.Module) -> Iterator[tuple[str, dict[str, object], int]]:
    """Dotted name, constant keyword arguments and line of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            constants = {k.arg: k.value.value for k in node.keywords if k.arg and isinstance(k.value, ast.Constant)}
            yield ast.unparse(node.func), constants, node.lineno


def test_there_is_something_to_read():
    assert len(SOURCES) > 150


def test_no_pickle_and_no_connection_outside_fetch():
    for name, tree in trees():
        found = set(imports(tree))
        assert not {module for module in found if module.partition(".")[0] in PICKLES}, name
        reaching = {module for module in found if module in NETWORK or module.partition(".")[0] in NETWORK - {"urllib"}}
        if name in NAMES_THE_HOST:
            reaching -= {"socket"}
        assert not reaching or name in MAY_REACH_OUT, (name, reaching)


def test_no_call_that_runs_a_string_or_loads_code():
    refused = {
        "eval",
        "exec",
        "os.system",
        "os.popen",
        "torch.load",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
    }
    for name, tree in trees():
        for called, constants, line in calls(tree):
            place = f"{name}:{line} {called}"
            if called == "torch.load" and name == READS_PICKLES:
                assert constants.get("weights_only") is True, place
                continue
            assert called not in refused or (called, name) in RUNS_A_FILE_OF_THE_USER, place
            for flag in ("shell", "trust_remote_code", "allow_pickle"):
                assert constants.get(flag) in {None, False}, place
            if called.endswith(("snapshot_download", "hf_hub_download")):
                assert name == FETCHES_MODELS or constants.get("local_files_only") is True, place


def test_what_is_loaded_by_libraries_is_told_not_to_trust():
    """Every `from_pretrained` names both refusals, so that a library's default cannot change under us."""
    seen = 0
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("from_pretrained"):
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                if None in given:
                    continue
                seen += 1
                assert isinstance(given.get("local_files_only"), ast.Constant), (name, node.lineno)
                assert given["local_files_only"].value is True, (name, node.lineno)
    assert seen >= 1


SECRETS = ["hf_AbCdEfGhIjKlMnOpQrStUvWx", "ghp_0123456789abcdefghij0123", "s3cr3t-passw0rd"]


@pytest.mark.parametrize(
    "text",
    [
        "https://user:{}@host.example/simple",
        "Authorization: Bearer {}",
        "HF_TOKEN={} python run.py",
        "--token {}",
        "api_key: '{}'",
    ],
)
@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_hidden(text, secret):
    assert secret not in redacted(text.format(secret))


def test_what_is_no_secret_stays():
    for text in (
        "lapca-bench run --system bm25 --collection help-pages/de-en",
        "encoder 'me5-small-q4' ran out of memory on a single text",
        "wrong checksum: expected SHA-256 0123456789abcdef, found fedcba9876543210",
        "https://host.example/path@1.2",
        "tokens 512, tokenizer.json, the key [encoder]",
    ):
        assert redacted(text) == text


def test_logs_and_commands_hide_secrets(tmp_path):
    from lapca_bench.cli.output import LOG_FILE, log_into, set_volume

    set_volume(quiet=True, verbose=False)
    log_into(tmp_path)
    logger = logging.getLogger("lapca_bench")
    try:
        logger.info("fetching with HF_TOKEN=%s", SECRETS[0])
        try:
            raise ValueError(f"401 for Bearer {SECRETS[1]}")  # noqa: TRY301
        except ValueError:
            logger.debug("failed", exc_info=True)
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers.clear()
    written = (tmp_path / LOG_FILE).read_text()
    assert "fetching" in written
    assert "401" in written
    assert not any(secret in written for secret in SECRETS)
    assert SECRETS[0] not in command_line(["lapca-bench", "run", "--token", SECRETS[0]])
