"""Scoring: measures as values, scored runs, means with coverage, significance, language bias.

Names load on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lapca_bench.scoring.aggregation import Aggregate, aggregate, aggregate_frame
    from lapca_bench.scoring.bias import LanguageBias, LanguageMatrix, language_bias
    from lapca_bench.scoring.measures import Measure, parse
    from lapca_bench.scoring.naming.definitions import DEFINITIONS, Definition, forms
    from lapca_bench.scoring.pairwise import Comparison, compare
    from lapca_bench.scoring.scorer import Engine, Scores, score, score_files
    from lapca_bench.scoring.significance import Settings, intervals

_HOME = {
    "Aggregate": "aggregation",
    "aggregate": "aggregation",
    "aggregate_frame": "aggregation",
    "LanguageBias": "bias",
    "LanguageMatrix": "bias",
    "language_bias": "bias",
    "DEFINITIONS": "naming.definitions",
    "Definition": "naming.definitions",
    "Measure": "measures",
    "forms": "naming.definitions",
    "parse": "measures",
    "Engine": "scorer",
    "Scores": "scorer",
    "score": "scorer",
    "score_files": "scorer",
    "Comparison": "pairwise",
    "Settings": "significance",
    "compare": "pairwise",
    "intervals": "significance",
}

__all__ = [
    "DEFINITIONS",
    "Aggregate",
    "Comparison",
    "Definition",
    "Engine",
    "LanguageBias",
    "LanguageMatrix",
    "Measure",
    "Scores",
    "Settings",
    "aggregate",
    "aggregate_frame",
    "compare",
    "forms",
    "intervals",
    "language_bias",
    "parse",
    "score",
    "score_files",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
