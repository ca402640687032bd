"""What one observation is, for every test and interval: the translations of a query are one, other queries one each.

A question asked in eleven languages is no eleven independent draws: counted as such, intervals come out about three
times too narrow. Which queries are translations of one another the collection states (`Policy.translations`), since
ids do not show it: "de:page" and "fi:page" of help-pages are, "deu-0001" and "fin-0001" of Tatoeba are not. A result
records what its collection stated; for one that does not, the collection is asked by its name, which needs no data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lapca_bench.collections import registry
from lapca_bench.collections.base import LANGUAGE, QUERY
from lapca_bench.errors import LapcaError

if TYPE_CHECKING:
    import pandas as pd

Float64 = npt.NDArray[np.float64]


def translations(collection: str, recorded: str) -> str:
    """How the ids of a collection name the translations of one query; `recorded` is what a result says of it.

    "" where none are stated: for a collection that is unknown here and recorded nothing, every query is one.
    """
    return recorded or _stated(collection)


@cache
def _stated(collection: str) -> str:
    try:
        return registry.card(collection).policy.translations
    except LapcaError:  # not known here, or its library is not installed
        return ""


def data_set(collection: str) -> str:
    """The family, or for a collection of ir-datasets its data set: "irds/mr-tydi/te/test" is Mr. TyDi too."""
    family, _, subset = collection.partition("/")
    return subset.partition("/")[0] if family == "irds" else family


def observations_of(queries: Sequence[str], stated: str, collection: str = "") -> list[str]:
    """The name of the observation that each query belongs to; equal names are one observation.

    `stated` is `translations` of the collection. Without it the same id in two collections is two queries; with it,
    translations are one observation across all collections of the family.
    """
    if not stated:
        return [f"{collection} {query}" for query in queries]
    shape = _shape(stated)
    found = (shape.fullmatch(query) for query in queries)
    family = data_set(collection)
    return [f"{family} {match['query'] if match else query}" for match, query in zip(found, queries, strict=True)]


@cache
def _shape(stated: str) -> re.Pattern[str]:
    """The ids of a statement such as "{language}:{query}", the language as short as can be."""
    language, query = re.escape(LANGUAGE), re.escape(QUERY)
    return re.compile(re.escape(stated).replace(language, r"[\w-]+?").replace(query, "(?P<query>.+)"), re.DOTALL)


def summed(names: Sequence[str], weights: Float64, values: Float64) -> tuple[pd.Index[str], Float64]:
    """Queries added up to observations: their names in order, and (systems, observations) values.

    `values` is (systems, queries); `names` are those of the queries' observations and `weights` their shares of a
    system's mean, adding up to 1. The plain mean of a row of the result is that mean.
    """
    import pandas as pd

    codes, found = pd.factorize(np.asarray(names, dtype=object), sort=True)
    rows = [np.bincount(codes, weights * row, minlength=len(found)) for row in values]
    return pd.Index(found), np.asarray(np.vstack(rows) * len(found), dtype=np.float64)
