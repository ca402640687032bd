"""Options that several verbs share."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lapca_bench.encoders.hardware import Hardware
    from lapca_bench.search.workspace import Workspace


class Format(StrEnum):
    """How a table is printed."""

    terminal = "terminal"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"
    json = "json"
    html = "html"


class Tested(StrEnum):
    """The columns whose pairs of systems are tested."""

    mean = "mean"
    all = "all"
    none = "none"


class PairedTest(StrEnum):
    """The paired test that letters and p-values are of."""

    t = "t"
    permutation = "permutation"


TableFormat = Annotated[Format, typer.Option("--format", "-f", help="How to print tables.")]
Split = Annotated[str | None, typer.Option(help="The split (default: the collection's own).")]
Depth = Annotated[int | None, typer.Option(min=1, help="Documents per query (default: what the collection says).")]
Keep = Annotated[
    int | None,
    typer.Option(min=1, help="Store only this many documents per query; scores are of the whole run (default: all)."),
]
Significance = Annotated[Tested, typer.Option(help="Columns tested for significance.")]
Test = Annotated[PairedTest, typer.Option(help="The paired test, corrected after Holm over all that is shown.")]
Baseline = Annotated[
    str,
    typer.Option(
        "--baseline", metavar="NAME", help="Compare the others with this system alone; corrected for those comparisons."
    ),
]
Pairs = Annotated[
    bool,
    typer.Option("--pairs", help="List every pair too: difference, interval, effect, p, what could be detected."),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--equal-within",
        metavar="POINTS",
        min=0.0,
        help='Test for "as good as": that a difference is below so many points (two one-sided tests; lists pairs).',
    ),
]
Intervals = Annotated[bool, typer.Option("--intervals", help="Show 95% bootstrap intervals.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one entry of the recipe, as objective.mlm=0; repeat."),
]
RunCode = Annotated[
    bool,
    typer.Option("--run-code", help="Run Python code that a system brings in a file; else it is named and left alone."),
]
TrustIdentity = Annotated[
    bool,
    typer.Option(
        "--trust-identity",
        help="Use results and vectors again of an encoder of yours that cannot be looked into: you vouch that it is "
        "what it was.",
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Work on the Ray cluster at this address (auto: the one this machine belongs to; local: one started for "
        "this command). The cache must lie on a path that all its machines share, or --shared be given.",
    ),
]
SharedStore = Annotated[
    str | None,
    typer.Option(
        "--shared",
        metavar="URL",
        help="A store of vectors that machines share, each with a cache of its own: s3://bucket/folder, gs://..., "
        "abfss://... or file:///folder (default: LAPCA_BENCH_SHARED).",
    ),
]


def _allow_network(given: bool) -> None:
    if given:
        from lapca_bench.resources.endpoint import allow_network

        allow_network()


AllowNetwork = Annotated[
    bool,
    typer.Option(
        "--allow-network",
        callback=_allow_network,
        help="Let encoders that a server runs (cards of type endpoint) send it texts.",
    ),
]


Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="Where models run: auto (a GPU where there is one), cpu, cuda, cuda:1, mps."),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--dtype",
        metavar="DTYPE",
        help="Precision of weights: float32, float16, bfloat16, or auto (half on a GPU); default: the card's.",
    ),
]
BatchTokens = Annotated[
    int | None, typer.Option(min=1, help="Tokens of a padded batch (default: what suits the device).")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the processor (default: all it may use).")]


def hardware_of(
    device: str | None, dtype: str | None, batch_tokens: int | None = None, threads: int | None = None
) -> Hardware:
    """What the options ask of this machine; raises `UsageError` for a device that is not there."""
    from lapca_bench.encoders.hardware import Hardware, device_named

    hardware = Hardware(device, dtype, batch_tokens)
    if device is not None:
        device_named(device)
    if threads is not None:  # read wherever work is spread over threads, in this process and those it starts
        os.environ["OMP_NUM_THREADS"] = str(threads)
    return hardware


def workspace_on(ray: str | None, shared: str | None = None, hardware: Hardware | None = None) -> Workspace:
    """The workspace of a command: this process, or a Ray cluster; with the store that machines share, if any."""
    from lapca_bench.search.workspace import Workspace
    from lapca_bench.store.shared import Shared

    workspace = Workspace() if shared is None else Workspace(shared=Shared(shared).check())
    workspace = workspace if hardware is None else replace(workspace, hardware=hardware)
    if ray is None:
        return workspace
    from lapca_bench.search.ray_executor import RayExecutor

    return replace(workspace, executor=RayExecutor(ray))
