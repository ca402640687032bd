"""Figures: what is drawn is what was stored, in every format, and names stay names."""

import numpy as np
import pytest
from toys import board_results as made

from lapca_bench.errors import UsageError
from lapca_bench.report import plots
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring.bias import language_bias
from lapca_bench.types import Query


@pytest.fixture
def stored(tmp_path):
    results = [
        made.result(s, f"help-pages/{x}-en", q, languages=(x,), seed=n)
        for s, q in (("a", 0.6), ("$b_{", 0.4), (made.HOSTILE, 0.5))
        for n, x in enumerate(("de", "fi"))
        if (s, x) != ("$b_{", "fi")
    ]
    return list(made.write(tmp_path / "results", results).all())


def test_bars_hold_means_intervals_and_gaps(stored):
    bars = plots.bars_of(stored)
    assert bars.measure == "nDCG@10"
    assert bars.languages == ("de", "fi")
    a = next(r for r in stored if (r.system, r.collection) == ("a", "help-pages/de-en"))
    mean = a.scores.query("measure == 'nDCG@10'")["value"].mean()
    assert bars.means[bars.systems.index("a"), 0] == pytest.approx(mean)
    assert np.isnan(bars.means[bars.systems.index("$b_{"), 1])
    known = ~np.isnan(bars.means)
    assert (bars.intervals[known][:, 0] <= bars.means[known]).all()
    assert (bars.means[known] <= bars.intervals[known][:, 1]).all()


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_every_format_is_written_and_is_the_same_twice(stored, tmp_path, suffix, start):
    figure = plots.draw_bars(plots.bars_of(stored), "100 % of $x")
    plots.write(figure, tmp_path / f"one.{suffix}")
    plots.write(plots.draw_bars(plots.bars_of(stored), "100 % of $x"), tmp_path / f"two.{suffix}")
    one, two = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
    assert one.startswith(start)
    if suffix != "svg":  # matplotlib salts the ids of an SVG
        assert one == two


def test_the_matrix_shows_every_pair_of_languages(tmp_path):
    run = Run.from_dict("s", {"q-de": {"d-de": 1.0, "d-fi": 0.5}, "q-fi": {"d-fi": 1.0, "d-de": 0.9}})
    qrels = Qrels({q: {"d-de": 1, "d-fi": 1} for q in run.queries})
    queries = [Query("q-de", "", "de"), Query("q-fi", "", "fi")]
    matrix = language_bias(run, qrels, queries, {"d-de": "de", "d-fi": "fi"}).matrix
    figure = plots.draw_matrix(matrix, "t")
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["100", "100", "50", "50"]
    plots.write(figure, tmp_path / "m.png")
    assert (tmp_path / "m.png").stat().st_size > 1000


def test_what_cannot_be_drawn_is_refused(stored, tmp_path):
    with pytest.raises(UsageError, match="suffix"):
        plots.write(plots.draw_bars(plots.bars_of(stored), "t"), tmp_path / "x.gif")
    with pytest.raises(UsageError, match=r"scored by P@5"):
        plots.bars_of(stored, "P@5")
    with pytest.raises(UsageError, match="no result"):
        plots.bars_of([])
    assert not list(tmp_path.glob("*.gif"))
