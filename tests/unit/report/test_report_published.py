"""Published numbers: what comes with the project is consistent, and a folder that is not is refused with its place."""

import shutil
from pathlib import Path

import pytest

from lapca_bench.errors import InputError, LapcaError, UsageError
from lapca_bench.report.published.published import published, read
from lapca_bench.report.published.published_check import check

SHIPPED = Path(__file__).parents[3] / "leaderboards" / "published"
HEADER = "collection,protocol,split,setting,system,language,measure,value,unit,source,place,kind,note"


def row(language="ar", value="50.0", note="", place="Table 1", system="mDPR", **other):
    record = {
        "collection": "toy",
        "protocol": "v1.1",
        "split": "test",
        "setting": "zero-shot",
        "system": system,
        "language": language,
        "measure": "R@10",
        "value": value,
        "unit": "percent",
        "source": "paper",
        "place": place,
        "kind": "reported",
        "note": note,
        **other,
    }
    return ",".join(record.values())


@pytest.fixture
def folder(tmp_path):
    """A writable folder in the shipped form with no numbers, one source, one misprint note, one system."""
    shutil.copy(SHIPPED / "schema.toml", tmp_path)
    (tmp_path / "sources.toml").write_text('[paper]\ntitle = "A paper"\n')
    (tmp_path / "notes.toml").write_text('[wrong]\ntext = "The mean is not the mean."\nflag = "misprint"\n')
    (tmp_path / "systems.csv").write_text("system,kind,card\nmDPR,dense,\nBM25,lexical,\n")

    def write(*rows, header=HEADER):
        (tmp_path / "toy.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return tmp_path

    return write


def test_shipped_numbers_are_all_there():
    counts = {name: len(published().of_collection(name)) for name in published().collections}
    assert counts["mr-tydi"] == 958
    assert counts["mkqa"] == 847
    assert counts["xor-retrieve"] == 567
    assert counts["tatoeba"] == 3966
    assert counts["bucc-2018"] == 113
    assert counts["xquad-retrieval"] == 38  # hi and th of mE5, twelve languages of three other systems
    assert sum(counts.values()) == 6748


def test_every_number_stands_in_a_table():
    from lapca_bench.report.published.tables import recipes

    def shows(recipe, value):
        return (
            recipe.table == value.table
            and value.measure in recipe.measures
            and (not recipe.systems or value.system in recipe.systems)
            and (not recipe.blocks or value.setting in recipe.blocks)
        )

    homeless = {(*v.table, v.measure) for v in published().values if not any(shows(r, v) for r in recipes().values())}
    assert homeless == set()


def test_a_mean_over_one_language_does_not_pass_for_one_over_all():
    (one,) = published().select(system="cointegrated/LaBSE-en-ru", language="avg1", measure="accuracy (xx->en)")
    assert (one.printed, one.kind, one.note) == ("95.20", "derived", "one-language")
    assert not published().select(system="cointegrated/LaBSE-en-ru", language="avg112")


def test_shipped_numbers_do_not_contradict_each_other_without_a_flag():
    failed = [(f.value.system, f.value.measure, f.verdict) for f in check(published()) if f.failed]
    assert failed == []


def test_known_misprints_are_flagged_and_kept_as_printed():
    misprints = {(f.value.system, f.value.measure): f for f in check(published()) if f.verdict == "misprint"}
    found = misprints["mDPR (NQ)", "MRR@100"]
    assert found.value.printed == "22.6"
    assert found.expected == pytest.approx(23.209, abs=1e-3)
    assert misprints["Hybrid BM25(tuned)+mDPR(NQ)", "MRR@100"].value.printed == "42.6"


def test_what_lapca_published_is_one_leaderboard_row():
    rows = [v for v in published().values if v.system.startswith("LAPCA")]
    assert {(v.measure, v.printed, v.split) for v in rows} == {("R@5kt", "70.5", "test"), ("R@2kt", "65.1", "test")}


def test_every_number_has_a_source_and_every_source_a_number():
    used = {value.source for value in published().values}
    assert used == set(published().sources)
    assert {value.note for value in published().values} - {""} == set(published().notes)
    assert {value.system for value in published().values} == set(published().systems)


def test_cards_of_published_systems_exist():
    from lapca_bench.search import registry

    named = {system.card for system in published().systems.values()} - {""}
    assert named <= set(registry.cards())


def test_unknown_collection_names_the_nearest():
    with pytest.raises(UsageError, match="mr-tydi"):
        published().of_collection("mr-tidy")


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (row(value="abc"), "not a number"),
        (row(value="nan"), "not a number"),
        (row(value="120.0"), "outside"),
        (row(source="hearsay"), "hearsay"),
        (row(source=""), "not allowed"),
        (row(kind="guessed"), "guessed"),
        (row(system="unknown system"), "unknown system"),
        (row(language=""), "empty"),
        (row() + ",extra", "14 fields"),
    ],
)
def test_a_bad_row_is_refused_with_file_and_line(folder, bad, what):
    with pytest.raises(InputError, match=what) as caught:
        read(folder(row(language="bn"), bad))
    assert caught.value.path.name == "toy.csv"
    assert caught.value.line == 3


def test_one_number_twice_is_refused(folder):
    with pytest.raises(InputError, match=r"toy\.csv:2"):
        read(folder(row(), row(value="51.0")))


def test_wrong_columns_and_broken_files_are_refused(folder):
    with pytest.raises(InputError, match="columns"):
        read(folder(header="system,value"))
    made = folder(row())
    (made / "toy.csv").write_bytes(HEADER.encode() + b"\n\xff\xfe\n")
    with pytest.raises(InputError, match="UTF-8"):
        read(made)
    (made / "toy.csv").unlink()
    (made / "notes.toml").write_text("[a\n")
    with pytest.raises(UsageError, match="TOML"):
        read(made)
    (made / "notes.toml").write_text('[a]\nwords = "x"\n')
    with pytest.raises(InputError, match="use text, flag"):
        read(made)
    (made / "notes.toml").unlink()
    with pytest.raises(LapcaError, match=r"notes\.toml"):
        read(made)


def test_a_wrong_mean_is_found_and_rounding_is_not(folder):
    cells = [row("ar", "50.0"), row("bn", "51.0")]
    assert [f.verdict for f in check(read(folder(*cells, row("avg", "50.6"))))] == ["equal"]
    assert [f.verdict for f in check(read(folder(*cells, row("avg", "51.0"))))] == ["unexplained"]
    assert [f.verdict for f in check(read(folder(*cells, row("avg", "51.0", note="wrong"))))] == ["misprint"]


def test_a_flag_without_a_contradiction_fails(folder):
    findings = check(read(folder(row("ar", "50.0"), row("avg", "50.0", note="wrong"))))
    assert [f.verdict for f in findings] == ["equal", "unjustified flag"]


def test_a_mean_over_fewer_languages_than_it_says_is_not_checked_as_equal(folder):
    findings = check(read(folder(row("ar", "50.0"), row("avg4", "50.0"))))
    assert [f.verdict for f in findings] == ["unchecked"]


def test_two_places_of_one_source_are_compared(folder):
    made = folder(row("ar", "54.7"), row("ar", "54.79", place="Table 2"))
    assert [f.verdict for f in check(read(made))] == ["unexplained"]
    made = folder(row("ar", "54.8"), row("ar", "54.79", place="Table 2"))
    assert [f.verdict for f in check(read(made))] == ["equal"]
