"""Records of trainings: read as `mine` and `pretrain` write them, drawn on the page and in figures."""

import json

import pytest

from lapca_bench.errors import InputError, UsageError
from lapca_bench.report import training_plots
from lapca_bench.report.board import training_svg
from lapca_bench.report.training_record import Curves, Margins, read_curves, read_margins, read_record, smoothed

REPORT = {
    "pairs": 7,
    "language pairs": {"de-en": 7},
    "margins": {"1.10": 2, "1.05": 5},
    "corpus": "help-pages",
    "licence": "MPL-2.0",
    "settings": {"threshold": 1.06, "method": "margin", "aligner": "me5-small-q4"},
    "agreement": {
        "1.00": {"all": {"precision": 0.5, "recall": 0.9}},
        "1.06": {"all": {"precision": 0.8, "recall": 0.4}},
    },
}
HISTORY = [
    {"step": 0, "evaluation": {"held-out accuracy": 0.25}},
    *({"step": n, "loss": 3.0 - 0.1 * n} for n in range(1, 11)),
    {"step": 10, "evaluation": {"held-out accuracy": 0.75}},
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pairs.report.json").write_text(json.dumps(REPORT))
    (tmp_path / "training.json").write_text(json.dumps({"recipe": "x", "progress": {"step": 10, "history": HISTORY}}))
    return tmp_path


def test_a_record_holds_margins_in_order_and_every_curve(folder):
    record = read_record(folder)
    margins = record.margins["pairs"]
    assert list(margins.counts.items()) == [(1.05, 5), (1.10, 2)]
    assert (margins.pairs, margins.threshold) == (7, 1.06)
    assert dict(margins.about)["agreement with gold"] == "precision 0.800, recall 0.400"
    assert record.curves.loss[0] == (1, pytest.approx(2.9))
    assert record.curves.evaluations == {"held-out accuracy": [(0, 0.25), (10, 0.75)]}


def test_pairs_and_runs_stand_for_what_lies_beside_and_below_them(folder):
    assert read_margins(folder / "pairs.parquet") == read_margins(folder / "pairs.report.json")
    for step, last in ((5, 5), (10, 10)):
        place = folder / "run" / f"step-{step:07d}"
        place.mkdir(parents=True)
        kept = [entry for entry in HISTORY if entry["step"] <= last]
        (place / "training.json").write_text(json.dumps({"progress": {"history": kept}}))
    assert read_curves(folder / "run").loss[-1][0] == 10
    assert read_curves(folder / "run" / "step-0000005").loss[-1][0] == 5


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"margins": 3, "progress": 4}', '{"progress": {"history": [1]}}'])
def test_other_files_are_refused_with_their_path(tmp_path, content):
    for name, read in (("x.report.json", read_margins), ("training.json", read_curves)):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError) as caught:
            read(tmp_path / name)
        assert caught.value.path == tmp_path / name
    with pytest.raises(InputError):
        read_curves(tmp_path / "nowhere")


def test_smoothing_keeps_the_mean_and_the_last_step():
    series = [(step, float(step)) for step in range(1, 1001)]
    short = smoothed(series, 100)
    assert len(short) == 100
    assert short[-1][0] == 1000
    assert sum(value for _, value in short) / 100 == pytest.approx(500.5)
    assert smoothed([]) == []


def test_bars_are_as_high_as_their_counts_and_the_threshold_lies_between_edges(folder):
    chart = training_svg.histogram("pairs", read_record(folder).margins["pairs"])
    low, high = chart.columns
    assert low.height / high.height == pytest.approx(5 / 2, abs=0.02)
    assert low.y + low.height == pytest.approx(chart.bottom)
    assert low.x < chart.mark.at < high.x
    assert low.text == "1.05 to 1.10: 5 pairs"
    assert training_svg.histogram("none", Margins({}, 1.0)) is None


def test_a_chart_for_the_loss_and_each_evaluation(folder):
    charts = training_svg.curves(read_record(folder).curves)
    assert [chart.title for chart in charts] == ["loss by step", "held-out accuracy by step"]
    assert charts[1].text == "held-out accuracy: from 0.250 at step 0 to 0.750 at step 10"
    heights = [float(point.split()[1]) for point in charts[0].path[1:].split("L")]
    assert heights == sorted(heights)  # a falling loss runs down the page
    assert training_svg.curves(Curves([(1, 2.0)], {})) == []


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_figures_are_written(folder, tmp_path, suffix, start):
    from lapca_bench.report.plots import write

    record = read_record(folder)
    figures = [training_plots.draw_margins(record.margins["pairs"], "$x_{")]
    figures.append(training_plots.draw_curves(record.curves, "small"))
    for number, figure in enumerate(figures):
        write(figure, tmp_path / f"{number}.{suffix}")
        assert (tmp_path / f"{number}.{suffix}").read_bytes().startswith(start)


def test_nothing_to_draw_is_said():
    with pytest.raises(UsageError):
        training_plots.draw_margins(Margins({}, None), "x")
    with pytest.raises(UsageError):
        training_plots.draw_curves(Curves([], {}), "x")
