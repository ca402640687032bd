"""The baseline systems, as cards and small modules that use only the public names of lapca_bench."""

from pathlib import Path


def cards() -> Path:
    """The folder of system cards that this package brings; the entry point `lapca_bench.systems` names it."""
    return Path(__file__).parent / "cards"
