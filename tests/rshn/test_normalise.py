"""Intensities and sizes of the network input."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from fastershift.rshn import normalise_frame, resize_frame


@pytest.fixture
def frame():
    return np.random.default_rng(1).gamma(2.0, 300.0, size=(83, 61))


def test_the_range_of_almost_all_pixels_becomes_minus_one_to_one(frame):
    values, usable = normalise_frame(frame, blur=1.0)
    assert values.dtype == np.float32
    assert usable.all()
    smooth = np.sort(ndimage.gaussian_filter(frame, 1.0, mode="nearest").ravel())
    low, high = smooth[int(83 * 61 * 0.0005)], smooth[int(83 * 61 * 0.9995)]
    expected = (ndimage.gaussian_filter(frame, 1.0, mode="nearest") - low) / (
        high - low
    )
    np.testing.assert_allclose(values, 2 * expected - 1, atol=2e-4)
    assert values.max() > 1


def test_brightness_and_contrast_do_not_matter(frame):
    plain, _ = normalise_frame(frame)
    for other in (3 * frame + 500, frame / 1e4, frame.astype(">f8")):
        np.testing.assert_allclose(normalise_frame(other)[0], plain, atol=2e-3)


def test_a_few_bright_pixels_on_a_flat_ground():
    frame = np.full((80, 80), 40, np.uint16)
    frame[10:12, 10:11] = 5000
    values, usable = normalise_frame(frame, blur=0)
    assert usable.all()
    assert values.min() == pytest.approx(-1, abs=1e-6)
    assert values.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, -3.7, 65535.0, np.nan])
def test_no_contrast(value):
    values, usable = normalise_frame(np.full((9, 7), value))
    assert not usable.any()
    assert np.isfinite(values).all()
    assert (np.abs(values) <= 1).all()


def test_what_is_no_number_is_filled(frame):
    frame[4:9, 7:20] = np.nan
    frame[0, 0] = -np.inf
    values, usable = normalise_frame(frame)
    np.testing.assert_array_equal(usable, np.isfinite(frame))
    assert np.isfinite(values).all()


def test_resizing_keeps_edges_in_place():
    ramp = torch.arange(40.0).repeat(30, 1)
    small = resize_frame(ramp, (15, 20))
    # Two pixels fall together: their common centre lies between them.
    torch.testing.assert_close(small[7, 5], torch.tensor(10.5), rtol=0, atol=1e-4)
    assert resize_frame(ramp, (30, 40)) is ramp
    assert resize_frame(ramp, (60, 80)).shape == (60, 80)


@pytest.mark.parametrize(("shape", "zoom"), [((11, 17), 1.0), ((20, 26), 0.95)])
def test_published_resizing(frame, shape, zoom):
    """Bilinear at (p - (W' - 1)/2)·W/W'·s + (W - 1)/2, without antialiasing."""
    found = resize_frame(torch.from_numpy(frame), shape, antialias=False, zoom=zoom)
    places = [
        (np.arange(new) - (new - 1) / 2) * old / new * zoom + (old - 1) / 2
        for new, old in zip(shape, frame.shape, strict=True)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    expected = ndimage.map_coordinates(frame, grid, order=1, mode="nearest")
    np.testing.assert_allclose(found, expected, rtol=1e-6)
