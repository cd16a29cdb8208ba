"""Growth, division, contact and outlines of simulated cells."""

from dataclasses import replace

import numpy as np
import pytest

from fastershift.simulate._cells import populate
from fastershift.simulate._kinds import draw_life, settle
from fastershift.simulate._outlines import draw
from fastershift.simulate._population import (
    Cells,
    Life,
    advance,
    relax,
    rounded,
    spines,
)
from fastershift.simulate._walls import Walls
from helpers.scenes import DISCS, PLAIN, RODS, YEAST, cells_at

KINDS = ["rods", "yeast", "adherent", "epithelium", "embryo", "clumps", "cells"]


def passed(life: Life, cells: Cells, rate: float) -> Cells:
    return advance(
        life, cells, Walls(), np.random.default_rng(1), rate, 0, moving=False
    )


def test_rods_double_their_length_in_a_cycle():
    cells = cells_at(RODS, (0, 0), age=0)
    assert passed(RODS, cells, 0.5).length == pytest.approx(cells.length * 2**0.5)
    assert passed(RODS, cells, 0.5).radius == pytest.approx(cells.radius)


def test_other_cells_double_their_area_in_a_cycle():
    cells = cells_at(PLAIN, (0, 0), age=0)
    grown = passed(PLAIN, cells, 0.5)
    assert grown.radius**2 == pytest.approx(cells.radius**2 * 2**0.5)


def test_buds_grow_up_to_the_size_of_a_mother_and_not_beyond():
    cells = cells_at(YEAST, (0, 0), age=0)
    cells.radius = cells.full * 0.3
    sizes = []
    for _ in range(9):
        cells = passed(YEAST, cells, 0.1)
        sizes.append(float(cells.radius[0] / cells.full[0]))
    assert sizes == sorted(sizes)
    assert 0.9 < sizes[-1] < 1


def test_time_is_not_written_into_the_cells_before():
    cells = cells_at(PLAIN, (0, 0), (50, 0))
    before = {name: value.copy() for name, value in vars(cells).items()}
    advance(PLAIN, cells, Walls(), np.random.default_rng(1), 0.3, 3)
    for name, value in vars(cells).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("life", [PLAIN, RODS, YEAST])
def test_cells_divide_at_their_limit_into_two_that_name_their_mother(life):
    cells = cells_at(life, (0, 0), (100, 100), age=0.95)
    cells.limit = np.array([1.0, 2.0])
    cells.track = np.array([7, 8])
    after = passed(life, cells, 0.1)
    assert len(after) == 3
    assert sorted(after.parent) == [0, 7, 7]
    assert sorted(after.track) == [0, 0, 8]
    assert after.age[after.parent == 7].max() < 0.2
    later = passed(life, after, 0.1)
    assert not later.parent.any()


def test_daughters_share_what_their_mother_was():
    cells = cells_at(PLAIN, (20, 30), age=0.99)
    daughters = passed(PLAIN, cells, 0.02)
    grown = cells.radius**2 * 2**0.02
    assert (daughters.radius**2).sum() == pytest.approx(float(grown[0]))
    np.testing.assert_allclose(daughters.position.mean(axis=0), (20, 30), atol=0.5)

    cells = cells_at(RODS, (20, 30), age=0.99)
    daughters = passed(RODS, cells, 0.02)
    assert daughters.length.sum() == pytest.approx(float(cells.length[0]) * 2**0.02)
    np.testing.assert_allclose(daughters.position.mean(axis=0), (20, 30), atol=0.5)
    # They lie in line, end to end.
    gap = np.hypot(*(daughters.position[1] - daughters.position[0]))
    assert gap == pytest.approx(daughters.length.sum() / 2)


def test_a_budding_cell_stays_while_its_bud_is_small_and_beside_it():
    cells = cells_at(YEAST, (20, 30), age=0.99)
    mother, bud = (passed(YEAST, cells, 0.02).take(np.array([i])) for i in (0, 1))
    np.testing.assert_allclose(mother.position, cells.position)
    assert 0.25 < bud.radius / mother.radius < 0.55
    gap = np.hypot(*(bud.position - mother.position)[0])
    assert mother.radius < gap < mother.radius + bud.radius


def test_cells_are_round_at_their_division_and_not_between():
    life = replace(PLAIN, rate=0.1, mitosis=2.0)
    cells = cells_at(life, *[(0, 0)] * 4)
    cells.age = np.array([0.0, 0.5, 0.9, 0.75])
    ball = rounded(life, cells)
    assert ball[0] == 1
    assert ball[1] == 0
    assert ball[2] == 1
    assert 0 < ball[3] < 1


def test_cells_that_overlap_are_pushed_apart_evenly():
    cells = cells_at(PLAIN, (0, 0), (0, 8))
    relax(PLAIN, cells, Walls(), 40)
    gap = np.hypot(*(cells.position[1] - cells.position[0]))
    assert gap == pytest.approx(20, abs=0.1)
    np.testing.assert_allclose(cells.position.mean(axis=0), (0, 4), atol=1e-6)


def test_cells_that_do_not_touch_stay():
    cells = cells_at(PLAIN, (0, 0), (0, 21))
    relax(PLAIN, cells, Walls(), 10)
    np.testing.assert_array_equal(cells.position, [(0, 0), (0, 21)])


def test_softer_contact_leaves_more_overlap():
    soft = replace(PLAIN, contact=0.7)
    cells = cells_at(soft, (0, 0), (0, 8))
    relax(soft, cells, Walls(), 40)
    assert np.hypot(*(cells.position[1] - cells.position[0])) == pytest.approx(
        14, abs=0.1
    )


def test_rods_that_cross_turn():
    cells = cells_at(RODS, (0, 0), (4, 12))
    cells.angle = np.array([0.0, np.pi / 2])
    before = cells.angle.copy()
    relax(RODS, cells, Walls(), 5)
    assert np.abs(cells.angle - before).max() > 0.01


def test_spines_reach_from_cap_to_cap():
    cells = cells_at(RODS, (20, 30))
    points = spines(RODS, cells)[0]
    assert points.shape == (6, 2)
    np.testing.assert_allclose(points.mean(axis=0), (20, 30))
    assert np.hypot(*(points[-1] - points[0])) + 2 * RODS.radius == pytest.approx(
        float(cells.length[0])
    )
    assert spines(PLAIN, cells_at(PLAIN, (1, 2))).tolist() == [[[1.0, 2.0]]]


def test_cells_are_chosen_and_joined_whole():
    cells = cells_at(PLAIN, (0, 0), (1, 1), (2, 2))
    chosen = cells.take(np.array([2])).joined(cells.take(np.array([True, False, True])))
    assert chosen.position[:, 0].tolist() == [2, 0, 2]
    for value in vars(chosen).values():
        assert len(value) == 3


def test_a_drawn_cell_has_the_area_of_its_disc():
    life = replace(PLAIN, radius=15.0)
    owner = draw(life, cells_at(life, (30, 40)), (60, 80), 0).owner
    assert np.count_nonzero(owner) == pytest.approx(np.pi * 15**2, rel=0.03)
    y, x = np.nonzero(owner)
    assert (y.mean(), x.mean()) == pytest.approx((30, 40), abs=0.3)


def test_a_drawn_rod_has_the_area_of_a_stadium():
    cells = cells_at(RODS, (30.5, 40.5))
    owner = draw(RODS, cells, (60, 80), 0).owner
    straight = float(cells.length[0]) - 2 * RODS.radius
    area = np.pi * RODS.radius**2 + 2 * RODS.radius * straight
    assert np.count_nonzero(owner) == pytest.approx(area, rel=0.06)


def test_cells_that_overlap_share_the_overlap_in_the_middle():
    cells = cells_at(PLAIN, (30, 30), (30, 43))
    owner = draw(PLAIN, cells, (60, 74), 0).owner
    assert set(owner[:, :37].ravel().tolist()) <= {0, 1}
    assert set(owner[:, 37:].ravel().tolist()) <= {0, 2}
    sizes = np.bincount(owner.ravel())[1:]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_what_lies_beyond_the_frame_is_drawn_on_the_margin():
    cells = cells_at(PLAIN, (5, 20), (-30, 20))
    view = draw(PLAIN, cells, (40, 40), 12)
    assert view.owner.shape == (64, 64)
    whole = draw(PLAIN, cells_at(PLAIN, (35, 50)), (80, 80), 0).owner
    assert np.count_nonzero(view.owner == 1) == np.count_nonzero(whole)
    assert not (view.owner == 2).any()
    assert np.array_equal(view.depth > 0, view.owner > 0)


@pytest.mark.parametrize("kind", KINDS)
def test_scenes_begin_without_parents_or_tracks(kind):
    rng = np.random.default_rng(2)
    life = draw_life(kind, rng, 16, None, None)
    cells = settle(kind, life, Walls(), rng, (96, 96), 10)
    assert len(cells) >= 5
    assert not cells.parent.any()
    assert not cells.track.any()
    assert len(settle(kind, life, Walls(), rng, (96, 96), 0)) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_cycle_and_speed_are_those_that_were_asked_for(kind):
    life = draw_life(kind, np.random.default_rng(2), 16, 25.0, 0.5)
    assert life.rate == pytest.approx(1 / 25)
    # The mean step of a walk whose components have this spread is half a diameter.
    assert life.speed * np.sqrt(np.pi / 2) == pytest.approx(8)


def test_plain_cells_lie_in_the_frame_and_around_it():
    shape = {"shape": (120, 120), "radius": 8.0, "elongation": 0.2, "roughness": 0.05}
    scene = replace(DISCS, cycle=20.0, **shape)
    cells = populate(scene, np.random.default_rng(0), 12)
    places = np.stack([cell.position for cell in cells])
    inside = np.all((places >= 0) & (places < 120), axis=1)
    assert 9 <= inside.sum() <= 15
    assert (~inside).sum() > 5
    for cell in cells:
        young = replace(cell, age=0.0)
        old = replace(cell, age=cell.cycle)
        assert old.size**2 == pytest.approx(2 * young.size**2)
        assert young.condensation == 1
        assert replace(cell, age=cell.cycle - 1).condensation == pytest.approx(1)
        assert replace(cell, age=cell.cycle / 2).condensation == 0


def test_spread_cells_have_two_to_five_arms_or_none():
    arms = {
        draw_life("adherent", np.random.default_rng(seed), 16, None, None).arms
        for seed in range(25)
    }
    assert (0, 0) in arms
    several = arms - {(0, 0)}
    assert min(fewest for fewest, _ in several) == 2
    assert max(most for _, most in several) == 5
