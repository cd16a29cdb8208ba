"""Cells of the plain kinds as they are drawn: arms, texture, light; and colonies."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.simulate._kinds import draw_life, settle
from fastershift.simulate._optics import expose
from fastershift.simulate._walls import Walls
from helpers.scenes import DISC, DISCS

SHAPE = (90, 90)
SIZE = 10.0
SCENE = replace(DISCS, kind="phase", elongation=1.0)


def exposed(*cells):
    """The light of new cells, and the number of the track that would come next."""
    return expose(SCENE, [replace(cell) for cell in cells], 1)


def seen(cell):
    """Where a cell is, its light and its texture."""
    frame, _ = exposed(cell)
    return frame.labels == 1, frame.signal, frame.detail


def test_a_cell_without_arms_is_a_disc():
    inside, light, _ = seen(DISC)
    assert np.count_nonzero(inside) == pytest.approx(np.pi * SIZE**2, rel=0.03)
    assert ndi.center_of_mass(inside) == pytest.approx((40, 40), abs=0.1)
    # Thick in its middle, thin at its rim, and nothing beside it.
    assert light[40, 40] == pytest.approx(1)
    assert light[40, 31] < 0.8
    assert not light[~inside].any()


@pytest.mark.parametrize("length", [2.0, 3.0])
def test_an_arm_is_as_long_as_told_and_becomes_thinner(length):
    arm = replace(DISC, processes=np.array([[0.0, length, 0.0]]))
    inside, *_ = seen(arm)
    beyond = inside & ~seen(DISC)[0]
    rows, columns = np.nonzero(beyond)
    # It points to the right, where angles begin.
    assert abs(rows - 40).max() <= 5
    assert columns.min() > 40
    assert columns.max() == pytest.approx(40 + length * SIZE, abs=2)
    widths = np.count_nonzero(inside[:, 52 : columns.max()], axis=0)
    assert (np.diff(widths) <= 0).all()
    assert 4 < widths[0] < 9
    assert widths[-1] <= 3


def test_arms_turn_with_their_cell_and_bend():
    down = replace(DISC, processes=np.array([[0.0, 3.0, 0.0]]), angle=np.pi / 2)
    rows, columns = np.nonzero(seen(down)[0] & ~seen(DISC)[0])
    assert rows.max() == pytest.approx(70, abs=2)
    assert abs(columns - 40).max() <= 5
    bent = replace(DISC, processes=np.array([[0.0, 3.0, 0.5]]))
    rows, columns = np.nonzero(seen(bent)[0])
    assert rows[columns == columns.max()].mean() == pytest.approx(
        40 + 30 * np.sin(0.5), abs=2
    )


def test_a_cell_that_divides_draws_its_arms_in():
    arm = replace(DISC, processes=np.array([[0.0, 3.0, 0.0]]))
    ends = [np.nonzero(seen(replace(arm, age=age))[0])[1].max() for age in (50, 98, 99)]
    assert ends[0] > 68 > ends[1] >= ends[2]
    assert ends[2] < 55


def spot(row, column):
    texture = np.zeros((65, 65))
    texture[row - 3 : row + 4, column - 3 : column + 4] = 1
    return texture


@pytest.mark.parametrize(
    ("angle", "place"),
    [(0.0, (40, 46)), (np.pi / 2, (46, 40)), (np.pi, (40, 34))],
)
def test_texture_moves_and_turns_with_its_cell(angle, place):
    # Two thirds of the way from the middle of the texture to its right edge.
    marked = replace(DISC, texture=spot(32, 32 + 15), angle=angle)
    inside, _, detail = seen(marked)
    assert np.unravel_index(detail.argmax(), SHAPE) == pytest.approx(place, abs=1.5)
    assert 0.01 < np.mean(detail[inside] > 0) < 0.3
    moved = seen(replace(marked, position=np.array([47.0, 43.0])))[2]
    np.testing.assert_allclose(moved[7:, 3:], detail[:-7, :-3], atol=1e-9)


def test_of_two_cells_that_overlap_each_keeps_its_side():
    frame, following = exposed(DISC, replace(DISC, position=np.array([40.0, 52.0])))
    assert following == 3
    assert (frame.labels[40, 32:46] == 1).all()
    assert (frame.labels[40, 47:60] == 2).all()


def test_a_cell_of_which_too_little_is_seen_has_no_track():
    outside = replace(DISC, position=np.array([40.0, -9.0]))
    frame, following = exposed(outside)
    assert following == 1
    assert not frame.labels.any()
    half = replace(DISC, position=np.array([40.0, 0.0]))
    assert exposed(half)[1] == 2


@pytest.mark.parametrize("seed", range(8))
def test_a_single_founder_lies_in_the_middle_of_the_frame(seed):
    rng = np.random.default_rng(seed)
    life = draw_life("rods", rng, 16, None, None)
    cells = settle("rods", life, Walls(), rng, (200, 240), 1)
    assert len(cells) == 1
    middle = cells.position[0] / (200, 240)
    assert np.all((middle > 0.2) & (middle < 0.8))
