"""What the documents say is what the code does."""

import re
from pathlib import Path

from lapca_bench.scoring.naming.definitions import DEFINITIONS

DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
DOCS = Path(__file__).parents[3] / "docs"


def test_the_table_of_measures_is_that_of_the_code():
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    for definition in DEFINITIONS:
        row = f"| `{definition.form}` | {definition.text} | {definition.source} |"
        assert row.replace("@kkt", "@*k*kt") in text


COMMAND = re.compile(r"(?:`|^ *)(?:lapca-bench|make|python) ", re.MULTILINE)
FIGURE = re.compile(r"\b\d+\.\d+ (?:s|ms|MB|GB|%|points)\b|\b\d\d\.\d\b|\b\d+ (?:s|ms|MB|GB|minutes)\b")
# What looks like a measurement and is none, or is checked elsewhere.
OTHERWISE = {
    ("reliability.md", "## What is not covered"): "names of versions",
}


def test_every_section_with_measured_figures_names_its_command_and_day():
    seen = 0
    for path in (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))):
        for section in re.split(r"\n(?=##+ )", path.read_text(encoding="utf-8")):
            place = (path.name, section.partition("\n")[0])
            if FIGURE.search(section) and place not in OTHERWISE:
                seen += 1
                assert DATE.search(section), f"{place}: no day"
                assert COMMAND.search(section), f"{place}: no command"
    assert seen >= 5


def test_the_shipped_delta_is_as_large_as_the_text_says():
    (said,) = re.findall(
        r"\((\d+\.\d) MB for six of the twelve layers", (DOCS / "lapca.md").read_text(encoding="utf-8")
    )
    (file,) = (DOCS.parent / "baselines" / "models" / "lapca-r-small").glob("*.safetensors")
    assert float(said) == round(file.stat().st_size / 1e6, 1)


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
