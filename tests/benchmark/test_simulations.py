"""The paper's simulations: how many clusters are hidden, and where they lie."""

import numpy as np
import pytest

from fastershift.benchmark._simulations import FIGURE_4, overlapping_discs


@pytest.mark.parametrize("simulation", FIGURE_4, ids=lambda one: one.name)
class TestFigure4:
    def drawn(self, simulation, seed=0):
        points, truth = simulation.draw(np.random.default_rng(seed))
        return points.numpy(), truth

    def test_it_has_the_clusters_and_the_share_that_it_says(self, simulation):
        points, truth = self.drawn(simulation)
        assert points.shape == (len(truth), 2) == (1500, 2)
        found = set(truth.tolist()) - {-1}
        assert found == set(range(simulation.instances))
        assert np.mean(truth >= 0) == pytest.approx(simulation.share, abs=0.001)

    def test_clusters_are_equally_large(self, simulation):
        _, truth = self.drawn(simulation)
        sizes = np.bincount(truth[truth >= 0])
        assert sizes.max() - sizes.min() <= 1

    def test_every_cluster_has_a_direction_of_its_own(self, simulation):
        points, truth = self.drawn(simulation)
        unit = points / np.linalg.norm(points, axis=1, keepdims=True)
        middles = np.stack([unit[truth == k].mean(axis=0) for k in np.unique(truth)])
        # Tight around their middles, which stand far apart.
        assert np.linalg.norm(middles, axis=1).min() > 0.99
        cosines = middles @ middles.T - 2 * np.eye(len(middles))
        assert cosines.max() < 0.85

    def test_the_generator_decides(self, simulation):
        first, again, other = (self.drawn(simulation, seed)[0] for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_circles_hide_each_cluster_at_two_distances():
    points, truth = FIGURE_4[0].draw(np.random.default_rng(0))
    far = np.linalg.norm(points.numpy(), axis=1)
    for cluster in range(10):
        inner = far[truth == cluster] < 0.75
        assert np.mean(inner) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("share", [0.39, 0.25, 0.1])
def test_discs_cover_the_share_that_was_asked_for(share):
    image = overlapping_discs(share, 200)
    assert np.mean(image > 0) == pytest.approx(share, abs=0.01)
    assert set(np.unique(image)) <= set(range(9))


def test_later_discs_hide_earlier_ones_the_more_they_overlap():
    wide, narrow = (overlapping_discs(share, 200) for share in (0.39, 0.15))
    sizes = [np.bincount(image.ravel(), minlength=9)[1:] for image in (wide, narrow)]
    # Side by side they are discs of a quarter of the side.
    assert sizes[0] == pytest.approx(np.full(8, np.pi / 64 * 200**2), rel=0.05)
    # The last one is always whole, all others lose.
    assert sizes[1][-1] == pytest.approx(sizes[0][-1], rel=0.02)
    assert (sizes[1][:-1] < sizes[0][:-1]).all()
