import numpy as np
import pytest
import torch

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.errors import InputError
from fastershift.instances import _clusters, _codes, foreground_mask
from fastershift.meanshift import SeedPolicy
from fastershift.tracking import Linker
from helpers.movies import embed, find_cells
from helpers.tracks import finalize, stack_of

SHAPE = (24, 30)
CLUSTER = ClusterSettings()
TRACK = TrackSettings()


def pair_of_squares():
    """Codes of two frames: one code in two places, another beside the first."""
    codes = np.zeros((2, *SHAPE), dtype=int)
    codes[0, 2:8, 2:8] = 1
    codes[1, 3:9, 3:9] = 1
    codes[:, 15:20, 2:8] = 1
    codes[:, 2:8, 9:14] = 2
    return codes


def test_one_cluster_many_cells():
    codes = pair_of_squares()
    found = find_cells(embed(codes))
    np.testing.assert_array_equal(found.clusters > 0, codes > 0)
    np.testing.assert_array_equal(found.labels > 0, codes > 0)
    assert found.clusters.max() == 2
    assert found.labels.max() == 3
    assert found.labels.dtype == found.clusters.dtype == np.int32
    # The same cell has the same number in both frames.
    assert found.labels[0, 4, 4] == found.labels[1, 6, 6] != found.labels[0, 17, 4]
    # Cells are numbered in the order of their first pixels.
    assert found.labels[0, 4, 4] == 1
    assert found.labels[0, 4, 11] == 2
    assert found.labels[0, 17, 4] == 3
    assert found.foreground == pytest.approx((codes > 0).mean())
    assert found.clustering.seconds > 0


def test_touching_through_time_only_is_one_cell():
    codes = np.zeros((2, *SHAPE), dtype=int)
    codes[0, 2:6, 2:6] = 1
    codes[1, 5:9, 5:9] = 1
    codes[0, 15:18, 2:6] = 1
    codes[1, 15:18, 20:24] = 1
    found = find_cells(embed(codes))
    assert found.labels[0, 3, 3] == found.labels[1, 7, 7]
    assert found.labels[0, 16, 3] != found.labels[1, 16, 21]


def test_pieces_below_the_smallest_cell_are_dropped():
    codes = pair_of_squares()
    codes[0, 22, 20:22] = 1
    codes[1, 22, 20:22] = 1
    embeddings = embed(codes)
    assert find_cells(embeddings, smallest_cell=4).labels[0, 22, 20] > 0
    found = find_cells(embeddings, smallest_cell=5)
    assert found.labels[0, 22, 20] == 0
    assert found.clusters[0, 22, 20] > 0
    assert set(np.unique(found.labels)) == {0, 1, 2, 3}


def test_more_than_255_cells_of_one_cluster():
    codes = np.zeros((2, 63, 63), dtype=int)
    rows, columns = np.meshgrid(np.arange(0, 63, 3), np.arange(0, 63, 3))
    for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):
        codes[:, rows + shift[0], columns + shift[1]] = 1
    found = find_cells(embed(codes), smallest_cell=8)
    assert found.clusters.max() == 1
    assert found.labels.max() == 21 * 21
    assert (np.bincount(found.labels.ravel())[1:] == 8).all()
    # Numbered in the order of rows and columns.
    assert found.labels[0, 0, 3] == 2
    assert found.labels[0, 3, 0] == 22


def test_seed_positions_are_foreground_pixels_of_the_seeds():
    codes = pair_of_squares()
    found = find_cells(embed(codes))
    frame, row, column = found.seed_positions.T
    assert len(found.seed_positions) == found.clustering.n_seeds
    assert (codes[frame, row, column] > 0).all()
    seeds = np.array([0, 7, int((codes > 0).sum()) - 1])
    given = find_cells(embed(codes), cluster=ClusterSettings(reseed=False), seeds=seeds)
    np.testing.assert_array_equal(given.seed_positions, np.argwhere(codes)[seeds])


def test_clusters_follow_the_numbers_of_the_clustering():
    codes = pair_of_squares()
    found = find_cells(embed(codes))
    flat = found.clusters[codes > 0]
    np.testing.assert_array_equal(found.clustering.labels.numpy() + 1, flat)
    counts = np.bincount(flat)[1:]
    np.testing.assert_array_equal(found.clustering.sizes.numpy(), counts)
    rows = found.clustering.seeds.numpy()
    np.testing.assert_array_equal(found.clustering.seed_modes.numpy() + 1, flat[rows])
    for mode, center in enumerate(found.clustering.centers.numpy(), 1):
        code = np.unique(codes[found.clusters == mode])
        assert abs(center[code[0]]) == np.abs(center).max()


def test_numbering_does_not_depend_on_the_draws():
    codes = np.zeros((2, *SHAPE), dtype=int)
    for number in range(1, 6):
        codes[:, 4 * number - 2 : 4 * number, 3:8] = number
    embeddings = embed(codes)
    results = [
        find_cells(embeddings, generator=torch.Generator().manual_seed(seed)).labels
        for seed in range(6)
    ]
    for labels in results[1:]:
        np.testing.assert_array_equal(labels, results[0])


@pytest.mark.parametrize("kind", ["array", "tensor", "big-endian", "float64"])
def test_kinds_of_input(kind):
    embeddings = embed(pair_of_squares())
    expected = find_cells(embeddings).labels
    given = {
        "array": embeddings,
        "tensor": torch.as_tensor(embeddings),
        "big-endian": embeddings.astype(">f4"),
        "float64": embeddings.astype(np.float64),
    }[kind]
    np.testing.assert_array_equal(find_cells(given).labels, expected)


def test_single_frame():
    found = find_cells(embed(pair_of_squares())[:1])
    assert found.labels.shape == (1, *SHAPE)
    assert found.labels.max() == 3


def test_no_foreground():
    found = find_cells(embed(np.zeros((2, *SHAPE), dtype=int)))
    assert not found.labels.any()
    assert not found.clusters.any()
    assert found.foreground == 0
    assert found.seed_positions.shape == (0, 3)
    assert found.clustering.n_seeds == 0


def test_everything_foreground():
    found = find_cells(embed(np.ones((2, *SHAPE), dtype=int)))
    assert (found.labels == 1).all()
    assert found.foreground == 1


def test_single_foreground_pixel():
    codes = np.zeros((2, *SHAPE), dtype=int)
    codes[1, 5, 6] = 3
    single = ClusterSettings(min_cluster_size=1)
    found = find_cells(embed(codes), single, smallest_cell=1)
    assert np.argwhere(found.labels).tolist() == [[1, 5, 6]]
    assert not find_cells(embed(codes), single, smallest_cell=2).labels.any()


def test_unusable_vectors_never_become_cells():
    codes = pair_of_squares()
    embeddings = embed(codes)
    embeddings[0, 3, 3, 3] = np.nan
    embeddings[0, :, 4, 4] = np.nan
    embeddings[0, 2, 5, 5] = np.inf
    embeddings[0, :, 6, 6] = 0
    for background in ("axis", "none"):
        found = find_cells(embeddings, background=background)
        bad = np.zeros((2, *SHAPE), dtype=bool)
        bad[0, [3, 4, 5, 6], [3, 4, 5, 6]] = True
        assert not found.clusters[bad].any()
        assert (found.labels[(codes > 0) & ~bad] > 0).all()


def test_small_clusters_become_background():
    codes = pair_of_squares()
    codes[0, 22, 22] = 5
    settings = ClusterSettings(min_cluster_size=3, n_initial=1000)
    found = find_cells(embed(codes), cluster=settings, smallest_cell=1)
    assert found.clusters[0, 22, 22] == 0
    assert found.labels[0, 22, 22] == 0


class TestForegroundMask:
    def test_follows_the_angle_with_the_first_axis(self):
        degrees = np.arange(0, 181, 5)
        angles = np.deg2rad(degrees)
        vectors = np.stack([np.cos(angles), np.sin(angles)])[:, np.newaxis]
        expected = (degrees > 45) & (degrees < 135)
        for scale in (1, 1e-3, 50):
            mask = foreground_mask(scale * vectors, 0.5)[0].numpy()
            clear = ~np.isin(degrees, [45, 135])
            np.testing.assert_array_equal(mask[clear], expected[clear])

    def test_any_leading_axes(self):
        embeddings = embed(pair_of_squares())
        whole = foreground_mask(embeddings)
        assert whole.shape == (2, *SHAPE)
        assert torch.equal(foreground_mask(embeddings[0]), whole[0])
        assert torch.equal(foreground_mask(embeddings[np.newaxis]), whole[np.newaxis])

    def test_half_precision_vectors_count_as_unit_vectors(self):
        # Rounding to half precision alone must not move a pixel over the threshold.
        vector = np.array([0.7075, 0.7075], dtype=np.float16)
        assert np.square(vector.astype(np.float32))[0] > 0.5
        assert foreground_mask(vector.reshape(2, 1, 1), 0.5001).item()

    def test_threshold(self):
        vector = np.array([0.6, 0.8]).reshape(2, 1, 1)
        assert foreground_mask(vector, 0.37).item()
        assert not foreground_mask(vector, 0.35).item()


class TestBackground:
    def test_largest_cluster(self):
        # Background along an axis that is not the first one.
        codes = pair_of_squares() + 3
        found = find_cells(embed(codes), background="largest")
        np.testing.assert_array_equal(found.labels > 0, codes > 3)
        assert found.labels.max() == 3

    def test_none(self):
        codes = pair_of_squares()
        found = find_cells(embed(codes), background="none")
        assert (found.labels > 0).all()
        assert found.clusters.max() == 3

    @pytest.mark.parametrize("per_frame", [True, False])
    def test_mask(self, per_frame):
        codes = pair_of_squares()
        mask = (codes == 2).astype(np.uint8) * 7
        given = mask if per_frame else mask[0]
        found = find_cells(embed(codes + 3), background="mask", mask=given)
        np.testing.assert_array_equal(found.labels > 0, codes == 2)

    def test_mask_is_asked_for(self):
        with pytest.raises(InputError, match="mask"):
            find_cells(embed(pair_of_squares()), background="mask")

    def test_mask_of_another_size(self):
        with pytest.raises(InputError, match="same size"):
            find_cells(
                embed(pair_of_squares()), background="mask", mask=np.ones((5, 5))
            )

    def test_largest_with_nothing_usable(self):
        embeddings = np.full((2, 4, 5, 6), np.nan, dtype=np.float16)
        found = find_cells(embeddings, background="largest")
        assert not found.labels.any()


@pytest.mark.parametrize("shape", [(4, 5, 6), (3, 4, 5, 6), (2, 0, 5, 6)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(InputError, match="frame, channel, row"):
        find_cells(np.ones(shape, dtype=np.float32))


def test_policy_of_the_pair_before_is_used():
    embeddings = embed(pair_of_squares())
    found = find_cells(embeddings, policy=SeedPolicy(50))
    assert found.clustering.n_seeds == 50


def test_coordinates_tell_far_cells_of_one_code_apart():
    codes = np.zeros((2, 8, 400), dtype=int)
    codes[:, 2:6, 2:6] = codes[:, 2:6, 390:396] = 1
    embeddings = embed(codes)
    assert find_cells(embeddings).clusters.max() == 1
    with_coordinates = ClusterSettings(coordinate_weight=0.005)
    assert find_cells(embeddings, cluster=with_coordinates).clusters.max() == 2


@pytest.mark.parametrize("shift", [(0, 7), (5, 0), (9, 13)])
def test_default_profile_is_translation_invariant(shift):
    codes = np.zeros((5, 40, 50), dtype=int)
    for time in range(5):
        codes[time, 6 + time : 12 + time, 6:12] = 1
        codes[time, 6:12, 20 + time : 26 + time] = 2
        if time < 3:
            codes[time, 20:27, 8:20] = 3
        else:
            codes[time, 20:27, 8:13] = 4
            codes[time, 20:27, 15:20] = 5
    embeddings = embed(codes)
    background = np.zeros((8, 1, 1), dtype=np.float16)
    background[0] = 1
    moved = np.broadcast_to(background, (5, 8, 60, 70)).copy()
    y, x = shift
    moved[:, :, y : y + 40, x : x + 50] = embeddings
    results = []
    for movie in (embeddings, moved):
        linker = Linker(TRACK)
        for time in range(4):
            generator = torch.Generator().manual_seed(time)
            linker.add(find_cells(movie[time : time + 2], generator=generator).labels)
        results.append(finalize(stack_of(linker), TRACK))
    (labels, lineage), (moved_labels, moved_lineage) = results
    expected = np.zeros((5, 60, 70), dtype=np.int32)
    expected[:, y : y + 40, x : x + 50] = labels
    np.testing.assert_array_equal(moved_labels, expected)
    assert moved_lineage == lineage
    assert len(lineage.divisions()) == 1


@pytest.mark.parametrize("coordinate_weight", [0.0, 0.01])
def test_of_very_many_vectors_a_sample_is_clustered(monkeypatch, coordinate_weight):
    codes = np.kron(pair_of_squares(), np.ones((1, 4, 4), int))
    settings = CLUSTER.model_copy(update={"coordinate_weight": coordinate_weight})
    whole = find_cells(embed(codes), settings)
    monkeypatch.setattr(_codes, "_MOST", 500)
    seen = []
    original = _clusters.cluster

    def counted(points, *arguments, **others):
        seen.append(len(points))
        return original(points, *arguments, **others)

    monkeypatch.setattr(_clusters, "cluster", counted)
    found = find_cells(embed(codes), settings)
    assert 0 < max(seen) <= 500 < np.count_nonzero(codes)
    np.testing.assert_array_equal(found.labels, whole.labels)
    assert found.clustering.sizes.sum() == np.count_nonzero(found.clusters)
    frames, rows, columns = found.seed_positions.T
    assert (codes[frames, rows, columns] > 0).all()
