"""Outlines that somebody drew, shown under a simulated microscope."""

from typing import get_args

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.errors import InputError
from fastershift.simulate import redraw
from fastershift.simulate._kinds import Body


@pytest.fixture(scope="module")
def outlines():
    """Two discs that touch, and a bar, under numbers with gaps."""
    y, x = np.mgrid[:96, :112]
    labels = np.zeros((96, 112), np.int64)
    labels[(y - 30) ** 2 + (x - 30) ** 2 < 12**2] = 7
    labels[(y - 30) ** 2 + (x - 54) ** 2 < 12**2] = 900
    labels[66:76, 40:90] = 3
    return labels


@pytest.mark.parametrize("kind", get_args(Body))
def test_a_frame_of_the_same_size_that_depends_on_the_seed_alone(kind, outlines):
    one, same, other = (redraw(outlines, kind, seed=seed) for seed in (1, 1, 2))
    assert one.shape == outlines.shape
    assert one.dtype == np.uint16
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)


@pytest.mark.parametrize("kind", ["rods", "cells"])
def test_every_cell_shines_where_its_outline_is(kind, outlines):
    for seed in range(5):
        frame = redraw(outlines, kind, optics="fluorescence", seed=seed).astype(float)
        frame = ndi.gaussian_filter(frame, 2)
        inside = ndi.median(frame, outlines, [3, 7, 900])
        away = ndi.binary_dilation(outlines > 0, iterations=8)
        assert min(inside) > np.median(frame[~away])


def test_light_comes_from_beyond_the_edge():
    """A cell that is cut by the edge goes on behind it, as it does in life."""
    labels = np.zeros((64, 64), int)
    labels[20:44, :12] = 1
    frames = [
        redraw(labels, "cells", optics="fluorescence", seed=seed).astype(float)
        for seed in range(6)
    ]
    mean = np.mean([frame / frame[20:44, :12].mean() for frame in frames], axis=0)
    assert mean[28:36, 0].mean() > 0.8 * mean[28:36, 4].mean()


def test_what_cannot_be_redrawn():
    with pytest.raises(InputError, match="no cell"):
        redraw(np.zeros((40, 40), int), "rods")
    with pytest.raises(InputError, match="no kind of cell 'nuclei'"):
        redraw(np.ones((40, 40), int), "nuclei")
