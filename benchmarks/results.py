"""Rows of the table, their raw numbers as JSON, and RESULTS.md made of all that has been measured."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HEAD = """# Measured speed and memory

Made by `make bench` (`python -m benchmarks`); `python -m benchmarks NAME` repeats one row, `--small` tries it out on
little work. Contestants take turns in one run on one machine and the ratio is the median over rounds of the peer's
seconds by ours, so that other load on the machine falls on both. Raw numbers: `results/NAME.json`.
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, by us and by the peer, in the same run.

    `ratio` above 1 means that ours is faster (or, for a share of a limit, the share reached); `target` is what it
    should reach. `limit` says what bounds it; `note` explains a missed target by a profile. `raw` keeps every number.
    """

    work: str
    ours: str
    peer: str
    ratio: float | None
    target: float | None
    limit: str = ""
    note: str = ""
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Whether the target is reached; "" where there is none."""
        if self.ratio is None or self.target is None:
            return ""
        return "yes" if self.ratio >= self.target else "no"


def write(folder: Path, name: str, about: dict[str, Any], rows: list[Row]) -> None:
    """Keep the rows of one benchmark and make the table again."""
    target = folder / "results" / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {"benchmark": name, **about, "rows": [asdict(row) for row in rows]}
    target.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(table(folder), encoding="utf-8")


def table(folder: Path) -> str:
    """RESULTS.md from the JSON files of `folder`."""
    documents = [json.loads(path.read_text("utf-8")) for path in sorted((folder / "results").glob("*.json"))]
    lines = [HEAD]
    machines = list(dict.fromkeys(document["machine"] for document in documents))
    letters = {machine: chr(ord("A") + place) for place, machine in enumerate(machines)}
    lines += [f"Machine {letters[machine]}: {machine}.\n" for machine in machines]
    lines.append("| work | ours | peer | ratio | target | reached | limit | machine, date |")
    lines.append("|---|---|---|---:|---:|---|---|---|")
    notes = []
    for document in documents:
        for row in (Row(**one) for one in document["rows"]):
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            target = "" if row.target is None else f"{row.target:g}"
            where = f"{letters[document['machine']]}, {document['date']}"
            cells = (row.work, row.ours, row.peer, ratio, target, row.verdict, row.limit, where)
            lines.append(f"| {' | '.join(cells)} |")
            if row.note:
                notes.append(f"* **{row.work}**: {row.note}")
    commands = [f"* `{document['command']}`: {document['versions']}" for document in documents]
    parts = ["\n".join(lines[len(machines) + 1 :]), "\n".join(notes), "## Commands and versions\n", "\n".join(commands)]
    return "\n".join(lines[: len(machines) + 1]) + "\n" + "\n\n".join(part for part in parts if part) + "\n"
