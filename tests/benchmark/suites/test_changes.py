"""What a movie may suffer: each change does what its name says, and no more."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from fastershift.benchmark.suites._changes import CHANGES, Scene

SHAPE = (4, 40, 60)
DIAMETER = 10.0


def plain(value=0.5):
    """An even movie with one cell on the left, which is as bright as all else."""
    labels = np.zeros(SHAPE, np.int32)
    labels[:, 15:25, 10:20] = 1
    return Scene(np.full(SHAPE, value, np.float32), labels, DIAMETER)


def steps():
    """Grey values from -0.2 to 1.2, from left to right."""
    ramp = np.linspace(-0.2, 1.2, SHAPE[2], dtype=np.float32)
    frames = np.broadcast_to(ramp, SHAPE).copy()
    return plain()._replace(frames=frames)


def changed(name, scene, seed=0):
    return CHANGES[name](scene, np.random.default_rng(seed))


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_drawn_follows_the_generator(name):
    scene = plain()
    first, again = (changed(name, scene, 1).frames for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("offset", lambda x: x + 3),
        ("contrast / 10", lambda x: x / 10 + 0.5),
        ("gamma 0.6", lambda x: np.maximum(x, 0) ** 0.6),
        ("gamma 1.6", lambda x: np.maximum(x, 0) ** 1.6),
        ("saturated", lambda x: np.minimum(np.maximum(x, 0.05), 0.6)),
    ],
)
def test_tones_are_mapped_one_by_one(name, expected):
    scene = steps()
    found = changed(name, scene)
    np.testing.assert_allclose(found.frames, expected(scene.frames), rtol=1e-5)
    assert found.labels is scene.labels


@pytest.mark.parametrize("count", [16, 64])
def test_few_grey_values_are_left(count):
    found = changed(f"{count} grey values", steps()).frames
    assert len(np.unique(found)) <= count
    assert found.min() == 0
    assert found.max() == count - 1
    assert (np.diff(found[0, 0]) >= 0).all()


@pytest.mark.parametrize("photons", [20, 100])
def test_shot_noise_is_that_of_so_many_photons(photons):
    found = changed(f"photons {photons}", plain(1.0)).frames
    assert found.mean() == pytest.approx(1, abs=0.01)
    assert found.std() == pytest.approx(photons**-0.5, rel=0.05)
    # Where there is no light there is no noise.
    assert not changed(f"photons {photons}", plain(0.0)).frames.any()


def test_grainy_noise_is_smooth_and_alike_in_no_two_frames():
    fine, coarse = (
        changed(name, plain()).frames - 0.5
        for name in ("noise 0.15", "grainy noise 0.15")
    )

    def neighbours(noise):
        return np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]

    assert abs(neighbours(fine)) < 0.05
    # A twentieth of a diameter is half a pixel.
    assert 0.15 < neighbours(coarse) < 0.6
    assert abs(np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("width", [0.05, 0.1, 0.15])
def test_blur_is_as_wide_as_a_share_of_the_diameter(width):
    scene = plain(0.0)
    scene.frames[:, 20, 30] = 1
    found = changed(f"blur {width:g}", scene).frames[0]
    np.testing.assert_allclose(
        found, ndi.gaussian_filter(scene.frames[0], width * DIAMETER), atol=1e-6
    )
    # Time is not blurred.
    scene.frames[1:] = 0
    assert not changed(f"blur {width:g}", scene).frames[1:].any()


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.4, 2.0])
def test_scale_changes_frames_cells_and_diameter_alike(factor):
    scene = plain()
    scene.frames[scene.labels > 0] = 1
    found = changed(f"scale {factor:g}", scene)
    sides = tuple(round(side * factor) for side in SHAPE[1:])
    assert found.frames.shape == found.labels.shape == (4, *sides)
    assert found.diameter == pytest.approx(factor * DIAMETER)
    areas = np.count_nonzero(found.labels, axis=(1, 2))
    assert areas == pytest.approx(100 * factor**2, rel=0.2)
    # Cells stay where they are bright.
    inside = found.frames[found.labels > 0].mean()
    assert inside > 0.85 > 0.6 > np.median(found.frames)


def test_a_quarter_turn_turns_frames_and_cells():
    scene = plain()
    scene.frames[scene.labels > 0] = 1
    found = changed("quarter turn", scene)
    assert found.frames.shape == (4, 60, 40)
    np.testing.assert_array_equal(found.frames == 1, found.labels > 0)
    rows, columns = np.nonzero(found.labels[0])
    # What was on the left is below.
    assert rows.min() == 60 - 20
    assert columns.min() == 15


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_half_with_more_cells_is_kept(mirrored):
    scene = plain()
    if mirrored:
        scene = scene._replace(labels=scene.labels[..., ::-1])
    found = changed("half of it", scene)
    assert found.frames.shape == (4, 40, 30)
    assert np.count_nonzero(found.labels) == np.count_nonzero(scene.labels)


def test_vignetting_darkens_corners_and_a_ramp_adds_light():
    dark = changed("vignetting", plain()).frames[0]
    assert dark[20, 30] == pytest.approx(0.5, abs=0.01)
    assert dark[0, 0] == dark[-1, -1] == pytest.approx(0.25)
    ramp = changed("ramp", plain()).frames[0]
    assert ramp[-1, -1] - ramp[0, 0] == pytest.approx(1)
    assert ramp.mean() == pytest.approx(0.5)


def test_clouds_are_coarser_than_cells_and_stand_still():
    found = changed("clouds", plain()).frames - 0.5
    assert found.std() == pytest.approx(0.25, rel=1e-3)
    assert (found == found[0]).all()
    assert np.abs(np.diff(found[0], axis=0)).max() < 0.1


@pytest.mark.parametrize(("name", "value"), [("bright dirt", 3), ("dark dirt", -0.5)])
def test_dirt_is_five_specks_half_as_wide_as_a_cell(name, value):
    found = changed(name, plain(), seed=2).frames
    specks = found == value
    assert (found[~specks] == 0.5).all()
    assert (specks == specks[0]).all()
    one = np.pi * (DIAMETER / 4) ** 2
    assert 0.5 * one < np.count_nonzero(specks[0]) < 5.5 * one


def test_hot_pixels_are_few_and_stay():
    scene = Scene(np.zeros((3, 400, 400), np.float32), np.zeros((3, 400, 400), int), 10)
    hot = changed("hot pixels", scene).frames == 8
    assert (hot == hot[0]).all()
    assert np.mean(hot) == pytest.approx(0.0005, rel=0.3)


def test_text_stays_in_a_corner_and_is_black_or_white():
    scene = Scene(np.full((2, 200, 300), 0.5, np.float32), np.zeros(1), 10)
    found = changed("text", scene).frames
    written = found != 0.5
    assert set(np.unique(found[written])) <= {0, 1.5}
    assert 0 < written.mean() < 0.15
    assert not written[:, 90:110].any()


def test_stripes_are_rows_and_flicker_is_whole_frames():
    rows = changed("stripes", plain()).frames - 0.5
    assert np.ptp(rows, axis=2).max() < 1e-6
    assert rows.std() == pytest.approx(0.1, rel=0.15)
    gain = changed("flicker", plain()).frames / 0.5
    assert np.ptp(gain, axis=(1, 2)).max() < 1e-6
    assert np.unique(gain[:, 0, 0]).size == 4


def test_every_second_frame_is_left_out_with_its_cells():
    scene = steps()
    scene.frames[:] += np.arange(4)[:, None, None]
    found = changed("every second frame", scene)
    np.testing.assert_array_equal(found.frames, scene.frames[::2])
    np.testing.assert_array_equal(found.labels, scene.labels[::2])


@pytest.mark.parametrize(
    ("name", "place", "spread"),
    [("black frame first", 0, 0.0), ("noise frame last", -1, 1.0)],
)
def test_a_bad_frame_is_added_at_its_place(name, place, spread):
    scene = plain()
    found = changed(name, scene)
    assert len(found.frames) == len(found.labels) == 5
    assert found.frames[place].std() == pytest.approx(spread, rel=0.05)
    assert not found.labels[place].any()
    others = np.delete(found.frames, place, axis=0)
    np.testing.assert_array_equal(others, scene.frames)
