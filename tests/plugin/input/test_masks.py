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
