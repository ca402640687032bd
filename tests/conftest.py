"""Settings of every test. Being here, it also puts this folder on the import path: toys shared by folders lie in it."""

import os

from hypothesis import settings

from lapca_bench.paths import cache_root

# Reproducible, and without a limit of time per example: the machines that run this differ.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# ranx's functions are compiled once for all tests, not anew in the cache folder of each.
os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_root() / "numba"))
