"""A region that is drawn decides where cells are looked for."""

import numpy as np
import pytest

from fastershift.labels import keep_inside

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

SCALE = (1.0, 0.5, 0.5)
LEFT = [[0, 0], [0, 14], [32, 14], [32, 0]]  # in world units, columns 0 to 28


@pytest.fixture
def masked(user, movie):
    """A movie of half a unit a pixel, and its masks."""
    user.viewer.add_image(movie.frames, name="movie", scale=SCALE)
    user.viewer.add_labels(np.array(movie.labels), name="masks", scale=SCALE)
    user.choose("input_kind", "labels")
    user.widget._form.controls["vote_weight"].touch(0.0)
    return user


def draw(user, corners, kind="rectangle"):
    shapes = user.viewer.add_shapes(name="region")
    shapes.add(np.array(corners, float), shape_type=kind)
    return shapes


def confined(movie, allowed):
    return np.stack([keep_inside(frame, allowed) for frame in movie.labels]) > 0


def columns_to(last):
    allowed = np.zeros((64, 64), bool)
    allowed[:, : last + 1] = True
    return allowed


def test_there_is_nothing_to_choose_without_a_shapes_layer(masked):
    assert masked.find("region").parentWidget().isHidden()
    draw(masked, LEFT)
    assert not masked.find("region").parentWidget().isHidden()
    assert masked.find("region").currentText() == "whole frame"
    masked.viewer.layers.remove("region")
    assert masked.find("region").parentWidget().isHidden()


def test_cells_inside_of_a_shape_alone_are_tracked(masked, movie):
    draw(masked, LEFT)
    masked.choose("region", "region")
    masked.run()
    found = masked.stack("movie [cells]") > 0
    np.testing.assert_array_equal(found, confined(movie, columns_to(28)))
    record = masked.viewer.layers["movie [cells]"].metadata["fastershift"]
    assert record["provenance"]["inside"] == "a region"
    masked.choose("region_use", "leave out")
    masked.run()
    found = masked.stack("movie [cells]") > 0
    np.testing.assert_array_equal(found, confined(movie, ~columns_to(28)))
    masked.choose("region", "whole frame")
    masked.run()
    np.testing.assert_array_equal(masked.stack("movie [cells]") > 0, movie.labels > 0)


def test_a_preview_follows_what_is_drawn_and_keeps_the_embeddings(
    user, movie, embeddings
):
    user.viewer.add_image(embeddings, name="movie", rgb=False)
    user.click("preview")
    user.wait_idle()
    whole = user.stack("movie [preview]")[0].copy()
    caches = user.widget._runs.session._opened[1]
    shapes = draw(user, [[0, 0], [0, 28], [63, 28], [63, 0]])
    user.choose("region", "region")
    user.click("preview")
    user.wait_idle()
    left = user.stack("movie [preview]")[0].copy()
    expected = keep_inside(whole, columns_to(28)) > 0
    np.testing.assert_array_equal(left > 0, expected)
    shapes.add(np.array([[0, 28], [0, 63], [63, 63], [63, 28]], float))
    user.qtbot.wait(400)
    user.click("preview")
    user.wait_idle()
    np.testing.assert_array_equal(user.stack("movie [preview]")[0] > 0, whole > 0)
    assert user.widget._runs.session._opened[1] is caches


def test_what_encloses_nothing_is_refused_in_a_sentence(masked):
    draw(masked, [[0, 0], [10, 10]], "line")
    masked.choose("region", "region")
    masked.click("run")
    masked.wait_idle()
    assert "no closed shape" in masked.status


def test_an_ellipse_is_filled_as_it_is_drawn(masked):
    draw(masked, [[4, 4], [4, 20], [12, 20], [12, 4]], "ellipse")
    masked.choose("region", "region")
    inside, _ = masked.widget._input.choice.region.masks((64, 64))
    down, right = np.mgrid[:64, :64] * SCALE[1]
    drawn = ((down - 8) / 4) ** 2 + ((right - 12) / 8) ** 2 <= 1
    assert (inside & drawn).sum() / (inside | drawn).sum() > 0.95
