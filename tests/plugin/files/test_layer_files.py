"""Folders dropped onto napari, and layers saved from it."""

import numpy as np
import pytest
import tifffile

pytest.importorskip("napari")

from fastershift.errors import InputError
from fastershift.io import (
    SavedResult,
    read_movie,
    read_result,
    write_result,
    write_saved,
    write_simulation,
)


@pytest.fixture
def simulation(movie, tmp_path):
    return write_simulation(movie, tmp_path / "sim")


def _read(path):
    from fastershift.plugin.files._readers import get_reader

    reader = get_reader(str(path))
    return None if reader is None else reader(str(path))


def test_a_result_folder_becomes_labels_and_tracks(movie, tmp_path):
    folder = write_result(tmp_path / "res", movie.labels, movie.tracks)
    (labels, attributes, kind), (positions, tracks, other) = _read(folder)
    assert (kind, other) == ("labels", "tracks")
    np.testing.assert_array_equal(labels, movie.labels)
    parents = [track[3] for track in movie.tracks]
    divided = {t[0]: [t[3]] for t in movie.tracks if t[3] and parents.count(t[3]) > 1}
    assert tracks["graph"] == divided
    assert len(positions) == sum(len(np.unique(frame)) - 1 for frame in movie.labels)
    assert attributes["name"].endswith("res [cells]")


@pytest.mark.parametrize("part", ["01_GT", "01_GT/TRA"])
def test_truth_folders_are_read(simulation, movie, part):
    np.testing.assert_array_equal(_read(simulation / part)[0][0], movie.labels)


def test_segmentations_of_the_challenge_are_read(movie, tmp_path):
    (tmp_path / "01_ST" / "SEG").mkdir(parents=True)
    for t, frame in enumerate(movie.labels):
        path = tmp_path / "01_ST" / "SEG" / f"man_seg{t:03d}.tif"
        tifffile.imwrite(path, frame.astype(np.uint16))
    np.testing.assert_array_equal(_read(tmp_path / "01_ST")[0][0], movie.labels)


def test_an_image_folder_is_opened_lazily(simulation, movie):
    ((frames, attributes, kind),) = _read(simulation / "01")
    assert kind == "image"
    assert frames.shape == movie.frames.shape
    assert not isinstance(frames, np.ndarray)
    np.testing.assert_array_equal(np.asarray(frames[3]), movie.frames[3])
    assert attributes["contrast_limits"] == (
        movie.frames[0].min(),
        movie.frames[0].max(),
    )


def test_other_folders_and_files_are_left_to_others(tmp_path):
    from fastershift.plugin.files._readers import get_reader

    (tmp_path / "note.txt").write_text("")
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "note.txt")) is None
    assert get_reader([str(tmp_path), str(tmp_path)]) is None


@pytest.mark.gui
def test_a_folder_dropped_onto_the_viewer(make_napari_viewer, movie, tmp_path):
    folder = write_result(tmp_path / "res", movie.labels, movie.tracks)
    viewer = make_napari_viewer()
    cells, tracks = viewer.open(folder, plugin="fastershift")
    track = int(tracks.data[0, 0])
    np.testing.assert_allclose(cells.get_color(track), tracks.track_colors[0])


@pytest.mark.gui
def test_layers_are_saved_as_ctc_folder_and_tiff(make_napari_viewer, movie, tmp_path):
    from fastershift.plugin.files._readers import track_layers

    viewer = make_napari_viewer()
    data = track_layers(movie.labels.copy(), movie.tracks, "movie")
    cells = viewer.add_labels(
        data[0][0],
        metadata=data[0][1]["metadata"],
        scale=(60, 0.5, 0.25),
        units=("s", "um", "um"),
    )
    viewer.add_tracks(data[1][0], graph=data[1][1]["graph"])
    folder = tmp_path / "saved"
    viewer.layers.save(str(folder), plugin="fastershift")
    labels, tracks = read_result(folder)
    np.testing.assert_array_equal(labels, movie.labels)
    assert sorted(tracks) == sorted(movie.tracks)

    file = tmp_path / "saved.tif"
    viewer.layers.save(str(file), plugin="fastershift")
    with tifffile.TiffFile(file) as tiff:
        assert tiff.series[0].axes == "TYX"
    stored = read_movie(file)
    assert stored.scale == pytest.approx((60, 0.5, 0.25))
    assert stored.units == ("second", "micrometer", "micrometer")

    cells.data[3, :5, :5] = 9999
    viewer.layers.selection = {cells}
    viewer.layers.save(str(file), selected=True, plugin="fastershift")
    assert (9999, 3, 3, 0) in read_result(file)[1]


def test_several_labels_go_to_a_folder_each(movie, tmp_path):
    from fastershift.plugin.files._writers import write_ctc

    layers = [(movie.labels, {"name": name}, "labels") for name in ("a", "b")]
    written = write_ctc(str(tmp_path / "both"), layers)
    assert [read_result(path)[0].shape for path in written] == [movie.labels.shape] * 2


def test_parents_that_no_longer_fit_are_left_out(movie):
    from fastershift.plugin.files._layer_files import saved_result

    parent, child = next((t[3], t[0]) for t in movie.tracks if t[3])
    record = {"fastershift": {"tracks": movie.tracks}}
    # A parent that lives on, as that of a bud, and a child that is there before it.
    for frame, number, left in ((-1, parent, parent), (0, child, 0)):
        labels = movie.labels.copy()
        labels[frame, 0, 0] = number
        found = saved_result(labels, {"metadata": record}).tracks
        assert {t[0]: t[3] for t in found}[child] == left


def test_parents_that_are_lost_are_told(movie, tmp_path):
    from fastershift.plugin.files._layer_files import (
        describe_lost_parents,
        saved_result,
    )
    from fastershift.plugin.files._writers import write_ctc

    mother = next(t[3] for t in movie.tracks if t[3])
    children = [t[0] for t in movie.tracks if t[3] == mother]
    attributes = {"metadata": {"fastershift": {"tracks": movie.tracks}}, "name": "a"}
    whole = saved_result(movie.labels, attributes)
    assert describe_lost_parents(whole, attributes) == ""
    labels = np.where(movie.labels == mother, 0, movie.labels)
    said = describe_lost_parents(saved_result(labels, attributes), attributes)
    assert f"({', '.join(map(str, children))}) have lost their parents" in said
    # A child that is gone, too, has lost nothing.
    labels[labels == children[0]] = 0
    one = describe_lost_parents(saved_result(labels, attributes), attributes)
    assert one.startswith(f"Track {children[1]} has lost its parent, which is not seen")
    # The same where the graph of a Tracks layer tells the parents.
    graph = {child: [mother] for child in children}
    assert describe_lost_parents(saved_result(labels, {}, graph), {}, graph) == one
    from napari.utils.notifications import notification_manager

    write_ctc(str(tmp_path / "saved"), [(labels, attributes, "labels")])
    assert one in notification_manager.records[-1].message


def test_labels_with_depth_are_refused():
    from fastershift.plugin.files._layer_files import saved_result

    with pytest.raises(InputError, match="4 axes"):
        saved_result(np.zeros((2, 2, 4, 4), int), {})


def _large_numbers():
    labels = np.zeros((2, 6, 7), np.int64)
    labels[:, 1:3, 1:3], labels[1, 4:6, 4:6] = 2**32 + 1, 2**33
    return labels


def test_numbers_of_others_are_saved_anew_with_their_parents():
    from fastershift.plugin.files._layer_files import saved_result

    graph = {2**33: [2**32 + 1]}
    labels = _large_numbers()
    labels[1][labels[1] == 2**32 + 1] = 0
    result = saved_result(labels, {}, graph)
    assert result.tracks == [(1, 0, 0, 0), (2, 1, 1, 1)]
    assert result.stack().max() == 2
    with pytest.raises(InputError, match="holds -1 in frame 0"):
        saved_result(np.full((1, 4, 4), -1), {})


def test_numbers_of_others_can_be_read_in_the_layer(tmp_path):
    from napari.layers import Layer

    from fastershift.plugin.files._open_result import result_layers

    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, _large_numbers(), photometric="minisblack")
    layer = Layer.create(*result_layers(path)[0])
    assert layer.data.max() == 2
    assert layer.features["former number"].tolist() == [0, 2**32 + 1, 2**33]


def test_settings_that_cannot_be_used_stay_with_the_layer(tmp_path):
    from fastershift.plugin.files._layer_files import saved_result
    from fastershift.plugin.files._open_result import result_layers

    labels, lost = np.ones((2, 6, 7), np.int32), {"track": {"division_cost": -9}}
    saved = SavedResult(labels, [(1, 0, 1, 0)], lost_settings=lost)
    path = write_saved(tmp_path / "r", saved)
    data, attributes, _ = result_layers(path)[0]
    assert saved_result(data, attributes).lost_settings == lost


def test_labels_of_others_are_converted_before_they_are_corrected():
    from napari.layers import Labels

    from fastershift.plugin.correct._layers import stack_of

    layer = Labels(_large_numbers())
    stack = stack_of(layer)
    assert stack.dtype == np.int32
    assert np.shares_memory(stack, layer.data)
    np.testing.assert_array_equal(np.unique(stack), [0, 1, 2])
    assert layer.features["former number"].tolist() == [0, 2**32 + 1, 2**33]
    layer = Labels(np.full((1, 4, 4), -(2**40)))
    with pytest.raises(InputError, match="whole numbers from 0"):
        stack_of(layer)
    assert layer.data.min() == -(2**40)


def test_tracks_with_numbers_as_those_of_imaris_are_not_drawn(tmp_path):
    """napari takes 8 bytes for each number up to the highest: here 8 GB."""
    from fastershift.plugin.files._open_result import result_layers
    from fastershift.plugin.layers._tracks_of import describe_undrawn

    labels = np.zeros((2, 8, 8), np.int32)
    labels[:, 2:5, 2:5] = 1_000_000_007
    tracks = [(1_000_000_007, 0, 1, 0)]
    path = write_result(tmp_path / "res.tif", labels, tracks, format="tiff")
    ((read, attributes, kind),) = result_layers(path)
    assert kind == "labels"
    np.testing.assert_array_equal(read, labels)
    assert attributes["metadata"]["fastershift"]["tracks"] == tracks
    assert "beyond 10,000,000" in describe_undrawn(tracks)
    assert not describe_undrawn([(10_000_000, 0, 1, 0)])
