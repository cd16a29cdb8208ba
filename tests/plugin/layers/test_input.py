"""What is made of the layers people have."""

import numpy as np
import pytest

from fastershift.pipeline import plan_run

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.mark.parametrize(
    ("order", "axes"),
    [((0, 1, 2, 3), "TCYX"), ((0, 2, 3, 1), "TYXC")],
)
@pytest.mark.parametrize("background", ["RSHN axis", "largest cluster", "mask layer"])
def test_embeddings_in_any_order_and_with_any_background(
    user, embeddings, movie, order, axes, background
):
    user.viewer.add_image(embeddings.transpose(order), name="vectors")
    assert user.find("input_kind").currentText() == "embedding"
    assert user.find("axes").currentText() == axes
    if background == "mask layer":
        user.viewer.add_labels(movie.labels, name="where")
    user.choose("background", background)
    assert user.find("mask").isHidden() == (background != "mask layer")
    user.run()
    found = user.stack("vectors [cells]")
    assert np.mean((found > 0) == (movie.labels > 0)) > 0.99


@pytest.mark.parametrize("axes", ["CYX", "YXC"])
def test_the_embedding_of_a_single_frame(user, embeddings, movie, axes):
    vectors = embeddings[2] if axes == "CYX" else np.moveaxis(embeddings[2], 0, -1)
    user.viewer.add_image(vectors, name="vectors", rgb=False)
    assert user.find("input_kind").currentText() == "image"
    user.choose("input_kind", "embedding")
    user.choose("axes", axes)
    user.run()
    found = user.stack("vectors [cells]")[0]
    np.testing.assert_array_equal(found > 0, movie.labels[2] > 0)


def test_without_background_every_pixel_belongs_to_a_cell(user, embeddings):
    user.viewer.add_image(embeddings[:2], name="vectors")
    user.choose("background", "none")
    user.run()
    assert (user.viewer.layers["vectors [cells]"].data > 0).mean() > 0.99


def test_controls_without_effect_are_hidden(user, movie, embeddings):
    user.viewer.add_image(embeddings, name="vectors")
    assert user.find("model").isHidden()
    assert not user.find("background").isHidden()
    user.viewer.add_image(movie.frames, name="frames")
    user.choose("layer", "frames")
    assert not user.find("model").isHidden()
    assert user.find("background").isHidden()
    assert user.find("axes").currentText() == "TYX"


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((32, 32, 3), {"rgb": True}, "choose one channel: red, green, blue, or grey"),
        ((3, 4, 32, 32), {}, "4 channels; choose one channel, from 0 to 3"),
        ((3, 100, 32, 32), {}, "tracked in two dimensions and time: choose a plane"),
        ((2, 2, 2, 32, 32), {}, "2 planes in depth"),
        ((2,) * 6 + (32, 32), {}, "not clear what they are"),
    ],
)
def test_unusable_images_are_refused_in_a_sentence(user, shape, options, words):
    user.viewer.add_image(np.zeros(shape, np.uint8), name="picture", **options)
    user.click("run")
    assert words in user.status
    assert "picture" in user.status
    assert "--" not in user.status, "options belong to the command line"
    assert not user.find("cancel").isEnabled()


def test_a_mask_must_fit(user, embeddings, movie):
    user.viewer.add_image(embeddings, name="vectors")
    user.choose("background", "mask layer")
    user.click("run")
    assert "Choose the labels layer" in user.status
    user.viewer.add_labels(movie.labels[:, :9], name="where")
    user.click("run")
    assert "must have (8, 64, 64) or (64, 64)" in user.status


def test_a_constant_movie_has_no_cells(user, tiny_model):
    user.viewer.add_image(np.zeros((2, 64, 64), np.uint8), name="dark")
    user.widget._form.controls["model"].touch(str(tiny_model))
    user.find("diameter").setValue(18)
    user.run()
    assert "Something unexpected" not in user.status
    assert user.viewer.layers["dark [cells]"].data.shape == (2, 64, 64)


def test_the_diameter_is_measured_with_a_line(user, movie):
    layer = user.viewer.add_image(movie.frames, name="movie", scale=(1, 0.5, 0.5))
    before = list(user.viewer.mouse_drag_callbacks)
    user.click("measure")
    assert "Drag a line" in user.status
    callback = user.viewer.mouse_drag_callbacks[-1]

    class Event:
        type = "mouse_press"
        position = (0.0, 2.0, 3.0)

    event = Event()
    drag = callback(user.viewer, event)
    next(drag)
    event.type, event.position = "mouse_move", (0.0, 8.0, 11.0)
    next(drag)
    np.testing.assert_array_equal(
        user.viewer.layers["measure"].data, [[[2, 3], [6, 8]]]
    )
    event.type = "mouse_release"
    next(drag, None)
    assert user.find("diameter").value() == pytest.approx(20)
    assert user.names == ["movie"]
    assert user.viewer.layers.selection == {layer}
    assert user.viewer.mouse_drag_callbacks == before
    assert user.viewer.scene.camera.mouse_pan
    assert not user.find("measure").isChecked()


def test_the_diameter_is_estimated_in_the_background(user, movie):
    user.viewer.add_image(movie.frames, name="movie")
    user.click("estimate")
    user.wait(lambda: user.status.startswith("Cells measure"))
    found = user.find("diameter").value()
    assert 8 < found < 40
    # As the run is told to need, and as it takes it where it is left open.
    user.wait(lambda: f"cells of {found:g} px" in user.find("needs").text())
    assert plan_run(movie.frames).settings.embed.diameter == pytest.approx(found)


def test_a_click_takes_the_next_best_diameter(user, movie, monkeypatch):
    from fastershift.pipeline import Trial, _choice

    tried = (Trial(20.0, 21.0, 9, 0.9, 0.91), Trial(40.0, 37.24, 4, 0.8, 0.5))
    monkeypatch.setattr(_choice._Finder, "_compared", lambda *_: tried)
    user.viewer.add_image(movie.frames, name="movie")
    assert user.find("next best").isHidden()
    user.choose("model", "generalist")
    user.wait(lambda: not user.find("next best").isHidden())
    assert user.find("next best").text() == "next best: 37 px"
    assert "21 px (agreement 0.91); next best: 37 px" in user.find("needs").text()
    user.click("next best")
    assert user.find("diameter").value() == pytest.approx(37.2)
    assert user.find("next best").isHidden()
    user.wait(lambda: "cells of 37.2 px" in user.find("needs").text())
    assert user.find("next best").isHidden()


def test_cells_that_the_model_does_not_know_are_told_in_bold(user, movie, monkeypatch):
    from fastershift.pipeline import Quality

    found = {"f1": 0.9, "low": 0.8, "high": 0.95, "unsure": 0.0}
    quality = user.find("quality")
    user.widget._input.show_quality(Quality(**found))
    assert quality.text().startswith("Expected quality: F1 0.90")
    assert not quality.font().bold()
    user.widget._input.show_quality(Quality(**found | {"f1": 0.3}))
    assert "does not know these cells" in quality.text()
    assert quality.font().bold()


def test_what_is_told_of_a_movie_goes_with_it(user, movie):
    layer = user.viewer.add_image(movie.frames, name="movie")
    user.wait(lambda: user.find("quality").text() != "")
    user.viewer.layers.remove(layer)
    user.wait(lambda: user.find("needs").text().startswith("Open an image"))
    assert user.find("quality").text() == ""
