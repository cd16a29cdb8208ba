"""Several segmentations of one movie are alternatives, of which the best is tracked."""

import numpy as np
import pytest
import tifffile
from scipy.spatial.distance import cdist
from skimage.morphology import convex_hull_image

from fastershift import segment_movie
from fastershift.errors import InputError
from fastershift.pipeline.masks import read_masks
from fastershift.simulate import simulate_movie
from fastershift.tracking import place_cells

AS_GIVEN = {"track": {"vote_weight": 0.0, "mend_masks": False}}


@pytest.fixture(scope="module")
def truth():
    movie = simulate_movie(
        5, (128, 128), 10, diameter=24, kind="nuclei", seed=1, cell_cycle=1e9
    )
    return movie.labels


def without_a_cell(labels, t):
    spoiled = np.array(labels)
    spoiled[t][labels[t] == labels[t].max()] = 0
    return spoiled


def with_two_merged(labels, t):
    spoiled = np.array(labels)
    cells = place_cells(labels[t])
    away = cdist(cells.places, cells.places) + 1e6 * np.eye(len(cells))
    pair = np.isin(labels[t], cells.ids[[*divmod(int(away.argmin()), len(cells))]])
    spoiled[t][convex_hull_image(pair) & ((labels[t] == 0) | pair)] = labels.max() + 1
    return spoiled


def with_one_cut(labels, t):
    spoiled = np.array(labels)
    rows = np.arange(labels.shape[1])[:, np.newaxis]
    inside = labels[t] == labels[t].max()
    middle = np.nonzero(inside)[0].mean()
    spoiled[t][inside & (rows > middle)] = labels.max() + 1
    return spoiled


SPOILED = [without_a_cell, with_two_merged, with_one_cut]


def outlines(frame):
    return sorted(np.flatnonzero(frame == one).tolist() for one in np.unique(frame)[1:])


def assert_same_cells(found, expected):
    assert list(map(outlines, found)) == list(map(outlines, expected))


@pytest.mark.parametrize("one", SPOILED)
@pytest.mark.parametrize("other", SPOILED)
def test_cells_that_are_wrong_in_one_are_taken_from_the_other(truth, one, other):
    result = segment_movie(None, AS_GIVEN, labels=[one(truth, 1), other(truth, 3)])
    assert_same_cells(result.labels, truth)
    names = [name for name, _ in result.provenance["alternatives"]]
    counts = [count for _, count in result.provenance["alternatives"]]
    assert names == ["Label image 1", "Label image 2"]
    assert sum(counts) == sum(len(np.unique(frame)) - 1 for frame in truth)
    assert min(counts) > 0
    (said,) = result.provenance["notices"]
    assert said == (
        f"{sum(counts)} cells were chosen: {counts[0]} from Label image 1 and "
        f"{counts[1]} from Label image 2."
    )


def test_one_or_two_equal_ones_are_the_masks_themselves(truth):
    for several in ([truth], [truth, truth], {"mine": truth}):
        assert_same_cells(segment_movie(None, AS_GIVEN, labels=several).labels, truth)
    # One alone keeps the numbers of its tracks.
    assert read_masks([truth]).tracked
    assert not read_masks([truth, truth]).tracked


def test_a_list_of_frames_is_one_set_of_masks(truth):
    expected = segment_movie(None, AS_GIVEN, labels=truth)
    for frames in (list(truth), [frame.tolist() for frame in truth]):
        result = segment_movie(None, AS_GIVEN, labels=frames)
        np.testing.assert_array_equal(result.labels, expected.labels)
        assert "alternatives" not in result.provenance


def test_alternatives_may_be_files_lists_of_frames_and_have_names(truth, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, without_a_cell(truth, 2).astype("u2"))
    for several, names in (
        ([path, list(truth)], [str(path), "Label image 2"]),
        ({"stardist": path, "drawn": truth}, [str(path), "drawn"]),
    ):
        result = segment_movie(None, AS_GIVEN, labels=several)
        assert_same_cells(result.labels, truth)
        assert [name for name, _ in result.provenance["alternatives"]] == names


def test_cells_without_numbers_are_told_apart_first(truth):
    """A threshold finds pixels: those of cells that touch are one cell."""
    plain = truth > 0
    result = segment_movie(None, AS_GIVEN, labels=[plain, truth])
    said = result.provenance["notices"]
    assert said[0].startswith("Label image 1: All cells have one number")
    apart = segment_movie(None, AS_GIVEN, labels=[plain, plain])
    assert_same_cells(apart.labels, segment_movie(None, AS_GIVEN, labels=plain).labels)
    assert len(result.lineage.tracks) >= len(apart.lineage.tracks)


def test_an_empty_alternative_is_told_and_the_other_is_taken(truth):
    for several in ([truth, 0 * truth], [0 * truth, truth]):
        result = segment_movie(None, AS_GIVEN, labels=several)
        assert_same_cells(result.labels, truth)
        (said,) = result.provenance["notices"]
        assert said.endswith("holds no cell.")
        assert "alternatives" not in result.provenance


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda masks: masks[:4], "Label image 2 has 4 frames, and Label image 1 has"),
        (lambda masks: masks[:, :64], "Label image 2 is 64 × 128 pixels, and Label"),
        (lambda masks: masks[0], "Label image 2 has 1 frame"),
        (lambda masks: -masks, "Label image 2 .*0"),
    ],
)
def test_alternatives_that_differ_are_named(truth, change, sentence):
    with pytest.raises(InputError, match=sentence):
        segment_movie(None, AS_GIVEN, labels=[truth, change(truth)])


def test_without_any_cell_all_are_named(truth):
    with pytest.raises(InputError, match="Label image 1 and Label image 2 hold no"):
        segment_movie(None, AS_GIVEN, labels=[0 * truth, 0 * truth])


class Counting:
    """Masks that count how often a frame is read, and how many are asked for."""

    def __init__(self, labels):
        self._labels = labels
        self.shape, self.dtype = labels.shape, labels.dtype
        self.read = []

    def __len__(self):
        return len(self._labels)

    def __getitem__(self, t):
        self.read.append(t)
        return self._labels[t]


def test_each_frame_is_read_once_in_a_run(truth):
    masks = Counting(truth), Counting(without_a_cell(truth, 2))
    source = read_masks(list(masks))
    for one in masks:
        one.read.clear()
    for t in range(len(truth)):
        first = source.frame(t)
        np.testing.assert_array_equal(source.frame(t), first)
    for one in masks:
        assert one.read == list(range(len(truth)))


def test_a_frame_does_not_depend_on_those_asked_for_before(truth):
    several = [without_a_cell(truth, 2), with_two_merged(truth, 1)]
    forward, alone = read_masks(several), read_masks(several)
    frames = [forward.frame(t) for t in range(len(truth))]
    for t in (3, 0, 4, 2, 1):
        np.testing.assert_array_equal(alone.frame(t), frames[t])
    assert alone.taken == forward.taken
