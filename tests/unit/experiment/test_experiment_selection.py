"""Which stored results stand in a table: of these files, of this split, one system per row; the others are named."""

from __future__ import annotations

import pytest
from toys.cli import in_process, write_collection

from lapca_bench.errors import UsageError
from lapca_bench.experiment.plan import Cell
from lapca_bench.experiment.runner import Request, Runner
from lapca_bench.experiment.selection import select
from lapca_bench.run import Run
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.results import ResultStore


class Lists:
    """Ranks documents by their ids."""

    def __init__(self, name, setting=""):
        self.name = name
        self.identity = SystemIdentity("toy", {"setting": setting or name})

    def search(self, collection, queries, k):
        documents = sorted((document.id for document in collection.documents()), reverse=True)[:k]
        return Run.from_dict(self.name, {query.id: dict.fromkeys(documents, 1.0) for query in queries})


def run(root, card, *systems, **request):
    by_name = {system.name: system for system in systems}
    made = Runner(lambda name, _task: by_name[name], ResultStore(root), Request(**request))
    assert {outcome.state for outcome in made.run([Cell(system.name, str(card)) for system in systems])} == {"new"}


@pytest.fixture
def card(tmp_path):
    path = write_collection(tmp_path / "one")
    text = path.read_text()
    path.write_text(text + text[text.index("[splits.test]") :].replace("splits.test", "splits.dev"))
    return path


def chosen(root, name, **asked):
    found = select(root, str(name), **asked)
    return [(result.system, result.split) for result in found.results], found.left_out


def test_two_cards_of_one_name_do_not_share_a_table(card, tmp_path):
    other = write_collection(tmp_path / "two")
    (tmp_path / "two" / "qrels.txt").write_text("de-1 0 d01 1\n")
    run(tmp_path / "r", card, Lists("a"))
    run(tmp_path / "r", other, Lists("b"))
    assert chosen(tmp_path / "r", card) == (
        [("a", "test")],
        ("of other files of the collection: b on files/toy",),
    )
    assert chosen(tmp_path / "r", other)[0] == [("b", "test")]
    systems, left_out = chosen(tmp_path / "r", "files/toy")  # whose card is not named: the newest result's files
    assert len(systems) == 1
    assert len(left_out) == 1


def test_results_of_judgements_that_changed_stand_for_nothing(card, tmp_path):
    run(tmp_path / "r", card, Lists("a"), Lists("b"))
    qrels = tmp_path / "one" / "qrels.txt"
    qrels.write_text(qrels.read_text().replace(" 2\n", " 1\n", 1))
    with pytest.raises(UsageError, match=r"of other files than these: a on files/toy, b on files/toy") as raised:
        select(tmp_path / "r", str(card))
    assert "lapca-bench run" in raised.value.remedy
    run(tmp_path / "r", card, Lists("a"))
    assert chosen(tmp_path / "r", card)[0] == [("a", "test")]


def test_the_split_is_the_collections_own_unless_another_is_asked_for(card, tmp_path):
    run(tmp_path / "r", card, Lists("a"))
    run(tmp_path / "r", card, Lists("a"), Lists("b"), split="dev")
    assert chosen(tmp_path / "r", card)[0] == [("a", "test")]
    assert chosen(tmp_path / "r", card, split="dev")[0] == [("a", "dev"), ("b", "dev")]


def test_a_table_of_mixed_splits_names_the_option(card, tmp_path, capsys):
    run(tmp_path / "r", card, Lists("a"))
    run(tmp_path / "r", card, Lists("b"), split="dev")
    ended = in_process("table", "-c", "files/toy", "--results", str(tmp_path / "r"), capture=capsys)
    assert ended.code == 2
    assert "choose one with --split" in ended.err


def test_a_row_is_of_one_system_though_two_had_its_name(card, tmp_path):
    run(tmp_path / "r", card, Lists("a", setting=1))
    run(tmp_path / "r", card, Lists("a", setting=2))
    (systems, left_out) = chosen(tmp_path / "r", card)
    assert systems == [("a", "test")]
    assert left_out == ("of another system of the same name: a on files/toy",)


def test_older_results_of_another_depth_are_named(card, tmp_path):
    run(tmp_path / "r", card, Lists("a"))
    run(tmp_path / "r", card, Lists("a"), depth=5)
    assert select(tmp_path / "r", str(card)).results[0].provenance.depth == 20
    assert select(tmp_path / "r", str(card), depth=5).results[0].provenance.depth == 5
