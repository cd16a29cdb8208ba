"""The methods that are compared, on points whose clusters are known."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from fastershift.benchmark import _peers
from fastershift.benchmark._data import blobs
from fastershift.benchmark._peers import PEERS, _draw, _merged, _nearest, _Step


def clusters(*sizes, seed=0):
    """Clusters of these sizes around the axes, in any order; and their numbers."""
    truth = np.repeat(np.arange(len(sizes)), sizes)
    truth = np.random.default_rng(seed).permutation(truth)
    noise = torch.randn(len(truth), 8, generator=torch.Generator().manual_seed(seed))
    return torch.eye(8)[torch.from_numpy(truth)] + 0.01 * noise, truth


@pytest.mark.parametrize("method", PEERS)
def test_clusters_may_be_of_any_size(method):
    points, truth = clusters(400, 40, 90)
    labels = PEERS[method](points, 0.1, 0, 128)
    assert labels.shape == truth.shape
    assert adjusted_rand_score(truth, labels) == 1


@pytest.mark.parametrize("method", PEERS)
def test_how_long_vectors_are_does_not_matter(method):
    points, truth = clusters(60, 60)
    lengths = torch.rand(120, 1, generator=torch.Generator().manual_seed(1)) + 0.5
    labels = PEERS[method](points * lengths, 0.1, 0, 128)
    assert adjusted_rand_score(truth, labels) == 1


@pytest.mark.parametrize("method", PEERS)
def test_the_same_seed_gives_the_same_labels(method):
    points, _ = clusters(50, 30)
    first, again = (PEERS[method](points, 0.1, 3, 64) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("method", PEERS)
def test_a_wide_window_makes_one_cluster_of_all(method):
    points, _ = clusters(50, 50)
    assert len(np.unique(PEERS[method](points, 1.5, 0, 64))) == 1


def test_seeds_are_drawn_once_each_and_no_more_than_there_are_points():
    drawn = _draw(100, 40, seed=1)
    assert len(set(drawn.tolist())) == 40
    assert torch.equal(drawn, _draw(100, 40, seed=1))
    assert not torch.equal(drawn, _draw(100, 40, seed=2))
    assert sorted(_draw(5, 40, seed=1).tolist()) == [0, 1, 2, 3, 4]


def angles(*degrees):
    turned = np.deg2rad(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1)


def test_of_modes_within_the_bandwidth_the_better_supported_stays():
    # 20 degrees are a cosine distance of 0.06, 60 degrees of 0.5.
    modes = _merged(angles(0, 20, 60), np.array([5.0, 9.0, 1.0]), 0.1)
    np.testing.assert_allclose(modes, angles(20, 60))
    narrow = _merged(angles(0, 20, 60), np.array([5.0, 9.0, 1.0]), 0.01)
    np.testing.assert_allclose(narrow, angles(20, 0, 60))
    # Only what was kept can hold others down.
    chain = _merged(angles(0, 20, 40), np.array([9.0, 5.0, 4.0]), 0.1)
    np.testing.assert_allclose(chain, angles(0, 40))


def test_modes_are_kept_at_length_one():
    modes = _merged(3 * angles(0, 90), np.array([1.0, 2.0]), 0.1)
    np.testing.assert_allclose(np.linalg.norm(modes, axis=1), 1)


def test_points_go_to_the_mode_of_the_nearest_direction():
    labels = _nearest(5 * angles(10, 80, 44, 46), angles(0, 90))
    assert labels.tolist() == [0, 1, 0, 1]


def test_a_published_step_is_the_mean_of_all_within_the_window(monkeypatch):
    points, _ = clusters(30, 20)
    points = points.double() * (1 + torch.rand(50, 1).double())
    seeds = points[:7]
    means, counts = _Step.of(points, 0.1)(seeds)
    unit = torch.nn.functional.normalize(points, dim=1)
    inside = torch.nn.functional.normalize(seeds, dim=1) @ unit.T > 0.9
    for row in range(7):
        torch.testing.assert_close(means[row], points[inside[row]].mean(dim=0))
    assert counts.tolist() == inside.sum(dim=1).tolist()
    # What does not fit into memory is done in parts, which changes no number.
    monkeypatch.setattr(_peers, "_HELD", 1)
    again, counts_again = _Step.of(points, 0.1)(seeds)
    torch.testing.assert_close(again, means, rtol=0, atol=0)
    torch.testing.assert_close(counts_again, counts)


@pytest.mark.parametrize("method", ["GPU_H", "GPU_P"])
def test_parts_of_a_product_change_no_label(method, monkeypatch):
    points, _ = clusters(60, 40)
    whole = PEERS[method](points, 0.1, 0, 128)
    monkeypatch.setattr(_peers, "_HELD", 4 * 100 * 7)
    np.testing.assert_array_equal(PEERS[method](points, 0.1, 0, 128), whole)


def test_the_published_method_draws_more_until_there_are_enough(monkeypatch):
    rounds = []

    def drawn(n, n_seeds, seed):
        rounds.append(n_seeds)
        return _draw(n, n_seeds, seed)

    monkeypatch.setattr(_peers, "_draw", drawn)
    points = blobs(400, 8, seed=0)
    PEERS["published"](points, 0.1, 0, 16)
    # Of ten clusters at least 32 seeds are wanted, and twice as many used.
    assert rounds[0] == 16
    assert rounds[-1] >= 64
    assert all(after == 2 * before for before, after in itertools.pairwise(rounds))
    rounds.clear()
    few, _ = clusters(10, 10)
    PEERS["published"](few, 0.1, 0, 16)
    assert rounds == [16, 20]  # there are no more
