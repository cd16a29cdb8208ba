"""What a few marks teach: how a person marks, and what the suite tells."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _learning


def cells(n, side=60, width=6):
    """A frame with n square cells, and the middle of each."""
    labels = np.zeros((side, side), np.int32)
    per_row = side // 12
    for number in range(n):
        row, column = divmod(number, per_row)
        labels[3 + 12 * row :, 3 + 12 * column :][:width, :width] = number + 1
    return labels


def test_ten_cells_are_marked_and_those_that_are_worst_come_first():
    labels = cells(20)
    found = labels.copy()
    found[found == 7] = 0  # not found
    found[np.isin(found, (3, 4))] = 3  # found as one
    marks = _learning._ten_cells(labels, found, seed=0)
    marked = set(np.unique(marks[marks > 0]).tolist())
    assert len(marked) == 10
    assert {3, 4, 7} <= marked
    assert all((marks[labels == cell] == cell).all() for cell in marked)


def test_background_is_stroked_where_it_was_taken_for_a_cell():
    labels = cells(4)
    found = labels.copy()
    found[50:56, 50:56] = 9
    marks = _learning._ten_cells(labels, found, seed=0)
    background = marks == 0
    assert background.any()
    assert not labels[background].any()
    # Everything that is neither a cell nor a stroke stays unknown.
    assert (marks == -1).sum() > marks.size / 2
    assert background[50:56, 50:56].any()
    rows, columns = np.nonzero(background)
    assert rows.min() > 45
    assert columns.min() > 45


def test_specks_are_not_marked():
    labels = cells(6)
    labels[55, 55] = 9
    marks = _learning._ten_cells(labels, np.zeros_like(labels), seed=0)
    assert set(np.unique(marks)) == {-1, 0, 1, 2, 3, 4, 5, 6}


def still(n, side=60):
    labels = cells(n, side)
    return labels.astype(np.uint8), labels


def test_stills_of_one_kind_are_learned_from_and_judged_apart():
    small = _learning._of_stills("usiigaci-phase", [still(9) for _ in range(6)], 4)
    # Small ones are put side by side, and cells keep numbers of their own.
    assert small.frame.shape == (60, 240)
    assert len(np.unique(small.labels)) == 4 * 9 + 1
    assert len(small.others) == 2
    large = _learning._of_stills("baby-yeast-bf", [still(9, 240)] * 7, 4)
    assert large.frame.shape == (240, 240)
    assert len(large.others) == 4
    varied = _learning._of_stills("dsb2018-fluo", [still(2), still(20)], 4)
    assert varied.frame.shape == (60, 30)
    assert varied.others[0][0].shape == (60, 30)


@pytest.mark.parametrize("stills", [[], [still(2, 240)] * 3, [still(9, 240)]])
def test_too_few_cells_or_images_teach_nothing(stills):
    assert _learning._of_stills("baby-yeast-bf", stills, 4) is None


def test_the_suite_tells_scores_gains_and_seconds(monkeypatch):
    """Two kinds: of one, all cells are found after learning; of the other, half."""
    labels = cells(8)
    kinds = [
        _learning.LearnedKind(name, labels.astype(np.uint8), labels, [(labels, labels)])
        for name in ("easy", "hard")
    ]
    half = np.where(labels <= 4, labels, 0)
    before = {"easy": half, "hard": half}
    after = {"easy": labels, "hard": half}

    def found_by(kind, _options, model, diameter=None):
        assert (model == "start") == (diameter is not None)
        found = before if model == "start" else after
        return [found[kind.name]] * 2

    def learned(kind, marks, model, _options, diameter, minutes):
        assert (model, diameter) == ("start", 9.0)
        assert (marks < 0).any() == (minutes == 2.0)
        return 3.0, SimpleNamespace(way="head", model=kind.name)

    monkeypatch.setattr(_learning, "kinds_to_learn", lambda _: kinds)
    monkeypatch.setattr(_learning, "load_model", lambda _: "start")
    monkeypatch.setattr(_learning, "_usual_diameter", lambda *_: 9.0)
    monkeypatch.setattr(_learning, "_found_by", found_by)
    monkeypatch.setattr(_learning, "_learned", learned)
    monkeypatch.setattr(_learning, "_pixel_classifier", lambda kind, *_: [half])
    monkeypatch.setattr(_learning, "_seconds_again", lambda _: 0.4)
    result = run_suite("learning", BenchmarkOptions(quick=True, device="cpu"))
    summary = result.summary
    whole, part = 1.0, 2 * 4 / (8 + 4)
    middle = pytest.approx((whole + part) / 2, abs=1e-4)
    assert summary["f1_ten_cells_two_minutes"] == middle
    assert summary["f1_one_frame_five_minutes"] == middle
    assert summary["least_gain"] == 0
    assert summary["least_lead_over_classifier"] == 0
    assert summary["first_preview_seconds"] == 3
    assert summary["preview_seconds"] == 0.4
    assert summary["kinds"]["easy"]["ten cells"] == {
        "before": pytest.approx(part, abs=1e-4),
        "learned": whole,
        "classifier": pytest.approx(part, abs=1e-4),
    }
    assert [row[:2] for row in result.tables[0].rows] == [
        (kind, what) for kind in ("easy", "hard") for what in ("ten cells", "one frame")
    ]
    assert any("Cut down" in note for note in result.notes)


def test_the_classifier_of_pixels_finds_plain_cells():
    kind = _learning.LearnedKind(
        "plain", 100.0 * (cells(9) > 0), cells(9), [(100.0 * (cells(6) > 0), cells(6))]
    )
    (found,) = _learning._pixel_classifier(kind, kind.labels, seed=0)
    assert _learning._f1(kind, [found]) == 1


def test_the_first_model_is_timed_and_the_last_one_counts(monkeypatch):
    asked = []

    class Learner:
        def __init__(self, movie, model, *, diameter, seed, device):
            # The image that is marked, for as long as the network needs to settle.
            assert movie.shape == (4, 60, 60)
            assert diameter == 9.0

        def learn(self, annotations, *, minutes):
            asked.append(minutes)
            yield None
            yield SimpleNamespace(seconds=2.5, way="head")
            yield None
            yield SimpleNamespace(seconds=9.0, way="network")

    monkeypatch.setattr(_learning, "Learner", Learner)
    kind = _learning.LearnedKind("squares", 1.0 * cells(9), cells(9), [])
    for quick, minutes in ((False, 2.0), (True, 0.0)):
        options = BenchmarkOptions(quick=quick, device="cpu")
        seconds, last = _learning._learned(kind, cells(9), "start", options, 9.0, 2.0)
        assert (seconds, last.way) == (2.5, "network")
        assert asked[-1] == minutes


def test_the_model_after_a_further_mark_is_timed(monkeypatch):
    marked = []

    class Learner:
        def __init__(self, frames, model, *, device):
            self.times = iter([0.3, 0.2])

        def learn(self, annotations, *, minutes):
            marked.append(len(annotations.cells))
            yield None
            yield SimpleNamespace(seconds=next(self.times))

    labels = cells(20, side=200)[np.newaxis]
    movie = SimpleNamespace(frames=labels, labels=labels)
    monkeypatch.setattr(_learning, "simulate_movie", lambda *_, **__: movie)
    monkeypatch.setattr(_learning, "load_model", lambda _: "start")
    monkeypatch.setattr(_learning, "Learner", Learner)
    assert _learning._seconds_again(BenchmarkOptions(device="cpu")) == 0.2
    assert marked == [10, 11]
