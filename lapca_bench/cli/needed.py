"""What an experiment needs and is not on this machine: said with sizes, or fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lapca_bench.cli.output import duration, say, say_columns, size, tell

if TYPE_CHECKING:
    from lapca_bench.experiment.spec import Experiment

ASSUMED = 10e6  # bytes a second of the network, for estimates


def download_words(stated: int) -> str:
    """A download in words: its size and the time it takes at 10 MB a second."""
    return f"{size(stated)}, {duration(stated / ASSUMED)} at 10 MB/s" if stated else "size not stated"


def say_needed(experiment: Experiment) -> None:
    """Print what `fetch_needed` would fetch."""
    from lapca_bench import resources
    from lapca_bench.experiment.needs import missing

    wanted = missing(experiment)
    if not wanted:
        say("nothing is to be fetched")
        return
    found = [resources.catalog()[name] for name in wanted.resources]
    rows = [(one.name, download_words(one.size), one.licence, one.title) for one in found]
    rows += [(str(one), download_words(0), "see the hub", "a model") for one in wanted.repositories]
    say_columns(("to fetch", "download", "licence", "what it is"), rows)
    total = sum(one.size for one in found)
    unknown = sum(not one.size for one in found) + len(wanted.repositories)
    say(f"in all {download_words(total)}" + (f", and {unknown} of a size that is not stated" if unknown else ""))


def say_corpora(experiment: Experiment) -> None:
    """Print how many documents an encoder will read whose corpora are not here yet, by what is published."""
    from lapca_bench.collections import registry

    absent = [
        member
        for name in experiment.collections
        for member in registry.expand(name)
        if not registry.status(member).present
    ]
    sizes = dict(found for member in absent if (found := registry.expected_documents(member)) is not None)
    if sizes:
        say_columns(("corpus not here yet", "documents"), [(name, f"{count:,}") for name, count in sizes.items()])
        names = " ".join(f"-c {name}" for name in absent)
        say(f"hours and space for a dense system: lapca-bench plan -s NAME {names}")


def fetch_needed(experiment: Experiment) -> None:
    """Fetch what an experiment needs, said on standard error; raises what `fetch` raises."""
    from lapca_bench import resources
    from lapca_bench.cli.fetch import bring
    from lapca_bench.experiment.needs import missing

    wanted, known = missing(experiment), resources.catalog()
    bring([known[name] for name in wanted.resources], wanted.repositories, say_it=tell)
