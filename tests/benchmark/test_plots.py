"""Plots of suites: what is drawn, and that equal plots are equal files."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from fastershift.benchmark import Plot, Series
from fastershift.benchmark._chart import _bars, _lines, save_plot

TWO = (
    Series("network", ("a", "b"), (1.0, 2.0)),
    Series("linking", ("b", "a"), (0.5, None)),
)


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_equal_plots_are_equal_files_and_name_what_they_show(tmp_path):
    plot = Plot("Time and cells", "cells", "seconds", TWO, kind="bars")
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        save_plot(plot, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    text = files[0].read_text(encoding="utf-8")
    for word in ("Time and cells", "seconds", "network", "linking"):
        assert word in text


def test_bars_of_one_name_stand_on_each_other(axes):
    _bars(Plot("T", "", "s", TWO, kind="bars"), axes)
    spans = [(bar.get_y(), bar.get_height()) for bar in axes.patches]
    # What is not known has no height; the order of the names is that of each series.
    assert spans == [(0.0, 1.0), (0.0, 2.0), (2.0, 0.5), (1.0, 0.0)]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_lines_have_a_gap_where_nothing_was_measured(axes, scale):
    log = scale == "log"
    series = Series("ours", (1.0, 10.0, 100.0), (0.1, None, 0.3), dashed=True)
    _lines(Plot("T", "n", "s", (series,), log_x=log, log_y=log), axes)
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), [0.1, np.nan, 0.3])
    assert line.get_linestyle() == "--"
    assert (axes.get_xscale(), axes.get_yscale()) == (scale, scale)
