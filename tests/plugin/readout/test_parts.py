"""Parts of the read-out: the sentences, the table and the plot of all frames."""

import numpy as np
import pytest

pytest.importorskip("napari")

from fastershift.plugin.readout._sentences import TIPS, describe_change, describe_frame


def row(frame=0, **figures):
    usual = {
        "frame": frame,
        "cells": 12,
        "clusters": 10,
        "seeds": 128,
        "n_min": 61,
        "rounds": 2,
        "iterations": 40,
        "converged": 0.97,
        "foreground": 0.1234,
        "network_ms": 101.4,
        "clustering_ms": 20.6,
        "linking_ms": 3.2,
        "stopped_by": "enough seeds",
        "coverage": 0.99,
        "coverage_equal": 0.999,
    }
    return usual | figures


class TestWords:
    def test_every_number_has_its_words(self):
        words = describe_frame(row(expected_f1=0.876))
        assert words["Seeds N"] == "128 (N_min 61)"
        assert words["Rounds"] == "2, enough seeds"
        assert words["Foreground"] == "12.3%"
        assert words["Time"] == "network 101, clustering 21, linking 3 ms"
        assert words["Expected F1"] == "0.88"
        assert words["Coverage"] == "99% (Eq 14: 99.90%)"
        assert set(words) == set(TIPS) - {"Frame", "Change"}

    def test_what_an_earlier_version_did_not_tell_is_left_out(self):
        old = row()
        for name in ("coverage", "coverage_equal", "stopped_by"):
            del old[name]
        words = describe_frame(old)
        assert words["Rounds"] == "2"
        assert "Coverage" not in words
        assert "Expected F1" not in words

    @pytest.mark.parametrize(
        ("share", "told"),
        [
            (1.0, "100%"),
            (0.99999, "99.99%"),
            (0.996, "99.60%"),
            (0.5, "50%"),
            (0, "0%"),
        ],
    )
    def test_what_is_not_quite_all_is_not_called_all(self, share, told):
        assert describe_frame(row(converged=share))["Converged"] == told

    @pytest.mark.parametrize(
        ("stopped", "told"),
        [
            ("all reached", "every cell reached"),
            ("all points", "every pixel was a seed"),
            ("max_seeds", "stopped at the largest number of seeds"),
            ("rounds", "stopped at the largest number of rounds"),
        ],
    )
    def test_the_end_of_the_rounds_is_told_in_words(self, stopped, told):
        assert describe_frame(row(stopped_by=stopped))["Rounds"] == f"2, {told}"

    @pytest.mark.parametrize(
        ("cells", "clusters", "ms", "told"),
        [
            (13, 10, 101.4, "+1 cell, ±0 clusters, ±0 ms"),
            (10, 11, 201.4, "−2 cells, +1 cluster, +100 ms"),
            (12, 8, 51.4, "±0 cells, −2 clusters, −50 ms"),
        ],
    )
    def test_a_change_is_told_with_its_sign(self, cells, clusters, ms, told):
        now = row(cells=cells, clusters=clusters, network_ms=ms)
        assert describe_change(row(), now) == told


ROWS = [row(0, cells=9), row(1, cells=3), row(2, cells=20)]


@pytest.mark.gui
class TestTable:
    @pytest.fixture
    def table(self, parent):
        from fastershift.plugin.readout._table import ReportTable

        table = ReportTable(parent)
        table.show_rows(ROWS)
        return table

    def cells(self, table):
        return [one["cells"] for one in table.rows()]

    def test_frames_come_in_their_order_or_sorted_by_number(self, table):
        from qtpy.QtCore import Qt

        from fastershift.plugin.readout._table import COLUMNS

        assert self.cells(table) == [9, 3, 20]
        table.sortByColumn(COLUMNS.index("cells"), Qt.SortOrder.DescendingOrder)
        assert self.cells(table) == [20, 9, 3]

    def test_further_rows_come_to_the_others(self, table):
        table.show_rows([*ROWS, row(3, cells=1)])
        assert self.cells(table) == [9, 3, 20, 1]
        table.show_rows([row(7, cells=5)])
        assert self.cells(table) == [5]

    def test_a_frame_is_selected_wherever_it_stands(self, table):
        from qtpy.QtCore import Qt

        from fastershift.plugin.readout._table import COLUMNS

        table.sortByColumn(COLUMNS.index("cells"), Qt.SortOrder.AscendingOrder)
        table.select_frame(2)
        assert table.currentIndex().row() == 2
        table.select_frame(1)
        assert table.currentIndex().row() == 0

    def test_enter_goes_to_the_frame_of_the_row(self, table, qtbot):
        from qtpy.QtCore import Qt

        chosen = []
        table.frame_chosen.connect(chosen.append)
        table.select_frame(2)
        qtbot.keyClick(table, Qt.Key.Key_Return)
        assert set(chosen) <= {2}
        table.doubleClicked.emit(table.model().index(1, 0))
        assert chosen[-1] == 1

    def test_titles_are_words_and_values_have_few_digits(self, table):
        from qtpy.QtCore import Qt

        from fastershift.plugin.readout._table import COLUMNS

        model = table.model()
        place = COLUMNS.index("network_ms")
        assert model.headerData(place, Qt.Orientation.Horizontal) == "network ms"
        assert model.index(0, place).data() == "101.4"
        place = COLUMNS.index("stopped_by")
        assert model.headerData(place, Qt.Orientation.Horizontal) == "ended by"


@pytest.mark.gui
class TestPlot:
    @pytest.fixture
    def plot(self, parent):
        from fastershift.plugin.readout._plot import MoviePlot

        plot = MoviePlot(parent)
        plot.resize(500, 270)
        plot.show_rows(ROWS)
        return plot

    def test_arrow_keys_go_from_frame_to_frame_and_no_further(self, plot, qtbot):
        from qtpy.QtCore import Qt

        chosen = []
        plot.frame_chosen.connect(chosen.append)
        plot.show_frame(1)
        qtbot.keyClick(plot, Qt.Key.Key_Right)
        qtbot.keyClick(plot, Qt.Key.Key_Left)
        assert chosen == [2, 0]
        plot.show_frame(2)
        qtbot.keyClick(plot, Qt.Key.Key_Right)
        assert chosen == [2, 0]

    def test_without_frames_keys_go_nowhere(self, plot, qtbot):
        from qtpy.QtCore import Qt

        chosen = []
        plot.frame_chosen.connect(chosen.append)
        plot.show_rows([])
        qtbot.keyClick(plot, Qt.Key.Key_Right)
        assert not chosen

    @pytest.mark.parametrize(
        ("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG")]
    )
    def test_a_picture_is_dark_on_white_and_leaves_the_plot_as_it_was(
        self, plot, suffix, start
    ):
        from qtpy.QtGui import QImage

        content = plot.picture(suffix)
        assert content.startswith(start)
        if suffix == ".png":
            picture = QImage.fromData(content)
            assert picture.width() == 1600
            assert picture.pixelColor(2, 2).lightness() > 240
        assert plot.picture(suffix).startswith(start)

    def test_every_column_of_a_report_that_is_drawn_is_one(self):
        from fastershift.plugin.readout._plot import PLOTTED

        assert set(PLOTTED) <= row().keys()
        assert np.all([isinstance(row()[name], int | float) for name in PLOTTED])
