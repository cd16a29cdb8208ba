"""Parts of Measurements: filters, channels, what layers hold, colours, table, plot."""

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.layers import Image, Labels, Tracks

from fastershift.measure import Column, WorldUnits
from fastershift.plugin.layers._colours import track_colormap
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.measurements._attach import attach
from fastershift.plugin.measurements._channels import channels_of, position_of
from fastershift.plugin.measurements._colouring import Colouring
from fastershift.plugin.measurements._filters import CellFilter

NAN = np.nan

#: Track 1 is seen three times, 2 twice and once at the border, 3 once.
TABLE = {
    "frame": np.array([0, 1, 2, 0, 1, 2]),
    "track": np.array([1, 1, 1, 2, 2, 3]),
    "touches_border": np.array([0, 0, 0, 0, 1, 0]),
    "area": np.array([10.0, 20.0, 30.0, 5.0, NAN, 7.0]),
    "filled": np.array([False, True, False, False, False, False]),
}


class TestFilters:
    def kept(self, **options):
        return np.flatnonzero(CellFilter(**options).rows(TABLE)).tolist()

    def test_without_a_wish_every_cell_is_kept(self):
        assert self.kept() == [0, 1, 2, 3, 4, 5]

    @pytest.mark.parametrize(
        ("shortest", "rows"),
        [(1, [0, 1, 2, 3, 4, 5]), (2, [0, 1, 2, 3, 4]), (3, [0, 1, 2]), (4, [])],
    )
    def test_tracks_must_be_seen_often_enough(self, shortest, rows):
        assert self.kept(shortest=shortest) == rows

    def test_a_track_that_touches_the_border_once_is_left_out_as_a_whole(self):
        assert self.kept(inside=True) == [0, 1, 2, 5]

    def test_a_range_includes_its_ends_and_nothing_that_is_not_known(self):
        assert self.kept(measure="area", least=7, most=20) == [0, 1, 5]
        assert self.kept(measure="area") == [0, 1, 2, 3, 5]

    def test_wishes_hold_together(self):
        assert self.kept(shortest=2, inside=True, measure="area", least=15) == [1, 2]


class TestChannels:
    SHAPE = (3, 6, 8)

    def channels(self, *layers):
        return channels_of(layers, self.SHAPE)

    def test_frames_are_read_when_they_are_asked_for(self):
        reads = []

        class Lazy:
            shape, ndim, dtype = TestChannels.SHAPE, 3, np.dtype("f8")

            def __getitem__(self, index):
                reads.append(index)
                return np.zeros(TestChannels.SHAPE)[index]

        layer = Image(np.zeros(self.SHAPE), name="movie")
        found = self.channels(layer)["movie"]
        assert len(found) == 3
        assert found[1].shape == (6, 8)
        lazy = type(found)(Lazy(), found.index, 3)
        assert not reads
        lazy[2]
        assert [index[0] for index in reads] == [2]

    def test_each_channel_of_a_layer_is_its_own(self):
        data = np.arange(3 * 2 * 6 * 8).reshape(3, 2, 6, 8)
        found = self.channels(Image(data, name="two"))
        assert list(found) == ["two 0", "two 1"]
        np.testing.assert_array_equal(found["two 1"][2], data[2, 1])
        first = self.channels(Image(np.moveaxis(data, 1, 0), name="two"))
        np.testing.assert_array_equal(first["two 1"][2], data[2, 1])

    def test_a_single_image_has_grey_values(self):
        data = np.arange(6 * 8).reshape(6, 8)
        colours = np.stack([data, data + 1, data + 2], -1).astype(np.uint8)
        layers = [
            Image(data, name="grey"),
            Image(colours, name="many", rgb=True),
            Image(np.zeros((6, 7)), name="smaller"),
        ]
        found = channels_of(layers, (1, 6, 8))
        assert list(found) == ["grey", "many red", "many green", "many blue"]
        np.testing.assert_array_equal(found["grey"][0], data)
        np.testing.assert_array_equal(found["many green"][0], data + 1)
        assert channels_of(layers, (2, 6, 8)) == {}

    @pytest.mark.parametrize("axes", ["PTYX", "TPYX"])
    def test_of_several_positions_that_of_the_result_is_measured(self, axes):
        place, scale = axes.index("P"), np.where(np.array(list(axes)) == "P", 5, 1)
        movie = np.moveaxis(np.arange(4 * 3 * 6 * 8).reshape(4, 3, 6, 8), 0, place)
        cells = Labels(
            np.zeros((3, 6, 8), int)[(slice(None),) * place + (None,)],
            translate=scale * np.where(np.array(list(axes)) == "P", 2, 0),
            metadata=ResultRecord(tracks=[], axes=axes).metadata(),
        )
        layers = [
            Image(movie, name="all", scale=scale),
            Image(np.stack([movie, movie + 1]), name="two", scale=(1, *scale)),
            Image(np.zeros(self.SHAPE), name="one"),
        ]
        found = channels_of(layers, self.SHAPE, position_of(cells))
        assert list(found) == ["all", "two 0", "two 1", "one"]
        for name, more in (("all", 0), ("two 1", 1)):
            there = movie.take(2, place)[1] + more
            np.testing.assert_array_equal(found[name][1], there)

    def test_a_single_image_may_have_several_positions(self):
        images = Image(np.arange(4 * 6 * 8).reshape(4, 6, 8), name="all")
        record = ResultRecord(tracks=[], axes="PYX").metadata()
        cells = Labels(np.zeros((1, 6, 8), int), translate=(3, 0, 0), metadata=record)
        found = channels_of([images], (1, 6, 8), position_of(cells))
        np.testing.assert_array_equal(found["all"][0], images.data[3])

    def test_images_that_were_computed_are_left_out(self):
        movie = Image(np.zeros(self.SHAPE), name="movie")
        view = Image(np.zeros(self.SHAPE), name="movie [similarity]")
        ResultRecord(input="movie").store(view)
        assert list(self.channels(movie, view)) == ["movie"]

    def test_other_sizes_and_other_kinds_of_layers_are_left_out(self):
        labels = Labels(np.zeros(self.SHAPE, int), name="cells")
        smaller = Image(np.zeros((3, 6, 7)), name="smaller")
        shorter = Image(np.zeros((2, 6, 8)), name="shorter")
        assert self.channels(labels, smaller, shorter) == {}


class TestLayersOfOthers:
    def attached(self, table=TABLE):
        rows = [(1, 0, 2, 0), (2, 0, 1, 0), (3, 2, 2, 0)]
        record = ResultRecord(tracks=rows)
        cells = Labels(np.zeros((3, 6, 8), int), metadata=record.metadata())
        points = np.array([[1, 0, 2, 2], [1, 1, 2, 2], [2, 1, 4, 4], [9, 1, 5, 5]])
        own = Tracks(points, metadata=record.metadata())
        other = Tracks(points, metadata=ResultRecord(tracks=list(rows)).metadata())
        attach(table, cells, [own, other])
        return cells, own, other

    def test_labels_hold_the_table_by_label_and_frame(self):
        cells, *_ = self.attached()
        features = cells.features
        assert features["label"].tolist() == TABLE["track"].tolist()
        assert features["frame"].tolist() == TABLE["frame"].tolist()
        # napari would show the row of its number, which is of another frame.
        assert set(features["index"]) == {-1}

    def test_tracks_hold_the_numbers_of_their_cells(self):
        _, own, other = self.attached()
        np.testing.assert_array_equal(own.properties["area"], [10, 20, NAN, NAN])
        assert own.properties["track_id"].tolist() == [1, 1, 2, 9]
        # Words and switches are no colours.
        assert "filled" not in own.properties
        assert "area" not in other.properties

    def test_without_a_cell_their_numbers_are_not_known(self):
        cells, own, _ = self.attached(
            {name: column[:0] for name, column in TABLE.items()}
        )
        assert cells.features.empty
        assert np.isnan(own.properties["area"]).all()
        assert own.properties["track_id"].tolist() == [1, 1, 2, 9]


class TestColouring:
    def layer(self):
        data = np.zeros((1, 4, 8), int)
        data[0, :, 1:3], data[0, :, 4:6], data[0, :, 7:] = 1, 2, 3
        return Labels(data, colormap=track_colormap())

    def colours(self, layer):
        return {n: tuple(layer.colormap.map(n).round(3)) for n in (0, 1, 2, 3)}

    def test_values_have_a_scale_for_all_frames_and_its_ends_are_kept_to(self):
        colouring, layer = Colouring(), self.layer()
        low, high = colouring.set_values(np.array([*range(101), NAN]))
        assert (low, high) == pytest.approx((2, 98))
        colouring.show(layer, {1: 0.0, 2: 50.0, 3: 1000.0}, None)
        found = self.colours(layer)
        assert len(set(found.values())) == 4
        colouring.show(layer, {1: 2.0, 2: 50.0, 3: 98.0}, None)
        assert self.colours(layer) == found

    def test_values_that_are_all_alike_have_a_scale_too(self):
        low, high = Colouring().set_values(np.full(9, 4.0))
        assert high > low == 4

    def test_what_is_not_known_is_grey_and_what_is_left_out_unseen(self):
        colouring, layer = Colouring(), self.layer()
        colouring.set_values(np.array([0.0, 1.0]))
        colouring.show(layer, {1: NAN, 2: 1.0, 3: 0.5}, {1, 2})
        found = self.colours(layer)
        assert found[1] == (0.5, 0.5, 0.5, 1)
        assert found[3] == found[0] == (0, 0, 0, 0)

    def test_cells_keep_their_own_colours_where_only_some_are_hidden(self):
        colouring, layer = Colouring(), self.layer()
        before = self.colours(layer)
        colouring.show(layer, None, {2})
        found = self.colours(layer)
        assert found[2] == before[2]
        assert found[1] == (0, 0, 0, 0)
        tracks = np.array([1, 2, 3])
        own = colouring.of(tracks, layer)
        np.testing.assert_allclose(own, track_colormap().map(tracks))

    def test_another_layer_or_the_end_gives_the_colours_back(self):
        colouring, first, second = Colouring(), self.layer(), self.layer()
        before = self.colours(first)
        colouring.show(first, None, {2})
        colouring.show(second, None, {2})
        assert self.colours(first) == before
        colouring.end()
        assert self.colours(second) == before


COLUMNS = (
    Column("frame", "", "Number of the frame."),
    Column("track", "", "Number of the track."),
    Column("area", "area", "Area of the cell."),
)


@pytest.mark.gui
class TestTable:
    @pytest.fixture
    def table(self, parent):
        from fastershift.plugin.measurements._table import MeasuresTable

        table = MeasuresTable(parent)
        table.rows.show(TABLE, COLUMNS, WorldUnits())
        return table

    def shown(self, table, name):
        place = [column.name for column in COLUMNS].index(name)
        model = table.model()
        return [model.index(row, place).data() for row in range(model.rowCount())]

    def test_values_are_text_and_what_is_not_known_is_empty(self, table):
        assert self.shown(table, "track") == ["1", "1", "1", "2", "2", "3"]
        assert sorted(self.shown(table, "area")) == ["", "10", "20", "30", "5", "7"]

    @pytest.mark.parametrize(
        ("descending", "areas"),
        [
            (False, ["5", "7", "10", "20", "30", ""]),
            (True, ["30", "20", "10", "7", "5", ""]),
        ],
    )
    def test_numbers_are_sorted_and_what_is_not_known_comes_last(
        self, table, descending, areas
    ):
        from qtpy.QtCore import Qt

        orders = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
        table.sortByColumn(2, orders[descending])
        assert self.shown(table, "area") == areas

    def test_sorting_leaves_the_selection_on_its_cells(self, table):
        from qtpy.QtCore import QItemSelectionModel, Qt

        flags = QItemSelectionModel.SelectionFlag
        for row in (1, 5):
            place = table.model().index(table.rows.place_of(row), 0)
            table.selectionModel().select(place, flags.Select | flags.Rows)
        told = []
        table.selected.connect(told.append)
        for order in (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder):
            table.sortByColumn(2, order)
            assert sorted(table.selected_rows()) == [1, 5]
        assert all(sorted(rows) == [1, 5] for rows in told)

    def test_rows_that_are_left_out_come_back(self, table):
        table.rows.keep(TABLE["track"] == 1)
        assert self.shown(table, "track") == ["1"] * 3
        assert table.rows.place_of(4) is None
        table.rows.keep(np.ones(6, bool))
        assert len(self.shown(table, "track")) == 6

    def test_selecting_a_row_from_outside_tells_nobody(self, table):
        told = []
        table.selected.connect(told.append)
        table.select_row(5)
        assert not told
        places = [index.row() for index in table.selectionModel().selectedRows()]
        assert [table.rows.row_at(place) for place in places] == [5]

    def test_titles_have_units_and_say_what_they_mean(self, table):
        from qtpy.QtCore import Qt

        model, across = table.model(), Qt.Orientation.Horizontal
        assert model.headerData(1, across) == "track"
        assert model.headerData(2, across) == "area\npixel²"
        tip = model.headerData(2, across, Qt.ItemDataRole.ToolTipRole)
        assert tip == "Area of the cell."


@pytest.mark.gui
class TestPlot:
    @pytest.fixture
    def plot(self, parent):
        from fastershift.plugin.measurements._plot import MeasurePlot

        plot = MeasurePlot(parent)
        plot.resize(400, 220)
        return plot

    def curve(self, track, y):
        from fastershift.plugin.measurements._plot import Curve

        y = np.array(y, float)
        return Curve(track, np.array([1, 0, 0, 1]), np.arange(len(y), dtype=float), y)

    def drawn(self, plot):
        return plot.getPlotItem().listDataItems()

    def test_curves_replace_the_ones_before_and_have_titles(self, plot):
        plot.show_curves(
            [self.curve(1, [1, 2]), self.curve(2, [3, 4])],
            ("t", "area"),
            as_points=False,
        )
        assert len(self.drawn(plot)) == 2
        plot.show_curves([self.curve(3, [5, 6])], ("time", "mean"), as_points=False)
        (only,) = self.drawn(plot)
        np.testing.assert_array_equal(only.yData, [5, 6])
        labels = [plot.getPlotItem().getAxis(s).labelText for s in ("bottom", "left")]
        assert labels == ["time", "mean"]

    def test_a_single_value_is_a_point_and_so_is_what_has_no_order(self, plot):
        one, two = self.curve(1, [7]), self.curve(2, [1, 2])
        plot.show_curves([one, two], ("t", "area"), as_points=False)
        symbols = [item.opts["symbol"] for item in self.drawn(plot)]
        assert symbols == ["o", None]
        plot.show_curves([two], ("a", "b"), as_points=True)
        (points,) = self.drawn(plot)
        assert points.opts["symbol"] == "o"
        assert points.opts["pen"] is None
