"""Windows that move little: the sums of all points, without looking at all of them."""

import numpy as np
import pytest
import torch

from fastershift.meanshift._points import prepare
from fastershift.meanshift._window import Edges, window_means

N, DIMENSION, BANDWIDTH = 30_000, 8, 0.3


def diffuse(n: int = N) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(n, DIMENSION, generator=generator)
    lengths = 1 + torch.rand(n, 1, generator=generator)
    return (torch.eye(DIMENSION)[torch.arange(n) % 4] + 0.25 * noise) * lengths


@pytest.mark.parametrize("unit_means", [True, False])
@pytest.mark.parametrize("copied", [True, False])
def test_means_and_counts_are_those_of_all_points(unit_means, copied):
    points = prepare(diffuse(), unit_means=unit_means)[1]
    if copied:
        points = points.take(torch.arange(N))
    edges = Edges(points, 4, BANDWIDTH)
    places = np.random.default_rng(0).normal(size=(4, DIMENSION)).astype(np.float32)
    places = places * 0.1 + np.eye(4, DIMENSION, dtype=np.float32)
    which = np.arange(4)
    for step in range(12):
        # Windows drop out on the way, as those that stand still do.
        which = which[: 4 - step // 4]
        found = edges.means(which, places[which])
        expected = window_means(points, places[which], BANDWIDTH)
        # A point on the very edge may be rounded in or out.
        assert np.abs(found[1] - expected[1]).max() <= 1
        assert np.allclose(found[0], expected[0], atol=1e-4)
        places[which] = found[0]


def test_only_points_near_an_edge_are_looked_at_again(monkeypatch):
    points = prepare(diffuse(), unit_means=True)[1]
    edges = Edges(points, 1, BANDWIDTH)
    looks = []
    look = Edges._look_at_all

    def counted(self, which, unit):
        looks.append(len(which))
        look(self, which, unit)

    monkeypatch.setattr(Edges, "_look_at_all", counted)
    place = np.eye(1, DIMENSION, dtype=np.float32)
    which = np.arange(1)
    edges.means(which, place)
    assert 0 < len(edges._near) < 0.3 * N
    # Within a tenth of the bandwidth nothing else can have changed; beyond it may.
    place[0, 1] = 0.09 * BANDWIDTH
    edges.means(which, place)
    assert looks == [1]
    place[0, 1] = 0.2 * BANDWIDTH
    edges.means(which, place)
    assert looks == [1, 1]
