"""Views of the embedding, with real clicks on the canvas."""

import math

import numpy as np
import pytest

from helpers.canvas import Canvas

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def shown(make_napari_viewer, docked, qtbot, embeddings):
    """The widget in a window that is really there, with embeddings of a movie."""
    user = docked(make_napari_viewer(show=True), qtbot)
    # Rows and columns come last, and time is not the first axis the user sees.
    layer = user.viewer.add_image(embeddings, name="movie", scale=(1, 1, 0.5, 0.5))
    user.viewer.reset_view()
    qtbot.wait(200)
    return user, Canvas(user, layer)


def middle(labels, frame, track):
    places = np.argwhere(labels[frame] == track)
    near = places[np.abs(places - places.mean(axis=0)).sum(axis=1).argmin()]
    return int(near[0]), int(near[1])


def tracks_of(labels, frame):
    sizes = np.bincount(labels[frame].ravel())
    sizes[0] = 0
    return [int(track) for track in np.argsort(-sizes)[: (sizes > 0).sum()]]


def answer(user):
    return user.find("view_answer").text()


def settle(user, ready):
    user.wait(ready)
    user.wait_threads()
    user.qtbot.wait(50)


def test_click_a_pixel_and_see_what_is_similar(shown, movie):
    user, canvas = shown
    labels = movie.labels
    user.viewer.dims.set_current_step(0, 2)
    track = tracks_of(labels, 2)[0]
    user.click("similarity")
    assert "Click" in answer(user)
    # A drag moves the view as ever, and is no click.
    canvas.drag((5, 5), (30, 30))
    user.viewer.reset_view()
    user.qtbot.wait(50)
    assert "movie [similarity]" not in user.names
    canvas.click(*middle(labels, 2, track))
    settle(user, lambda: "frames 2 to 6" in answer(user))
    heat = user.viewer.layers["movie [similarity]"].data.squeeze()
    line = user.viewer.layers["movie [within h]"].data.squeeze()
    for frame in range(2, 7):
        np.testing.assert_allclose(heat[frame][labels[frame] == track], 1, atol=1e-3)
        np.testing.assert_array_equal(line[frame] == 1, labels[frame] == track)
    assert not heat[[0, 1, 7]].any()
    layer = user.viewer.layers["movie [within h]"]
    assert layer.contour > 0
    # It lies where the cell lies.
    point = middle(labels, 2, track)
    world = canvas.layer.data_to_world([2, 0, *point])
    assert layer.get_value(world, world=True) == 1
    # The line follows h at once: nothing is computed again.
    user.find("bandwidth").setValue(1.9)
    user.wait(lambda: (line[3] == 1).sum() > (labels[3] == track).sum())
    np.testing.assert_array_equal(line[3] == 1, labels[3] > 0)
    user.find("bandwidth").setValue(0.1)
    # Another pixel takes the place of the first.
    other = tracks_of(labels, 6)[1]
    user.viewer.dims.set_current_step(0, 6)
    canvas.click(*middle(labels, 6, other))
    settle(user, lambda: "frames 6 to 7" in answer(user))
    assert not heat[2].any()
    np.testing.assert_array_equal(line[7] == 1, labels[7] == other)
    user.click("similarity")
    assert answer(user) == ""
    assert user.names == ["movie"]
    assert user.viewer.layers.selection.active is canvas.layer


def test_pixels_are_clicked_in_one_frame_at_a_time(shown):
    user, canvas = shown
    user.viewer.dims.set_current_step(0, 2)
    user.click("similarity")
    user.viewer.dims.ndisplay = 3
    user.qtbot.wait(50)
    canvas.click(32, 32)
    assert answer(user) == (
        "Pixels are clicked in one frame, but the picture shows several frames now. "
        "Show rows and columns in 2D first."
    )
    assert "movie [similarity]" not in user.names
    user.viewer.dims.ndisplay = 2
    user.viewer.reset_view()
    user.qtbot.wait(50)
    canvas.click(32, 32)
    settle(user, lambda: "movie [similarity]" in user.names)


def test_a_view_that_is_removed_is_not_added_again_and_napari_can_be_closed(
    shown, movie
):
    user, canvas = shown
    layers = user.viewer.layers
    user.click("similarity")
    canvas.click(*middle(movie.labels, 0, tracks_of(movie.labels, 0)[0]))
    settle(user, lambda: "movie [within h]" in user.names)
    layers.selection = {layers["movie [similarity]"], layers["movie [within h]"]}
    layers.remove_selected()
    assert not {"movie [similarity]", "movie [within h]"} & set(user.names)
    # As the window does when it closes.
    layers.clear()
    assert not layers


def test_click_two_pixels_and_be_told_why(shown, movie):
    user, canvas = shown
    labels = movie.labels
    first, second, *_ = tracks_of(labels, 3)
    user.viewer.dims.set_current_step(0, 3)
    user.click("why_not_one_cell")
    canvas.click(*middle(labels, 3, first))
    assert "other pixel" in answer(user)
    canvas.click(*middle(labels, 3, second))
    settle(user, lambda: "two cells" in answer(user))
    assert "1 − h = 0.900" in answer(user)
    assert len(user.viewer.layers["movie [clicked]"].data) == 2
    canvas.click(*middle(labels, 3, first))
    assert len(user.viewer.layers["movie [clicked]"].data) == 1
    row, column = middle(labels, 3, first)
    canvas.click(row + 2, column)
    settle(user, lambda: answer(user).startswith("They are one cell"))
    empty = np.argwhere(labels[3] == 0)
    far = empty[np.abs(empty - 32).sum(axis=1).argmin()]
    canvas.click(*middle(labels, 3, first))
    canvas.click(*map(int, far))
    settle(user, lambda: "background" in answer(user))


def test_colours_and_seeds_follow_the_time_slider(shown, movie):
    user, _ = shown
    labels = movie.labels
    user.viewer.dims.set_current_step(0, 0)
    user.click("embedding_as_colours")
    settle(user, lambda: "movie [embedding]" in user.names)
    layer = user.viewer.layers["movie [embedding]"]
    colours = layer.data.squeeze()
    assert colours.shape == (8, 64, 64, 3)
    user.wait(lambda: colours[0].any())
    assert not colours[4].any(), "frames are embedded when they are looked at"
    user.viewer.dims.set_current_step(0, 4)
    user.wait(lambda: colours[4].any())
    for track in set(tracks_of(labels, 0)) & set(tracks_of(labels, 4)):
        kept = [np.median(colours[t][labels[t] == track], axis=0) for t in (0, 4)]
        np.testing.assert_allclose(*kept, atol=6)
    user.click("seeds")
    settle(user, lambda: "movie [seeds]" in user.names)
    points = user.viewer.layers["movie [seeds]"]
    assert set(points.features["kind"]) <= {"seed", "mode", "discarded"}
    seeds = points.data[points.features["kind"] == "seed"].astype(int)
    assert set(seeds[:, 0]) == {3, 4}
    assert labels[tuple(seeds[:, [0, -2, -1]].T)].all(), "seeds lie on cells"
    user.viewer.dims.set_current_step(0, 1)
    user.wait(lambda: set(points.data[:, 0].astype(int)) == {0, 1})
    # A layer that the user throws away is not made again.
    user.viewer.layers.remove(points)
    user.wait(lambda: not user.find("seeds").isChecked())
    user.click("embedding_as_colours")
    assert user.names == ["movie"]


def test_another_input_puts_the_views_away(shown):
    user, _ = shown
    user.click("embedding_as_colours")
    settle(user, lambda: "movie [embedding]" in user.names)
    user.viewer.layers.remove("movie")
    assert not user.find("embedding_as_colours").isChecked()
    user.wait_threads()
    user.click("similarity")
    assert "Choose an image" in answer(user)
    assert not user.find("similarity").isChecked()


def test_an_error_in_a_view_is_a_sentence(shown, monkeypatch):
    user, _ = shown
    from fastershift.session import Views

    def broken(*_arguments, **_settings):
        yield None
        raise RuntimeError("the disk went away")

    monkeypatch.setattr(Views, "colours", broken)
    user.click("embedding_as_colours")
    settle(user, lambda: "the disk went away" in answer(user))


def test_drag_a_line_over_a_cell_or_have_its_diameter_estimated(
    make_napari_viewer, docked, qtbot, movie
):
    user = docked(make_napari_viewer(show=True), qtbot)
    layer = user.viewer.add_image(movie.frames, name="movie", scale=(1, 0.5, 0.5))
    user.viewer.reset_view()
    qtbot.wait(200)
    canvas = Canvas(user, layer)
    before = tuple(user.viewer.scene.camera.center)
    user.click("measure")
    canvas.drag((20, 20), (24, 26), (28, 32))
    expected = math.dist((20, 20), (28, 32))
    assert user.find("diameter").value() == pytest.approx(expected, abs=0.6)
    assert "pixels long" in user.status
    assert not user.find("measure").isChecked()
    assert user.names == ["movie"]
    assert tuple(user.viewer.scene.camera.center) == before
    user.click("estimate")
    user.wait(lambda: "Cells measure about" in user.status)
    assert 12 <= user.find("diameter").value() <= 27


def test_colours_follow_pixels_that_are_replaced(shown, embeddings):
    user, canvas = shown
    user.click("embedding_as_colours")
    settle(user, lambda: "movie [embedding]" in user.names)
    frame = user.viewer.dims.current_step[0]
    colours = lambda: user.viewer.layers["movie [embedding]"].data.squeeze()  # noqa: E731
    settle(user, lambda: colours()[frame].any())
    before = colours()[frame].copy()
    canvas.layer.data = embeddings[::-1, :, ::-1].copy()
    user.wait(lambda: (colours()[frame] != before).any() and colours()[frame].any())


def test_similarity_follows_the_channel_and_ends_with_the_level(
    make_napari_viewer, docked, qtbot, monkeypatch, tiny_model
):
    from fastershift.session import SimilarityFrame, Views

    user = docked(make_napari_viewer(show=True), qtbot)
    for name, value in (("model", str(tiny_model)), ("diameter", 8.0)):
        user.widget._form.controls[name].touch(value)
    asked = []

    def similarity(_views, pixel, _chosen, *, device):
        given = user.widget._runs.session.input
        asked.append(user.find("channel").currentText())
        same = np.ones(given.shape[1:], np.float32)
        yield SimilarityFrame(pixel.frame, same, same > 0)

    monkeypatch.setattr(Views, "similarity", similarity)
    movie = np.random.default_rng(0).random((3, 2, 64, 64), np.float32)
    pyramid = [movie, movie[..., ::2, ::2]]
    layer = user.viewer.add_image(pyramid, name="movie", multiscale=True)
    user.choose("channel", "0")
    user.viewer.reset_view()
    qtbot.wait(200)
    user.click("similarity")
    Canvas(user, layer).click(20, 20)
    settle(user, lambda: asked == ["0"])
    user.choose("channel", "1")
    settle(user, lambda: asked == ["0", "1"])
    settle(user, lambda: "would be its cluster" in answer(user))
    user.find("level").setCurrentIndex(1)
    user.find("bandwidth").setValue(0.2)
    qtbot.wait(200)
    assert not user.find("similarity").isChecked()
    assert "movie [similarity]" not in user.names
