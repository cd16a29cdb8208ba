"""What simulated microscopes show of cells, and how their cameras count light."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.simulate._cells import advance, populate
from fastershift.simulate._interiors import interiors
from fastershift.simulate._looks import choose_optics, draw_look
from fastershift.simulate._optics import OPTICS, Frame, camera, expose
from fastershift.simulate._outlines import draw
from helpers.scenes import DISC, DISCS, PLAIN, cells_at

SHAPE = (72, 80)
LIFE = replace(PLAIN, radius=12.0)
NOTHING = np.zeros(SHAPE, np.float32)
BODIES = ["rods", "yeast", "adherent", "epithelium", "embryo", "clumps", "cells"]
TRANSMITTED = ["phase", "brightfield", "dic"]


def relief_of(cells, clutter=NOTHING, seed=0):
    view = draw(LIFE, cells, SHAPE, 0)
    frame = interiors(LIFE, np.random.default_rng(seed), nuclear=False)
    return frame(view, cells, clutter)


def look_of(kind, optics, seed):
    return draw_look(kind, optics, LIFE, np.random.default_rng(seed), SHAPE)


EMPTY = relief_of(cells_at(LIFE, (300, 300)))
ONE = cells_at(LIFE, (36, 40))


def test_a_microscope_is_drawn_as_is_usual_for_the_kind():
    rng = np.random.default_rng(0)
    drawn = Counter(choose_optics("rods", "usual", rng) for _ in range(2000))
    shares = {optics: count / 2000 for optics, count in drawn.items()}
    assert shares == pytest.approx(
        {"phase": 0.65, "fluorescence": 0.2, "brightfield": 0.15}, abs=0.04
    )
    assert {choose_optics("embryo", "usual", rng) for _ in range(9)} == {"fluorescence"}
    assert {choose_optics("rods", "dic", rng) for _ in range(9)} == {"dic"}
    assert len({choose_optics("rods", "any", rng) for _ in range(99)}) == 5


@pytest.mark.parametrize("optics", TRANSMITTED)
def test_empty_background_is_1_in_transmitted_light(optics):
    means = [look_of("adherent", optics, seed)(EMPTY).mean() for seed in range(12)]
    assert np.median(means) == pytest.approx(1, abs=0.05)
    assert min(means) > 0.5


@pytest.mark.parametrize("optics", [*TRANSMITTED, "quantitative", "fluorescence"])
def test_cells_can_be_told_from_nothing(optics):
    for seed in range(6):
        look = look_of("cells", optics, seed)
        cells, nothing = look(relief_of(ONE, seed=seed)), look(EMPTY)
        differ = np.abs(cells - nothing)
        inside = draw(LIFE, ONE, SHAPE, 0).owner > 0
        far = ndi.distance_transform_edt(~inside) > 16
        assert differ[inside].mean() > 3 * differ[far].mean()
        assert cells.min() >= 0


@pytest.mark.parametrize("kind", BODIES)
def test_light_of_fluorescence_grows_with_the_brightness_of_the_cell(kind):
    for seed in range(4):
        look = look_of(kind, "fluorescence", seed)
        light = []
        for shade in (0.0, 1.0, 2.0):
            cells = replace(ONE, shade=np.array([shade]))
            light.append(look(relief_of(cells)))
        np.testing.assert_allclose(
            light[2] - light[0], 2 * (light[1] - light[0]), atol=1e-3
        )
        assert (light[1] - light[0]).max() > 0.1


def test_dirt_shines_or_is_not_seen_in_fluorescence():
    clutter = NOTHING.copy()
    clutter[10:14, 10:14], clutter[60:64, 60:64] = 1, -1
    shining = 0
    for seed in range(20):
        look = look_of("cells", "fluorescence", seed)
        more = look(replace(EMPTY, clutter=clutter)) - look(EMPTY)
        assert more.min() > -1e-5
        assert more[62, 62] < 1e-3
        shining += more[12, 12] > 0.02
    assert 4 < shining < 16


def test_membranes_shine_in_most_sheets_and_few_other_cells():
    bright = Counter()
    for kind in ("epithelium", "adherent"):
        for seed in range(40):
            relief = relief_of(ONE, seed=seed)
            light = look_of(kind, "fluorescence", seed)(relief)
            inside = relief.inside > 0
            rim = inside & (relief.rim < 2)
            middle = relief.rim > 8
            bright[kind] += light[rim].mean() > light[middle].mean()
    assert bright["epithelium"] > 20
    assert bright["adherent"] < 14


def test_cells_far_from_the_focus_are_blurred():
    sharper = 0
    for seed in range(10):
        look = look_of("embryo", "fluorescence", seed)
        edges = []
        for focus in (0.0, 2.0):
            light = look(relief_of(replace(ONE, focus=np.array([focus])), seed=seed))
            edges.append(ndi.gaussian_gradient_magnitude(light, 1).max())
        assert edges[0] >= edges[1] - 1e-6
        sharper += edges[0] > 1.05 * edges[1]
    assert sharper >= 6


def test_a_map_of_phase_is_brighter_the_thicker_the_cell():
    for seed in range(6):
        look = look_of("cells", "quantitative", seed)
        thin = relief_of(ONE)
        thick = replace(thin, height=2 * thin.height)
        more = look(thick) - look(thin)
        inside = thin.inside > 0
        assert more[ndi.binary_erosion(inside, iterations=4)].min() > 0
        assert abs(more[:4]).max() < 1e-3


# The plain kinds.
SCENE = replace(DISCS, shape=SHAPE)


def plain_cell(**changed):
    return replace(DISC, **{"position": np.array([36.0, 40.0])} | changed)


def plain_light(kind, seed, *cells):
    scene = replace(SCENE, kind=kind)
    frame, _ = expose(scene, [replace(cell) for cell in cells], 1)
    return OPTICS[kind](scene, np.random.default_rng(seed))(frame), frame


@pytest.mark.parametrize("kind", ["nuclei", "elongated"])
def test_stained_cells_shine_and_more_so_at_their_division(kind):
    for seed in range(6):
        usual, frame = plain_light(kind, seed, plain_cell())
        dividing, _ = plain_light(kind, seed, plain_cell(age=99.0))
        inside = frame.labels > 0
        assert usual[36, 40] > 1.1 * np.median(usual[~inside])
        assert dividing[36, 40] > usual[36, 40]
        brighter, _ = plain_light(kind, seed, plain_cell(brightness=2.0))
        assert brighter[36, 40] > usual[36, 40]


def test_phase_shows_dark_bodies_in_a_halo_or_bright_ones():
    dark = 0
    for seed in range(40):
        light, frame = plain_light("phase", seed, plain_cell())
        inside = frame.labels > 0
        near = ndi.binary_dilation(inside, iterations=4) & ~inside
        body = light[ndi.binary_erosion(inside, iterations=3)].mean()
        dark += body < light[near].mean()
    assert 15 < dark < 33


def test_dic_is_a_relief_that_turns_with_its_light():
    for seed in range(6):
        light, frame = plain_light("dic", seed, plain_cell())
        assert light[frame.labels == 0].mean() == pytest.approx(1, abs=0.1)
        # One side of the cell is bright, the other dark.
        inside = ndi.binary_dilation(frame.labels > 0, iterations=2)
        assert light[inside].max() > 1.2
        assert light[inside].min() < 0.8


NO_CELLS = Frame(
    np.zeros(SHAPE, np.int32), np.zeros(SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
)


@pytest.mark.parametrize("kind", list(OPTICS))
def test_without_cells_light_is_near_its_background(kind):
    for seed in range(4):
        scene = replace(SCENE, kind=kind)
        light = OPTICS[kind](scene, np.random.default_rng(seed))(NO_CELLS)
        assert light.min() > 0
        if kind != "nuclei":
            assert light.mean() == pytest.approx(1, abs=0.05)
        assert light.std() < 0.15 * light.mean()


def filmed(seed, level, *, kind="phase", noise=0.0, times=(0,)):
    scene = replace(SCENE, kind=kind)
    record = camera(scene, np.random.default_rng(seed), noise)
    light = np.full(SHAPE, float(level))
    return np.stack([record(t, light) for t in times]).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_an_offset_and_a_multiple_of_the_light(seed):
    none, one, two = (filmed(seed, level)[0] for level in (0, 1, 2))
    assert np.ptp(none) == 0
    assert 0 <= none[0, 0] <= 300
    np.testing.assert_allclose(two - none, 2 * (one - none), atol=2)
    assert one.min() > none.max()


@pytest.mark.parametrize("seed", range(4))
def test_noise_of_light_grows_as_its_root(seed):
    means, variances = [], []
    for level in (0.5, 1.5, 4):
        frames = filmed(seed, level, noise=1.0, times=[0] * 60)
        assert frames.max() < 65535
        means.append(frames.mean())
        variances.append(frames.var(axis=0, ddof=1).mean())
    # Variance over mean is the same gain at any light: photons are counted.
    slopes = np.diff(variances) / np.diff(means)
    assert slopes[0] == pytest.approx(slopes[1], rel=0.1)


@pytest.mark.parametrize("kind", list(OPTICS))
def test_only_stains_fade(kind):
    for seed in range(4):
        first, last = filmed(seed, 1, kind=kind, times=(0, 100))
        fades = kind in ("nuclei", "elongated")
        assert (last.mean() < 0.99 * first.mean()) == fades


def test_plain_cells_that_are_driven_keep_their_velocity():
    scene = replace(SCENE, persistence=1.0)
    cell = plain_cell(velocity=np.array([1.0, -2.0]))
    cells = [cell]
    for step in range(1, 4):
        cells = advance(scene, cells, np.random.default_rng(0))
        assert cells[0].position.tolist() == [36 + step, 40 - 2 * step]


def test_plain_cells_push_each_other_apart_evenly():
    pair = [plain_cell(position=np.array([36.0, x])) for x in (38.0, 42.0)]
    for _ in range(12):
        pair = advance(SCENE, pair, np.random.default_rng(0))
    one, two = (cell.position for cell in pair)
    wide = sum(cell.size for cell in pair)
    assert two[1] - one[1] == pytest.approx(0.9 * wide, rel=0.02)
    np.testing.assert_allclose((one + two) / 2, (36, 40), atol=1e-6)


def test_a_plain_cell_divides_across_its_axis_and_its_daughters_name_it():
    mother = plain_cell(age=99.0, angle=0.3, track=5)
    one, two = advance(SCENE, [mother], np.random.default_rng(0))
    assert [cell.parent for cell in (one, two)] == [5, 5]
    assert [cell.track for cell in (one, two)] == [0, 0]
    assert one.age == two.age == 0
    apart = two.position - one.position
    axis = np.array([np.cos(0.3), -np.sin(0.3)])
    assert abs(apart @ axis) / np.hypot(*apart) > 0.99
    # Together they are as large as their mother was, who had doubled.
    areas = [cell.size**2 for cell in (one, two)]
    assert sum(areas) == pytest.approx(mother.size**2, rel=0.2)


def test_plain_cells_die_by_chance_and_leave_far_outside():
    crowd = [plain_cell(position=np.array([36.0, 40.0])) for _ in range(400)]
    scene = replace(SCENE, death=0.25, contact=0.0)
    alive = advance(scene, crowd, np.random.default_rng(0))
    assert len(alive) == pytest.approx(300, abs=30)
    gone = plain_cell(position=np.array([36.0, -51.0]))
    near = plain_cell(position=np.array([36.0, -49.0]))
    assert len(advance(SCENE, [gone, near], np.random.default_rng(0))) == 1


def test_plain_cells_do_not_lie_on_each_other():
    scene = replace(SCENE, shape=(200, 200))
    cells = populate(scene, np.random.default_rng(2), 20)
    places = np.stack([cell.position for cell in cells])
    gaps = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    assert np.quantile(gaps.min(axis=1), 0.1) > 1.2 * scene.radius
