"""A cell depends on its own neighbourhood, and on nothing further away."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch.nn.functional import normalize

from fastershift.config import ClusterSettings, resolve_settings
from fastershift.instances import _local_modes as local
from fastershift.instances._local_modes import local_pieces
from fastershift.instances._local_modes_kernels import (
    atlas_of,
    fuse_modes,
    nearest_modes,
    reached,
    shift_places,
)
from helpers.agreement import assert_same_cells, disagreement
from helpers.movies import find_cells

BANDWIDTH = 0.3
# Cosines of two ways differ by less.
ROUNDING = 1e-6
# Share of the pixels for which that decides: a few of some ten thousand.
ROUNDED_PIXELS = 1e-4
CELL = 16


def movie(side, seed, n_components=6, cell=CELL, noise=0.15):
    """Embeddings of a pair: round cells in rows that touch, each with its direction.

    Returns
    -------
    vectors : (2, C, Y, X) float32
        Background along the first axis.
    truth : (Y, X) int
    """
    rng = np.random.default_rng(seed)
    n = side // cell
    rows, columns = np.mgrid[:side, :side]
    truth = np.minimum(rows // cell, n - 1) * n + np.minimum(columns // cell, n - 1) + 1
    middle = (np.arange(n) + 0.5) * cell
    away = np.hypot(
        rows - middle[np.minimum(rows // cell, n - 1)],
        columns - middle[np.minimum(columns // cell, n - 1)],
    )
    truth[away > 0.55 * cell] = 0
    # Neighbours differ, cells further apart are alike: so a network has it.
    own, across = np.divmod(np.arange(n * n), n)
    codes = 0.25 * rng.normal(size=(n * n + 1, n_components))
    codes[1:] += np.eye(n_components)[1 + 2 * (own % 2) + across % 2]
    codes[:, 0] = 0
    codes[0] = np.eye(n_components)[0]
    vectors = codes[truth] / np.linalg.norm(codes, axis=1)[truth][..., None]
    spread = ndimage.gaussian_filter(
        rng.normal(size=(2, side, side, n_components)), (0, 1, 1, 0)
    )
    vectors = vectors + np.where(truth > 0, 1, 0)[..., None] * noise * spread * 4
    return torch.as_tensor(np.moveaxis(vectors, -1, 1), dtype=torch.float32), truth


def found(vectors, **options):
    cluster = ClusterSettings(bandwidth=BANDWIDTH, **options)
    return find_cells(vectors, cluster, smallest_cell=20)


def test_what_lies_far_away_changes_nothing():
    side, changed = 256, 96
    one, _ = movie(side, 0)
    other = one.clone()
    other[..., -changed:] = movie(side, 1)[0][..., -changed:]
    # Two cells of reach, twice because modes move, and a cell that may lie across.
    kept = side - changed - 5 * CELL
    whole = [found(vectors).labels[..., :kept] for vectors in (one, other)]
    assert_same_cells(*whole, but_for=ROUNDED_PIXELS)
    assert len(np.unique(whole[0])) > 40


def test_the_modes_of_the_whole_frame_do_change():
    """The test above can fail: without the modes of each place it does."""
    side, changed = 256, 96
    differ = []
    for seed in range(3):
        one, _ = movie(side, seed)
        other = one.clone()
        other[..., -changed:] = movie(side, seed + 50)[0][..., -changed:]
        kept = side - changed - 5 * CELL
        cut = [
            found(vectors, local_modes=False).labels[..., :kept]
            for vectors in (one, other)
        ]
        differ.append(disagreement(*cut))
    assert min(differ) > ROUNDED_PIXELS


@given(st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=8, deadline=None)
def test_a_frame_cut_elsewhere_has_the_same_cells(down, right):
    vectors, _ = movie(240, 2)
    rows, columns = 8 * down, 8 * right
    whole = found(vectors).labels
    part = found(vectors[..., rows:, columns:]).labels
    edge = 5 * CELL
    inner = whole[:, rows + edge : -edge, columns + edge : -edge]
    assert_same_cells(inner, part[:, edge:-edge, edge:-edge], but_for=ROUNDED_PIXELS)


def test_cells_are_found():
    vectors, truth = movie(192, 3)
    labels = found(vectors).labels[0]
    right = 0
    for cell in np.unique(truth)[1:]:
        best = np.bincount(labels[truth == cell]).argmax()
        union = (truth == cell) | (labels == best)
        right += ((truth == cell) & (labels == best)).sum() / union.sum() > 0.7
    assert right > 0.9 * (len(np.unique(truth)) - 1)


def test_larger_cells_are_sampled_more_coarsely(monkeypatch):
    asked = []

    def spy(clusters, vectors, bandwidth, spacing, shape):
        asked.append(spacing)
        return original(clusters, vectors, bandwidth, spacing, shape)

    original = local._local_modes
    monkeypatch.setattr(local, "_local_modes", spy)
    vectors, _ = movie(192, 3)
    small = found(vectors).labels
    large = found(vectors.repeat_interleave(4, 2).repeat_interleave(4, 3)).labels
    assert asked[1] == 4 * asked[0] > 0
    assert large.max() == pytest.approx(small.max(), rel=0.05)


def test_the_frame_in_bands_is_the_frame(monkeypatch):
    vectors, _ = movie(256, 4)
    whole = found(vectors).labels
    monkeypatch.setattr(local, "_AT_ONCE", 1)
    bands = list(local._bands(np.ones((2, 256, 256), np.int32), vectors, 4, (64, 64)))
    assert len(bands) > 2
    assert sum(own.stop - own.start for *_, own in bands) == 64
    assert_same_cells(found(vectors).labels, whole)


def test_vectors_on_disk_give_the_same():
    vectors, _ = movie(192, 5)
    made = found(vectors, local_modes=False)
    pixels = made.clusters >= 0
    points = vectors.movedim(1, -1)[torch.from_numpy(pixels)]
    together = local_pieces(made.clusters, vectors, BANDWIDTH, (pixels, points))
    assert_same_cells(local_pieces(made.clusters, vectors, BANDWIDTH), together)
    # Further components, such as coordinates, are not looked at.
    more = torch.cat([points, torch.full((len(points), 2), 1e6)], dim=1)
    again = local_pieces(made.clusters, vectors, BANDWIDTH, (pixels, more))
    assert_same_cells(again, together)
    assert ((together > 0) == (made.clusters > 0)).all()


def test_a_piece_that_no_seed_falls_on_stays():
    vectors = torch.zeros(1, 3, 64, 64)
    vectors[:, 0] = 1
    pieces = np.zeros((1, 64, 64), np.int32)
    # Cells of 12 pixels are sampled every second pixel; this pixel is not.
    pieces[0, 8:20, 8:20] = 1
    pieces[0, 41, 41] = 2
    vectors[0, :, 8:20, 8:20] = torch.tensor([0.0, 1, 0])[:, None, None]
    vectors[0, :, 41, 41] = torch.tensor([0.0, 0, 1])
    kept = local_pieces(pieces, vectors, BANDWIDTH)
    assert np.array_equal(kept, pieces)


def test_nothing_stays_nothing():
    vectors, _ = movie(64, 0)
    empty = np.zeros((2, 64, 64), np.int32)
    assert not local_pieces(empty, vectors, BANDWIDTH).any()
    # A cluster that no second pixel of a second row belongs to has no size.
    empty[:, 3, 5] = empty[:, 3, 9] = 1
    assert local_pieces(empty, vectors, BANDWIDTH).max() == 2


def test_the_published_method_knows_no_such_step():
    assert resolve_settings().cluster.local_modes
    assert not resolve_settings(user={"profile": "published"}).cluster.local_modes


def plain_shift(samples, inside, bandwidth, reach, mode, place):
    """Do the same in numpy, slowly."""
    frames, rows, columns = np.nonzero(inside)
    vectors = samples[frames, rows, columns].astype(float)
    first = seen = np.rint(place)
    for _ in range(60):
        centre = np.rint(place)
        if np.abs(centre - seen).max() > 2:
            if np.abs(centre - first).max() > reach:
                break
            seen = centre
        near = np.maximum(abs(rows - seen[0]), abs(columns - seen[1])) <= reach
        near &= vectors @ mode >= 1 - bandwidth
        if not near.any():
            return mode, place, 0
        mean = vectors[near].sum(axis=0)
        before, mode = mode, mean / np.linalg.norm(mean)
        moved = place
        place = np.array([rows[near].mean(), columns[near].mean()])
        if 1 - mode @ before < 1e-2 * bandwidth and np.abs(place - moved).max() < 0.25:
            break
    return mode, place, int(near.sum())


@pytest.mark.parametrize("seed", range(5))
def test_seeds_move_as_in_plain_loops(seed):
    rng = np.random.default_rng(seed)
    vectors, _ = movie(64, seed, cell=8)
    samples = normalize(vectors.movedim(1, -1), dim=-1).numpy()
    inside = rng.random(samples.shape[:3]) < 0.7
    at = rng.integers(0, 64, (20, 2))
    modes = samples[0, at[:, 0], at[:, 1]].copy()
    places = at.astype(np.float32)
    support = np.zeros(len(at), np.int64)
    expected = [
        plain_shift(samples, inside, BANDWIDTH, 9, mode.astype(float), place)
        for mode, place in zip(modes.copy(), places.astype(float), strict=True)
    ]
    shift_places(samples, inside, BANDWIDTH, 9, modes, places, support)
    for index, (mode, place, count) in enumerate(expected):
        assert support[index] == pytest.approx(count, abs=2)
        assert modes[index] @ mode == pytest.approx(1, abs=1e-3)
        assert places[index] == pytest.approx(place, abs=0.3)


def many_modes(seed, n=200, shape=(50, 70)):
    rng = np.random.default_rng(seed)
    modes = rng.normal(size=(n, 3)).astype(np.float32)
    modes /= np.linalg.norm(modes, axis=1, keepdims=True)
    places = (rng.random((n, 2)) * (np.array(shape) - 1)).astype(np.float32)
    return modes, places, rng.integers(0, 30, n), shape


@pytest.mark.parametrize("seed", range(3))
def test_of_close_modes_the_best_supported_is_kept(seed):
    modes, places, support, shape = many_modes(seed)
    kept = fuse_modes(modes, places, support, 0.4, 9, shape)
    assert np.abs(modes @ modes.T - 0.6).min() > ROUNDING, "no pair is at the limit"
    expected = []
    for index in np.argsort(-support, kind="stable"):
        close = [
            other
            for other in expected
            if np.abs(places[other] - places[index]).max() <= 9
            and modes[other] @ modes[index] > 0.6
        ]
        if support[index] and not close:
            expected.append(index)
    assert kept.tolist() == expected
    assert 10 < len(kept) < np.count_nonzero(support)


@pytest.mark.parametrize("seed", range(3))
def test_pixels_take_the_most_similar_mode_in_reach(seed):
    modes, places, _, shape = many_modes(seed, n=40)
    rng = np.random.default_rng(seed)
    atlas = atlas_of(modes, places, 9, shape)
    spacing, top = 2, 20
    pixels = rng.random((40, 140)) < 0.6
    pieces = rng.integers(0, 5, pixels.shape).astype(np.int32)
    rows = rng.normal(size=(np.count_nonzero(pixels), 5)).astype(np.float32)
    result = np.full(pixels.shape, -1, np.int32)
    nearest_modes(rows, pixels, pieces, top, spacing, atlas, result)
    seen = set()
    for row, (y, x) in zip(rows, np.argwhere(pixels), strict=True):
        place = np.array([(top + y) // spacing, x // spacing])
        near = np.abs(places - place).max(axis=1) <= 9
        if pieces[y, x] == 0:
            assert result[y, x] == 0
        elif near.any():
            cosine = np.where(near, modes @ row[:3], -np.inf)
            assert cosine[result[y, x] - 1] >= cosine.max() - ROUNDING
            seen.add("mode")
        else:
            assert result[y, x] == len(modes) + pieces[y, x]
            seen.add("piece")
    assert (result[~pixels] == 0).all()
    assert seen == {"mode", "piece"}
    places_of_rows = (np.argwhere(pixels) // spacing).astype(np.float32)
    unit = rows[:, :3] / np.linalg.norm(rows[:, :3], axis=1, keepdims=True)
    places_of_rows[:, 0] += top // spacing
    told = reached(unit, places_of_rows, atlas, 0.2)
    close = np.abs(places[None] - places_of_rows[:, None]).max(axis=2) <= 9
    cosines = unit @ modes.T
    clear = (np.abs(cosines - 0.8) > ROUNDING).all(axis=1)
    expected = ((cosines >= 0.8) & close).any(axis=1)
    assert np.array_equal(told[clear], expected[clear])
    assert clear.mean() > 0.99
    assert 0 < told.sum() < len(told)
