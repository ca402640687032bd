"""What the documents say is what the code does."""

import re
from pathlib import Path

from lapca_bench.scoring.measures import DEFINITIONS

DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_of_measures_is_that_of_the_code():
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    for definition in DEFINITIONS:
        row = f"| `{definition.form}` | {definition.text} | {definition.source} |"
        assert row.replace("@kkt", "@*k*kt") in text


def test_measured_figures_of_reliability_carry_their_command_and_date():
    """Every section with a table names the command that measured it, a target of the Makefile, and the day."""
    targets = set(re.findall(r"^([a-z]+):", (DOCS.parent / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    sections = (DOCS / "reliability.md").read_text(encoding="utf-8").split("\n## ")[1:]
    measured = [section for section in sections if re.search(r"^\|.*\d.*\|$", section, re.MULTILINE)]
    assert len(measured) >= 2
    for section in measured:
        name = section.partition("\n")[0]
        assert DATE.search(section), name
        commands = re.findall(r"`make ([a-z]+)`", section)
        assert commands, name
        assert set(commands) <= targets, name
