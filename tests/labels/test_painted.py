"""Labels of which only the pixels of cells are kept."""

import numpy as np
import pytest

from fastershift.labels import PaintedLabels


def test_what_is_painted_is_what_was_kept():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 5, (2, 7, 9)).astype(np.int32)
    pixels = [np.flatnonzero(one).astype(np.int32) for one in images]
    numbers = [one.ravel()[at] for one, at in zip(images, pixels, strict=True)]
    kept = PaintedLabels((7, 9), pixels, numbers)
    assert kept.shape == images.shape
    np.testing.assert_array_equal(kept, images)
    for number, image in enumerate(images):
        np.testing.assert_array_equal(kept[number], image)
    assert np.asarray(kept).dtype == np.int32
    assert np.asarray(kept, dtype=np.int64).dtype == np.int64


def test_background_takes_no_memory():
    pixels = [np.array([3, 5], np.int32)]
    kept = PaintedLabels((1000, 1000), pixels, pixels)
    assert kept.nbytes == 16
    with pytest.raises(IndexError):
        kept[1]
