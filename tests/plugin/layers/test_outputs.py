"""Layers that results go to: found again, laid over their input, and put back."""

import gc
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from napari.layers import Labels, Tracks

from fastershift.plugin.layers._outputs import Outputs, RunLayers
from fastershift.plugin.layers._record import ResultRecord

LABELS = np.zeros((4, 12, 16), np.int32)
LABELS[:, 2:6, 2:6] = 1
POSITIONS = np.array([[1, t, 3.5, 3.5] for t in range(4)])


@pytest.fixture
def scene():
    """A viewer with a movie, and the layers that belong to it."""
    viewer = ViewerModel()
    source = viewer.add_image(np.zeros(LABELS.shape), name="movie")
    return SimpleNamespace(viewer=viewer, source=source, outputs=Outputs(viewer))


def names(scene):
    return [layer.name for layer in scene.viewer.layers]


def result(value=1):
    labels = np.where(LABELS > 0, value, 0).astype(np.int32)
    return SimpleNamespace(
        labels=labels,
        lineage=SimpleNamespace(graph=dict, rows=lambda: [(value, 0, 3, 0)]),
        settings=SimpleNamespace(model_dump=lambda mode: {"embed": {}}),
        provenance={},
        reports=[],
    )


class TestFinding:
    def test_a_layer_is_made_once_and_then_filled_anew(self, scene):
        first = scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        again = scene.outputs.show_labels(scene.source, "TYX", "cells", 2 * LABELS)
        assert again is first
        assert first.data.max() == 2
        assert names(scene) == ["movie", "movie [cells]"]

    def test_a_layer_that_was_removed_is_let_go(self, scene):
        cells = weakref.ref(
            scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS.copy())
        )
        scene.viewer.layers.remove(cells())
        gc.collect()
        assert cells() is None

    def test_cells_belong_to_the_layer_they_were_found_in(self, scene):
        outputs, source = scene.outputs, scene.source
        other = scene.viewer.add_image(np.zeros(LABELS.shape), name="other")
        cells = outputs.show_labels(source, "TYX", "cells", LABELS)
        for name in ("movie", "renamed"):
            source.name = name
            assert outputs.belongs(cells, source)
            assert not outputs.belongs(cells, other)

    def test_positions_of_a_layer_have_cells_of_their_own(self, scene):
        source = scene.viewer.add_image(np.zeros((2, *LABELS.shape)), name="both")
        scene.outputs.work_on(source, 1)
        cells = scene.outputs.show_labels(source, "PTYX", "cells", LABELS)
        assert scene.outputs.belongs(cells, source)
        scene.outputs.work_on(source, 0)
        assert not scene.outputs.belongs(cells, source)

    @pytest.mark.parametrize(
        ("name", "of", "belongs"),
        [
            ("from a file", "", {"movie", "other"}),
            ("other [cells]", "", {"other"}),
            ("movie [cells] copy", "movie", {"movie"}),
            ("from a file", "a third", set()),
        ],
    )
    def test_cells_of_a_file_may_be_those_of_any_layer(self, scene, name, of, belongs):
        other = scene.viewer.add_image(np.zeros(LABELS.shape), name="other")
        record = ResultRecord(input=of, tracks=[(1, 0, 3, 0)])
        cells = Labels(LABELS, name=name, metadata=record.metadata())
        scene.viewer.add_layer(cells)
        images = (scene.source, other)
        found = {one.name for one in images if scene.outputs.belongs(cells, one)}
        assert found == belongs

    def test_roles_have_layers_of_their_own(self, scene):
        for role in ("cells", "preview", "clusters"):
            scene.outputs.show_labels(scene.source, "TYX", role, LABELS)
        assert names(scene)[1:] == [
            "movie [cells]",
            "movie [preview]",
            "movie [clusters]",
        ]

    def test_after_a_rename_of_either_it_is_still_found(self, scene):
        made = scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        made.name, scene.source.name = "mine", "other"
        assert scene.outputs.find(scene.source, "cells") is made

    def test_a_panel_that_is_opened_again_finds_what_was_renamed(self, scene):
        outputs = scene.outputs
        made = outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        tracks = outputs.show_tracks(scene.source, "TYX", POSITIONS, {})
        made.name, tracks.name, scene.source.name = "mine", "ways", "other"
        again = Outputs(scene.viewer)
        assert again.find(scene.source, "cells") is made
        assert again.find(scene.source, "tracks") is tracks
        assert again.belongs(made, scene.source)

    def test_one_that_was_removed_is_made_again(self, scene):
        made = scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        scene.viewer.layers.remove(made)
        assert scene.outputs.find(scene.source, "cells") is None
        again = scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        assert again is not made

    def test_a_result_of_another_sitting_is_known_by_its_name_and_record(self, scene):
        scene.viewer.add_labels(LABELS.copy(), name="movie [cells]")
        assert scene.outputs.find(scene.source, "cells") is None  # of somebody else
        ours = Labels(
            LABELS.copy(), name="movie [cells]", metadata=ResultRecord().metadata()
        )
        scene.viewer.layers.clear()
        scene.viewer.layers.extend([scene.source, ours])
        assert scene.outputs.find(scene.source, "cells") is ours
        ours.name = "mine"
        assert scene.outputs.find(scene.source, "cells") is ours

    def test_another_movie_of_the_same_name_has_a_result_of_its_own(self, scene):
        first = scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS.copy())
        scene.viewer.layers.remove(scene.source)
        other = scene.viewer.add_image(np.zeros(LABELS.shape), name="movie")
        assert scene.outputs.find(other, "cells") is None
        scene.outputs.show_labels(other, "TYX", "cells", 0 * LABELS)
        np.testing.assert_array_equal(first.data, LABELS)

    def test_layers_follow_an_input_that_is_moved(self, scene):
        source, outputs = scene.source, scene.outputs

        def show():
            cells = outputs.show_labels(source, "TYX", "cells", LABELS)
            return cells, outputs.show_tracks(source, "TYX", POSITIONS, {})

        show()
        source.scale, source.translate = (3, 0.5, 0.25), (0, 7, 8)
        source.rotate, source.shear = (0, 0, 30), (0, 0, 0.1)
        source.affine = np.diag([1.0, 2.0, 2.0, 1.0])
        source.units = ("s", "um", "um")
        for layer in show():
            point = (2, 3, 4)
            np.testing.assert_allclose(
                layer.data_to_world(point), source.data_to_world(point)
            )
            assert layer.units == source.units

    def test_previews_and_views_follow_an_input_that_is_moved(self, scene):
        from fastershift.plugin.layers._input import InputChoice
        from fastershift.plugin.run._preview_layers import PreviewLayers
        from fastershift.plugin.views._layers import ViewLayers

        viewer, source = scene.viewer, scene.source
        previews, views = PreviewLayers(scene.outputs), ViewLayers(viewer)
        choice = InputChoice(source, "image", "TYX")
        preview = SimpleNamespace(frame=0, region=None)

        def show():
            record, shape = ResultRecord(), LABELS.shape
            for role in ("preview", "clusters"):
                previews._show_part(choice, role, shape, preview, LABELS[0], record)
            views.colours(choice, shape)
            views.similarity(choice, shape)
            views.marks(choice, shape, np.zeros((1, 3)))
            return [layer for layer in viewer.layers if layer != source]

        made = show()
        source.scale, source.translate = (3, 0.5, 0.25), (0, 7, 8)
        source.affine = np.diag([1.0, 2.0, 2.0, 1.0])
        assert show() == made
        assert len(made) == 6
        for layer in made:
            point = (2, 3, 4)
            np.testing.assert_allclose(
                layer.data_to_world(point), source.data_to_world(point)
            )

    def test_what_is_worked_on_stays_selected(self, scene):
        scene.viewer.layers.selection = {scene.source}
        scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        assert scene.viewer.layers.selection.active is scene.source

    def test_tracks_need_time_and_something_to_show(self, scene):
        scene.outputs.show_labels(scene.source, "TYX", "cells", LABELS)
        shown = scene.outputs.show_tracks(scene.source, "TYX", POSITIONS, {})
        assert isinstance(shown, Tracks)
        np.testing.assert_array_equal(shown.data, POSITIONS)
        nothing = np.empty((0, 4))
        assert scene.outputs.show_tracks(scene.source, "TYX", nothing, {}) is None
        assert "movie [tracks]" not in names(scene)

    def test_positions_of_a_movie_have_a_layer_each(self):
        viewer = ViewerModel()
        source = viewer.add_image(np.zeros((2, *LABELS.shape)), name="plate")
        outputs = Outputs(viewer)
        made = []
        for position in (0, 1):
            outputs.work_on(source, position)
            made.append(outputs.show_labels(source, "PTYX", "cells", LABELS))
        assert [layer.name for layer in made] == [
            "plate [cells]",
            "plate position 1 [cells]",
        ]
        assert [outputs.axes(layer) for layer in made] == ["PTYX", "PTYX"]
        np.testing.assert_array_equal(outputs.stack(made[1]), LABELS)
        assert made[1].translate[0] == 1


class TestRuns:
    def begun(self, scene):
        run = RunLayers(scene.outputs, scene.source, "TYX")
        run.begin(LABELS.shape)
        return run

    def test_an_empty_layer_waits_for_the_first_frame(self, scene):
        run = self.begun(scene)
        layer = scene.outputs.find(scene.source, "cells")
        assert not layer.data.any()
        assert not layer.editable
        assert run.holds(layer)
        assert run.holds(scene.source)
        assert not run.has_former

    def test_without_any_frame_the_layer_goes_again(self, scene):
        self.begun(scene).end_early()
        assert names(scene) == ["movie"]

    def test_finished_frames_of_a_first_run_stay_and_can_be_edited(self, scene):
        run = self.begun(scene)
        run.show_frame(LABELS, True)
        run.end_early()
        layer = scene.outputs.find(scene.source, "cells")
        assert layer.editable
        assert layer.data.max() == 1

    def test_a_result_is_shown_with_its_tracks_and_record(self, scene):
        run = self.begun(scene)
        run.show_result(result(), POSITIONS)
        cells = scene.outputs.find(scene.source, "cells")
        tracks = scene.outputs.find(scene.source, "tracks")
        assert cells.editable
        assert ResultRecord.of(cells).input == "movie"
        assert ResultRecord.of(cells).tracks is ResultRecord.of(tracks).tracks

    def test_a_run_that_ends_early_gives_the_former_result_back(self, scene):
        self.begun(scene).show_result(result(5), POSITIONS)
        again = self.begun(scene)
        assert again.has_former
        again.show_frame(np.zeros_like(LABELS), True)
        cells = scene.outputs.find(scene.source, "cells")
        assert not cells.data.any()
        again.end_early()
        assert cells.data.max() == 5
        assert cells.editable
        assert ResultRecord.of(cells).tracks == [(5, 0, 3, 0)]
        assert len(scene.outputs.find(scene.source, "tracks").data) == 4

    def test_a_layer_that_was_removed_meanwhile_does_not_come_back(self, scene):
        run = self.begun(scene)
        run.show_frame(LABELS, True)
        scene.viewer.layers.remove(scene.outputs.find(scene.source, "cells"))
        run.end_early()
        assert names(scene) == ["movie"]

    def test_what_was_corrected_before_the_first_frame_comes_back(self, scene):
        self.begun(scene).show_result(result(5), POSITIONS)
        again = self.begun(scene)
        cells = scene.outputs.find(scene.source, "cells")
        replace(ResultRecord.of(cells), tracks=[(5, 0, 2, 0)]).store(cells)
        again.show_frame(np.zeros_like(LABELS), True)
        again.end_early()
        assert ResultRecord.of(cells).tracks == [(5, 0, 2, 0)]
