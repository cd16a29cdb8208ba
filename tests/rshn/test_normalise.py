"""Intensities and sizes of the network input."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from fastershift.rshn import normalise_frame, normalise_robustly, resize_frame


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


SIDES = (240, 260)


@pytest.fixture(scope="module")
def scene():
    """Ninety cells of unlike brightness on a noisy ground."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices(SIDES)
    frame = 200 + 20 * rng.standard_normal(SIDES)
    for y, x, height in rng.uniform((0, 0, 300), (*SIDES, 800), (90, 3)):
        away = (rows - y) ** 2 + (columns - x) ** 2
        frame += height * np.exp(-away / 50)
    return frame


def time_stamp():
    mask = np.zeros(SIDES, bool)
    mask[6:18, 6:70] = True
    mask[8:11, 8:70:6] = mask[13:16, 9:70:5] = mask[6:18, 12:70:10] = False
    return mask


def scale_bar():
    mask = np.zeros(SIDES, bool)
    mask[222:226, 190:230] = True
    return mask


def dirt():
    rows, columns = np.indices(SIDES)
    return np.hypot(rows - 120, columns - 60) < 7


def hot_pixels():
    mask = np.zeros(SIDES, bool)
    rows, columns = np.random.default_rng(2).integers(5, 235, (2, 60))
    mask[rows, columns] = mask[rows[:10], columns[:10] + 1] = True
    return mask


class TestRobustly:
    @pytest.mark.parametrize("added", [time_stamp, scale_bar, dirt, hot_pixels])
    def test_what_is_no_cell_does_not_move_the_others(self, scene, added):
        """The range is 2 wide; the published one gives way."""
        mask = added()
        frame = np.where(mask, 4 * scene.max(), scene)
        if added is hot_pixels:
            frame[mask] *= 10
        away = ~ndimage.binary_dilation(mask, iterations=6)

        def moved(normalise):
            plain, other = normalise(scene)[0], normalise(frame)[0]
            return np.abs(other - plain)[away]

        assert moved(normalise_robustly).max() < 0.3
        assert moved(normalise_robustly).mean() < 0.05
        assert moved(normalise_frame).max() > 1
        assert moved(normalise_frame).mean() > 0.15

    def test_hot_pixels_leave_no_trace(self, scene):
        mask = hot_pixels()
        plain, _ = normalise_robustly(scene)
        for value in (50 * scene.max(), -50 * scene.max()):
            values, usable = normalise_robustly(np.where(mask, value, scene))
            assert usable.all()
            assert np.abs(values - plain).max() < 0.15

    def test_small_cells_are_no_hot_pixels(self):
        frame = 100 + np.random.default_rng(4).standard_normal((90, 90))
        cells = np.zeros((90, 90), bool)
        cells[5::15, 5::15] = cells[5::15, 6::15] = True
        cells[6::15, 5::15] = cells[6::15, 6::15] = True
        values, _ = normalise_robustly(np.where(cells, 1000, frame), blur=0)
        assert values[cells].min() > 0.9
        assert values[~cells].max() < -0.9

    def test_the_range_of_most_squares_is_minus_one_to_one(self, scene):
        values, usable = normalise_robustly(scene)
        assert usable.all()
        assert values.dtype == np.float32
        assert 0 < (values > 1).mean() < 0.02
        assert 0 < (values < -1).mean() < 0.02
        for other in (3 * scene + 500, scene / 1e4, scene.astype(">f8")):
            np.testing.assert_allclose(normalise_robustly(other)[0], values, atol=2e-3)

    def test_few_cells_in_noise_set_the_range(self):
        """Squares that hold nothing but noise do not, where nearly all are such."""
        frame = 200 + 20 * np.random.default_rng(5).standard_normal(SIDES)
        frame[60:70, 80:90] += 900
        values, _ = normalise_robustly(frame)
        plain, _ = normalise_frame(frame)
        np.testing.assert_allclose(values, np.clip(plain, -1.1, 1.1), atol=0.1)

    def test_brighter_stays_brighter(self, scene):
        frame = np.where(time_stamp(), 10 * scene.max(), scene)
        smooth = ndimage.gaussian_filter(frame, 1.0, mode="nearest")
        values, _ = normalise_robustly(frame)
        order = np.argsort(smooth, axis=None)
        assert (np.diff(values.ravel()[order]) > -1e-5).all()
        assert values.max() > 1.5

    def test_values_beyond_the_range_grow_as_a_logarithm(self):
        """Squares from 0 to 100, and one with a step beyond at either end."""
        frame = np.tile(np.array([[0.0, 100.0], [100.0, 0.0]]), (60, 60))
        frame[:10, :10] = 350.0
        frame[-10:, -10:] = -150.0
        values, _ = normalise_robustly(frame, blur=0)
        assert values[60, 60] == pytest.approx(-1)
        assert values[60, 61] == pytest.approx(1)
        # 350 would be 6 and -150 would be -4.
        assert values[3, 3] == pytest.approx(1 + 0.5 * np.log(1 + 2 * (6 - 1)))
        assert values[-3, -3] == pytest.approx(-1 - 0.5 * np.log(1 + 2 * (4 - 1)))

    @pytest.mark.parametrize("value", [0.0, -3.7, 65535.0, np.nan])
    def test_no_contrast(self, value):
        values, usable = normalise_robustly(np.full((9, 7), value))
        assert not usable.any()
        assert (values == -1).all()

    def test_a_few_cells_on_a_flat_ground(self):
        """No square but these has any contrast."""
        frame = np.full((120, 120), 40, np.uint16)
        frame[50:54, 50:54] = 5000
        values, usable = normalise_robustly(frame, blur=0)
        assert usable.all()
        assert values[0, 0] == pytest.approx(-1)
        assert values[51, 51] == pytest.approx(1)

    def test_what_is_no_number_is_filled(self, scene):
        frame = scene.copy()
        frame[4:9, 7:20] = np.nan
        frame[100, 100] = np.inf
        values, usable = normalise_robustly(frame)
        np.testing.assert_array_equal(usable, np.isfinite(frame))
        assert np.isfinite(values).all()
        away = ndimage.binary_erosion(usable, iterations=5, border_value=1)
        plain, _ = normalise_robustly(scene)
        np.testing.assert_allclose(values[away], plain[away], atol=0.05)


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
