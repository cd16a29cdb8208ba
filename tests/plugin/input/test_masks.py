"""Masks of another program are tracked in the widget."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def masked(user, movie):
    """A movie and its masks, numbered anew in each frame; *Holds* says labels."""
    rng = np.random.default_rng(0)
    masks = [np.r_[0, 1 + rng.permutation(99)][frame] for frame in movie.labels]
    user.viewer.add_image(movie.frames, name="movie")
    user.viewer.add_labels(np.stack(masks), name="masks")
    user.choose("input_kind", "labels")
    user.widget._form.controls["vote_weight"].touch(0.0)
    return user


def test_masks_are_tracked_as_they_are(masked, movie):
    assert not masked.find("mask").isHidden()
    assert masked.find("background").isHidden()
    masked.run()
    found = masked.stack("movie [cells]")
    np.testing.assert_array_equal(found > 0, movie.labels > 0)
    record = masked.viewer.layers["movie [cells]"].metadata["fastershift"]
    assert record["provenance"]["model"] == "given masks"


def test_a_preview_shows_the_masks(masked, movie):
    masked.viewer.dims.set_current_step(0, 2)
    masked.click("preview")
    masked.wait_idle()
    layer = next(one for one in masked.viewer.layers if "preview" in one.name)
    assert np.asarray(layer.data).any()


def test_masks_that_do_not_fit_are_refused_in_a_sentence(masked):
    masked.viewer.layers["masks"].data = np.ones((8, 32, 64), int)
    masked.click("run")
    masked.wait_idle()
    assert "32 × 64" in masked.status


def test_without_a_labels_layer_a_sentence_says_what_is_missing(user, movie):
    user.viewer.add_image(movie.frames, name="movie")
    user.choose("input_kind", "labels")
    user.click("run")
    assert "labels layer that holds the cells" in user.status


@pytest.fixture
def twice(masked, movie):
    """Two layers with the masks, each without one cell in one frame."""
    for name, t in (("cellpose", 3), ("stardist", 5)):
        labels = np.array(movie.labels)
        labels[t][labels[t] == labels[t].max()] = 0
        masked.viewer.add_labels(labels, name=name)
    masked.viewer.layers.remove("masks")
    masked.choose("mask", "cellpose")
    return masked


def test_an_alternative_can_be_chosen_where_there_is_another_labels_layer(twice):
    first = twice.find("alternative_1")
    assert not first.isHidden()
    assert first.currentText() == "none"
    twice.choose("input_kind", "image")
    assert first.parentWidget().isHidden()
    twice.choose("input_kind", "labels")
    twice.choose("alternative_1", "stardist")
    assert twice.find("alternative_2").isHidden()
    twice.viewer.add_labels(np.zeros((8, 64, 64), int), name="threshold")
    assert not twice.find("alternative_2").isHidden()
    twice.viewer.layers.remove("stardist")
    assert first.currentText() == "none"


def test_cells_are_taken_from_both_layers(twice, movie):
    twice.choose("alternative_1", "stardist")
    twice.run()
    found = twice.stack("movie [cells]")
    np.testing.assert_array_equal(found > 0, movie.labels > 0)
    assert "from cellpose and 1 from stardist" in twice.status
    # Without it, all is as before.
    twice.choose("alternative_1", "none")
    twice.run()
    assert "stardist" not in twice.status


def test_a_preview_shows_what_was_painted_in_an_alternative(twice, movie):
    twice.choose("alternative_1", "stardist")
    twice.viewer.dims.set_current_step(0, 3)
    twice.click("preview")
    twice.wait_idle()
    shown = twice.stack("movie [preview]")[3]
    np.testing.assert_array_equal(shown > 0, movie.labels[3] > 0)
    for name in ("cellpose", "stardist"):
        twice.viewer.layers[name].data[3] = 0
    twice.click("preview")
    twice.wait_idle()
    assert not twice.stack("movie [preview]")[3].any()


def test_an_alternative_that_does_not_fit_is_named(twice):
    twice.choose("alternative_1", "stardist")
    twice.viewer.layers["stardist"].data = np.ones((8, 32, 64), int)
    twice.click("run")
    twice.wait_idle()
    assert "stardist" in twice.status
    assert "32 × 64" in twice.status
