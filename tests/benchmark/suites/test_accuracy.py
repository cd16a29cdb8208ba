"""Scores of the default run and of a simple baseline."""

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark._baseline import simple_baseline
from fastershift.benchmark.suites import _accuracy
from fastershift.errors import InputError
from fastershift.evaluation import score_arrays
from fastershift.simulate import simulate_movie


def discs(*centres, shape=(60, 80), radius=8):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    frame = np.full(shape, 10.0)
    for row, column in centres:
        frame[np.hypot(rows - row, columns - column) < radius] = 100
    return frame


def test_the_baseline_cuts_touching_discs_and_keeps_their_numbers():
    movie = [
        discs((20, 20), (20, 34), (45, 60)),
        discs((21, 21), (21, 35), (45, 61)),
        discs((22, 22), (45, 62)),
    ]
    labels = simple_baseline(movie, 16)
    assert [len(np.unique(frame)) - 1 for frame in labels] == [3, 3, 2]
    first = [labels[0][20, 20], labels[0][20, 34], labels[0][45, 60]]
    assert [labels[1][21, 21], labels[1][21, 35], labels[1][45, 61]] == first
    assert [labels[2][22, 22], labels[2][45, 62]] == [first[0], first[2]]


def test_the_baseline_drops_specks_and_bears_empty_frames():
    frame = discs((30, 40))
    frame[5:7, 5:7] = 100
    assert simple_baseline([frame, np.zeros((60, 80))], 16).max() == 1


def test_the_baseline_is_a_fair_opponent_on_easy_cells():
    movie = simulate_movie(3, (128, 128), 5, diameter=20, seed=3)
    scores = score_arrays(simple_baseline(movie.frames, 20), None, movie.labels)
    assert scores.det > 0.8


@pytest.mark.slow  # whole runs, with shipped networks
def test_without_data_movies_are_simulated(monkeypatch):
    monkeypatch.setattr(_accuracy, "_KINDS", ("nuclei",))
    result = run_suite("accuracy", BenchmarkOptions(quick=True))
    scores = result.summary["simulated nuclei"]
    assert set(scores) == {"SEG", "DET", "TRA", "SEG_ST"}
    assert scores["DET"] > 0.5
    assert scores["SEG_ST"] is None
    assert set(result.summary["baseline"]) == {"simulated nuclei"}
    assert result.summary["generalist"]["simulated nuclei"]["DET"] > 0.5
    rows = result.tables[0].rows
    assert [row[2].partition(":")[0] for row in rows] == [
        "auto",
        "free",
        "Otsu, watershed, overlap",
    ]
    assert rows[0][3] == pytest.approx(scores["SEG"], abs=0.001)


def test_a_folder_without_known_movies_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="holds none of the movies"):
        run_suite("accuracy", BenchmarkOptions(data=tmp_path))


@pytest.mark.slow  # a real movie, with shipped networks
def test_real_movies_by_name(shared, monkeypatch):
    name = "DIC-C2DH-HeLa"
    monkeypatch.setattr(_accuracy, "KEPT_OUT", {name: _accuracy.KEPT_OUT[name]})
    options = BenchmarkOptions(quick=True, data=shared / "data")
    result = run_suite("accuracy", options)
    assert result.summary[name]["TRA"] > result.summary["baseline"][name]["TRA"]
    assert result.tables[0].rows[0][1] == "68:71"
