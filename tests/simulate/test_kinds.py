"""Simulated movies of objects under a microscope: truth, life, looks, faults."""

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.measure import regionprops
from sklearn.metrics import roc_auc_score

from fastershift.errors import InputError
from fastershift.simulate import simulate_movie
from fastershift.simulate._burnt_in import Stamp, blocky
from fastershift.simulate._walls import draw_channels, draw_pillars

KINDS = ["rods", "yeast", "adherent", "epithelium", "embryo", "clumps", "cells"]
OPTICS = ["phase", "brightfield", "dic", "fluorescence", "quantitative"]


@pytest.mark.parametrize("kind", KINDS)
def test_any_microscope_sees_the_same_cells(kind):
    movies = [
        simulate_movie(2, (80, 80), 8, diameter=18, kind=kind, seed=5, optics=optics)
        for optics in OPTICS
    ]
    for movie in movies[1:]:
        np.testing.assert_array_equal(movie.labels, movies[0].labels)
        assert movie.tracks == movies[0].tracks
        assert not np.array_equal(movie.frames, movies[0].frames)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_lie_where_bodies_are_drawn(kind):
    # A map of phase is brighter wherever there is matter, up to its blur.
    told_apart = []
    for seed in range(5):
        movie = simulate_movie(
            1,
            (160, 160),
            10,
            diameter=24,
            kind=kind,
            seed=seed,
            noise=0,
            optics="quantitative",
        )
        frame, inside = movie.frames[0].astype(float), movie.labels[0] > 0
        core = ndi.binary_erosion(inside, iterations=2)
        empty = ~ndi.binary_dilation(inside, iterations=5)
        light = np.concatenate([frame[core], frame[empty]])
        truth = np.repeat([True, False], [core.sum(), empty.sum()])
        told_apart.append(roc_auc_score(truth, light))
    assert np.median(told_apart) > 0.92


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diameter", [16, 40])
def test_cells_have_the_size_and_number_asked_for(kind, diameter):
    side, asked = 8 * diameter, 24
    found, sizes = [], []
    for seed in range(3):
        movie = simulate_movie(
            1, (side, side), asked, diameter=diameter, kind=kind, seed=seed
        )
        found.append(len(movie.tracks))
        for cell in regionprops(movie.labels[0]):
            top, left, bottom, right = cell.bbox
            if min(top, left) > 0 and max(bottom, right) < side:
                sizes.append(cell.equivalent_diameter_area)
    assert 0.6 * asked < np.mean(found) < 1.5 * asked
    assert 0.75 * diameter < np.median(sizes) < 1.25 * diameter


@pytest.mark.parametrize(("kind", "seed"), [("clumps", 3), ("embryo", 2), ("cells", 9)])
def test_the_smallest_cells_are_seen(kind, seed):
    movie = simulate_movie(1, (64, 64), 20, diameter=4, kind=kind, seed=seed)
    assert len(movie.tracks) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_seed_decides(kind):
    first, again, other = (
        simulate_movie(2, (64, 64), 6, diameter=16, kind=kind, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.tracks == again.tracks
    assert not np.array_equal(first.frames, other.frames)


@pytest.mark.parametrize("kind", KINDS)
def test_daughters_lie_beside_each_other_where_their_mother_was(kind):
    movie = simulate_movie(8, (200, 200), 20, diameter=20, kind=kind, cell_cycle=10)
    children: dict[int, list[int]] = {}
    for track, _, _, parent in movie.tracks:
        children.setdefault(parent, []).append(track)
    children.pop(0)
    pairs = {mother: both for mother, both in children.items() if len(both) == 2}
    assert len(pairs) >= 3
    assert all(len(both) <= 2 for both in children.values())
    spans = {track: (first, last) for track, first, last, _ in movie.tracks}
    for mother, both in pairs.items():
        frame = movie.labels[spans[both[0]][0]]
        gap = ndi.distance_transform_edt(frame != both[0])[frame == both[1]].min()
        assert gap < 20
        before = movie.labels[spans[mother][1]] == mother
        moved = ndi.center_of_mass(before), ndi.center_of_mass(np.isin(frame, both))
        assert np.hypot(*np.subtract(*moved)) < 12


def test_cells_without_a_cycle_do_not_divide_and_dead_ones_end():
    movie = simulate_movie(
        5,
        (160, 160),
        30,
        kind="embryo",
        diameter=16,
        cell_cycle=float("inf"),
        death=0.2,
    )
    assert all(parent == 0 for *_, parent in movie.tracks)
    ended = [track for track, _, last, _ in movie.tracks if last < 3]
    assert len(ended) > 5


@pytest.mark.parametrize("kind", ["nuclei", "clumps"])
def test_speed_is_in_diameters_a_frame(kind):
    movie = simulate_movie(
        4, (400, 400), 15, diameter=20, kind=kind, seed=1, speed=1.0, cell_cycle=1e6
    )
    steps = []
    for t in range(3):
        now, then = (
            {cell.label: np.array(cell.centroid) for cell in regionprops(labels)}
            for labels in movie.labels[t : t + 2]
        )
        steps += [np.hypot(*(then[i] - now[i])) for i in now.keys() & then.keys()]
    assert 12 < np.median(steps) < 28


def test_channels_hold_rods():
    rng = np.random.default_rng(0)
    walls = draw_channels(rng, (100, 100), 5)
    points = rng.uniform(10, 90, (40, 3, 2))
    clan = np.arange(40)
    pushed = points + walls.push(points, np.full(40, 4.0), clan)
    middle, half = walls.channels[clan % len(walls.channels)].T
    within = points[..., 0] < walls.mouth
    aside = np.abs(pushed[..., 1] - middle[:, None])
    assert np.all(aside[within] <= (half - 4)[0] + 1e-9)
    matter = walls.matter((100, 100), 8)
    row, column = int(walls.closed) + 20, round(middle[0])
    assert matter[8 + row, 8 + column] == 0
    assert matter.max() == 1


def test_pillars_push_cells_away():
    walls = draw_pillars(np.random.default_rng(1), (120, 120), 20)
    y, x, long, short, _ = walls.pillars[0]
    shift = walls.push(np.array([[[y + 1, x]]]), np.array([5.0]), np.array([0]))
    assert shift[0, 0, 0] == pytest.approx((long + short) / 2 + 5 - 1, abs=1e-3)
    assert abs(shift[0, 0, 1]) < 1e-6


def test_stamps_change_little_and_jpeg_less():
    rng = np.random.default_rng(2)
    picture = ndi.gaussian_filter(rng.uniform(0, 255, (100, 120)), 2)
    for seed in range(8):
        stamped = picture.copy()
        Stamp(np.random.default_rng(seed)).press(stamped, 7, 255)
        assert 0 < np.mean(stamped != picture) < 0.15
    lossy = blocky(picture, 20)
    assert lossy.shape == picture.shape
    assert 0 < np.abs(lossy - picture).max() < 40


def test_unknown_optics_are_refused():
    with pytest.raises(InputError, match=r"optics 'x-rays'; choose one of usual, any"):
        simulate_movie(kind="rods", optics="x-rays")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="have their own optics"):
        simulate_movie(kind="nuclei", optics="phase")
