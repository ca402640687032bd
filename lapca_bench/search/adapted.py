"""Any object as a system: a system, an encoder of one of the three forms, or whatever `adapt` takes for an encoder."""

from __future__ import annotations

import copy

from lapca_bench.encoders.adapt import adapt
from lapca_bench.encoders.protocol import Encoder, MultiVectorEncoder, SparseEncoder
from lapca_bench.errors import UsageError
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.late_interaction import LateInteractionSystem
from lapca_bench.search.sparse import SparseSystem
from lapca_bench.search.system import System
from lapca_bench.search.workspace import Workspace


def system_of(thing: object, name: str | None, workspace: Workspace) -> System:
    """`thing` as a system called `name` (default: what it is called itself).

    Raises `UsageError` for what is none and cannot be made one.
    """
    if isinstance(thing, System):
        return thing if name in (None, thing.name) else _renamed(thing, str(name))
    if not isinstance(thing, Encoder):
        if isinstance(thing, SparseEncoder):
            return SparseSystem(thing, workspace.sparse_vectors, workspace.executor, name)
        if isinstance(thing, MultiVectorEncoder):
            return LateInteractionSystem(thing, workspace.token_vectors, workspace.executor, name)
    return DenseSystem(adapt(thing, name), workspace.vectors, workspace.executor, name)


def _renamed(system: System, name: str) -> System:
    other = copy.copy(system)
    try:
        other.name = name  # type: ignore[misc]
    except AttributeError as error:
        message = f"{type(system).__name__} {system.name!r} cannot be called {name!r}"
        raise UsageError(
            message, remedy=f"call it {system.name!r} here too, or give its class a name to set"
        ) from error
    return other
