"""What edits are made of: each step has an inverse, and a record that JSON can hold."""

import json

import numpy as np
import pytest

from fastershift.editing import Editor, Region
from fastershift.editing._cells import Cells
from fastershift.editing._changes import (
    FilledStep,
    LockStep,
    RecolorStep,
    RenameStep,
    ReplaceStep,
    Touched,
    TrackStep,
    VoidStep,
    pack_labels,
    step_from_record,
)
from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track
from helpers.movies import A_CELL_DIVIDES, NO_CELL, TWO_CELLS_TOUCH_THEN_ONE_LEAVES

TOUCH = TWO_CELLS_TOUCH_THEN_ONE_LEAVES
CORNER = Region.of(np.ones((1, 3), bool), 0, 1)
OTHER = TOUCH.labels[1][:, ::-1].copy()

STEPS = {
    "recolor": RecolorStep(1, CORNER, 0, 2),
    "rename": RenameStep(1, 2, ((1, 2), (2, 1))),
    "tracks": TrackStep((Track(2, 0, 2),), (Track(2, 0, 1, 0), Track(7, 2, 2, 2))),
    "locks": LockStep(2, (), (2,)),
    "filled": FilledStep(2, (1,), (2,)),
    "voids": VoidStep(2, (CORNER,), (Region.of(np.ones((1, 1), bool), 3, 3),)),
    "replace": ReplaceStep(1, pack_labels(TOUCH.labels[1]), pack_labels(OTHER)),
}
every_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


@pytest.fixture
def cells():
    cells = Cells(TOUCH.labels.copy(), TOUCH.lineage)
    cells.locked = {2: {1}}
    cells.filled = {2: {1}}
    cells.voids = {2: [CORNER]}
    return cells


def state(cells):
    known = [cells.frame(frame) for frame in range(len(cells))]
    return (
        cells.labels.tolist(),
        cells.lineage,
        {frame: set(ids) for frame, ids in cells.locked.items()},
        {frame: set(ids) for frame, ids in cells.filled.items()},
        {frame: list(regions) for frame, regions in cells.voids.items()},
        [dict(sorted(frame.items())) for frame in known],
        cells.positions().tolist(),
    )


@every_step
def test_a_step_followed_by_its_inverse_changes_nothing(cells, step):
    before = state(cells)
    step.apply(cells)
    assert state(cells) != before
    step.inverse().apply(cells)
    assert state(cells) == before
    assert step.inverse().inverse() == step


@every_step
def test_a_step_survives_json(step):
    assert step_from_record(json.loads(json.dumps(step.record()))) == step


@every_step
def test_a_step_tells_where_pixels_tracks_and_locks_have_changed(cells, step):
    labels, lineage = cells.labels.copy(), cells.lineage
    locks = {frame: len(ids) for frame, ids in cells.locked.items()}
    step.apply(cells)
    touched = Touched()
    step.touch(touched, cells)
    changed = cells.labels != labels
    assert set(touched.boxes) == set(np.flatnonzero(changed.any(axis=(1, 2))).tolist())
    for frame, box in touched.boxes.items():
        changed[frame][box] = False
    assert not changed.any()
    assert cells.lineage == lineage or touched.tracks
    now = {frame: len(ids) for frame, ids in cells.locked.items()}
    assert now == locks or touched.locks


def test_a_step_of_a_later_version_is_refused():
    with pytest.raises(ValueError, match="no step called melt"):
        step_from_record({"kind": "melt"})


def test_a_frame_without_locks_or_voids_is_not_kept(cells):
    cells.change_locks(2, (1,), ())
    cells.change_voids(2, (CORNER,), ())
    assert (cells.locked, cells.voids) == ({}, {})


def test_children_follow_the_lineage():
    cells = Cells(A_CELL_DIVIDES.labels.copy(), A_CELL_DIVIDES.lineage)
    assert cells.children(1) == (2, 3)
    cells.change_tracks([Track(3, 2, 3, 1)], [Track(3, 2, 3)])
    assert cells.children(1) == (2,)
    cells.change_tracks([Track(3, 2, 3)], [Track(4, 2, 3, 1)])
    assert cells.children(1) == (2, 4)
    assert cells.children(2) == ()
    assert cells.new_id() == 5


def test_a_movie_without_cells_has_no_positions_and_begins_with_number_1():
    cells = Cells(NO_CELL.labels.copy(), NO_CELL.lineage)
    assert cells.positions().shape == (0, 4)
    assert cells.new_id() == 1


def test_cells_can_be_found_ahead_of_the_first_edit(cells):
    assert list(cells.prepare()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "labels", [np.zeros((4, 4), np.int32), np.zeros((2, 4, 4), np.int64)]
)
def test_labels_that_cannot_be_corrected_are_refused(labels):
    with pytest.raises(InputError, match="int32"):
        Editor(labels, Lineage(()))


@pytest.mark.parametrize("before", [(1, 1), (1, 4), (4,)])
def test_tracks_that_are_not_there_are_not_taken_away(before):
    cells = Cells(A_CELL_DIVIDES.labels.copy(), A_CELL_DIVIDES.lineage)
    with pytest.raises(ValueError, match="to be taken away"):
        cells.change_tracks([Track(label, 0, 1) for label in before], [Track(5, 0, 1)])
    assert cells.lineage == A_CELL_DIVIDES.lineage
    assert cells.children(1) == (2, 3)
