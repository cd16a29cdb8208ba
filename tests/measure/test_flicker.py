"""Flicker is told frame by frame, taken out on request, and no lasting change is."""

import numpy as np
import pytest

from fastershift.io import SavedResult
from fastershift.measure import (
    MeasureOptions,
    WatchedTables,
    describe_flicker,
    measure_frames,
)
from fastershift.simulate import simulate_movie

N_FRAMES, OFFSET, BACKGROUND = 24, 100.0, 20.0
STEADY = np.ones(N_FRAMES)
#: Single frames that are brighter or darker, as of an unsteady lamp.
BURSTS = STEADY.copy()
BURSTS[[4, 9, 15, 20]] = 1.3, 0.8, 1.15, 0.7


def movie(light=STEADY, cells=STEADY, n_cells=12):
    """Squares of many brightnesses on a dim background, above an offset."""
    labels = np.zeros((N_FRAMES, 40, 12 * n_cells), np.int32)
    bright = np.full(labels.shape, BACKGROUND)
    for cell in range(n_cells):
        place = (slice(None), slice(10, 16), slice(12 * cell + 3, 12 * cell + 9))
        labels[place] = cell + 1
        height = 30.0 * (cell + 1) * cells[:, None, None]
        bright[place] += height * np.linspace(0.9, 1.1, 6)
    tracks = [(cell + 1, 0, N_FRAMES - 1, 0) for cell in range(n_cells)]
    image = OFFSET + np.asarray(light)[:, None, None] * bright
    return SavedResult(labels, tracks), {"0": image}


def frames_of(made, **options):
    return list(measure_frames(*made, MeasureOptions(**options)))


def table_of(made, **options):
    frames = frames_of(made, **options)
    return {name: np.concatenate([one[name] for one in frames]) for name in frames[0]}


def per_frame(table, name):
    _, first = np.unique(table["frame"], return_index=True)
    return table[name][first]


def test_flicker_is_told_and_changes_nothing_unless_it_is_asked_for():
    steady, table = table_of(movie()), table_of(movie(BURSTS))
    found = per_frame(table, "flicker_0")
    np.testing.assert_allclose(found[1:-1], BURSTS[1:-1])
    assert np.isnan(found[[0, -1]]).all()
    np.testing.assert_allclose(
        per_frame(table, "background_0"), OFFSET + BACKGROUND * BURSTS
    )
    inner = (table["frame"] == 4) & (table["track"] == 12)
    raised = OFFSET + 1.3 * (steady["mean_0"][inner] - OFFSET)
    np.testing.assert_allclose(table["mean_0"][inner], raised)


def test_grey_values_without_flicker_are_those_of_the_steady_lamp():
    steady = table_of(movie(), ring=2.0)
    table = table_of(movie(BURSTS), ring=2.0, without_flicker=True)
    for name in ("mean_0", "min_0", "max_0", "sum_0", "std_0", "ring_mean_0"):
        np.testing.assert_allclose(table[name], steady[name], err_msg=name)


@pytest.mark.parametrize(
    "change",
    [
        np.exp(-np.arange(N_FRAMES) / 20),
        np.where(np.arange(N_FRAMES) >= 9, 1.5, 1.0),
        np.where(np.isin(np.arange(N_FRAMES), range(9, 13)), 1.5, 1.0),
    ],
    ids=["fading", "lasting stimulus", "stimulus of four frames"],
)
def test_a_change_of_the_cells_that_lasts_is_left_in(change):
    made = movie(cells=change)
    kept = table_of(made, without_flicker=True)
    np.testing.assert_allclose(kept["mean_0"], table_of(made)["mean_0"], rtol=1e-9)
    assert describe_flicker(frames_of(made), ["0"], None) == []


def test_a_short_change_of_the_cells_alone_is_taken_out_but_said():
    alone = frames_of(movie(cells=BURSTS), without_flicker=True)
    (said,) = describe_flicker(alone, ["0"], None)
    assert "4 of 24 frames are up to 30%" in said
    assert "In 4 of them the background did not follow" in said
    lamp = frames_of(movie(BURSTS))
    (said,) = describe_flicker(lamp, ["0"], "--without-flicker")
    assert "--without-flicker takes it out" in said
    assert "did not follow" not in said
    pulse = STEADY.copy()
    pulse[12] = 1.4
    both = frames_of(movie(BURSTS, cells=pulse))
    (said,) = describe_flicker(both, ["0"], None)
    assert "In 1 of them the background did not follow" in said


def test_of_few_cells_no_flicker_can_be_told():
    made = movie(BURSTS, n_cells=5)
    table = table_of(made, without_flicker=True)
    assert np.isnan(table["flicker_0"]).all()
    np.testing.assert_array_equal(table["mean_0"], table_of(made)["mean_0"])
    assert describe_flicker(frames_of(made), ["0"], None) == []


def test_tables_that_pass_by_tell_the_same_in_the_end():
    frames = frames_of(movie(BURSTS))
    watched = WatchedTables(frames)
    assert all(one is other for one, other in zip(watched, frames, strict=True))
    assert watched.cells == N_FRAMES * 12
    said = watched.describe_flicker(["0"], "it")
    assert said == describe_flicker(frames, ["0"], "it") != []


@pytest.mark.parametrize(("spread", "most"), [(0.0, 0.01), (0.15, 0.06)])
def test_of_a_simulated_movie_most_of_the_flicker_is_found(spread, most):
    made = simulate_movie(24, (192, 192), 20, kind="nuclei", seed=3)
    light = np.exp(np.random.default_rng(1).normal(0, spread, 24))
    flickering = OFFSET + light[:, None, None] * np.asarray(made.frames, np.float64)
    table = table_of((SavedResult(made.labels, made.tracks), {"0": flickering}))
    wrong = np.log(per_frame(table, "flicker_0") / light)
    wrong -= np.nanmedian(wrong)
    assert np.sqrt(np.nanmean(wrong**2)) < most
