"""Errors put into the truth for the benchmark of corrections."""

import numpy as np
import pytest

from fastershift.benchmark.suites._planted_errors import (
    KINDS,
    LASTS,
    candidates,
    deepest,
    plant,
)
from fastershift.tracking import Lineage, Track
from helpers.validity import ctc_problems

LENGTH = LASTS + 4


@pytest.fixture(scope="module")
def truth():
    labels = np.zeros((LENGTH, 30, 40), np.int32)
    for t in range(LENGTH):
        labels[t, 4:14, 4 + t // 4 : 14 + t // 4] = 1
        labels[t, 4:14, 16 + t // 4 : 26 + t // 4] = 2
    return labels, Lineage((Track(1, 0, LENGTH - 1), Track(2, 0, LENGTH - 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_where_it_is_said_to_be(truth, kind):
    labels, lineage = truth
    found = list(candidates(kind, labels, lineage, 1))
    assert len(found) == (2 if kind in ("split", "drop") else 1)
    error = found[0]
    assert (error.first, error.last) == (1, 1 + LASTS)
    editor = plant(labels, lineage, error)
    assert ctc_problems(editor.labels, editor.lineage) == []
    assert not editor.history
    wrong = (editor.labels != labels).any(axis=(1, 2))
    assert wrong[error.first : error.last + 1].all()
    assert not wrong[0]
    cells = [editor.labels[1][labels[1] == label] for label in error.cells]
    kinds = [len(np.unique(cell)) for cell in cells]
    if kind == "merge":
        assert cells[0][0] == cells[1][0]
    if kind == "split":
        assert kinds == [2]
    if kind == "drop":
        assert not cells[0].any()
    if kind == "swap":
        assert (cells[0][0], cells[1][0]) == (2, 1)


def test_no_error_begins_where_it_cannot_last(truth):
    labels, lineage = truth
    assert not list(candidates("drop", labels, lineage, LENGTH - 2))


def test_clicks_go_to_the_middle():
    mask = np.zeros((9, 20), bool)
    mask[1:8, 2:9] = True
    mask[4, 9:18] = True
    assert deepest(mask) == (4, 5)
