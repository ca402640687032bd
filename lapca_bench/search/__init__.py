"""Systems and search. A system is found by name through `registry`; `System` is what the harness sees of it."""

from lapca_bench.search.system import System, SystemIdentity

__all__ = ["System", "SystemIdentity"]
