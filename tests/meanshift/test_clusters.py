"""The clusters themselves: against a plain reference, by properties, at the edges."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.cluster import MeanShift
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from fastershift.errors import InputError
from fastershift.meanshift import ClusterOptions, cluster
from fastershift.meanshift._search import Search
from helpers.agreement import assert_same_clustering, assert_same_clusters


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixture(
    n: int, dimension: int, n_clusters: int, noise: float, seed: int
) -> tuple[torch.Tensor, np.ndarray]:
    """Orthogonal directions with Gaussian noise, lengths between 1 and 2."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(n_clusters, size=n)
    vectors = np.eye(dimension)[truth] + noise * rng.standard_normal((n, dimension))
    vectors *= rng.uniform(1, 2, (n, 1))
    return torch.as_tensor(vectors, dtype=torch.float32), truth


def plain_mean_shift(
    X: np.ndarray, seeds: np.ndarray, bandwidth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Flat-kernel cosine mean shift of raw vectors, one seed at a time, in float64.

    scikit-learn's own MeanShift does the same with Euclidean windows.
    """
    neighbours = NearestNeighbors(radius=bandwidth, metric="cosine").fit(X)
    modes, counts = [], []
    for seed in X[seeds]:
        position = seed
        for _ in range(300):
            window = X[neighbours.radius_neighbors([position])[1][0]]
            before, position = position, window.mean(axis=0)
            if np.linalg.norm(position - before) < 1e-3 * bandwidth:
                break
        modes.append(position)
        counts.append(len(window))
    modes = np.array(modes)
    unit = modes / np.linalg.norm(modes, axis=1, keepdims=True)
    kept: list[int] = []
    for index in np.argsort(-np.array(counts), kind="stable"):
        if all(1 - unit[index] @ unit[other] > bandwidth for other in kept):
            kept.append(index)
    labels = np.argmax(X @ unit[kept].T, axis=1)
    return modes[kept], labels


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.05, 0.2, 0.5])
def test_same_modes_and_labels_as_plain_mean_shift(seed, noise):
    points, _ = mixture(400, 6, 5, noise, seed)
    seeds = np.random.default_rng(seed).permutation(400)[:40]
    modes, labels = plain_mean_shift(points.double().numpy(), seeds, 0.1)
    found = cluster(
        points,
        ClusterOptions(bandwidth=0.1, gamma=1.0, mean="raw", reseed=False),
        seeds=torch.as_tensor(seeds),
    )
    assert_same_clusters(points, (found.centers, found.labels), (modes, labels), 0.1)


@pytest.mark.parametrize("mean", ["unit", "raw"])
def test_scikit_learn_agrees_on_separated_clusters(mean):
    points, truth = mixture(600, 8, 6, 0.03, 0)
    unit = torch.nn.functional.normalize(points, dim=1)
    # On unit vectors a cosine distance h is a Euclidean distance sqrt(2 h).
    theirs = MeanShift(bandwidth=np.sqrt(0.2)).fit(unit.numpy())
    found = cluster(unit, ClusterOptions(bandwidth=0.1, mean=mean), generator=draws())
    assert adjusted_rand_score(theirs.labels_, found.labels) == 1
    assert adjusted_rand_score(truth, found.labels) == 1
    nearest = (found.centers @ torch.as_tensor(theirs.cluster_centers_).T.float()).max(
        1
    )
    assert torch.allclose(
        found.centers,
        torch.nn.functional.normalize(
            torch.as_tensor(theirs.cluster_centers_).float()[nearest.indices], dim=1
        ),
        atol=5e-3,
    )


def test_recorded_seeds_reproduce_the_reference_clusters(oracle):
    """Codes and seeds of the original TensorFlow code; its clusters by plain means."""
    data = np.load(oracle / "tracking_A.npz")
    embedding = data["emb"].astype(np.float64)
    for pair in range(0, 5, 2):
        codes = embedding[pair : pair + 2]
        foreground = codes[:, 0] ** 2 < 0.5
        _, rows, columns = np.nonzero(foreground)
        vectors = np.moveaxis(codes, 1, -1)[foreground]
        vectors = np.column_stack([vectors, 0.005 * rows, 0.005 * columns])
        seeds = data["seeds"][pair].astype(int)
        modes, labels = plain_mean_shift(vectors, seeds, 0.1)
        found = cluster(
            torch.as_tensor(vectors),
            ClusterOptions(bandwidth=0.1, gamma=1.0, mean="raw", reseed=False),
            seeds=torch.as_tensor(seeds),
        )
        assert_same_clusters(
            vectors, (found.centers, found.labels), (modes, labels), 0.1
        )


@given(seed=st.integers(0, 1000), data=st.data())
@settings(max_examples=25, deadline=None)
def test_permuting_the_points_permutes_the_labels(seed, data):
    points, _ = mixture(200, 5, 4, 0.05, seed)
    order = torch.as_tensor(data.draw(st.permutations(range(200))))
    one = cluster(points, generator=draws(seed))
    other = cluster(points[order], generator=draws(seed + 1))
    assert adjusted_rand_score(one.labels[order], other.labels) == 1


@given(seed=st.integers(0, 1000), copies=st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_duplicates_share_a_cluster_and_change_nothing(seed, copies):
    points, truth = mixture(150, 5, 4, 0.05, seed)
    found = cluster(points.repeat(copies, 1), generator=draws(seed))
    labels = found.labels.reshape(copies, 150)
    assert (labels == labels[0]).all()
    assert adjusted_rand_score(truth, labels[0]) == 1


@given(seed=st.integers(0, 1000), exponent=st.integers(-30, 30))
@settings(max_examples=25, deadline=None)
def test_length_does_not_matter_for_unit_means(seed, exponent):
    points, _ = mixture(200, 5, 4, 0.3, seed)
    one = cluster(points, ClusterOptions(mean="unit"), generator=draws(seed))
    # A power of two scales without rounding, so that even ties stay ties.
    lengths = torch.full((200, 1), 2.0**exponent)
    other = cluster(
        points * lengths, ClusterOptions(mean="unit"), generator=draws(seed)
    )
    assert torch.allclose(one.centers, other.centers, atol=1e-6)
    assert torch.equal(one.labels, other.labels)


@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_rotation_rotates_the_modes(seed):
    points, _ = mixture(200, 5, 4, 0.05, seed)
    rotation = torch.as_tensor(ortho_group(5).rvs(random_state=seed)).float()
    one = cluster(points, generator=draws(seed))
    other = cluster(points @ rotation, generator=draws(seed))
    turned = replace(one, centers=one.centers @ rotation)
    assert_same_clustering(points @ rotation, turned, other)


@given(seed=st.integers(0, 1000), n=st.sampled_from([1, 5, 300, 10_000]))
@settings(max_examples=15, deadline=None)
def test_the_same_seed_gives_the_same_result(seed, n):
    points, _ = mixture(n, 5, 4, 0.4, seed)
    one = cluster(points, generator=draws(seed))
    other = cluster(points, generator=draws(seed))
    assert torch.equal(one.labels, other.labels)
    assert torch.equal(one.centers, other.centers)
    assert torch.equal(one.seeds, other.seeds)
    assert torch.equal(one.seed_modes, other.seed_modes)


@given(
    n=st.integers(1, 60),
    dimension=st.integers(1, 4),
    bandwidth=st.floats(1e-9, 1.99),
    mean=st.sampled_from(["unit", "raw"]),
    background=st.sampled_from(["none", "largest"]),
    reseed=st.booleans(),
    smallest=st.integers(1, 5),
    seed=st.integers(0, 100),
)
@settings(max_examples=80, deadline=None)
def test_whatever_the_points_the_account_adds_up(
    n, dimension, bandwidth, mean, background, reseed, smallest, seed
):
    # Few different values: many duplicates, zero rows and opposite vectors.
    points = torch.as_tensor(
        np.random.default_rng(seed).integers(-1, 2, (n, dimension)), dtype=torch.float32
    )
    found = cluster(
        points,
        ClusterOptions(
            bandwidth=bandwidth,
            n_initial=8,
            mean=mean,
            background=background,
            reseed=reseed,
            min_cluster_size=smallest,
            max_seeds=32,
        ),
        generator=draws(seed),
    )
    zero = (points == 0).all(dim=1)
    assert (found.labels[zero] == -1).all()
    assert torch.isfinite(found.centers).all()
    sizes = torch.bincount(found.labels[found.labels >= 0], minlength=len(found.sizes))
    assert torch.equal(sizes, found.sizes)
    assert (found.sizes >= smallest).all()
    if smallest == 1:
        assert torch.equal(found.labels == -1, zero)
    assert found.n_seeds == len(found.seeds) == len(found.seeds.unique())
    assert found.n_seeds <= min(32, int((~zero).sum()))
    assert found.n_rounds <= 5
    assert 0 <= found.converged_fraction <= 1
    assert (found.seed_modes < len(found.sizes)).all()


def test_no_points_give_no_clusters():
    found = cluster(torch.empty(0, 16))
    assert found.labels.shape == (0,)
    assert found.centers.shape == (0, 16)
    assert (found.n_seeds, found.n_rounds, found.n_min) == (0, 0, 0)


def test_one_point_is_one_cluster():
    found = cluster(torch.tensor([[3.0, 4.0]]))
    assert found.labels.tolist() == [0]
    assert torch.allclose(found.centers, torch.tensor([[0.6, 0.8]]))
    assert (found.n_seeds, found.n_min) == (1, 1)


def test_identical_points_are_one_cluster():
    found = cluster(torch.ones(500, 3), generator=draws())
    assert found.sizes.tolist() == [500]
    assert found.n_min == 1


def test_one_dimension_has_two_directions():
    found = cluster(torch.tensor([[1.0], [2.0], [-1.0], [5.0]]))
    assert found.labels.tolist() == [0, 0, 1, 0]


def test_a_tiny_bandwidth_ends_and_says_why():
    points = torch.randn(3000, 8, generator=draws())
    few, generator = ClusterOptions(n_initial=16, bandwidth=1e-8), draws()
    found = cluster(points, few, generator=generator)
    assert (found.stopped_by, found.n_rounds, found.n_seeds) == ("rounds", 5, 256)
    found = cluster(points, replace(few, max_seeds=100), generator=generator)
    assert (found.stopped_by, found.n_seeds) == ("max_seeds", 100)
    found = cluster(points[:50], few, generator=generator)
    assert (found.stopped_by, found.n_seeds) == ("all points", 50)
    assert sorted(found.labels.tolist()) == list(range(50))


def test_zero_rows_are_left_out():
    points, truth = mixture(300, 5, 4, 0.03, 0)
    points[::7] = 0
    found = cluster(points, generator=draws())
    assert (found.labels[::7] == -1).all()
    rest = np.arange(300) % 7 > 0
    assert adjusted_rand_score(truth[rest], found.labels[rest]) == 1
    assert (points[found.seeds] != 0).any(dim=1).all()
    nothing = cluster(torch.zeros(5, 3))
    assert nothing.labels.tolist() == [-1] * 5
    with pytest.raises(InputError, match="zero vectors"):
        cluster(points, seeds=torch.tensor([0, 7]))


def test_small_clusters_are_dropped():
    points = torch.eye(3).repeat_interleave(torch.tensor([50, 30, 4]), dim=0)
    found = cluster(points, ClusterOptions(min_cluster_size=5), generator=draws())
    assert found.sizes.tolist() == [50, 30]
    assert (found.labels[-4:] == -1).all()
    assert (found.labels[:-4] >= 0).all()


def test_reseeding_finds_a_cluster_that_no_seed_fell_into():
    points = torch.eye(4).repeat_interleave(torch.tensor([400, 400, 400, 3]), dim=0)
    seeds = torch.tensor([0, 400, 800])
    without = cluster(points, ClusterOptions(reseed=False), seeds=seeds)
    assert without.sizes.tolist() == [403, 400, 400]
    found = cluster(points, seeds=seeds, generator=draws())
    assert found.sizes.tolist() == [400, 400, 400, 3]
    assert (found.n_rounds, found.stopped_by) == (2, "all reached")
    spared = cluster(
        points, ClusterOptions(min_cluster_size=4), seeds=seeds, generator=draws()
    )
    assert spared.n_rounds == 1
    # Whether a seed fell among them or not, three points are too few.
    assert spared.sizes.tolist() == [400, 400, 400]
    assert spared.labels[-3:].tolist() == [-1, -1, -1]
    kept = cluster(
        points, ClusterOptions(min_cluster_size=3), seeds=seeds, generator=draws()
    )
    assert kept.sizes.tolist() == [400, 400, 400, 3]


def test_reseeding_starts_where_most_points_were_missed():
    """Lone points of noise neither hide a missed cluster nor become clusters."""
    noise = torch.randn(500, 12, generator=draws())
    cells = torch.eye(12)[:4].repeat_interleave(torch.tensor([400, 400, 40, 9]), dim=0)
    points = torch.cat([cells, noise])
    options = ClusterOptions(n_initial=1, min_cluster_size=10)
    seeds = torch.tensor([0, 400])
    found = cluster(points, options, seeds=seeds, generator=draws())
    assert found.n_seeds == 3
    assert found.seeds[2] in range(800, 840)
    assert (found.n_rounds, found.stopped_by) == (2, "all reached")


def test_the_largest_cluster_as_background():
    points = torch.eye(3).repeat_interleave(torch.tensor([750, 125, 125]), dim=0)
    found = cluster(
        points, ClusterOptions(background="largest", reseed=False), generator=draws()
    )
    # I = 2, r = 0.25 (Eq 19).
    assert found.n_min == pytest.approx(27.53, abs=0.01)
    assert found.n_seeds == 128


def test_early_stop_discards_the_slow_seeds():
    points, _ = mixture(2000, 3, 3, 0.6, 0)
    seeds = torch.arange(200)
    patient = cluster(points, ClusterOptions(gamma=1.0, reseed=False), seeds=seeds)
    hasty = cluster(points, ClusterOptions(gamma=0.5, reseed=False), seeds=seeds)
    assert patient.converged_fraction == 1
    assert (patient.seed_modes >= 0).all()
    assert 0.5 < hasty.converged_fraction < 1
    assert hasty.n_iter < patient.n_iter
    discarded = (hasty.seed_modes == -1).float().mean()
    assert discarded == pytest.approx(1 - hasty.converged_fraction, abs=1e-6)


@pytest.mark.parametrize("mean", ["unit", "raw"])
def test_modes_of_many_points_are_fixed_points_of_all_points(mean):
    """Above the size from which seeds first move on a sample."""
    points, truth = mixture(30_000, 16, 12, 0.06, 3)
    found = cluster(points, ClusterOptions(mean=mean), generator=draws())
    assert adjusted_rand_score(truth, found.labels) > 0.999
    unit = torch.nn.functional.normalize(points, dim=1).double()
    averaged = unit if mean == "unit" else points.double()
    for center in found.centers.double():
        window = averaged[unit @ (center / center.norm()) >= 1 - 0.1]
        average = window.mean(dim=0)
        if mean == "unit":
            average /= average.norm()
        assert (average - center).norm() < 1e-3 * 0.1


def test_sample_and_all_points_agree_on_many_points():
    points, _ = mixture(20_000, 16, 10, 0.08, 4)
    sampled = cluster(
        points, ClusterOptions(gamma=1.0, reseed=False), generator=draws()
    )
    exact = cluster(
        points, ClusterOptions(gamma=1.0, reseed=False), seeds=sampled.seeds
    )
    assert adjusted_rand_score(sampled.labels, exact.labels) == 1
    # Modes with nearly the same support may change places.
    apart = 1 - sampled.centers @ exact.centers.T
    assert (apart.min(dim=1).values < 1e-6).all()


def test_a_mode_that_is_nobodys_nearest_leaves_no_gap_in_the_numbers(monkeypatch):
    assign = Search._assign

    def without_the_second(search):
        found = assign(search)
        labels = torch.where(found.labels == 1, 2, found.labels)
        sizes = torch.bincount(labels, minlength=len(found.sizes)).numpy()
        return replace(found, labels=labels, sizes=sizes)

    monkeypatch.setattr(Search, "_assign", without_the_second)
    points = torch.eye(3).repeat_interleave(torch.tensor([9, 8, 7]), dim=0)
    found = cluster(points, ClusterOptions(bandwidth=0.1), generator=draws())
    assert found.sizes.tolist() == [9, 15]
    assert torch.bincount(found.labels).tolist() == [9, 15]
    assert len(found.centers) == 2
