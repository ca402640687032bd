"""Settings of every test. Being here, it also puts this folder on the import path: toys shared by folders lie in it."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from lapca_bench.paths import keep_compiled_code_private

# Reproducible, and without a limit of time per example: the machines that run this differ.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
# `make properties`: new examples every night, a hundred times as many.
settings.register_profile("nightly", deadline=None, max_examples=10_000, print_blob=True)
settings.load_profile(os.environ.get("LAPCA_BENCH_EXAMPLES", "repeatable"))

# What ranx compiles is compiled once for all tests, also for those that have a home of their own.
keep_compiled_code_private()


@pytest.fixture(scope="module")
def one_thread():
    """Training with one thread, for which it promises the same bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """The start model of the toy trainings."""
    from toys.training import write_start

    return write_start(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    """The pairs of the toy trainings."""
    from toys.training import write_toy_pairs

    return write_toy_pairs(tmp_path_factory.mktemp("pairs") / "pairs.parquet")
