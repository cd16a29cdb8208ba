"""The first guess of the cell diameter."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from fastershift.errors import InputError
from fastershift.rshn import estimate_diameter


def discs(diameter, shape=(360, 420), seed=0):
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    frame = generator.normal(100, 4, shape)
    for row in np.arange(diameter, shape[0] - diameter / 2, 2.2 * diameter):
        for column in np.arange(diameter, shape[1] - diameter / 2, 2.2 * diameter):
            inside = np.hypot(rows - row, columns - column) < diameter / 2
            frame[inside] += generator.uniform(150, 250)
    return ndimage.gaussian_filter(frame, 1.0)


# Discs are no cells: the smallest of them are taken for larger ones.
@pytest.mark.parametrize(
    ("diameter", "within"), [(10, 0.4), (18, 0.25), (30, 0.25), (50, 0.25)]
)
def test_discs(diameter, within):
    assert estimate_diameter([discs(diameter)]) == pytest.approx(diameter, rel=within)


def test_the_median_over_frames_skips_those_without_contrast():
    frames = [discs(20), np.zeros((360, 420)), np.full((360, 420), np.nan)]
    assert estimate_diameter(frames) == estimate_diameter(frames[:1])


@pytest.mark.parametrize("shape", [(1, 1), (3, 90), (12, 9)])
def test_tiny_frames_give_some_positive_number(shape):
    frame = np.random.default_rng(0).normal(size=shape)
    if frame.size > 1:
        assert estimate_diameter([frame]) > 0
    else:
        with pytest.raises(InputError, match="no frame has any contrast"):
            estimate_diameter([frame])


@pytest.mark.parametrize(
    ("name", "diameter"),
    [
        ("DIC-C2DH-HeLa", 112),
        ("Fluo-N2DH-SIM+", 48),
        ("Fluo-N2DH-GOWT1", 60),
        ("Fluo-C2DL-MSC", 74),
        ("Fluo-N2DL-HeLa", 25),
        ("PhC-C2DL-PSC", 12.6),
    ],
)
def test_real_movies(shared, name, diameter):
    paths = sorted((shared / "data" / name / "01").glob("t*.tif"))
    frames = [tifffile.imread(paths[i]) for i in (3, len(paths) // 2, -4)]
    ratio = estimate_diameter(frames) / diameter
    assert 1 / 1.35 < ratio < 1.35
