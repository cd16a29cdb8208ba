"""Movies of any size, whose cost is measured."""

import numpy as np

from fastershift.benchmark.suites import _scaling


def test_a_larger_movie_repeats_a_small_one():
    small = _scaling._SIDES[0]
    frames = _scaling._frames(2, 2 * small, seed=0)
    assert frames.shape == (2, 2 * small, 2 * small)
    np.testing.assert_array_equal(frames[:, :small, :small], frames[:, small:, small:])
