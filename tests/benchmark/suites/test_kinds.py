"""Cells of many kinds: how matches are counted, and what the suite tells."""

import numpy as np
import pytest
import tifffile

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _kinds
from fastershift.errors import InputError
from fastershift.labels import match_cells


def frame(*boxes):
    labels = np.zeros((20, 40), np.int32)
    for number, (top, left, height, width) in enumerate(boxes, start=1):
        labels[top : top + height, left : left + width] = number
    return labels


def test_a_cell_is_found_when_more_than_half_overlaps():
    truth = frame((0, 0, 10, 10), (0, 20, 10, 10))
    # IoU 2/3 and 1/3.
    found = frame((0, 2, 10, 10), (0, 25, 10, 10))
    matches = match_cells(truth, found)
    assert (matches.hits, matches.close) == (1, 0)
    assert (matches.truth, matches.found) == (2, 2)
    assert matches.f1 == 0.5


def test_missing_and_invented_cells_cost_the_same():
    two, one = frame((0, 0, 10, 10), (0, 20, 10, 10)), frame((0, 0, 10, 10))
    assert match_cells(two, one).f1 == match_cells(one, two).f1 == 2 / 3
    assert match_cells(two, two).f1_close == 1
    empty = np.zeros_like(two)
    assert match_cells(two, empty).f1 == match_cells(empty, empty).f1 == 0


def test_matches_of_frames_add_up():
    truth = frame((0, 0, 10, 10))
    total = match_cells(truth, truth) + match_cells(truth, 0 * truth)
    assert (total.hits, total.truth, total.found) == (1, 2, 1)


@pytest.fixture
def few_kinds(monkeypatch):
    monkeypatch.setattr(_kinds, "SIMULATED", (("clumps", 20.0, 6),))


@pytest.mark.slow  # whole runs, with shipped networks
@pytest.mark.parametrize("below", ["kinds", "."])
def test_stills_that_are_kept_out_are_scored(few_kinds, tmp_path, below):
    home = tmp_path / below / "trpl-bacteria-phase"
    for folder in ("images", "masks"):
        (home / folder).mkdir(parents=True)
        for number in range(6):
            labels = frame((0, 0, 10, 10), (0, 20, 12, 12))
            image = (labels > 0).astype(np.uint8) * 100 + number
            content = image if folder == "images" else labels.astype(np.uint16)
            tifffile.imwrite(home / folder / f"{number:03}.tif", content)
    options = BenchmarkOptions(quick=True, data=tmp_path, device="cpu")
    result = run_suite("kinds", options)
    kinds = result.summary["kinds"]
    assert set(kinds) == {"trpl-bacteria-phase", "simulated clumps"}
    assert kinds["trpl-bacteria-phase"]["baseline"] == 1
    values = [one["auto"] for one in kinds.values()]
    assert result.summary["mean_f1"] == pytest.approx(np.mean(values), abs=1e-3)
    assert result.summary["least_f1"] == min(values)
    off = [abs(one["expected"] - one["auto"]) for one in kinds.values()]
    assert result.summary["quality_error"] == pytest.approx(np.mean(off), abs=1e-3)
    assert {row[0] for row in result.tables[0].rows} == set(kinds)


@pytest.mark.parametrize("name", ["kinds", "robustness", "learning"])
def test_a_folder_without_any_kind_is_a_sentence(tmp_path, name):
    with pytest.raises(InputError, match="holds none of the kinds"):
        run_suite(name, BenchmarkOptions(quick=True, data=tmp_path, device="cpu"))


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        run_suite("kinds", BenchmarkOptions(data=tmp_path / "gone"))
