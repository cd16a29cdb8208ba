"""Masks that are known, and what is done to them: missing, merged, split, shuffled."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.benchmark import BenchmarkOptions
from fastershift.benchmark._masks import (
    DAMAGES,
    MaskMovie,
    mask_movies,
    spoil,
    thin_out,
)


def grid(n_frames=4, side=6, gap=3, across=5):
    """Squares on a grid, numbered from 1 in every frame."""
    pitch = side + gap
    frame = np.zeros((pitch * across + gap, pitch * across + gap), np.int32)
    for number in range(across**2):
        row, column = divmod(number, across)
        top, left = gap + pitch * row, gap + pitch * column
        frame[top : top + side, left : left + side] = number + 1
    labels = np.stack([frame] * n_frames)
    tracks = tuple((n, 0, n_frames - 1, 0) for n in range(1, across**2 + 1))
    return MaskMovie("grid", labels, labels, tracks, labels)


def counts(movie):
    return [len(np.unique(frame)) - 1 for frame in movie.masks]


@pytest.mark.parametrize("damage", DAMAGES)
class TestAnyDamage:
    def test_none_is_none(self, damage):
        movie = grid()
        np.testing.assert_array_equal(spoil(movie, damage, 0.0).masks, movie.masks)

    def test_the_truth_and_the_masks_before_stay(self, damage):
        movie = grid()
        before = movie.masks.copy()
        spoiled = spoil(movie, damage, 0.5)
        np.testing.assert_array_equal(movie.masks, before)
        np.testing.assert_array_equal(spoiled.truth, before)
        assert spoiled.tracks == movie.tracks

    def test_the_seed_decides_which_masks(self, damage):
        movie = grid()
        first, again, other = (
            spoil(movie, damage, 0.3, seed).masks for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_frames_are_spoiled_in_different_places(self, damage):
        spoiled = spoil(grid(), damage, 0.3).masks
        assert not np.array_equal(spoiled[0], spoiled[1])

    def test_about_the_share_that_was_asked_for(self, damage):
        movie = grid(20)
        changed = spoil(movie, damage, 0.2).masks != movie.masks
        hit = [
            np.mean([changed[t][movie.masks[t] == n].any() for n in range(1, 26)])
            for t in range(20)
        ]
        assert 0.1 < np.mean(hit) < 0.35


def test_missing_masks_leave_background_and_no_other_trace():
    movie = grid()
    spoiled = spoil(movie, "missing", 0.4)
    kept = spoiled.masks > 0
    np.testing.assert_array_equal(spoiled.masks[kept], movie.masks[kept])
    assert all(0 < count < 25 for count in counts(spoiled))


def test_merged_masks_are_one_piece_with_what_lies_between():
    movie = grid()
    spoiled = spoil(movie, "merged", 0.2)
    for before, after in zip(movie.masks, spoiled.masks, strict=True):
        assert (after[before > 0] > 0).all()
        for number in np.unique(after[after > 0]):
            assert ndi.label(after == number)[1] == 1
    assert all(count < 25 for count in counts(spoiled))
    # Squares three pixels apart: the gap between two of them is filled.
    assert np.count_nonzero(spoiled.masks) > np.count_nonzero(movie.masks)


def test_a_mask_is_merged_with_its_nearest_neighbour():
    masks = np.zeros((1, 20, 60), np.int32)
    masks[0, 5:10, 5:10], masks[0, 5:10, 14:19], masks[0, 5:10, 50:55] = 1, 2, 3
    movie = MaskMovie("three", masks, masks, (), masks)
    merged = next(
        after[0]
        for seed in range(200)
        if len(np.unique(after := spoil(movie, "merged", 0.4, seed).masks)) == 3
        and (after[0] != masks[0]).any()
        and after[0][7, 52] == 3
    )
    assert merged[7, 7] == merged[7, 16] == merged[7, 12]


def test_a_mask_alone_cannot_be_merged():
    masks = np.zeros((1, 12, 12), np.int32)
    masks[0, 3:8, 3:8] = 4
    movie = MaskMovie("one", masks, masks, (), masks)
    np.testing.assert_array_equal(spoil(movie, "merged", 1.0).masks, masks)


def test_split_masks_are_two_halves_of_about_one_size():
    movie = grid()
    spoiled = spoil(movie, "split", 1.0)
    np.testing.assert_array_equal(spoiled.masks > 0, movie.masks > 0)
    for before, after in zip(movie.masks, spoiled.masks, strict=True):
        for number in range(1, 26):
            sizes = np.unique(after[before == number], return_counts=True)[1]
            assert len(sizes) == 2
            assert sizes.min() > 0.3 * sizes.sum()
        assert len(np.unique(after)) == 51


@pytest.mark.parametrize("step", [1, 2, 3])
def test_every_n_th_frame_is_kept_with_the_spans_of_its_tracks(step):
    movie = grid(7)
    thin = thin_out(movie, step)
    assert len(thin.masks) == len(thin.truth) == -(-7 // step)
    assert thin.step == step
    assert {span[1:3] for span in thin.tracks} == {(0, (7 - 1) // step)}


def test_simulated_masks_tell_nothing_by_their_numbers_but_have_a_truth():
    movies = list(mask_movies(BenchmarkOptions(seed=1)))
    assert [movie.name for movie in movies] == ["simulated nuclei", "simulated rods"]
    for movie in movies:
        np.testing.assert_array_equal(movie.masks > 0, movie.truth > 0)
        assert {track[0] for track in movie.tracks} == set(np.unique(movie.truth)) - {0}
        same = movie.masks == movie.truth
        assert same[movie.truth > 0].mean() < 0.2
        assert len(movie.frames()) == len(movie.masks)
