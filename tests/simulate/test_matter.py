"""What is inside of simulated cells, and what lies between them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.simulate._clutter import Clutter
from fastershift.simulate._interiors import interiors
from fastershift.simulate._outlines import draw
from fastershift.simulate._walls import Walls, draw_channels, draw_pillars
from helpers.scenes import PLAIN, RODS, YEAST, cells_at

SHAPE = (80, 96)
LARGE = replace(PLAIN, radius=16.0)
NOTHING = np.zeros(SHAPE, np.float32)
MAPS = ("height", "shade", "texture", "grains", "nucleus", "rim", "round", "focus")


def matter(life, cells, seed=0, *, nuclear=False):
    """The relief of cells, built as the seed decides, and the view of them."""
    view = draw(life, cells, SHAPE, 0)
    frame = interiors(life, np.random.default_rng(seed), nuclear=nuclear)
    return frame(view, cells, NOTHING), view


@pytest.mark.parametrize("life", [LARGE, RODS, YEAST])
def test_matter_lies_inside_of_cells_only(life):
    relief, view = matter(life, cells_at(life, (30, 40), (60, 50)))
    inside = view.owner > 0
    np.testing.assert_array_equal(relief.inside > 0, inside)
    for name in MAPS:
        values = getattr(relief, name)
        assert np.isfinite(values).all()
        assert not values[~inside].any(), name
    assert relief.height[inside].min() > 0


def test_each_cell_has_its_own_brightness_and_distance_from_the_focus():
    cells = cells_at(LARGE, (30, 30), (50, 70))
    cells.shade, cells.focus = np.array([0.5, 2.0]), np.array([-1.0, 1.5])
    relief, view = matter(LARGE, cells)
    for number, shade, focus in ((1, 0.5, -1.0), (2, 2.0, 1.5)):
        own = view.owner == number
        np.testing.assert_array_equal(relief.shade[own], shade)
        np.testing.assert_array_equal(relief.focus[own], focus)


@pytest.mark.parametrize("seed", range(6))
def test_cells_are_thin_at_their_rim(seed):
    for life in (LARGE, RODS, YEAST):
        relief, view = matter(life, cells_at(life, (40, 48)), seed)
        rim = (view.owner > 0) & (view.depth < 1)
        assert relief.height[rim].mean() < relief.height[40, 48]


@pytest.mark.parametrize("seed", range(6))
def test_a_cell_at_its_division_is_a_ball_without_texture_or_nucleus(seed):
    cells = cells_at(LARGE, (40, 48), age=0.95)
    ball, view = matter(LARGE, cells, seed)
    flat, _ = matter(LARGE, cells_at(LARGE, (40, 48)), seed)
    inside = view.owner > 0
    np.testing.assert_array_equal(ball.round[inside], 1)
    assert not ball.texture.any()
    assert not ball.nucleus.any()
    assert flat.texture[inside].std() > 0.1
    # Thicker than any flat cell's edge, by what was drawn for the scene.
    assert 1.4 < ball.height.max() < 8.1


def test_rods_and_yeast_are_never_balls():
    for life in (RODS, YEAST):
        relief, _ = matter(life, cells_at(life, (40, 48), age=0.95))
        assert not relief.round.any()


def halves(life, seed):
    """The thickness in the middle of a small cell, and of one twice as wide."""
    cells = cells_at(life, (40, 20), (40, 66))
    cells.radius = np.array([life.radius / 2, life.radius])
    relief, _ = matter(life, cells, seed)
    return relief.height[40, 20], relief.height[40, 66]


def test_small_flat_cells_may_be_thicker_and_yeast_never():
    ratios = [np.divide(*halves(LARGE, seed)) for seed in range(20)]
    # From the same thickness to the same volume.
    assert 1 <= min(ratios) < 1.5
    assert 2.5 < max(ratios) <= 4.001
    for seed in range(6):
        small, large = halves(replace(YEAST, radius=16.0), seed)
        assert small == pytest.approx(large)


def test_the_rim_is_as_far_as_the_edge_or_the_neighbour():
    single, _ = matter(LARGE, cells_at(LARGE, (40, 40)))
    assert single.rim[40, 40] == pytest.approx(16, abs=1)
    touching, view = matter(LARGE, cells_at(LARGE, (40, 40), (40, 64)))
    one, two = view.owner[40, 51], view.owner[40, 53]
    assert (one, two) == (1, 2)
    assert touching.rim[40, 51:54].max() <= 1
    assert touching.rim[40, 40] == pytest.approx(12, abs=1.5)


def test_neighbours_have_a_furrow_between_them():
    for seed in range(8):
        touching, _ = matter(LARGE, cells_at(LARGE, (40, 40), (40, 64)), seed)
        single, _ = matter(LARGE, cells_at(LARGE, (40, 40)), seed)
        assert touching.height[40, 51] < single.height[40, 51]
        # In the middle of the cell nothing is changed.
        assert touching.height[40, 40] == pytest.approx(single.height[40, 40], rel=1e-3)


@pytest.mark.parametrize(
    ("nuclear", "least", "most"), [(False, 0.26, 0.69), (True, 0.1, 0.41)]
)
def test_nuclei_are_a_share_of_the_cell_and_nucleoli_a_smaller_one(
    nuclear, least, most
):
    for seed in range(12):
        relief, view = matter(LARGE, cells_at(LARGE, (40, 48)), seed, nuclear=nuclear)
        area = np.count_nonzero(relief.nucleus > 0.5)
        radius = np.sqrt(area / np.count_nonzero(view.owner))
        assert least - 0.03 < radius < most + 0.03
        assert ndi.label(relief.nucleus > 0.5)[1] == 1
        assert relief.nucleus.max() <= 1


@pytest.mark.parametrize("seed", range(6))
def test_a_rod_that_is_twice_as_long_has_twice_the_nucleoids(seed):
    counts = []
    for length in (32.0, 64.0):
        cells = cells_at(RODS, (40, 48))
        cells.length = np.array([length])
        relief, _ = matter(RODS, cells, seed)
        counts.append(ndi.label(relief.nucleus > 0.5)[1])
    assert counts[0] in (1, 2)
    assert counts[1] == 2 * counts[0]


@pytest.mark.parametrize("life", [LARGE, YEAST])
def test_what_is_inside_moves_with_its_cell(life):
    here, _ = matter(life, cells_at(life, (40, 40)), 3)
    there, _ = matter(life, cells_at(life, (47, 51)), 3)
    for name in ("height", "texture", "grains", "nucleus"):
        moved = getattr(there, name)[7:, 11:]
        np.testing.assert_allclose(moved, getattr(here, name)[:-7, :-11], atol=1e-3)


def test_what_is_inside_turns_with_its_cell():
    cells = cells_at(LARGE, (40, 48))
    relief, _ = matter(LARGE, cells, 3)
    cells.angle = np.array([np.pi / 2])
    turned, _ = matter(LARGE, cells, 3)
    middle = (slice(20, 61), slice(28, 69))
    for name in ("texture", "nucleus"):
        before = getattr(relief, name)[middle]
        # Angles grow from right to down, as rows do.
        np.testing.assert_allclose(
            getattr(turned, name)[middle], np.rot90(before, -1), atol=2e-3
        )


def dirt(seed, life=LARGE, walls=None):
    return Clutter(life, walls or Walls(), np.random.default_rng(seed), SHAPE, 8)


def clean_seeds(life=LARGE):
    """Seeds, of 80, whose scenes have no dirt."""
    return [n for n in range(80) if not dirt(n, life).frame(np.zeros(2)).any()]


def test_some_scenes_are_clean_and_most_are_not():
    assert 80 * 0.2 < len(clean_seeds()) < 80 * 0.6


def test_dead_cells_leave_smaller_remains_where_they_were():
    scene = dirt(clean_seeds()[0])
    scene.bury(np.array([[30.0, 40.0]]), np.array([12.0]))
    drawn = scene.frame(np.zeros(2))
    assert drawn.shape == (SHAPE[0] + 16, SHAPE[1] + 16)
    assert ndi.center_of_mass(np.abs(drawn)) == pytest.approx((38, 48), abs=3)
    y, x = np.nonzero(drawn)
    assert np.hypot(y - 38, x - 48).max() <= 0.7 * 12 + 1
    assert drawn.sum() > 0


def test_dirt_moves_with_the_stage():
    small = replace(PLAIN, radius=2.5)
    clean = clean_seeds(small)[0]
    frames = []
    for shift in ((0.0, 0.0), (5.0, -3.0)):
        scene = dirt(clean, small)
        scene.bury(np.array([[30.0, 40.0]]), np.array([2.5]))
        frames.append(scene.frame(np.array(shift)))
    np.testing.assert_allclose(frames[1], np.roll(frames[0], (5, -3), (0, 1)))


def test_walls_are_drawn_evenly_where_they_stand():
    walls = Walls(pillars=np.array([[40.0, 48.0, 20.0, 10.0, 0.6]]))
    where = walls.matter(SHAPE, 8)
    even = []
    for seed in range(40):
        drawn = dirt(seed, walls=walls).frame(np.zeros(2))
        strength = np.median(drawn[where == 1])
        assert 0.2 <= abs(strength) <= 1.5
        even.append(np.allclose(drawn, strength * where, atol=1e-6))
    # In scenes without dirt there is nothing else.
    assert any(even)


def test_a_pillar_is_an_oval_of_its_half_axes():
    walls = Walls(pillars=np.array([[40.0, 48.0, 20.0, 10.0, 0.6]]))
    drawn = walls.matter(SHAPE, 8)
    assert drawn.sum() == pytest.approx(np.pi * 20 * 10, rel=0.03)
    assert ndi.center_of_mass(drawn) == pytest.approx((48, 56), abs=0.1)
    spread, axes = np.linalg.eigh(np.cov((np.argwhere(drawn > 0.5) - (48, 56)).T))
    assert abs(axes[:, 1] @ (np.sin(0.6), np.cos(0.6))) > 0.999
    assert np.sqrt(spread[1] / spread[0]) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_a_cell_fits_between_the_pillars_of_a_trap(seed):
    diameter = 20
    walls = draw_pillars(np.random.default_rng(seed), (200, 200), diameter)
    one, two = walls.pillars[:2]
    gap = np.hypot(*(one[:2] - two[:2])) - one[3] - two[3]
    assert diameter <= gap <= 1.6 * diameter


@pytest.mark.parametrize("seed", range(6))
def test_channels_are_a_little_wider_than_a_cell(seed):
    for shape in ((100, 200), (100, 16)):
        walls = draw_channels(np.random.default_rng(seed), shape, 5.0)
        middle, half = walls.channels.T
        assert len(middle) >= 1
        assert np.all((half > 5) & (half < 7.6))
        # They do not run into each other.
        assert (np.diff(middle) > 2 * half[0]).all()


def test_channels_are_closed_above_and_end_at_their_mouth():
    walls = Walls(channels=np.array([[20.0, 5.0]]), closed=10.0, mouth=60.0)
    points = np.array([[[6.0, 20.0]], [[30.0, 27.0]], [[70.0, 40.0]]])
    pushed = points + walls.push(points, np.full(3, 3.0), np.zeros(3, int))
    assert pushed[0, 0].tolist() == [13, 20]  # out of the closed end
    assert pushed[1, 0].tolist() == [30, 22]  # back between the walls
    assert pushed[2, 0].tolist() == [70, 40]  # free below
    drawn = walls.matter(SHAPE, 0)
    assert drawn[30, 20] == 0
    assert drawn[5, 20] == drawn[30, 40] == 1
    assert not drawn[62:].any()
