"""Layers as real users have them: channels, depth, positions, pyramids, gaps."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def opened(user):
    """What the session was given to work on, read from the layer chosen."""

    def read():
        runs, choice = user.widget._runs, user.widget._input.choice
        return np.stack(list(runs.open(choice).input.movie))

    return read


def test_a_channel_is_asked_for_and_taken(user, opened, movie):
    pixels = np.stack([movie.frames, movie.frames.max() - movie.frames], axis=1)
    user.viewer.add_image(pixels, name="two")
    assert user.find("axes").currentText() == "TCYX"
    assert not user.find("channel").isHidden()
    # Said without being asked, and again when a run is wanted.
    user.wait(lambda: "choose one channel" in user.find("needs").text())
    user.click("run")
    assert "2 channels; choose one channel, from 0 to 1" in user.status
    user.choose("channel", "1")
    np.testing.assert_array_equal(opened(), pixels[:, 1])
    assert user.widget._form.chosen() == {"input": {"channel": 1}}
    user.click("reset_channel")
    assert user.find("channel").currentText() == "choose…"


def test_a_colour_image_is_asked_which(user, opened):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    user.viewer.add_image(pixels, name="stained")
    names = [user.find("channel").itemText(i) for i in range(5)]
    assert names == ["choose…", "red", "green", "blue", "grey"]
    user.choose("channel", "green")
    np.testing.assert_array_equal(opened(), pixels[..., 1])
    user.choose("channel", "grey")
    assert opened().dtype == np.float32


def test_depth_is_a_plane_or_a_projection_and_said_to_be_flat(user, opened):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 9, 32, 32), dtype=np.uint8)
    user.viewer.add_image(pixels, name="deep")
    assert user.find("axes").currentText() == "TZYX"
    assert "two dimensions and time" in user.find("plane_hint").text()
    assert not user.find("plane_hint").isHidden()
    user.choose("plane", "max projection")
    np.testing.assert_array_equal(opened(), pixels.max(1))
    user.choose("plane", "4")
    np.testing.assert_array_equal(opened(), pixels[:, 4])
    user.choose("axes", "TCYX")
    assert user.find("plane_hint").isHidden()


def test_positions_channels_and_depth_together(user, opened):
    pixels = np.random.default_rng(0).integers(0, 255, (2, 3, 2, 4, 16, 16))
    user.viewer.add_image(pixels.astype(np.uint8), name="plate")
    assert user.find("axes").currentText() == "PTCZYX"
    user.find("axes").setCurrentText("ptzcyx")
    user.choose("position", "1")
    user.choose("channel", "3")
    user.choose("plane", "mean projection")
    np.testing.assert_allclose(opened(), pixels[1, :, :, 3].mean(1), rtol=1e-6)


def test_choices_belong_to_their_layer(user, movie):
    user.viewer.add_image(np.zeros((3, 3, 32, 32), np.uint8), name="three")
    user.choose("channel", "2")
    user.choose("axes", "CTYX")
    user.viewer.add_image(np.zeros((3, 2, 32, 32), np.uint8), name="two")
    user.choose("layer", "two")
    assert user.find("axes").currentText() == "TCYX"
    assert user.find("channel").currentText() == "choose…"
    assert user.widget._form.chosen() == {}
    user.choose("axes", "TZYX")
    user.choose("plane", "max projection")
    user.viewer.add_image(movie.frames, name="flat")
    user.choose("layer", "flat")
    assert user.widget._form.chosen() == {}
    assert user.find("channel").isHidden()
    assert user.find("plane").isHidden()


def test_axes_are_those_of_the_file(user, tmp_path):
    import tifffile

    path = tmp_path / "stack.tif"
    pixels = np.zeros((4, 1, 32, 32), np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZCYX"})
    user.viewer.open(path, plugin="napari")
    assert user.find("axes").currentText() == "ZYX"


def test_a_level_of_a_pyramid(user, opened, movie):
    pyramid = [movie.frames, movie.frames[:, ::2, ::2]]
    user.viewer.add_image(pyramid, name="large", multiscale=True)
    names = [user.find("level").itemText(i) for i in range(2)]
    assert names == ["0: 64 × 64", "1: 32 × 32"]
    user.choose("level", "1: 32 × 32")
    np.testing.assert_array_equal(opened(), pyramid[1])
    user.widget._input._on_measured(20.0)
    assert user.find("diameter").value() == pytest.approx(10)


def test_masked_missing_and_empty_pixels_hold_no_cells(user, movie, tiny_model):
    frames = movie.frames.astype(np.float32)
    frames[:, :, :16] = np.nan
    frames[3] = 0
    mask = np.zeros(frames.shape, bool)
    mask[:, :, 48:] = True
    layer = user.viewer.add_image(frames, name="gaps", contrast_limits=(0, 1000))
    layer.data = np.ma.masked_array(frames, mask)
    user.widget._form.controls["model"].touch(str(tiny_model))
    user.find("diameter").setValue(18)
    user.find("smallest_cell").setValue(0)
    user.run()
    assert "frames" in user.status
    found = user.stack("gaps [cells]")
    assert found[:3].any()
    assert not found[:, :, :16].any()
    assert not found[3].any()
    if isinstance(layer.data, np.ma.MaskedArray):
        assert not found[:, :, 48:].any()


def test_a_lazy_stack_with_depth_is_read_frame_by_frame(user, movie, tiny_model):
    dask = pytest.importorskip("dask")
    import threading

    import dask.array as da

    read = []

    def note(block, block_info=None):
        if threading.current_thread() is not threading.main_thread():
            read.append(block_info[0]["chunk-location"][:2])
        return block

    deep = np.stack([movie.frames, movie.frames], axis=1)
    lazy = da.from_array(deep, chunks=(1, 1, 64, 64)).map_blocks(
        note, dtype=deep.dtype, meta=np.empty((0,) * 4, deep.dtype)
    )
    # In the thread that asks, so that the canvas can be told from the run.
    with dask.config.set(scheduler="synchronous"):
        user.viewer.add_image(
            lazy, name="deep", contrast_limits=(0, 99), axis_labels=("t", "z", "y", "x")
        )
        user.widget._form.controls["model"].touch(str(tiny_model))
        user.find("diameter").setValue(18)
        user.choose("plane", "1")
        user.run()
    assert {place[0] for place in read} == set(range(8))
    assert {place[1] for place in read} == {1}, "no other plane is touched"
    cells = user.viewer.layers["deep [cells]"]
    assert cells.data.shape == (8, 1, 64, 64)


def test_the_time_slider_moves_the_cells_and_no_other_does(user, embeddings, movie):
    user.viewer.add_image(embeddings, name="vectors")
    user.run()
    cells = user.viewer.layers["vectors [cells]"]
    for frame, channel in ((2, 0), (2, 15), (5, 7)):
        user.viewer.dims.set_current_step(0, frame)
        user.viewer.dims.set_current_step(1, channel)
        shown = np.asarray(cells._slice.image.view).reshape(64, 64)
        np.testing.assert_array_equal(shown > 0, movie.labels[frame] > 0)


def test_pixels_changed_in_place_are_noticed(user, embeddings, movie):
    array = embeddings.copy()
    layer = user.viewer.add_image(array, name="movie", contrast_limits=(-1, 1))
    user.run()
    layer.refresh()
    assert user.widget._runs._opened[0] is not None, "nothing has changed"
    layer.data[:] = embeddings[::-1]
    layer.refresh()
    user.run()
    found, cells = user.stack("movie [cells]") > 0, movie.labels > 0
    assert np.mean(found == cells[::-1]) > 0.99 > np.mean(found == cells)


def test_data_of_another_shape_are_looked_at_again(user):
    layer = user.viewer.add_image(np.zeros((3, 32, 32), np.uint8), name="movie")
    user.widget._runs.open(user.widget._input.choice)
    assert user.find("axes").currentText() == "TYX"
    layer.data = np.zeros((3, 2, 32, 32), np.uint8)
    assert user.find("axes").currentText() == "TCYX"
    assert not user.find("channel").isHidden()


def test_axes_of_a_movie_that_was_removed_are_not_those_of_the_next(user, movie):
    user.viewer.add_image(np.zeros((3, 3, 32, 32), np.uint8), name="three")
    user.choose("axes", "CTYX")
    user.viewer.layers.clear()
    user.viewer.add_image(movie.frames, name="flat")
    assert user.find("axes").currentText() == "TYX"
    assert user.widget._form.chosen() == {}


def test_axes_that_do_not_fit_are_told(user, movie, tmp_path):
    from fastershift.config import save_settings

    user.viewer.add_image(movie.frames, name="flat")
    user.viewer.add_shapes([[[0, 0], [0, 28], [63, 28], [63, 0]]], name="region")
    user.choose("region", "region")
    for axes in ("TCYX", "TYXC", "CTYX", "TY"):
        user.find("axes").setCurrentText(axes)
        user.wait(lambda axes=axes: axes in user.find("needs").text())
        user.find("measure").click()
        assert user.find("measure").isChecked() == (axes == "TYXC")
        user.find("measure").setChecked(False)
    user.click("reset_axes")
    save_settings({"input": {"axes": "TCYX"}}, tmp_path / "settings.toml")
    user.widget._loader.load(str(tmp_path / "settings.toml"))
    user.wait(lambda: "TCYX" in user.find("needs").text())
    user.click("reset_axes")
    user.wait(lambda: "TCYX" not in user.find("needs").text())


def test_a_comparison_of_settings_leaves_how_the_movie_is_read(user):
    user.viewer.add_image(np.zeros((3, 3, 32, 32), np.uint8), name="three")
    user.choose("axes", "CTYX")
    user.choose("channel", "2")
    user.find("settings_b").click()
    user.choose("channel", "1")
    user.find("low").setValue(3)
    user.find("settings_a").click()
    assert user.find("low").value() == 2
    assert user.find("axes").currentText() == "CTYX"
    assert user.find("channel").currentText() == "1"


def test_a_panel_that_is_closed_while_measuring_leaves_the_canvas(user, movie):
    viewer = user.viewer
    viewer.add_image(movie.frames, name="flat")
    before = list(viewer.mouse_drag_callbacks)
    user.click("measure")
    assert "measure" in user.names
    with user.qtbot.waitSignal(user.widget.destroyed):
        user.widget.deleteLater()
    assert user.names == ["flat"]
    assert viewer.scene.camera.mouse_pan
    assert len(viewer.mouse_drag_callbacks) < len(before)
