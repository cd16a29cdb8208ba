"""Cells of pixels that vote for centres: parted frame by frame, linked between two."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances import find_voted_instances, pair_voters
from fastershift.instances._basins import (
    _add_blurred,
    _basins,
    _gaussian,
    find_basins,
)
from fastershift.instances._voted import _connect, _first_of_least
from fastershift.instances._voters import voted_places
from fastershift.rshn import CODE_CHANNELS, window_radius
from helpers.votes import kept_votes, pair_of, true_votes

DIAMETER = 12.0
H = 0.01


def discs(places, shape=(96, 96), radius=DIAMETER / 2):
    """Labels of discs, numbered from 1 in the order of their places."""
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(places, 1):
        labels[np.hypot(rows - row, columns - column) <= radius] = number
    return labels


def bars(places, height, width, shape=(96, 96)):
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(places, 1):
        labels[row : row + height, column : column + width] = number
    return labels


def climbed(density, least, share):
    """Climb from every place; then go down from the modes, and join basins that meet.

    The numbers are those of the modes.
    """
    height, width = density.shape
    flat = density.ravel()

    def around(place):
        y, x = divmod(place, width)
        rows, columns = (
            range(max(0, at - 1), min(side, at + 2))
            for at, side in ((y, height), (x, width))
        )
        return [row * width + column for row in rows for column in columns]

    modes = np.full(flat.size, -1)
    inside = np.flatnonzero(flat > least)
    for place in inside.tolist():
        top = place
        while flat[highest := max(around(top), key=flat.__getitem__)] > flat[top]:
            top = highest
        modes[place] = top
    seen = np.zeros(flat.size, bool)
    joined = modes.copy()
    for place in inside[np.argsort(-flat[inside], kind="stable")].tolist():
        seen[place] = True
        for other in around(place):
            high, low = joined[place], joined[other]
            if not seen[other] or high == low:
                continue
            if flat[high] < flat[low]:
                high, low = low, high
            if flat[place] >= np.float32(share) * flat[low]:
                joined[joined == low] = high
    return joined


def kept(labels, noise=0.0, seed=0, **truth):
    raw = true_votes(labels, DIAMETER, **truth)
    scatter = np.random.default_rng(seed).standard_normal((*labels.shape, 4))
    raw[..., 1:5] += noise * scatter
    return kept_votes(raw, DIAMETER)


def instances(*frames, h=H, smallest=1, diameter=DIAMETER):
    codes, votes = pair_of(frames, diameter)
    voters = pair_voters(codes, votes, TrackSettings())
    settings = ClusterSettings(bandwidth=h)
    found = find_voted_instances(voters, settings, smallest_cell=smallest)
    return replace(found, labels=np.asarray(found.labels))


def assert_same_cells(found, expected):
    """The same pixels are cells, and they are parted in the same way."""
    assert found.shape == expected.shape
    assert np.array_equal(found > 0, expected > 0)
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(expected)) == len(np.unique(found))


GRID = [(9 + 13 * i, 8 + 13 * j) for i in range(6) for j in range(6)]


class TestParted:
    @pytest.mark.parametrize("noise", [0.0, 0.08])
    def test_discs_that_touch(self, noise):
        labels = discs(GRID)
        found = instances(kept(labels, noise))
        assert_same_cells(found.labels[0], labels)

    def test_rods_side_by_side(self):
        """Five pixels wide with no background between, as in a packed colony."""
        labels = bars([(10, 10 + 5 * i) for i in range(12)], 40, 5)
        widths = dict.fromkeys(range(1, 13), 5 / DIAMETER)
        found = instances(kept(labels, 0.03, widths=widths))
        assert_same_cells(found.labels[0], labels)

    def test_a_rod_whose_votes_scatter_along_it_is_one_cell(self):
        labels = bars([(10, 20)], 60, 30)
        raw = true_votes(labels, DIAMETER)
        # Each end votes for a place a quarter of a diameter on its side.
        rows = np.indices(labels.shape)[0]
        raw[..., 1] += np.clip((rows - 39.5) / 40, -0.25, 0.25)
        found = instances(kept_votes(raw, DIAMETER), h=0.03)
        assert_same_cells(found.labels[0], labels)

    def test_more_cells_than_the_torus_has_places(self):
        """Two hundred cells; those eight diameters apart have the same code."""
        places = [(9 + 13 * i, 9 + 12 * j) for i in range(10) for j in range(20)]
        labels = discs(places, (140, 250))
        frame = kept(labels, 0.05)
        one, other = (frame[:CODE_CHANNELS, 9, 9 + 12 * j].float() for j in (0, 8))
        assert torch.cosine_similarity(one, other, dim=0) > 0.9
        found = instances(frame)
        assert found.labels.max() == 200
        assert_same_cells(found.labels[0], labels)

    def test_cells_of_very_different_sizes(self):
        labels = discs([(48, 40)], radius=30)
        labels[discs([(48, 80), (20, 80)], radius=3) > 0] = 2
        labels[:34][labels[:34] == 2] = 3
        widths = {1: 5.0, 2: 0.5, 3: 0.5}
        found = instances(kept(labels, 0.05, widths=widths))
        assert_same_cells(found.labels[0], labels)

    def test_a_centre_has_one_cell_without_slivers(self):
        """Of what votes for a centre only the largest part is the cell."""
        labels = bars([(10, 10)], 20, 20)
        labels[:, 14:18] = 0
        found = instances(kept(labels))
        largest = labels.copy()
        largest[:, :18] = 0
        assert_same_cells(found.labels[0], largest)

    def test_votes_that_may_be_off_are_one_cell(self):
        """The same scatter is two cells where the network is sure of its votes."""
        labels = bars([(30, 30)], 30, 30)
        raw = true_votes(labels, DIAMETER)
        rows = np.indices(labels.shape)[0]
        raw[..., 1] += np.where(rows < 45, -0.2, 0.2)
        found = []
        for error in (0.02, 0.4):
            raw[..., 7] = math.log(error)
            found.append(instances(kept_votes(raw, DIAMETER)).labels.max())
        assert found == [2, 1]

    def test_pixels_of_background_say_nothing(self):
        """Whatever a network says of them."""
        labels = discs(GRID)
        raw = true_votes(labels, DIAMETER)
        wild = 3 * np.random.default_rng(1).standard_normal(raw.shape)
        raw[labels == 0, 1:] = wild[labels == 0, 1:]
        found = instances(kept_votes(raw, DIAMETER))
        assert_same_cells(found.labels[0], labels)

    def test_an_empty_frame(self):
        empty = kept(np.zeros((30, 40), np.int32))
        for frames in ([empty], [empty, empty]):
            found = instances(*frames)
            assert not found.labels.any()
            assert found.foreground == 0
            assert found.sizes.size == found.seed_positions.size == 0
            assert found.clustering.n_seeds == 0

    def test_small_ones_are_dropped(self):
        labels = discs(GRID[:3])
        labels[80:82, 80:82] = 4
        found = instances(kept(labels), smallest=5)
        assert_same_cells(found.labels[0], np.where(labels == 4, 0, labels))
        assert np.max(found.pieces) == 4

    def test_frames_cut_elsewhere_have_the_same_cells(self):
        """A cell depends on nothing far away, nor on where the frame ends."""
        labels = discs(GRID)
        raw = true_votes(labels, DIAMETER)
        scatter = np.random.default_rng(3).standard_normal((*labels.shape, 2))
        raw[..., 1:3] += 0.15 * scatter
        whole = instances(kept_votes(raw, DIAMETER)).labels[0]
        window = np.s_[16:80, 3:77]
        part = instances(kept_votes(raw[window], DIAMETER)).labels[0]
        inside = np.unique(labels[window][3:-3, 3:-3])
        edge = np.zeros_like(labels, dtype=bool)
        edge[window] = True
        cut = np.unique(labels[~edge])
        uncut = [one for one in inside if one > 0 and one not in cut]
        assert len(uncut) > 12
        for cell in uncut:
            here = labels[window] == cell
            assert_same_cells(part * here, whole[window] * here)

    @pytest.mark.parametrize("axis", [0, 1])
    def test_turned_frames_have_the_same_cells(self, axis):
        labels = discs(GRID)
        raw = true_votes(labels, DIAMETER)
        raw[..., 1:3] += 0.1 * np.random.default_rng(2).standard_normal((96, 96, 2))
        whole = instances(kept_votes(raw, DIAMETER)).labels[0]
        turned = np.flip(raw, axis).copy()
        turned[..., 1 + axis] *= -1
        found = instances(kept_votes(turned, DIAMETER)).labels[0]
        agree = np.flip(found, axis)
        _, counts = np.unique(
            np.stack([agree.ravel(), whole.ravel()]), axis=1, return_counts=True
        )
        # Rounding of half pixels goes one way only.
        assert counts[np.argsort(-counts)][: 1 + len(GRID)].sum() > 0.99 * whole.size


class TestWindow:
    @pytest.mark.parametrize("h", [0.003, 0.01, 0.03])
    @pytest.mark.parametrize(("share", "cells"), [(0.85, 1), (1.2, 2)])
    def test_centres_nearer_than_the_radius_are_one(self, h, share, cells):
        """Of round cells; two bars of pixels vote for two places."""
        diameter = 40.0
        apart = share * window_radius(h) * diameter
        labels = bars([(20, 10), (20, 30)], 40, 20)
        raw = true_votes(labels, diameter)
        columns = np.indices(labels.shape)[1]
        for cell, place in ((1, 30 - apart / 2), (2, 30 + apart / 2)):
            inside = labels == cell
            raw[inside, 2] = (place - columns[inside]) / diameter
        found = instances(kept_votes(raw, diameter), h=h, diameter=diameter)
        assert len(np.unique(found.clusters)) - 1 == cells

    def test_narrow_cells_have_a_narrow_window(self):
        labels = bars([(20, 10), (20, 16)], 40, 6)
        joined = instances(kept(labels), h=0.04)
        assert len(joined.sizes) == 1
        widths = {1: 0.4, 2: 0.4}
        apart = instances(kept(labels, widths=widths), h=0.04)
        assert len(apart.sizes) == 2

    @pytest.mark.parametrize("h", [0.0005, 0.01, 0.2, 1.0])
    def test_every_pixel_of_a_cell_belongs_to_a_mode(self, h):
        """However wide the window is, and however far a vote lies from all others."""
        labels, diameter = discs(GRID[:4]), 40.0
        raw = true_votes(labels, diameter)
        raw[9, 8, 1:3] = 2.0
        found = instances(kept_votes(raw, diameter), h=h, diameter=diameter)
        assert np.array_equal(found.clusters[0] > 0, labels > 0)
        assert len(found.clustering.labels) == (labels > 0).sum()

    def test_basins_number_places_and_pixels_alike(self):
        labels = discs(GRID)
        voters = pair_voters(*pair_of([kept(labels)], DIAMETER), TrackSettings())
        (frame,) = voters.frames
        basins = find_basins(frame, H, DIAMETER)
        assert np.array_equal(np.unique(basins.of_pixel), 1 + np.arange(36))
        of_place = basins.of_places(np.arange(labels.size)).reshape(labels.shape)
        own = labels.ravel()[frame.pixels]
        for row, column in GRID:
            number = of_place[row, column]
            assert number
            assert (basins.of_pixel[own == labels[row, column]] == number).all()

    @pytest.mark.parametrize(("h", "step"), [(0.002, 1), (0.06, 2)])
    def test_votes_are_counted_in_squares_as_wide_as_the_kernel_allows(self, h, step):
        labels = discs([(9, 8), (30, 40), (46, 46)], (55, 53))
        voters = pair_voters(*pair_of([kept(labels)], DIAMETER), TrackSettings())
        (frame,) = voters.frames
        basins = find_basins(frame, h, DIAMETER)
        assert basins.grid.step == step
        assert basins.of_square.size == -(-55 // step) * -(-53 // step)
        assert np.array_equal(basins.of_places(frame.places), basins.of_pixel)
        row, column = np.divmod(np.arange(labels.size), 53)
        wide = -(-53 // step)
        expected = row // step * wide + column // step
        assert np.array_equal(basins.grid.squares(np.arange(labels.size)), expected)

    def test_places_lie_within_the_frame(self):
        pixels = np.arange(24, dtype=np.int32)
        way = np.zeros((2, 24), np.float32)
        way[:, 2 * 6 + 3] = -40.0, np.inf
        way[:, 0] = 0.26, 0.24
        rows, columns = np.divmod(voted_places(pixels, way, 10.0, (5, 6)), 6)
        assert (rows[2 * 6 + 3], columns[2 * 6 + 3]) == (0, 5)
        assert (rows[0], columns[0]) == (3, 2)
        assert np.array_equal(rows[6:12], np.ones(6))


class TestLinked:
    def linked(self, first, second, *, noise=0.05, **truth):
        later = kept(second, noise, before=first, **truth)
        return instances(kept(first, noise, seed=1), later).labels

    def test_cells_that_stay_keep_their_numbers(self):
        labels = discs(GRID)
        found = self.linked(labels, labels)
        assert np.array_equal(found[0], found[1])
        assert_same_cells(found[0], labels)

    @pytest.mark.parametrize("step", [(0.4, 0.2), (1.5, 0.0), (3.0, 1.0)])
    def test_cells_that_moved_point_at_themselves(self, step):
        """Three diameters away, some of them to where others were before."""
        places = np.array(
            [(20 + 13 * i, 20 + 13 * j) for i in range(3) for j in range(4)]
        )
        first = discs(places)
        second = discs(places + DIAMETER * np.array(step))
        found = self.linked(first, second)
        assert_same_cells(found, np.stack([first, second]))

    def test_both_daughters_point_at_their_mother_and_one_keeps_the_number(self):
        first = discs([(40, 40), (80, 80)], radius=9)
        second = discs([(40, 32), (40, 48), (80, 80)])
        found = self.linked(first, second, origin={1: 1, 2: 1, 3: 2})
        assert_same_cells(found[0], first)
        assert_same_cells(found[1], second)
        mother, bystander = found[0][40, 40], found[0][80, 80]
        daughters = {int(found[1][40, 32]), int(found[1][40, 48])}
        assert len(daughters) == 2
        assert mother in daughters
        assert found[1][80, 80] == bystander
        assert not (daughters - {mother}) & set(np.unique(found[0]).tolist())

    def test_new_cells_have_numbers_of_their_own(self):
        first, second = discs([(30, 30)]), discs([(30, 30), (70, 70)])
        found = self.linked(first, second, origin={2: 99})
        assert found[1][30, 30] == found[0][30, 30]
        assert found[1][70, 70] not in np.unique(found[0])

    def test_cells_that_are_gone_leave_their_numbers_unused(self):
        first, second = discs([(30, 30), (70, 70)]), discs([(31, 30)])
        found = self.linked(first, second)
        assert set(np.unique(found[1])) == {0, found[0][30, 30]}

    def test_without_any_cell_in_either_frame(self):
        labels, empty = discs(GRID), np.zeros((96, 96), np.int32)
        assert_same_cells(self.linked(labels, empty)[0], labels)
        found = self.linked(empty, labels)
        assert not found[0].any()
        assert_same_cells(found[1], labels)

    def test_one_frame_alone(self):
        labels = discs(GRID)
        found = instances(kept(labels))
        assert found.labels.shape == (1, 96, 96)
        assert_same_cells(found.labels[0], labels)


class TestTold:
    """What the read-outs and views of a run are told."""

    def test_clusters_are_modes_ordered_by_size(self):
        labels = discs(GRID)
        labels[discs([(9, 8)], radius=7) > 0] = 1
        found = instances(kept(labels), kept(labels, before=labels))
        assert found.clustering.n_seeds == 2 * len(GRID)
        assert found.sizes[0] == (labels == 1).sum()
        assert (np.diff(found.sizes) <= 0).all()
        counts = np.bincount(np.ravel(found.clusters))[1:]
        assert np.array_equal(counts, found.sizes)
        assert found.foreground == pytest.approx((labels > 0).mean())

    @pytest.mark.parametrize("h", [H, 0.2])
    def test_the_seed_of_a_mode_is_its_pixel_in_the_middle(self, h):
        labels, diameter = discs(GRID[:5]), 40.0
        raw = true_votes(labels, diameter)
        # A vote far away from all others is a mode as well, or belongs to one.
        raw[3, 8, 1:3] = 2.0
        found = instances(kept_votes(raw, diameter), h=h, diameter=diameter)
        clusters = np.asarray(found.clusters)[tuple(found.seed_positions.T)]
        modes = found.clustering.seed_modes.numpy() + 1
        assert np.array_equal(clusters, modes)
        if h == H:
            assert len(found.sizes) == 6
            for _, row, column in found.seed_positions[:5]:
                cell = labels[row, column]
                away = np.argwhere(labels == cell).mean(axis=0) - (row, column)
                assert math.hypot(*away) <= 1.5

    def test_the_centre_of_a_mode_is_the_code_of_its_place(self):
        labels = discs(GRID[:5])
        frame = kept(labels)
        found = instances(frame)
        codes = frame[:CODE_CHANNELS].float()
        centers = found.clustering.centers
        assert (centers.norm(dim=1) - 1).abs().max() < 1e-3
        for number, center in enumerate(centers, 1):
            inside = torch.from_numpy(found.clusters[0] == number)
            cosines = torch.cosine_similarity(codes[:, inside], center[:, None], dim=0)
            assert cosines.min() > 0.999


class TestFast:
    """What is computed in another way than it is written is the same."""

    def test_blurred_votes_are_those_of_scipy(self):
        rng = np.random.default_rng(3)
        counts = rng.poisson(0.1, (40, 57)) * rng.poisson(2.0, (40, 57))
        counts[0, 0] = counts[-1, -1] = 9
        places = np.repeat(np.arange(counts.size), counts.ravel()).astype(np.int32)
        votes = np.zeros(counts.size, np.int32)
        for deviation in (0.6, 2.3, 30.0):
            total = np.full(counts.shape, 0.5, np.float32)
            _add_blurred(rng.permutation(places), _gaussian(deviation), votes, total)
            assert not votes.any()
            expected = 0.5 + ndimage.gaussian_filter(
                counts.astype(np.float64), deviation, mode="constant"
            )
            np.testing.assert_allclose(total, expected, rtol=1e-5)

    @pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
    def test_pieces_of_listed_pixels_are_those_of_scipy(self, share):
        rng = np.random.default_rng(6)
        labels = rng.integers(1, 4, (23, 31)) * (rng.random((23, 31)) < share)
        pixels = np.flatnonzero(labels).astype(np.int32)
        basin = labels.ravel()[pixels].astype(np.int32)
        found = _connect(pixels, basin, labels.shape[1])
        for number in (1, 2, 3):
            expected, _ = ndimage.label(labels == number, np.ones((3, 3)))
            own = basin == number
            pieces = expected.ravel()[pixels[own]]
            pairs = np.unique(np.stack([found[own], pieces]), axis=1)
            assert pairs.shape[1] == len(np.unique(pieces)) == len(np.unique(pairs[0]))

    @given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None)
    def test_basins_are_those_of_climbing_place_by_place(self, height, width, seed):
        rng = np.random.default_rng(seed)
        density = ndimage.gaussian_filter(rng.random((height, width)), 0.8)
        density = density.round(2).astype(np.float32)
        # No two of these densities have just this ratio, where rounding would decide.
        share = 0.9503
        found = _basins(density, 0.405, share)
        expected = climbed(density, 0.405, share)
        assert np.array_equal(found == 0, expected == -1)
        numbers, begins = np.unique(found[found > 0], return_index=True)
        assert np.array_equal(numbers, 1 + np.arange(numbers.size))
        assert np.array_equal(begins, np.sort(begins))
        # What is higher than its neighbours is told apart in the same way; of equal
        # neighbours any may be the mode.
        pairs = np.unique(np.stack([found, expected]), axis=1)
        assert pairs.shape[1] == len(np.unique(expected)) == len(np.unique(found))

    def test_the_seed_is_the_first_of_the_shortest(self):
        rng = np.random.default_rng(5)
        mode = rng.permutation(np.repeat(np.arange(6), 20))
        length = rng.integers(0, 5, mode.size).astype(np.float32)
        found = _first_of_least(mode, length, 6)
        for number in range(6):
            own = np.flatnonzero(mode == number)
            assert found[number] == own[np.argmin(length[own])]
