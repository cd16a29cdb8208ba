"""Labels layers of any shape and type, as people have them, in the widget."""

import dask.array as da
import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def masking(user, movie):
    """Put an image and a labels layer there, and run; give what came of it."""
    masks = np.array(movie.labels)

    def run(labels, image=None, axes=None, channel=None):
        user.viewer.layers.clear()
        frames = movie.frames if image is None else image
        user.viewer.add_image(frames, name="movie", rgb=False)
        user.viewer.add_labels(labels, name="masks")
        user.choose("input_kind", "labels")
        user.widget._form.controls["vote_weight"].touch(0.0)
        if axes is not None:
            user.find("axes").setCurrentText(axes)
        if channel is not None:
            user.choose("channel", channel)
        user.click("run")
        user.wait_idle()
        user.wait_threads()
        found = "movie [cells]" in user.names
        return (user.stack("movie [cells]") if found else None), user.status

    return run, masks


def test_any_type_of_number_and_array_is_tracked(masking):
    run, masks = masking
    big = np.where(masks > 0, masks.astype(np.int64) + 2**40, 0)
    for labels in (
        masks.astype(np.uint8),
        masks.astype(np.int8),
        masks.astype(np.uint64),
        big,
        masks > 0,
        da.from_array(masks, chunks=(1, 64, 64)),
        masks[:, np.newaxis],
    ):
        found, status = run(labels)
        np.testing.assert_array_equal(found > 0, masks > 0, err_msg=status)


def test_labels_have_the_axes_of_their_image(masking, movie):
    run, masks = masking
    frames = np.asarray(movie.frames)
    both = np.stack([frames, frames], axis=1)
    turned = (np.moveaxis(frames, 0, -1), "YXT", None)
    channels = (both, "TCYX", "1")
    for labels, (image, axes, channel) in (
        (np.moveaxis(masks, 0, -1), turned),
        (masks, channels),
        (masks[:, np.newaxis], channels),
        (np.stack([0 * masks, masks], axis=1), channels),
    ):
        found, status = run(labels, image, axes, channel)
        np.testing.assert_array_equal(found > 0, masks > 0, err_msg=status)


def test_gaps_and_empty_frames_stay_or_are_mended(masking):
    run, masks = masking
    empty = np.array(masks)
    empty[[0, 4]] = 0
    found, _ = run(empty)
    assert not found[0].any()
    last = np.array(masks)
    last[-1] = 0
    found, _ = run(last)
    assert not found[-1].any()
    np.testing.assert_array_equal(found[:-1] > 0, masks[:-1] > 0)


def test_copies_of_one_number_are_told(masking):
    run, masks = masking
    copies = np.zeros_like(masks)
    copies[:, 5:15, 5:15] = copies[:, 5:15, 30:40] = 3
    copies[:, 40:50, 5:15] = 4
    found, status = run(copies)
    assert len(np.unique(found)) == 4
    assert "several places" in status
    touching = np.zeros_like(masks)
    touching[:, 5:15, 5:25] = 3
    found, _ = run(touching)
    assert len(np.unique(found)) == 2


def test_what_does_not_fit_is_a_sentence(masking):
    run, masks = masking
    for labels, sentence in (
        (masks[:, :32], "32 × 64"),
        (masks[:5], "5 frames"),
        (masks[0], "1 frame"),
        (np.zeros_like(masks), "no cell"),
        (np.stack([masks, masks], axis=1), "axes"),
        (-masks, "from 0"),
    ):
        found, status = run(labels)
        assert sentence in status
        assert found is None


def test_masks_that_are_painted_count_at_once(masking, user):
    run, masks = masking
    run(np.array(masks))
    layer = user.viewer.layers["masks"]
    user.viewer.dims.set_current_step(0, 3)
    user.click("preview")
    user.wait_idle()
    free = np.argwhere(~(masks > 0).any(axis=0))
    row, column = free[len(free) // 2]
    layer.data_setitem((np.array([3]), np.array([row]), np.array([column])), 90)
    user.click("preview")
    user.wait_idle()
    assert user.stack("movie [preview]")[3, row, column] > 0
    user.run()
    user.wait_threads()
    assert user.stack("movie [cells]")[3, row, column] > 0
