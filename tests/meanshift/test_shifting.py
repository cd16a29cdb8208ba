"""Single shifts, and the modes of a sample finished on all points."""

import numpy as np
import pytest
import torch

from fastershift.meanshift._device import DevicePoints
from fastershift.meanshift._iteration import _MOST_RATIO, _further_steps
from fastershift.meanshift._points import spread_rows
from fastershift.meanshift._prepare import _measured, prepare
from fastershift.meanshift._shift import shift
from helpers.agreement import APART, SEEDS

N, DIMENSION, BANDWIDTH = 30_000, 8, 0.3


def diffuse(n: int = N) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(n, DIMENSION, generator=generator)
    lengths = 1 + torch.rand(n, 1, generator=generator)
    return (torch.eye(DIMENSION)[torch.arange(n) % 4] + 0.25 * noise) * lengths


def places() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(4, DIMENSION))
    made = (0.1 * noise + np.eye(4, DIMENSION)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def on_host(vectors: torch.Tensor, unit_means: bool):
    return prepare(vectors, unit_means=unit_means)[1]


#: Both ways of looking at points: by compiled loops, and by products of torch.
both_ways = pytest.mark.parametrize("made", [on_host, _measured])


def one_step(points, seeds: np.ndarray, bandwidth: float):
    options = {"gamma": 1.0, "max_iter": 1, "tolerance": 1e-3}
    moved = shift(points, seeds, bandwidth=bandwidth, **options)
    return moved.positions, moved.counts


@both_ways
@pytest.mark.parametrize("unit_means", [True, False])
@pytest.mark.parametrize("copied", [True, False])
def test_a_window_averages_what_lies_in_it(made, unit_means, copied):
    vectors = diffuse()
    points = made(vectors, unit_means)
    if copied:
        points = points.rows(np.arange(N))
    means, counts = one_step(points, places(), BANDWIDTH)
    wide = vectors.double().numpy()
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    for place, mean, count in zip(places(), means, counts, strict=True):
        inside = unit @ place >= 1 - BANDWIDTH
        expected = (unit if unit_means else wide)[inside].mean(axis=0)
        if unit_means:
            expected /= np.linalg.norm(expected)
        # A point on the very edge may be rounded in or out.
        assert abs(count - inside.sum()) <= 1
        assert np.allclose(mean, expected, atol=2e-4)


@both_ways
@pytest.mark.parametrize("unit_means", [True, False])
def test_an_empty_window_and_opposite_vectors_leave_a_seed(made, unit_means):
    points = made(torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]), unit_means)
    seeds = np.array([[0, 0, 1]], dtype=np.float32)
    means, counts = one_step(points, seeds, 0.5)
    assert (means == seeds).all()
    assert counts.tolist() == [0]
    means, counts = one_step(points, seeds, 1.5)
    assert (means == seeds).all()
    assert counts.tolist() == [2]


@pytest.mark.parametrize("unit_means", [True, False])
@pytest.mark.parametrize("same", [0.0, 0.02])
def test_both_ways_lead_to_the_same_places(unit_means, same):
    vectors = diffuse()
    here, there = on_host(vectors, unit_means), _measured(vectors, unit_means)
    assert isinstance(there, DevicePoints)
    rows = np.arange(0, N, 200)
    assert np.allclose(here.starts(rows), there.starts(rows), atol=1e-6)
    assert np.allclose(here.unit(rows), there.unit(rows), atol=1e-6)
    options = {"gamma": 1.0, "max_iter": 300, "tolerance": 1e-3, "same": same}
    found, expected = (
        shift(points, points.starts(rows), bandwidth=BANDWIDTH, **options)
        for points in (here, there)
    )
    assert abs(found.n_iter - expected.n_iter) <= 0.05 * expected.n_iter
    apart = np.linalg.norm(found.positions - expected.positions, axis=1)
    assert (apart > APART * BANDWIDTH).mean() <= SEEDS
    # Where two seeds end a little apart, points on the edge lie in one window only.
    near = apart <= APART * BANDWIDTH
    assert np.abs(found.counts - expected.counts)[near].max() <= 1e-3 * N
    labels, similarity = here.nearest(found.positions[:40])
    others, other_similarity = there.nearest(found.positions[:40])
    assert np.allclose(similarity, other_similarity, atol=1e-5)
    centers = torch.nn.functional.normalize(torch.as_tensor(found.positions[:40]))
    cosines = vectors @ centers.T
    chosen, other = (cosines[torch.arange(N), one] for one in (labels, others))
    assert torch.allclose(chosen, other, atol=1e-4)
    counts = here.window_counts(here.unit(rows), BANDWIDTH)
    assert np.abs(counts - there.window_counts(here.unit(rows), BANDWIDTH)).max() <= 1
    joined, expected_joined = (
        points.rows(rows).joined(points.rows(rows + 1)) for points in (here, there)
    )
    every = np.arange(2 * len(rows))
    assert len(joined) == len(every)
    assert np.allclose(joined.unit(every), expected_joined.unit(every), atol=1e-6)


def test_extrapolated_seeds_reach_the_same_modes_in_fewer_shifts():
    points = prepare(diffuse(), unit_means=True)[1]
    options = {
        "bandwidth": BANDWIDTH,
        "gamma": 1.0,
        "max_iter": 300,
        "tolerance": 1e-3,
        "same": 0.0,
    }
    patient = shift(points, places(), **options)
    unknown = np.full(4, np.inf, dtype=np.float32)
    hasty = shift(points, places(), ratios=unknown, **options)
    assert hasty.converged.all()
    assert hasty.n_iter < patient.n_iter
    # Each within a few steps too small to count.
    apart = np.linalg.norm(hasty.positions - patient.positions, axis=1)
    assert apart.max() < 0.02 * BANDWIDTH


def test_who_came_by_ever_shorter_steps_needs_no_step_to_see_that_it_stands():
    """A tight cluster is reached in one step, and known to be."""
    points = prepare(torch.eye(4).repeat(500, 1), unit_means=True)[1]
    seeds = (np.eye(4) + 5e-4).astype(np.float32)
    seeds /= np.linalg.norm(seeds, axis=1, keepdims=True)
    options = {"bandwidth": 0.1, "gamma": 1.0, "max_iter": 9, "tolerance": 1e-3}
    assert shift(points, seeds, **options).n_iter == 2
    known = np.zeros(4, dtype=np.float32)
    assert shift(points, seeds, ratios=known, **options).n_iter == 1


@pytest.mark.parametrize(("n", "most"), [(10, 10), (7, 20), (1000, 999), (10**6, 4096)])
def test_rows_drawn_from_stretches_are_distinct_and_everywhere(n, most):
    rows = spread_rows(n, most, torch.Generator().manual_seed(0))
    assert len(rows) == min(n, most)
    assert (np.diff(rows) > 0).all()
    assert 0 <= rows[0] <= n / len(rows)
    assert n - 1 - n / len(rows) <= rows[-1] < n


@pytest.mark.parametrize("n", [100, 16_384, 40_000])
@pytest.mark.parametrize("count", [1, 3, 4, 7, 8])
def test_any_number_of_directions_is_looked_at(n, count):
    vectors = diffuse(n)
    directions = np.random.default_rng(1).normal(size=(count, DIMENSION))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    unit = torch.nn.functional.normalize(vectors, dim=1).numpy()
    cosines = unit @ directions.T.astype(np.float32)
    inside = cosines >= 0.5
    points = on_host(vectors, True)
    sums = points.window_sums(directions.astype(np.float32), 0.5)
    assert np.abs(sums[:, -1] - inside.sum(axis=0)).max() <= 1
    assert np.allclose(sums[:, :-1], inside.T.astype(float) @ unit, atol=2)
    labels, similarity = points.nearest(directions)
    assert (labels.numpy() == cosines.argmax(axis=1)).mean() > 0.999
    assert np.allclose(similarity, cosines.max(axis=1), atol=1e-6)


def test_the_number_of_threads_does_not_change_a_bit():
    directions = places()
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            points = on_host(diffuse(100_000), False)
            found.append((points.window_sums(directions, BANDWIDTH), points))
    finally:
        torch.set_num_threads(before)
    for sums, points in found[1:]:
        assert (sums == found[0][0]).all()
        assert (points.blocks == found[0][1].blocks).all()


def test_a_zero_row_anywhere_is_seen():
    vectors = diffuse(50_000)
    vectors[40_000] = 0
    rows, points = prepare(vectors, unit_means=True)
    assert rows is not None
    assert len(points) == 49_999


@pytest.mark.parametrize(
    ("shrinks", "further"),
    [
        (0.0, 0.0),
        (0.5, 1.0),  # 1/2 + 1/4 + 1/8 + …
        (0.75, 3.0),
        (-0.5, 0.0),  # back and forth: nothing is to come
        (1.0, _MOST_RATIO / (1 - _MOST_RATIO)),
        (3.0, _MOST_RATIO / (1 - _MOST_RATIO)),
    ],
)
def test_steps_to_come_are_a_geometric_series(shrinks, further):
    before = np.array([0.3, -0.4], np.float32)
    step = (shrinks * before).astype(np.float32)
    assert _further_steps(step, before, 0.5) == pytest.approx(further, rel=1e-5)
