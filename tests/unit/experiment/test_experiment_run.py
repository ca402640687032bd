"""Cells: keys, reuse, isolation, what is recorded."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

import pytest
from toys.cli import write_collection

from lapca_bench.errors import EncoderError, Interrupted, UsageError
from lapca_bench.experiment import provenance, spec
from lapca_bench.experiment.plan import Cell, plan
from lapca_bench.experiment.runner import Request, Runner
from lapca_bench.run import Run
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Result, ResultStore


@dataclass
class Constant:
    """Gives every document the same score."""

    name: str = "constant"
    settings: dict = field(default_factory=dict)
    searches: int = 0
    fails: BaseException | None = None

    @property
    def identity(self):
        return SystemIdentity("toy", self.settings)

    def search(self, collection, queries, k):
        self.searches += 1
        if self.fails:
            raise self.fails
        documents = sorted((document.id for document in collection.documents()), reverse=True)[:k]
        return Run.from_dict(self.name, {query.id: dict.fromkeys(documents, 1.0) for query in queries})


@pytest.fixture
def card(tmp_path):
    return str(write_collection(tmp_path / "data"))


def runner(tmp_path, *systems, **request):
    by_name = {system.name: system for system in systems}
    return Runner(lambda name, _: by_name[name], ResultStore(tmp_path / "results"), Request(**request))


def states(made, *cells):
    return [outcome.state for outcome in made.run(cells)]


def test_a_finished_cell_is_found_by_its_key(tmp_path, card):
    system = Constant()
    assert states(runner(tmp_path, system), Cell("constant", card)) == ["new"]
    assert states(runner(tmp_path, system), Cell("constant", card)) == ["reused"]
    assert system.searches == 1


def test_what_changes_numbers_changes_the_key(tmp_path, card):
    cell = Cell("constant", card)
    keys = {
        runner(tmp_path, Constant()).key(cell),
        runner(tmp_path, Constant(settings={"a": 1})).key(cell),
        runner(tmp_path, Constant(), depth=5).key(cell),
    }
    source = tmp_path / "data" / "card.toml"
    source.write_text(source.read_text() + "\n")
    corpus = tmp_path / "data" / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("river", "brook"))
    keys.add(runner(tmp_path, Constant()).key(cell))
    card_text = source.read_text()
    source.write_text(card_text.replace("depth = 20", 'depth = 20\nno_relevant = "exclude"'))
    keys.add(runner(tmp_path, Constant()).key(cell))
    assert len(keys) == 5


def test_what_does_not_change_numbers_does_not(tmp_path, card):
    cell = Cell("constant", card)
    assert runner(tmp_path, Constant()).key(cell) == runner(tmp_path, Constant(), measures=("P@5",)).key(cell)


def test_more_measures_are_scored_from_the_stored_run(tmp_path, card):
    system = Constant()
    cell = Cell("constant", card)
    states(runner(tmp_path, system), cell)
    (outcome,) = runner(tmp_path, system, measures=("P@5",)).run([cell])
    assert outcome.state == "rescored"
    assert outcome.measure == "P@5"
    assert system.searches == 1
    assert set(outcome.result.scores["measure"]) == {"P@5", "nDCG@10", "RR@10", "R@100"}
    assert "scored_again" in outcome.result.provenance
    assert states(runner(tmp_path, system), cell) == ["reused"]


def test_failing_cells_stop_no_other(tmp_path, card):
    broken = Constant("broken", fails=EncoderError("no"))
    odd = Constant("odd", {"b": 2}, fails=ZeroDivisionError("x / 0"))
    made = runner(tmp_path, broken, odd, Constant())
    outcomes = list(made.run([Cell("broken", card), Cell("odd", card), Cell("absent", card), Cell("constant", card)]))
    assert [outcome.state for outcome in outcomes] == ["failed", "failed", "failed", "new"]
    assert outcomes[0].reason == "no"
    assert outcomes[1].reason.startswith("ZeroDivisionError: x / 0")


def test_an_interruption_is_no_failure(tmp_path, card):
    stopped = Constant(fails=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        states(runner(tmp_path, stopped), Cell("constant", card))


def test_the_depth_is_enough_for_every_measure(tmp_path, card):
    (outcome,) = runner(tmp_path, Constant(), measures=("R@30",)).run([Cell("constant", card)])
    assert outcome.result.provenance["depth"] == 30
    with pytest.raises(UsageError, match="looks at 10 documents per query, but only 5"):
        Request(depth=5, measures=("nDCG@10",))


def test_what_is_recorded(tmp_path, card):
    (outcome,) = runner(tmp_path, Constant(settings={"a": 1})).run([Cell("constant", card)])
    about = outcome.result.provenance
    assert about["system"] == {"kind": "toy", "settings": {"a": 1}}
    assert about["ties"]["results"] == 30 * 19  # a constant score ties everything
    assert about["policy"]["measures"] == ["nDCG@10", "RR@10", "R@100"]
    assert {"python", "platform", "processor", "threads", "versions", "commit", "command"} <= set(about)
    macro = {a["measure"]: a["mean"] for a in outcome.result.aggregates if a["language"] == ""}
    languages = [
        a["mean"] for a in outcome.result.aggregates if a["measure"] == "RR@10" and a["language"] in ("de", "fr")
    ]
    assert macro["RR@10"] == pytest.approx(sum(languages) / 2)


def test_the_command_is_recorded_without_folders():
    words = ["/usr/local/bin/lapca-bench", "run", "-e", "/home/someone/x.py:X", "-o", "out", "-c", "a b"]
    assert provenance.command_line(words) == "lapca-bench run -e x.py:X -o out -c 'a b'"
    assert provenance.command_line([]) == ""


def test_cells_are_systems_times_collections(card):
    experiment = spec.build({"systems": ("bm25", "x"), "collections": ("help-pages/xx-en", card)})
    planned = plan(experiment)
    assert len(planned.cells) == 2 * 15
    assert planned.cells[0].system == planned.cells[14].system == "bm25"
    assert list(planned.tables) == ["help-pages/xx-en", card]
    with pytest.raises(UsageError, match="unknown split"):
        plan(spec.build({"systems": ("bm25",), "collections": ("help-pages/xx-en",), "split": "tset"}))


def test_flags_stand_above_an_experiment():
    base = spec.build({"systems": ("a",), "collections": ("b",), "depth": 7})
    both = spec.merged(base, systems=("c", "d"), collections=(), depth=None)
    assert both.systems == ("c", "d")
    assert both.collections == ("b",)
    assert both.depth == 7


def test_keeping_a_part_of_the_run_changes_no_score(tmp_path, card):
    cell = Cell("constant", card)
    system = Constant()
    (whole,) = runner(tmp_path / "whole", system).run([cell])
    (part,) = runner(tmp_path / "part", system, keep=3).run([cell])
    assert part.result.scores.equals(whole.result.scores)
    assert part.result.key == whole.result.key
    assert "kept" not in whole.result.provenance
    assert part.result.provenance["kept"] == 3
    assert part.result.provenance["depth"] == 20
    assert max(len(part.result.run.ranking(query)) for query in part.result.run.queries) == 3
    assert len(whole.result.run) > len(part.result.run)
    assert states(runner(tmp_path / "part", system), cell) == ["reused"]


def test_a_measure_deeper_than_what_was_kept_searches_again(tmp_path, card):
    cell, system = Cell("constant", card), Constant()
    list(runner(tmp_path, system, keep=3).run([cell]))
    (again,) = runner(tmp_path, system, keep=3, measures=("P@5",)).run([cell])
    assert (again.state, system.searches) == ("new", 2)
    assert {"P@5", "nDCG@10"} <= {aggregate["measure"] for aggregate in again.result.aggregates}


def test_one_system_under_two_names_has_two_rows_and_is_searched_once(tmp_path, card):
    first, second = Constant("first"), Constant("second")
    made = runner(tmp_path, first, second)
    for _ in range(2):
        outcomes = list(made.run([Cell("first", card), Cell("second", card)]))
        assert [outcome.result.system for outcome in outcomes] == ["first", "second"]
        assert outcomes[0].mean == outcomes[1].mean
        assert outcomes[1].result.run.name == "second"
    assert (first.searches, second.searches) == (1, 0)
    assert [stored.system for stored in ResultStore(tmp_path / "results").all()] == ["first", "second"]


@pytest.mark.parametrize("raised", [SystemExit(0), GeneratorExit(), StopIteration()])
def test_whatever_a_system_raises_it_alone_fails(tmp_path, card, raised):
    made = runner(tmp_path, Constant("bad", fails=raised), Constant("good"))
    bad, good = made.run([Cell("bad", card), Cell("good", card)])
    assert (bad.state, good.state) == ("failed", "new")
    assert type(raised).__name__ in bad.reason


def test_a_system_that_ends_the_program_when_it_is_made_fails_alone(tmp_path, card):
    def make(name, _):
        raise SystemExit(3)

    (outcome,) = Runner(make, ResultStore(tmp_path / "results"), Request()).run([Cell("any", card)])
    assert "SystemExit(3)" in outcome.reason


def test_an_interruption_stops_everything(tmp_path, card):
    for stop in (KeyboardInterrupt(), Interrupted(2)):
        with pytest.raises(type(stop)):
            list(runner(tmp_path, Constant("bad", fails=stop)).run([Cell("bad", card)]))


def test_names_that_are_written_alike_keep_their_own_results(tmp_path, card):
    names = ("a b", "a_b", "[x] a", "*")
    systems = [Constant(name) for name in names]
    cells = [Cell(name, card) for name in names]
    list(runner(tmp_path, *systems).run(cells))
    again = list(runner(tmp_path, *systems).run(cells))
    assert [(outcome.state, outcome.result.system) for outcome in again] == [("reused", name) for name in names]
    assert sorted(stored.system for stored in ResultStore(tmp_path / "results").all()) == sorted(names)


@pytest.mark.parametrize("fact", ["system_digest", "split", "collection", "provenance"])
def test_a_result_that_only_says_the_right_key_is_not_taken(tmp_path, card, fact):
    system, cell = Constant(), Cell("constant", card)
    ((first,), store) = runner(tmp_path, system).run([cell]), ResultStore(tmp_path / "results")
    found = {name: getattr(first.result, name) for name in Result.__dataclass_fields__}
    other = dict(found["provenance"]) | {"collection": {"fingerprint": "0" * 64}}
    found[fact] = Provenance(other) if fact == "provenance" else "other"
    shutil.rmtree(tmp_path / "results")
    store.write(Result(**found))
    assert states(runner(tmp_path, system), cell) == ["new"]
