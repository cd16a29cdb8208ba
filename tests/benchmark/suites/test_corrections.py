"""Corrections: which cells count as right after a few clicks, and what others lose."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _corrections
from fastershift.benchmark.suites._corrections import (
    _consistent,
    _Count,
    _edit,
    _harmed,
    _places,
    _right,
    _starts,
    _Task,
)
from fastershift.benchmark.suites._planted_errors import LASTS, Planted, plant
from fastershift.editing import Editor
from fastershift.errors import InputError
from fastershift.session import Corrections
from fastershift.tracking import Lineage, Track

LENGTH = LASTS + 4
QUICK = BenchmarkOptions(quick=True, device="cpu")


def truth(n_frames=LENGTH):
    """Three squares in a row, the first two of them neighbours."""
    labels = np.zeros((n_frames, 24, 60), np.int32)
    labels[:, 6:16, 4:14], labels[:, 6:16, 16:26] = 1, 2
    labels[:, 6:16, 44:54] = 3
    tracks = tuple(Track(n, 0, n_frames - 1) for n in (1, 2, 3))
    return _Task("squares", labels, labels, Lineage(tracks))


ERRORS = {
    "merge": Planted("merge", 1, 1 + LASTS, (1, 2)),
    "split": Planted("split", 1, 1 + LASTS, (1,)),
    "drop": Planted("drop", 1, 1 + LASTS, (2,)),
    "swap": Planted("swap", 1, 1 + LASTS, (1, 2)),
}


def test_cells_count_in_every_frame_after_the_error():
    places = list(_places(Planted("merge", 2, 4, (5, 9))))
    assert places == [(3, 5), (3, 9), (4, 5), (4, 9)]


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
class TestRight:
    def test_all_are_right_in_the_truth(self, error):
        task = truth()
        editor = Editor(task.labels.copy(), task.lineage)
        assert _right(editor, task, error) == len(list(_places(error)))

    def test_an_error_makes_most_of_them_wrong(self, error):
        task = truth()
        wrong = plant(task.labels, task.lineage, error)
        right = _right(wrong, task, error)
        # Of a merged pair, and of a split cell, one half may still pass.
        assert right <= len(list(_places(error))) / 2 + LASTS / 2
        if error.kind in ("drop", "swap"):
            assert right == 0

    def test_others_are_not_harmed_by_the_error_itself(self, error):
        task = truth()
        wrong = plant(task.labels, task.lineage, error)
        others, harmed = _harmed(wrong.labels, wrong.labels, task.labels, error)
        assert others == (3 - len(error.cells)) * (LENGTH - 1)
        assert harmed == 0

    def test_a_neighbour_that_is_lost_is_harmed(self, error):
        task = truth()
        wrong = plant(task.labels, task.lineage, error)
        corrected = wrong.labels.copy()
        corrected[3:5][corrected[3:5] == wrong.labels[3, 10, 50]] = 0
        _, harmed = _harmed(wrong.labels, corrected, task.labels, error)
        assert harmed == 2


def test_a_cell_needs_its_identity_and_half_of_its_overlap():
    task = truth()
    error = ERRORS["drop"]
    whole = task.labels.copy()
    whole[5][whole[5] == 2] = 0
    whole[5, 6:16, 16:20] = 2  # less than half
    whole[6, 6:16, 16:19] = 0  # more than half
    editor = Editor(whole, task.lineage)
    assert _right(editor, task, error) == LASTS - 1


@pytest.mark.parametrize("kind", ["split", "swap"])
def test_clicks_of_a_user_put_the_frame_right(kind):
    task, error = truth(), ERRORS[kind]
    wrong = plant(task.labels, task.lineage, error)
    corrections = Corrections(wrong.labels.copy(), wrong.lineage)
    corrections.do(_edit(corrections, task.labels, error))
    np.testing.assert_array_equal(corrections.labels[1] > 0, task.labels[1] > 0)
    for label in error.cells:
        here = corrections.labels[1][task.labels[1] == label]
        assert len(np.unique(here)) == 1
        # The identity is that of the frame before.
        assert here[0] == corrections.labels[0][task.labels[0] == label][0]


class TestTruth:
    def test_tracks_with_a_gap_are_left_out_with_their_cells(self):
        labels = truth(4).labels.copy()
        labels[2][labels[2] == 2] = 0
        kept, lineage = _consistent(labels, [(1, 0, 3, 0), (2, 0, 3, 0), (3, 0, 3, 0)])
        assert {track.id for track in lineage.tracks} == {1, 3}
        assert set(np.unique(kept)) == {0, 1, 3}

    def test_tracks_are_cut_to_the_stretch_and_keep_mothers_that_end_before(self):
        labels = np.zeros((4, 10, 40), np.int32)
        labels[:2, 2:8, 2:8] = 1
        labels[2:, 2:8, 2:8], labels[2:, 2:8, 12:18] = 2, 3
        tracks = [(1, -5, 1, 0), (2, 2, 9, 1), (3, 2, 9, 7)]
        _, lineage = _consistent(labels, tracks)
        assert [(t.id, t.first, t.last, t.parent) for t in lineage.tracks] == [
            (1, 0, 1, 0),
            (2, 2, 3, 1),
            (3, 2, 3, 0),  # nothing is known of track 7
        ]

    @pytest.mark.parametrize(
        ("count", "quick", "starts"),
        [
            (5, False, []),
            (_corrections._LENGTH, False, [0]),
            (_corrections._LENGTH + 9, False, [0, 9]),
            (_corrections._LENGTH + 9, True, [0]),
        ],
    )
    def test_stretches_lie_at_both_ends_of_a_movie(self, count, quick, starts):
        assert _starts(count, BenchmarkOptions(quick=quick)) == starts


class TestCounts:
    def test_shares_are_of_the_cells_that_follow(self):
        count = _Count(errors=4, presses=14, frames=40, right=30, right_alone=10)
        count.others, count.harmed = 200, 3
        assert count.share == 0.75
        assert count.row("movie", "merge") == (
            *("movie", "merge", 4, 3.5, 40),
            *(0.75, 0.25, 0.015),
        )
        assert _Count().share is None
        assert _Count().row("movie", "drop")[3:] == (0, 0, 0, 0, 0)

    def test_counts_of_movies_add_up(self):
        total = _Count(errors=1, frames=10, right=5, stops=["one"])
        total.add(_Count(errors=2, frames=10, right=10, harmed=1, stops=["two"]))
        assert (total.errors, total.frames, total.right) == (3, 20, 15)
        assert (total.harmed, total.stops) == (1, ["one", "two"])


def test_the_suite_tells_shares_and_clicks_of_all_movies(monkeypatch):
    tasks = [truth(), truth()]
    monkeypatch.setattr(_corrections, "_simulated", lambda _: tasks)
    monkeypatch.setattr(
        _corrections, "plan_run", lambda movie, device: SimpleNamespace(source=None)
    )

    def correct(count, plan, task, error):
        count.errors += 1
        count.presses += {"merge": 4, "split": 4, "drop": 3, "swap": 3}[error.kind]
        count.frames += 10
        count.right += 8 if error.kind == "merge" else 10

    monkeypatch.setattr(_corrections, "_correct", correct)
    result = run_suite("corrections", QUICK)
    assert result.summary["recovered_share"] == {"merge": 0.8, "split": 1, "drop": 1}
    assert result.summary["clicks_per_error"] == {
        "merge": 4,
        "split": 4,
        "drop": 3,
        "swap": 3,
    }
    rows = {(row[0], row[1]): row for row in result.tables[0].rows}
    # Stretches of one movie are one line; at most four errors of a kind each.
    assert rows["squares", "drop"][2] == 2 * 3
    assert rows["squares", "merge"][2] == 2
    assert rows["all", "drop"][2:] == rows["squares", "drop"][2:]


def test_errors_that_cannot_be_corrected_stay_wrong_and_say_why(monkeypatch):
    class Refusing:
        def __init__(self, labels, lineage, *, plan):
            self.labels = labels

        def do(self, edit):
            raise InputError("There is nothing to split.")

    monkeypatch.setattr(_corrections, "Corrections", Refusing)
    monkeypatch.setattr(_corrections, "_edit", lambda *_: None)
    task, count = truth(), _Count()
    _corrections._correct(count, None, task, ERRORS["drop"])
    assert (count.errors, count.frames, count.right) == (1, LASTS, 0)
    assert count.stops == ["There is nothing to split."]
    assert (count.others, count.harmed) == (0, 0)


def test_a_folder_without_movies_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no movie with its truth"):
        run_suite("corrections", BenchmarkOptions(quick=True, data=tmp_path))


def challenge(folder, labels, *, step=1):
    """Write a movie as the Challenge has it, with outlines of every `step`-th frame."""
    import tifffile

    for name in ("01", "01_GT/TRA", "01_GT/SEG"):
        (folder / name).mkdir(parents=True)
    for t, frame in enumerate(labels.astype(np.uint16)):
        tifffile.imwrite(folder / f"01/t{t:03}.tif", 500 * (frame > 0) + np.uint16(20))
        tifffile.imwrite(folder / f"01_GT/TRA/man_track{t:03}.tif", frame)
        if t % step == 0:
            tifffile.imwrite(folder / f"01_GT/SEG/man_seg{t:03}.tif", frame)
    last = len(labels) - 1
    rows = [f"{track} 0 {last} 0" for track in np.unique(labels[labels > 0])]
    (folder / "01_GT/TRA/man_track.txt").write_text("\n".join(rows))


@pytest.mark.parametrize("step", [1, 2])
def test_stretches_of_real_movies_have_all_of_their_cells(tmp_path, step):
    labels = truth(_corrections._LENGTH + 1).labels
    challenge(tmp_path / "SET", labels, step=step)
    (tmp_path / "something else").mkdir()
    options = BenchmarkOptions(data=tmp_path)
    first, second = _corrections._real(options)
    assert first.name == second.name == "SET"
    assert len(first.movie) == len(first.labels) == _corrections._LENGTH
    np.testing.assert_array_equal(first.labels[0], labels[0])
    for task in (first, second):
        assert {track.id for track in task.lineage.tracks} == {1, 2, 3}
        assert all(len(np.unique(frame)) == 4 for frame in task.labels)


def test_what_is_carried_on_is_added_to_the_edit_until_it_ends():
    class Carrying:
        def __init__(self):
            self.added = []

        def propagate(self, frame, tracks):
            assert (frame, tracks) == (1, (2,))
            yield None
            yield SimpleNamespace(stopped="")
            yield SimpleNamespace(stopped="The cell divides.")

        def extend(self, entry, carried):
            self.added.append((entry, carried.stopped))

    corrections = Carrying()
    change = SimpleNamespace(entry=7, tracks=(2,))
    assert _corrections._carry(corrections, change, 1) == "The cell divides."
    assert corrections.added == [(7, ""), (7, "The cell divides.")]
