"""Prints what the base installation and each extra take on disk, from the packages installed in this environment.

    python tools/sizes.py

An extra is counted with all that it needs and the base does not bring. Torch is counted as it is installed here.
"""

import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_DEVELOPERS = {"all", "bench", "test", "lint", "dev"}


def needed(requirements):
    """Names of all packages that `requirements` bring, those of their own included."""
    found = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if name in found and extras <= found[name]:
            continue
        found[name] = found.get(name, frozenset()) | extras
        try:
            inner = [Requirement(text) for text in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:
            del found[name]
            print(f"{name} is not installed here and not counted", file=sys.stderr)
            continue
        waiting += [
            r for r in inner if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras or {""})
        ]
    return set(found)


def holds(marker, extras):
    """Whether a requirement with this marker is one here, where these extras are asked for."""
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def megabytes(names):
    """What the files of these packages take, without compiled Python."""
    files = [file.locate() for name in names for file in metadata.files(name) or () if file.suffix != ".pyc"]
    return sum(Path(path).stat().st_size for path in files if Path(path).is_file()) / 1e6


def main():
    """Print the table."""
    base = needed(PROJECT["dependencies"])
    print("| extra | MB | the largest |\n|---|---:|---|")
    rows = {"(none)": base}
    rows |= {
        name: needed(requirements) - base
        for name, requirements in PROJECT["optional-dependencies"].items()
        if name not in OF_DEVELOPERS
    }
    rows["all of them"] = set().union(*(names for extra, names in rows.items() if extra != "(none)"))
    for extra, names in rows.items():
        sizes = sorted(((megabytes([name]), name) for name in names), reverse=True)
        largest = ", ".join(f"{name} {size:.0f}" for size, name in sizes[:3] if size >= 5)
        print(f"| `{extra}` | {sum(size for size, _ in sizes):.0f} | {largest} |")


if __name__ == "__main__":
    main()
