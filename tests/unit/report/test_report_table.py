"""The table model: marks, ranks, letters."""

from __future__ import annotations

import pytest

from lapca_bench.report.table import Column, Row, Table, letters, ranked, superscript
from lapca_bench.report.table import TableCell as Cell


def table(*rows: list[float | None], digits: int = 1) -> Table:
    columns = tuple(Column(f"c{i}", f"c{i}") for i in range(len(rows[0])))
    made = tuple(Row(f"s{i}", tuple(Cell(value) for value in values)) for i, values in enumerate(rows))
    return Table("t", columns, made, digits=digits)


def ranks(made: Table) -> list[list[int | None]]:
    return [[cell.rank for cell in row.cells] for row in made.rows]


def test_best_and_second_of_every_column() -> None:
    assert ranks(ranked(table([0.1, 0.9], [0.3, 0.5], [0.2, 0.7]))) == [[None, 1], [1, None], [2, 2]]


def test_numbers_that_print_alike_share_a_rank() -> None:
    assert ranks(ranked(table([0.34112], [0.34108], [0.2], [0.2], [0.1]))) == [[1], [1], [2], [2], [None]]


def test_a_column_where_all_are_alike_has_no_best() -> None:
    assert ranks(ranked(table([0.5], [0.5]))) == [[None], [None]]
    assert ranks(ranked(table([0.5], [None]))) == [[None], [None]]


def test_the_lowest_is_best_where_lower_is_better() -> None:
    assert ranks(ranked(table([0.1], [0.3], [0.2]), higher_is_better=False)) == [[1], [None], [2]]


def test_a_missing_value_is_a_dash_and_zero_has_no_sign() -> None:
    made = table([None, -0.0001, 0.0])
    assert [made.plain(cell) for cell in made.rows[0].cells] == ["–", "0.0", "0.0"]


def test_digits_and_scale_belong_to_the_table() -> None:
    made = Table("t", (Column("x", "x"),), (Row("s", (Cell(0.34567, interval=(0.3, 0.4)),)),), scale=1.0, digits=3)
    assert made.plain(made.rows[0].cells[0]) == "0.346"
    assert made.interval(made.rows[0].cells[0]) == "[0.300, 0.400]"


def test_letters_go_on_after_z() -> None:
    names = letters(60)
    assert names[:3] == ["a", "b", "c"]
    assert names[25:28] == ["z", "aa", "ab"]
    assert len(set(names)) == 60


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], ""),
        (["b"], "b"),
        (["b", "a"], "ab"),
        (["a", "b", "c"], "a-c"),
        (["a", "b", "c", "e"], "a-c,e"),
        (["a", "c"], "ac"),
    ],
)
def test_superscripts_are_short_and_in_row_order(given: list[str], shown: str) -> None:
    assert superscript(given, letters(6)) == shown


def test_superscripts_of_two_characters_are_separated() -> None:
    assert superscript(["aa", "a"], letters(30)) == "a,aa"
