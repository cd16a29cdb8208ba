"""What a simulated movie tells of its cells is what it shows, whatever the kind."""

from typing import get_args

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.simulate import Kind, simulate_movie


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("seed", [0, 3])
def test_truth_is_exact(kind, seed):
    movie = simulate_movie(
        8, (120, 104), 12, diameter=18, kind=kind, seed=seed, death=0.02, cell_cycle=8
    )
    assert movie.frames.shape == movie.labels.shape == (8, 120, 104)
    assert movie.frames.dtype == np.uint16
    assert movie.labels.dtype == np.int32
    listed = {track: (first, last) for track, first, last, _ in movie.tracks}
    present = set(np.unique(movie.labels)) - {0}
    assert present == set(listed) == set(range(1, len(listed) + 1))
    for track, (first, last) in listed.items():
        frames = np.flatnonzero((movie.labels == track).any(axis=(1, 2)))
        assert frames.tolist() == list(range(first, last + 1))
        for t in frames:
            assert ndi.label(movie.labels[t] == track)[1] == 1
    for _, first, _, parent in movie.tracks:
        assert parent == 0 or listed[parent][1] == first - 1
