"""Scores: by hand on small cases, against traccuracy, and on perturbed real truth."""

import shutil
import sys

import numpy as np
import pytest
import tifffile

from fastershift.errors import InputError
from fastershift.evaluation import Scores, evaluate, score_arrays
from fastershift.io import read_result, write_result, write_simulation
from fastershift.simulate import simulate_movie

pytest.importorskip("ctc_metrics")


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(12, (80, 80), 5, diameter=16, seed=4, cell_cycle=10)


@pytest.fixture
def truth(tmp_path, movie):
    return write_simulation(movie, tmp_path / "sim") / "01_GT"


def without(movie, track):
    """The movie's truth with one track missing."""
    labels = np.where(movie.labels == track, 0, movie.labels)
    tracks = [
        (i, first, last, 0 if parent == track else parent)
        for i, first, last, parent in movie.tracks
        if i != track
    ]
    return labels, tracks


def swapped(movie):
    """The truth with two cells exchanged from the frame in which both are present."""
    spans = {i: (first, last) for i, first, last, _ in movie.tracks}
    parents = {parent for *_, parent in movie.tracks}
    one, two = next(
        (a, b)
        for a in spans
        for b in spans
        if a < b and spans[a] == spans[b] and not parents & {a, b}
        if spans[a][1] - spans[a][0] > 3
    )
    labels = movie.labels.copy()
    middle = sum(spans[one]) // 2
    labels[middle:][movie.labels[middle:] == one] = two
    labels[middle:][movie.labels[middle:] == two] = one
    return labels, list(movie.tracks)


def merged(movie):
    """The truth with two cells of the last frame under one number."""
    labels = movie.labels.copy()
    last = len(labels) - 1
    both = [i for i, first, end, _ in movie.tracks if first < end == last][:2]
    labels[last][np.isin(labels[last], both)] = 999
    tracks = [
        (i, first, end - (i in both), parent) for i, first, end, parent in movie.tracks
    ]
    return labels, [*tracks, (999, last, last, 0)]


def unlinked(movie):
    return movie.labels, [(i, first, last, 0) for i, first, last, _ in movie.tracks]


def shrunken(movie):
    """Cells that lose a third of their pixels, and one more than half of them."""
    labels = movie.labels.copy()
    labels[:, ::3] = 0
    labels[:, ::2][labels[:, ::2] == 1] = 0
    return labels, None


def test_truth_scores_one(movie, truth):
    scores = evaluate(truth, truth, silver=truth)
    assert scores.as_dict() == {"SEG": 1.0, "DET": 1.0, "TRA": 1.0, "SEG_ST": 1.0}
    assert scores.parameters["frames"] == 12
    assert scores.parameters["truth_frames"] == (0, 12)
    assert scores.version.startswith("py-ctcmetrics 1.")


def by_hand():
    """Three cells: one found by 3/4, one by exactly half, one inside a larger one."""
    truth = np.zeros((10, 20), np.int32)
    truth[0:4, 0:4] = 1
    truth[0:4, 6:10] = 2
    truth[0:4, 12:16] = 3
    result = np.zeros_like(truth)
    result[0:4, 0:3] = 7
    result[0:4, 8:10] = 8
    result[0:4, 12:20] = 9
    return truth, result


def test_seg_by_hand():
    truth, result = by_hand()
    scores = score_arrays(result[None], None, seg_frames={0: truth})
    assert scores.seg == pytest.approx((12 / 16 + 0 + 16 / 32) / 3)
    assert scores.as_dict() == {
        "SEG": scores.seg,
        "DET": None,
        "TRA": None,
        "SEG_ST": None,
    }


def test_seg_counts_frames_with_segments_alone():
    truth, result = by_hand()
    stack = np.stack([result * 0, result, result * 0])
    scores = score_arrays(stack, None, seg_frames={1: truth})
    assert scores.seg == pytest.approx(1.25 / 3)
    both = score_arrays(stack, None, seg_frames={1: truth, 2: truth})
    assert both.seg == pytest.approx(1.25 / 6)
    assert score_arrays(stack, None, seg_frames={2: truth * 0}).seg is None


def test_det_by_hand():
    truth, result = by_hand()
    scores = score_arrays(result[None], None, truth[None], None)
    # One of three cells is missed (10) and one is found that is not there (1).
    assert scores.det == pytest.approx(1 - 11 / 30)
    assert scores.tra == pytest.approx(1 - 11 / 30)


def test_tra_by_hand():
    truth, _ = by_hand()
    stack = np.stack([truth, truth])
    result = stack.copy()
    result[1][truth == 1] = 4
    scores = score_arrays(result, None, stack, None)
    # Three cells in two frames, and one of the three links is missing.
    assert scores.det == 1.0
    assert scores.tra == pytest.approx(1 - 1.5 / (6 * 10 + 3 * 1.5))


@pytest.mark.parametrize("change", [swapped, merged, unlinked, shrunken])
def test_errors_lower_the_scores(movie, change):
    labels, tracks = change(movie)
    segments = dict(enumerate(movie.labels))
    scores = score_arrays(
        labels, tracks, movie.labels, movie.tracks, seg_frames=segments
    )
    assert scores.tra < 1
    if change in (merged, shrunken):
        assert scores.det < 1
        assert scores.seg < 1
    else:
        assert scores.det == 1
        assert scores.seg == 1


def test_a_dropped_cell_lowers_all_scores(movie):
    labels, tracks = without(movie, 1)
    segments = dict(enumerate(movie.labels))
    scores = score_arrays(
        labels, tracks, movie.labels, movie.tracks, seg_frames=segments
    )
    found = sum(len(np.unique(frame)) - 1 for frame in labels)
    cells = sum(len(np.unique(frame)) - 1 for frame in movie.labels)
    assert scores.det == pytest.approx(found / cells)
    assert scores.seg == pytest.approx(found / cells)
    assert scores.tra < 1


def traccuracy_scores(result, truth):
    traccuracy = pytest.importorskip("traccuracy")
    from traccuracy.loaders import load_ctc_data
    from traccuracy.matchers import CTCMatcher
    from traccuracy.metrics import CTCMetrics

    results, _ = traccuracy.run_metrics(
        load_ctc_data(str(truth / "TRA")),
        load_ctc_data(str(result)),
        CTCMatcher(),
        [CTCMetrics()],
    )
    return results[0]["results"]["DET"], results[0]["results"]["TRA"]


@pytest.mark.parametrize(
    "change", [lambda movie: without(movie, 2), swapped, merged, unlinked, shrunken]
)
def test_traccuracy_agrees(tmp_path, movie, truth, change):
    labels, tracks = change(movie)
    result = write_result(tmp_path / "out", labels, tracks)
    scores = evaluate(result, truth)
    det, tra = traccuracy_scores(result, truth)
    assert scores.det == pytest.approx(det)
    assert scores.tra == pytest.approx(tra)


def test_each_cell_merged_into_another_is_one_split_to_make(movie):
    frame = movie.labels[:1]
    cells = len(np.unique(frame)) - 1
    assert cells > 2
    scores = score_arrays((frame > 0).astype(np.int32), None, frame, None)
    assert scores.det == pytest.approx(1 - 5 * (cells - 1) / (10 * cells))


def test_an_empty_result_scores_nothing(tmp_path, movie, truth):
    result = write_result(tmp_path / "out", movie.labels * 0, [])
    scores = evaluate(result, truth, silver=truth)
    assert set(scores.as_dict().values()) == {0.0}


def test_a_truth_without_cells_gives_no_scores(movie):
    scores = score_arrays(movie.labels, movie.tracks, movie.labels * 0, [])
    assert scores.det is None
    assert scores.tra is None


def test_truth_with_segments_or_tracks_alone(tmp_path, movie, truth):
    result = write_result(tmp_path / "out", movie.labels, movie.tracks)
    shutil.move(truth / "SEG", tmp_path / "aside" / "SEG")
    assert evaluate(result, truth).as_dict() == {
        "SEG": None,
        "DET": 1.0,
        "TRA": 1.0,
        "SEG_ST": None,
    }
    assert evaluate(result, tmp_path / "aside") == Scores(
        1.0,
        None,
        None,
        None,
        {"frames": 12, "overlap": 0.5, "truth_frames": (0, 12)},
        evaluate(result, truth).version,
    )


def test_a_part_of_the_frames(tmp_path, movie, truth):
    first, stop = 5, 11
    assert any(b < first <= e for _, b, e, _ in movie.tracks)
    kept = set(np.unique(movie.labels[first:stop]))
    tracks = [
        (i, max(b, first) - first, min(e, stop - 1) - first, p if p in kept else 0)
        for i, b, e, p in movie.tracks
        if i in kept
    ]
    result = write_result(tmp_path / "out", movie.labels[first:stop], tracks)
    for number in (0, 1, 7, 9, 11):
        path = truth / "SEG" / f"man_seg{number:03d}.tif"
        assert path.exists()
        if number == 9:
            tifffile.imwrite(path, np.zeros((80, 80), np.uint16))
    scores = evaluate(result, truth, silver=truth, frames=(first, stop))
    assert set(scores.as_dict().values()) == {1.0}
    assert scores.parameters["truth_frames"] == (first, stop)
    wrong = evaluate(result, truth, frames=(first - 1, stop - 1))
    assert wrong.tra < 1
    with pytest.raises(InputError, match="6 frames and its truth 12") as caught:
        evaluate(result, truth)
    assert caught.value.options == {"frames": "A:B"}
    with pytest.raises(InputError, match="not the frames 5:9"):
        evaluate(result, truth, frames=(5, 9))
    with pytest.raises(InputError, match="give a range within 0:12"):
        evaluate(result, truth, frames=(7, 13))


def test_one_frame(movie):
    tracks = [(int(i), 0, 0, 0) for i in np.unique(movie.labels[0]) if i]
    scores = score_arrays(movie.labels[:1], tracks, movie.labels[:1], tracks)
    assert (scores.det, scores.tra) == (1.0, 1.0)


def test_what_does_not_belong_together_is_refused(tmp_path, movie, truth):
    result = write_result(tmp_path / "out", movie.labels, movie.tracks)
    smaller = write_result(tmp_path / "small", movie.labels[:, 1:], None)
    with pytest.raises(InputError, match="do not belong to the same movie"):
        evaluate(smaller, truth)
    with pytest.raises(InputError, match="no ground truth at"):
        evaluate(result, tmp_path / "absent")
    with pytest.raises(InputError, match="not contain silver truth"):
        evaluate(result, truth, silver=tmp_path)
    shutil.rmtree(truth / "TRA")
    short = write_result(tmp_path / "short", movie.labels[:3], None)
    with pytest.raises(InputError, match="has a frame 3"):
        evaluate(short, truth)


def test_tracks_that_contradict_the_labels_are_refused(movie):
    for tracks in (
        movie.tracks[1:],
        [*movie.tracks, (77, 0, 1, 0)],
        [
            (i, first, last + (i == 1), parent)
            for i, first, last, parent in movie.tracks
        ],
    ):
        with pytest.raises(InputError, match="tracks of the result does not fit"):
            score_arrays(movie.labels, tracks, movie.labels, movie.tracks)


def test_a_track_of_the_result_with_a_gap_counts_as_two():
    """As where a frame shows nothing; what follows is a child of what was before."""
    labels = np.zeros((8, 20, 20), np.int32)
    labels[:, 2:8, 2:8] = 1
    labels[:4, 12:18, 2:18] = 2
    labels[4:, 12:18, 2:8], labels[4:, 12:18, 12:18] = 3, 4
    tracks = [(1, 0, 7, 0), (2, 0, 3, 0), (3, 4, 7, 2), (4, 4, 7, 2)]
    gap = labels.copy()
    gap[2] = 0
    split = gap.copy()
    split[3:][gap[3:] == 1], split[3][gap[3] == 2] = 5, 6
    rows = [(1, 0, 1, 0), (2, 0, 1, 0), (3, 4, 7, 6), (4, 4, 7, 6)]
    rows += [(5, 3, 7, 1), (6, 3, 3, 2)]
    found = score_arrays(gap, tracks, labels, tracks)
    assert found == score_arrays(split, rows, labels, tracks)
    assert found.tra < 1
    with pytest.raises(InputError, match="tracks of the truth does not fit"):
        score_arrays(labels, tracks, gap, tracks)


def test_a_track_of_its_own_follows_a_gap_where_no_tracks_are_listed(movie):
    gap = movie.labels.copy()
    gap[5] = 0
    assert score_arrays(gap, None, gap).tra == 1


def test_a_parent_that_is_not_there_is_none(movie):
    """Nor one that comes later; and numbers may be large."""
    without_parents = unlinked(movie)[1]
    odd = [(i, b, e, p or 99) for i, b, e, p in movie.tracks]
    both = (movie.labels, movie.tracks), (movie.labels, odd)
    assert {score_arrays(*a, *b).tra for a in both for b in both} == {1.0}
    later = [(i, b, e, i) for i, b, e, _ in movie.tracks]
    bare = score_arrays(*both[0], movie.labels, without_parents)
    assert score_arrays(*both[0], movie.labels, later) == bare
    large = np.where(movie.labels > 0, movie.labels + 2_000_000_000, 0)
    rows = [(i + 2_000_000_000, b, e, 0) for i, b, e, _ in movie.tracks]
    assert score_arrays(large, rows, movie.labels, without_parents).tra == 1


def test_missing_metrics_name_the_extra(movie, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctc_metrics", None)
    monkeypatch.setitem(sys.modules, "ctc_metrics.metrics", None)
    with pytest.raises(InputError, match=r"fastershift\[metrics\]"):
        score_arrays(movie.labels, movie.tracks, movie.labels, movie.tracks)


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    """Twelve frames of Fluo-N2DH-SIM+ with their truth cut out by hand."""
    truth = shared / "data/Fluo-N2DH-SIM+/01_GT"
    labels, tracks = read_result(truth)
    labels = labels[8:20, ::2, ::2]
    kept = set(np.unique(labels))
    cut = [
        (i, max(b, 8) - 8, min(e, 19) - 8, p if p in kept else 0)
        for i, b, e, p in tracks
        if i in kept
    ]
    assert any(parent for *_, parent in cut)
    folder = tmp_path_factory.mktemp("truth") / "TRA"
    write_result(folder, labels, cut)
    for mask in folder.glob("mask*.tif"):
        mask.rename(folder / mask.name.replace("mask", "man_track"))
    (folder / "res_track.txt").rename(folder / "man_track.txt")
    return labels, cut, folder.parent


def test_real_truth_perturbed(tmp_path, real):
    labels, tracks, truth = real
    rng = np.random.default_rng(0)
    result = labels.copy()
    for t in range(len(result)):
        result[t][result[t] == rng.choice(np.unique(result[t])[1:])] = 0
    long = [i for i, b, e, _ in tracks if b == 0 and e == 11][:2]
    one, two = (labels[6:] == number for number in long)
    result[6:][one], result[6:][two] = long[1], long[0]
    present = {}
    for t, frame in enumerate(result):
        for number in np.unique(frame)[1:]:
            present.setdefault(number, []).append(t)
    # What is left of a track after a gap gets a new number.
    fresh, listed = int(result.max()) + 1, []
    for number, frames in present.items():
        for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
            name = int(number)
            if run[0] != frames[0]:
                name, fresh = fresh, fresh + 1
                piece = result[run[0] : run[-1] + 1]
                piece[piece == number] = name
            listed.append((name, int(run[0]), int(run[-1]), 0))
    path = write_result(tmp_path / "out", result, listed)
    scores = evaluate(path, truth)
    det, tra = traccuracy_scores(path, truth)
    assert scores.det == pytest.approx(det)
    assert scores.tra == pytest.approx(tra)
    assert 0.5 < scores.tra < scores.det < 1


def test_silver_truth_of_a_real_movie(shared, tmp_path):
    data = shared / "data/Fluo-N2DL-HeLa"
    labels = [tifffile.imread(data / f"01_ST/SEG/man_seg{t:03d}.tif") for t in (24, 25)]
    result = write_result(tmp_path / "out", np.stack(labels).astype(np.int32), None)
    scores = evaluate(result, data / "01_GT", silver=data / "01_ST", frames=(24, 26))
    assert scores.seg_st == 1.0
    assert scores.det > 0.95
