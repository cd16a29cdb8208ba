"""What is stored with layers, and in which units they are told; no window is needed."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from fastershift.errors import InputError
from fastershift.plugin.layers._colours import track_colormap
from fastershift.plugin.layers._frame_in_view import frame_in_view, go_to_frame
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._region import DrawnRegion, _outline
from fastershift.plugin.layers._snapshot import prepare_snapshot
from fastershift.plugin.layers._units import (
    in_micrometres,
    in_minutes,
    in_words,
    micrometres_per_pixel,
    seconds_per_frame,
)
from fastershift.session import Corrections
from fastershift.tracking import Lineage, Track

TRACKS = [(1, 0, 2, 0), (2, 0, 2, 0)]


def labels_layer(**options):
    data = np.zeros((3, 8, 10), np.int32)
    data[:, 1:4, 1:4], data[:, 1:4, 6:9] = 1, 2
    return Labels(data, **options)


class TestUnits:
    def placed(self, scale, units, **options):
        return Image(np.zeros((3, 8, 10)), scale=scale, units=units, **options)

    def test_pixels_and_frames_have_the_size_that_the_layer_says(self):
        layer = self.placed((30, 0.5, 0.5), ("s", "um", "um"))
        assert micrometres_per_pixel(layer, "TYX") == pytest.approx(0.5)
        assert seconds_per_frame(layer, "TYX") == pytest.approx(30)

    def test_other_units_are_converted_and_sides_that_differ_are_averaged(self):
        layer = self.placed((2, 400, 900), ("min", "nm", "nm"))
        assert micrometres_per_pixel(layer, "TYX") == pytest.approx(0.6)
        assert seconds_per_frame(layer, "TYX") == pytest.approx(120)

    def test_all_of_the_placement_counts(self):
        layer = self.placed((1, 2, 2), ("s", "um", "um"), affine=np.diag([1, 3, 3, 1]))
        assert micrometres_per_pixel(layer, "TYX") == pytest.approx(6)

    def test_a_coarser_level_has_larger_pixels(self):
        levels = [np.zeros((3, 16, 20)), np.zeros((3, 4, 5))]
        layer = Image(
            levels, multiscale=True, scale=(1, 0.5, 0.5), units=("s", "um", "um")
        )
        assert micrometres_per_pixel(layer, "TYX") == pytest.approx(0.5)
        assert micrometres_per_pixel(layer, "TYX", 1) == pytest.approx(2.0)

    def test_without_lengths_or_times_nothing_is_told(self):
        plain = Image(np.zeros((3, 8, 10)))
        assert micrometres_per_pixel(plain, "TYX") is None
        assert seconds_per_frame(plain, "TYX") is None
        assert seconds_per_frame(plain, "YX") is None
        assert micrometres_per_pixel(plain, "TC") is None

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (600, "10 min"), (9000, "2.5 h")],
    )
    def test_a_duration_is_told_as_a_person_says_it(self, seconds, words):
        assert in_words(seconds) == words

    def test_lengths_and_times_have_few_digits(self):
        assert in_micrometres(12.3456) == "12.3 µm"
        assert in_minutes(0) == "0 min"
        assert in_minutes(30) == "30 s"
        assert in_minutes(90) == "1.5 min"


class TestRecords:
    RECORD = ResultRecord(
        "movie",
        {"embed": {"model": "nuclei"}},
        {"device": "cpu"},
        [{"frame": 0, "cells": 2}],
        TRACKS,
        {"entries": []},
    )

    def test_it_comes_back_from_a_layer(self):
        layer = labels_layer()
        self.RECORD.store(layer)
        assert ResultRecord.of(layer) == self.RECORD
        assert ResultRecord.has(layer)

    def test_storing_keeps_what_others_have_put_there(self):
        layer = labels_layer(metadata={"other plugin": 1})
        told = []
        layer.events.metadata.connect(told.append)
        self.RECORD.store(layer)
        assert layer.metadata["other plugin"] == 1
        assert told

    def test_what_is_empty_is_left_out_and_an_empty_lineage_is_not(self):
        metadata = ResultRecord(tracks=[]).metadata()
        assert metadata == {"fastershift": {"tracks": []}}
        assert ResultRecord().metadata() == {"fastershift": {}}

    def test_layers_of_others_have_an_empty_record(self):
        assert ResultRecord.of(None) == ResultRecord()
        assert ResultRecord.of(labels_layer()) == ResultRecord()
        assert not ResultRecord.has(labels_layer())
        for odd in (None, {}, {"fastershift": "x"}, {"fastershift": {"new": 1}}):
            assert ResultRecord.within(odd) == ResultRecord()

    def test_a_field_of_a_later_version_and_none_are_passed_over(self):
        stored = {"fastershift": {"input": "a", "reports": None, "colour": "red"}}
        assert ResultRecord.within(stored) == ResultRecord(input="a")


class TestSnapshots:
    def test_a_layer_without_corrections_is_taken_as_it_is(self):
        layer = labels_layer(scale=(1, 2, 2), metadata={"fastershift": {"input": "a"}})
        snapshot = prepare_snapshot(layer, None)()
        assert snapshot.data is layer.data
        assert snapshot.attributes["metadata"] == {"fastershift": {"input": "a"}}
        assert snapshot.attributes["scale"].tolist() == [1, 2, 2]
        assert snapshot.revision == 0

    def test_corrections_go_with_their_tracks_and_their_history(self):
        layer = labels_layer()
        lineage = Lineage(tuple(Track(*row) for row in TRACKS))
        corrections = Corrections(layer.data, lineage)
        from fastershift.editing import Delete

        corrections.do(Delete(1, (2,), "frame"))
        snapshot = prepare_snapshot(layer, corrections)()
        stored = snapshot.attributes["metadata"]["fastershift"]
        assert len(stored["tracks"]) == 3  # the second cell comes back as another
        assert stored["corrections"]
        assert not (snapshot.data[1] == 2).any()
        before = snapshot.data.copy()
        corrections.do(Delete(0, (1,), "track"))
        np.testing.assert_array_equal(snapshot.data, before)


class TestFrames:
    def viewer(self, **options):
        viewer = ViewerModel()
        layer = viewer.add_image(np.zeros((5, 8, 10)), **options)
        return viewer, layer

    def test_the_slider_stands_on_a_frame_of_each_layer(self):
        viewer, layer = self.viewer(scale=(30, 1, 1), translate=(60, 0, 0))
        viewer.dims.set_point(0, 90)
        assert frame_in_view(viewer, layer, 0) == 1
        assert frame_in_view(viewer, layer, None) == 0

    def test_beyond_a_layer_its_nearest_frame_counts(self):
        viewer, layer = self.viewer()
        longer = viewer.add_image(np.zeros((50, 8, 10)))
        viewer.dims.set_point(0, 40)
        assert frame_in_view(viewer, layer, 0) == 4
        assert frame_in_view(viewer, longer, 0) == 40

    @pytest.mark.parametrize("frame", [0, 3])
    def test_going_to_a_frame_is_seen_as_that_frame(self, frame):
        viewer, layer = self.viewer(scale=(30, 1, 1), translate=(60, 0, 0))
        viewer.add_image(np.zeros((2, 9, 8, 10)))
        go_to_frame(viewer, layer, frame, 0)
        assert frame_in_view(viewer, layer, 0) == frame

    def test_a_layer_without_time_moves_no_slider(self):
        viewer, _ = self.viewer()
        still = viewer.add_image(np.zeros((8, 10)))
        viewer.dims.set_point(0, 2)
        go_to_frame(viewer, still, 4, None)
        assert viewer.dims.point[0] == 2


SQUARE = ((2.0, 3.0), (2.0, 7.0), (6.0, 7.0), (6.0, 3.0))


class TestRegions:
    @pytest.mark.parametrize("inside", [True, False])
    def test_what_is_drawn_is_filled_for_the_side_that_is_wanted(self, inside):
        masks = DrawnRegion("shapes", (SQUARE,), inside).masks((10, 12))
        filled, nothing = masks if inside else masks[::-1]
        assert nothing is None
        assert filled[2:7, 3:8].all()
        assert filled.sum() == 25

    def test_a_coarser_frame_has_the_region_at_its_own_size(self):
        (filled, _) = DrawnRegion("shapes", (SQUARE,), True).masks((5, 6), (10, 12))
        rows, columns = np.nonzero(filled)
        # Pixels whose middle lies within, at half the size.
        assert (rows.min(), rows.max()) == (1, 2)
        assert (columns.min(), columns.max()) == (2, 3)

    def test_shapes_add_up_and_none_is_refused(self):
        other = tuple((row + 4, column + 4) for row, column in SQUARE)
        (filled, _) = DrawnRegion("shapes", (SQUARE, other), True).masks((20, 20))
        assert filled[3, 4]
        assert filled[9, 10]
        with pytest.raises(InputError, match="shapes holds no closed shape"):
            DrawnRegion("shapes", (), True).masks((10, 12))

    def test_outlines_are_in_pixels_of_the_layer_they_are_for(self):
        layer = Image(np.zeros((3, 30, 40)), scale=(1, 0.5, 0.5), translate=(0, 2, 0))
        shapes = Shapes([np.array([[3, 1], [3, 5], [7, 5], [7, 1]])])
        corners = _outline(shapes.data[0], "polygon", shapes, layer, "TYX")
        assert corners == ((2.0, 2.0), (2.0, 10.0), (10.0, 10.0), (10.0, 2.0))

    def test_an_ellipse_fills_its_box(self):
        layer = Image(np.zeros((30, 40)))
        shapes = Shapes(
            [np.array([[5, 10], [5, 30], [25, 30], [25, 10]])], shape_type="ellipse"
        )
        corners = _outline(shapes.data[0], "ellipse", shapes, layer, "YX")
        rows, columns = np.transpose(corners)
        assert (rows.min(), rows.max()) == pytest.approx((5, 25), abs=0.1)
        assert (columns.min(), columns.max()) == pytest.approx((10, 30), abs=0.1)
        (filled, _) = DrawnRegion("s", (corners,), True).masks((30, 40))
        assert filled.sum() == pytest.approx(np.pi * 100, rel=0.06)


def test_every_colour_can_be_seen_on_black_and_is_always_the_same():
    colours = track_colormap().map(np.arange(1, 150))
    assert colours[:, :3].max(axis=1).min() >= 0.45 - 1e-6
    np.testing.assert_array_equal(colours, track_colormap().map(np.arange(1, 150)))
    assert track_colormap().map(np.array([0]))[0, 3] == 0


def test_layers_that_napari_has_linked_keep_their_own_record():
    viewer = ViewerModel()
    one, other = (
        viewer.add_labels(np.zeros((3, 4, 4), int), metadata=record.metadata())
        for record in (ResultRecord("one"), ResultRecord("other", tracks=TRACKS))
    )
    movie = viewer.add_image(np.zeros((3, 4, 4)))
    viewer.layers.link_layers()
    ResultRecord("one", corrections={"version": 1}).store(one)
    assert ResultRecord.of(other) == ResultRecord("other", tracks=TRACKS)
    assert not ResultRecord.has(movie)
    # All else is linked as before.
    one.visible = False
    assert not movie.visible


def test_a_result_is_described_by_what_made_it():
    report = SimpleNamespace(record=lambda: {"frame": 0})
    result = SimpleNamespace(
        settings=SimpleNamespace(model_dump=lambda mode: {"embed": {}}),
        provenance={"device": "cpu"},
        reports=[report],
        lineage=SimpleNamespace(rows=lambda: TRACKS),
    )
    record = ResultRecord.of_result(result, "movie")
    assert record.input == "movie"
    assert record.tracks is TRACKS
    assert record.reports == [{"frame": 0}]
