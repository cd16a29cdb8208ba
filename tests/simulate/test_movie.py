"""Simulated movies: exact truth, determinism, variety."""

import numpy as np
import pytest
from scipy import ndimage as ndi
from sklearn.metrics import roc_auc_score

from fastershift.errors import InputError
from fastershift.simulate import simulate_movie

KINDS = ["nuclei", "phase", "dic", "elongated"]


@pytest.mark.parametrize("kind", KINDS)
def test_cells_can_be_seen(kind):
    movie = simulate_movie(1, (128, 128), 6, diameter=30, kind=kind, noise=0.0, seed=1)
    frame, inside = movie.frames[0].astype(float), movie.labels[0] > 0
    relief = ndi.gaussian_filter(ndi.gaussian_gradient_magnitude(frame, 1), 3)
    separation = [
        abs(2 * roc_auc_score(inside.ravel(), feature.ravel()) - 1)
        for feature in (frame, relief)
    ]
    assert max(separation) > 0.4


def test_seed_decides():
    first, again, other = (
        simulate_movie(3, (64, 64), 4, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.tracks == again.tracks
    assert not np.array_equal(first.frames, other.frames)


def test_divisions_have_two_daughters_beside_each_other():
    movie = simulate_movie(10, (256, 256), 8, seed=5, cell_cycle=14)
    parents = [parent for *_, parent in movie.tracks if parent]
    pairs = [p for p in set(parents) if parents.count(p) == 2]
    assert len(pairs) >= 2
    spans = {track: (first, last) for track, first, last, _ in movie.tracks}
    for pair in pairs:
        one, two = (track for track, _, _, parent in movie.tracks if parent == pair)
        assert spans[one][0] == spans[two][0] == spans[pair][1] + 1
        frame = movie.labels[spans[one][0]]
        gap = ndi.distance_transform_edt(frame != one)[frame == two].min()
        assert gap < 22


def test_no_divisions_when_the_cycle_never_ends():
    movie = simulate_movie(8, (128, 128), 8, cell_cycle=float("inf"))
    assert all(parent == 0 for *_, parent in movie.tracks)


def test_no_cells():
    movie = simulate_movie(2, (32, 32), 0)
    assert movie.tracks == ()
    assert not movie.labels.any()


def test_about_the_number_of_cells_asked_for():
    movie = simulate_movie(1, (256, 256), 20, seed=2)
    assert 15 <= len(movie.tracks) <= 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "brightfield"},
        {"n_frames": 0},
        {"shape": (8, 64)},
        {"n_cells": -1},
        {"n_cells": 1000},
        {"diameter": 1.0},
        {"diameter": np.nan},
        {"seed": -1},
        {"cell_cycle": 0},
        {"cell_cycle": np.nan},
        {"kind": "rods", "cell_cycle": -5, "seed": 1},
    ],
)
def test_impossible_movies_are_refused(wrong):
    with pytest.raises(InputError, match=r"^[A-Z].*\.$"):
        simulate_movie(**wrong)
