"""The shapes of simulated cells: ovals, rods, waves, arms, and cells at division."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.measure import regionprops

from fastershift.simulate._outlines import draw
from fastershift.simulate._population import new_cells, spines
from helpers.scenes import PLAIN, RODS, cells_at

SHAPE = (100, 120)
PLACE = (50.0, 60.0)
LARGE = replace(PLAIN, radius=20.0)


def alone(life, **changed):
    """One cell in the middle of a frame, with some of its values changed."""
    cells = cells_at(life, PLACE)
    for name, value in changed.items():
        setattr(cells, name, np.broadcast_to(value, getattr(cells, name).shape).copy())
    return cells


def shape_of(life, **changed):
    """Measures of the pixels of one cell."""
    owner = draw(life, alone(life, **changed), SHAPE, 0).owner
    (region,) = regionprops(owner)
    return region


@pytest.mark.parametrize("ratio", [1.5, 2.5])
def test_a_long_cell_is_an_oval_of_the_same_area(ratio):
    oval = shape_of(LARGE, length=ratio)
    assert oval.axis_major_length / oval.axis_minor_length == pytest.approx(
        ratio, rel=0.03
    )
    assert oval.area == pytest.approx(np.pi * 20**2, rel=0.02)


@pytest.mark.parametrize("angle", [0.3, 1.2, 2.5])
def test_ovals_and_rods_lie_along_their_angle(angle):
    axis = np.array([np.sin(angle), np.cos(angle)])
    for life, length in ((LARGE, 2.0), (RODS, 50.0)):
        inside = draw(life, alone(life, length=length, angle=angle), SHAPE, 0).owner > 0
        points = np.argwhere(inside) - PLACE
        spread, axes = np.linalg.eigh(np.cov(points.T))
        assert abs(axes[:, spread.argmax()] @ axis) > 0.999


def test_a_cell_at_its_division_is_smaller_and_round():
    life = replace(LARGE, shrink=0.3)
    between, dividing = (
        shape_of(life, length=2.0, age=age, limit=limit)
        for age, limit in ((0.5, 10.0), (0.95, 1.0))
    )
    assert dividing.area == pytest.approx(0.7**2 * between.area, rel=0.03)
    assert between.eccentricity > 0.8
    assert dividing.eccentricity < 0.2


def test_a_plate_is_flat_across_the_axis_of_its_division():
    plate = shape_of(replace(LARGE, plate=0.5), age=0.95)
    assert plate.axis_minor_length / plate.axis_major_length == pytest.approx(
        0.5, rel=0.03
    )
    # Daughters part to the right and left; the plate stands between them.
    top, left, bottom, right = plate.bbox
    assert bottom - top > 1.8 * (right - left)


def test_cells_that_fill_gaps_are_drawn_wider():
    usual, wide = (shape_of(replace(LARGE, spill=spill)) for spill in (1.0, 1.5))
    assert wide.area == pytest.approx(1.5**2 * usual.area, rel=0.03)


def waves(order, amplitude, phase=0.0):
    made = np.zeros((1, 2, 14))
    made[0, 0, order - 2], made[0, 1, order - 2] = amplitude, phase
    return made


@pytest.mark.parametrize("order", [3, 5, 8])
def test_waves_of_an_order_are_as_many_bumps(order):
    owner = draw(LARGE, alone(LARGE, waves=waves(order, 0.2)), SHAPE, 0).owner
    # A ring at the mean radius is cut as often as bumps stand on it.
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    far = np.hypot(y - PLACE[0], x - PLACE[1])
    beyond = (owner > 0) & (far > 21)
    assert ndi.label(beyond, np.ones((3, 3)))[1] == order
    assert far[owner > 0].max() == pytest.approx(1.2 * 20, abs=1)


def test_a_cell_at_its_division_has_no_waves():
    rough = shape_of(LARGE, waves=waves(5, 0.3))
    smooth = shape_of(LARGE, waves=waves(5, 0.3), age=0.95)
    assert rough.solidity < 0.93 < 0.97 < smooth.solidity


def test_fine_waves_are_weak_unless_cells_are_ruffled():
    for ruffle in (0.0, 0.8):
        life = replace(PLAIN, wave=0.1, ruffle=ruffle)
        cells = new_cells(life, np.random.default_rng(0), np.zeros((6000, 2)))
        spread = cells.waves[:, 0].std(axis=0)
        assert spread[0] == pytest.approx(0.1, rel=0.05)
        assert spread[-1] / spread[0] == pytest.approx(14 ** (ruffle - 1.8), rel=0.1)


def arms(*rows):
    """Processes of one cell: angle, reach in radii, turn, girth."""
    return np.array([rows], float)


def with_arms(*rows, age=0.5):
    cells = alone(LARGE, age=age)
    cells.arms = arms(*rows)
    return draw(LARGE, cells, SHAPE, 0).owner > 0


def test_arms_reach_as_far_as_told_in_their_direction():
    disc = draw(LARGE, alone(LARGE), SHAPE, 0).owner > 0
    right = with_arms((0.0, 2.0, 0.0, 0.4))
    rows, columns = np.nonzero(right & ~disc)
    assert columns.max() == pytest.approx(60 + 2 * 20, abs=2)
    assert abs(rows - 50).max() < 15
    down = with_arms((np.pi / 2, 2.0, 0.0, 0.4))
    rows, columns = np.nonzero(down & ~disc)
    assert rows.max() == pytest.approx(50 + 2 * 20, abs=2)


def test_arms_become_thinner_and_a_wide_one_is_wider():
    thin, wide = (with_arms((0.0, 2.4, 0.0, girth)) for girth in (0.2, 0.6))
    for inside in (thin, wide):
        widths = np.count_nonzero(inside[:, 82:105], axis=0)
        assert (np.diff(widths) <= 0).all()
        assert ndi.label(inside)[1] == 1
    assert np.count_nonzero(wide[:, 82]) > np.count_nonzero(thin[:, 82])


def test_an_arm_of_no_length_is_none():
    disc = draw(LARGE, alone(LARGE), SHAPE, 0).owner > 0
    np.testing.assert_array_equal(with_arms((1.0, 0.0, 0.0, 0.6)), disc)


def test_arms_are_drawn_in_for_a_division():
    disc = draw(LARGE, alone(LARGE), SHAPE, 0).owner > 0
    np.testing.assert_array_equal(with_arms((0.0, 2.4, 0.0, 0.4), age=0.95), disc)


@pytest.mark.parametrize(("fewest", "most"), [(0, 0), (2, 2), (1, 4)])
def test_cells_have_between_the_fewest_and_most_arms(fewest, most):
    life = replace(PLAIN, arms=(fewest, most), reach=(1.2, 2.4))
    cells = new_cells(life, np.random.default_rng(0), np.zeros((300, 2)))
    reach = cells.arms[:, :, 1]
    counts = (reach > 0).sum(axis=1)
    assert set(counts.tolist()) == set(range(fewest, most + 1))
    if most:
        assert 1.2 <= reach[reach > 0].min() <= reach.max() <= 2.4


@pytest.mark.parametrize("bend", [0.0, 0.6, 1.2])
def test_a_bent_rod_is_an_arc(bend):
    life = replace(RODS, nodes=18)
    cells = alone(life, length=60.0, bend=[bend, 0.0], angle=0.4)
    points = spines(life, cells)[0]
    straight = 60 - 2 * life.radius
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert steps.sum() == pytest.approx(straight)
    # The chord of an arc is shorter than the arc.
    chord = np.hypot(*(points[-1] - points[0]))
    arc = bend * (1 - 1 / 17)
    expected = straight if not bend else 2 * straight / arc * np.sin(arc / 2)
    assert chord == pytest.approx(expected, rel=0.01)


def test_own_coordinates_start_in_the_middle_and_turn_with_the_cell():
    view = draw(LARGE, alone(LARGE, length=2.0, angle=0.0), SHAPE, 0)
    assert view.along[50, 70] == pytest.approx(10, abs=1e-3)
    assert view.across[50, 70] == pytest.approx(0, abs=1e-3)
    assert view.across[57, 60] == pytest.approx(7, abs=1e-3)
    turned = draw(LARGE, alone(LARGE, length=2.0, angle=np.pi / 2), SHAPE, 0)
    assert turned.along[60, 60] == pytest.approx(10, abs=1e-3)
    assert abs(turned.along[50, 66]) < 1e-3


def test_coordinates_of_a_rod_run_from_one_end_to_the_other():
    view = draw(RODS, alone(RODS, length=50.0), SHAPE, 0)
    inside = view.owner > 0
    assert view.along[inside].max() == pytest.approx(25, abs=1)
    assert view.along[inside].min() == pytest.approx(-25, abs=1)
    assert abs(view.across[inside]).max() == pytest.approx(RODS.radius, abs=1)
    assert view.along[50, 66] == pytest.approx(6, abs=0.1)


def test_depth_is_the_distance_to_the_outline():
    for life, deepest in ((LARGE, 20.0), (RODS, RODS.radius)):
        view = draw(life, alone(life), SHAPE, 0)
        assert view.depth.max() == pytest.approx(deepest, abs=1)
        inside = view.owner > 0
        exact = ndi.distance_transform_edt(inside)
        assert np.abs(view.depth - exact)[inside].max() < 1.1


def test_a_cell_that_is_cut_keeps_its_largest_piece():
    # The second rod lies under the first, most of it below.
    cells = cells_at(RODS, (50, 60), (58, 60))
    cells.length = np.array([60.0, 40.0])
    cells.angle = np.array([0.0, np.pi / 2])
    owner = draw(RODS, cells, SHAPE, 0).owner
    assert (owner[50, 35:85] == 1).all()
    assert (owner[56:76, 60] == 2).all()
    assert not (owner[:50] == 2).any()
