"""What the documents say is what the code does."""

from pathlib import Path

from lapca_bench.scoring.measures import DEFINITIONS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_of_measures_is_that_of_the_code():
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    for definition in DEFINITIONS:
        row = f"| `{definition.form}` | {definition.text} | {definition.source} |"
        assert row.replace("@kkt", "@*k*kt") in text
