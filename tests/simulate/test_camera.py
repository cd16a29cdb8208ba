"""Cameras, what software leaves in pictures, and the random draws behind them."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.simulate import simulate_movie
from fastershift.simulate._burnt_in import Stamp, blocky
from fastershift.simulate._draws import blobs, log_uniform, sample, spots
from fastershift.simulate._sensor import draw_sensor

SHAPE = (24, 32)
LIGHT = np.ones(SHAPE, np.float32)
LIGHT[8:16, 8:20] = 2.0
LABELS = (LIGHT > 1).astype(np.int32)
PLAIN = ["nuclei", "phase", "dic", "elongated"]


def film(seed, *, fluorescent, noise=1.0, times=(0, 1)):
    """Frames of the same light by the camera of a seed."""
    counts = draw_sensor(
        SHAPE, np.random.default_rng(seed), fluorescent=fluorescent, noise=noise
    )
    return np.stack([counts(t, LIGHT, LABELS) for t in times])


@pytest.mark.parametrize("fluorescent", [True, False])
def test_cameras_count_in_8_12_or_16_bits(fluorescent):
    tops = []
    for seed in range(40):
        frames = film(seed, fluorescent=fluorescent)
        assert frames.dtype == np.uint16
        tops.append(int(frames.max()))
    # The brightest counts of a camera lie near its limit, and never above it.
    assert any(top <= 255 for top in tops)
    assert any(255 < top <= 4095 for top in tops)
    assert any(top > 4095 for top in tops)


def test_no_pixel_tells_more_than_its_camera_can():
    for seed in range(150):
        frames = film(seed, fluorescent=False)
        # The middle lies well above the limit of the next smaller camera.
        middle = np.median(frames)
        top = next(top for top in (255, 4095, 65535) if middle <= top)
        assert frames.max() <= top


def test_bright_cells_are_brighter_and_not_all_saturated():
    for seed in range(20):
        (frame,) = film(seed, fluorescent=True, noise=0, times=(0,))
        inside, outside = frame[LABELS > 0], frame[LABELS == 0]
        assert np.median(inside) > np.median(outside)


@pytest.mark.parametrize("fluorescent", [True, False])
def test_only_fluorescence_fades(fluorescent):
    ratios = []
    for seed in range(30):
        first, last = film(
            seed, fluorescent=fluorescent, noise=0, times=(0, 60)
        ).astype(float)
        ratios.append(np.median(last) / max(np.median(first), 1))
    assert (np.median(ratios) < 0.9) == fluorescent
    if not fluorescent:
        assert 0.9 < np.median(ratios) < 1.1


def test_a_camera_without_noise_or_flicker_repeats_itself():
    repeated = 0
    for seed in range(30):
        first, again = film(seed, fluorescent=False, noise=0, times=(0, 0))
        repeated += np.array_equal(first, again)
        noisy = film(seed, fluorescent=False, times=(0, 0))
        assert not np.array_equal(*noisy)
    # The lamps of about half of them flicker; focus is lost by some.
    assert 5 < repeated < 25


def test_some_cameras_have_a_few_pixels_that_are_stuck():
    with_stuck = []
    for seed in range(150):
        frames = film(seed, fluorescent=False, times=range(6))
        if frames.max() <= 4095:
            continue  # in few bits, other pixels repeat themselves by chance
        with_stuck.append(int(np.all(frames == frames[0], axis=0).sum()))
    some = [number for number in with_stuck if number]
    assert 0.03 < len(some) / len(with_stuck) < 0.4
    assert np.median(some) < 40  # stamps are many pixels that stay


@pytest.mark.parametrize("kind", PLAIN)
def test_twice_the_noise_is_twice_as_far_from_the_noiseless_movie(kind):
    clean, once, twice = (
        simulate_movie(
            1, (48, 48), 3, diameter=14, kind=kind, seed=4, noise=noise
        ).frames[0]
        for noise in (0.0, 1.0, 2.0)
    )
    kept = (once > 0) & (twice > 0) & (twice < 65535)
    assert kept.mean() > 0.9
    far = once[kept].astype(float) - clean[kept]
    farther = twice[kept].astype(float) - clean[kept]
    assert np.abs(far).mean() > 1
    np.testing.assert_allclose(farther, 2 * far, atol=2.5)  # all three are rounded


@pytest.mark.parametrize("kind", ["rods", "clumps", "nuclei", "phase"])
def test_cells_do_not_depend_on_noise(kind):
    movies = [
        simulate_movie(3, (48, 48), 4, diameter=14, kind=kind, seed=4, noise=noise)
        for noise in (0.0, 3.0)
    ]
    np.testing.assert_array_equal(movies[0].labels, movies[1].labels)
    assert movies[0].tracks == movies[1].tracks
    assert not np.array_equal(movies[0].frames, movies[1].frames)


def stamped(seed, t, shape=(90, 140)):
    picture = np.full(shape, 100.0)
    Stamp(np.random.default_rng(seed)).press(picture, t, 255)
    return picture


def test_stamps_are_white_or_black_and_count_time():
    changing = 0
    for seed in range(40):
        first, later = stamped(seed, 0), stamped(seed, 61)
        values = set(np.unique(first)) - {100.0}
        assert values in ({255.0}, {0.0})
        changing += not np.array_equal(first, later)
        np.testing.assert_array_equal(first, stamped(seed, 0))
    # A scale bar alone stays as it is.
    assert 15 < changing < 40


def test_stamps_fit_the_smallest_pictures():
    for seed in range(20):
        assert stamped(seed, 1234, (16, 16)).shape == (16, 16)


def test_blocks_of_jpeg_lose_nothing_twice_and_more_when_coarser():
    rng = np.random.default_rng(3)
    picture = ndi.gaussian_filter(rng.uniform(0, 255, (40, 48)), 1)
    once = blocky(picture, 12)
    np.testing.assert_allclose(blocky(once, 12), once, atol=1e-6)
    lost = [np.abs(blocky(picture, step) - picture).mean() for step in (1e-3, 4, 40)]
    assert lost[0] < 1e-3 < lost[1] < lost[2]


def test_blocks_of_jpeg_are_8_pixels_wide():
    picture = np.zeros((16, 16))
    picture[:8, :8] = np.random.default_rng(1).uniform(0, 255, (8, 8))
    lossy = blocky(picture, 30)
    assert np.abs(lossy - picture)[:8, :8].max() > 1
    np.testing.assert_allclose(lossy[8:], 0, atol=1e-9)
    np.testing.assert_allclose(lossy[:, 8:], 0, atol=1e-9)


def test_draws_on_a_logarithmic_scale_stay_within_their_bounds():
    rng = np.random.default_rng(0)
    drawn = np.array([log_uniform(rng, 0.01, 1) for _ in range(2000)])
    assert drawn.min() >= 0.01
    assert drawn.max() <= 1
    assert np.mean(drawn < 0.1) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("sigma", [0.7, 4, 30])
def test_random_fields_are_normalised_and_as_smooth_as_asked(sigma):
    shape = (90, 70) if sigma < 10 else (400, 390)
    field = blobs(np.random.default_rng(1), shape, sigma)
    assert field.shape == shape
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-3)
    steps = np.diff(field, axis=0).std()
    # Of a field smoothed by sigma, neighbours differ by about 1 / sigma.
    assert 0.3 / sigma < steps < 1.3 / sigma


def test_spots_are_bright_and_limited():
    field = spots(np.random.default_rng(2), 64, 3, 2.0, 0.5)
    assert field.min() >= 0
    assert 0.5 < field.max() <= 3
    assert not spots(np.random.default_rng(2), 64, 0, 2.0, 0.5).any()


def test_fields_are_read_between_pixels_and_around_their_edges():
    field = np.arange(12.0).reshape(3, 4)
    y, x = np.mgrid[:3, :4].astype(float)
    np.testing.assert_allclose(sample(field, y, x), field)
    np.testing.assert_allclose(sample(field, y + 3, x - 4), field)
    assert sample(field, np.array([0.5]), np.array([1.0])) == pytest.approx(3.0)
