"""Light through simulated cells, and movies as they are read."""

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.simulate import Simulation, simulate_movie
from fastershift.simulate._lens import brightfield, dic, phase_contrast

PLAIN = ["nuclei", "phase", "dic", "elongated"]
BODIES = ["rods", "yeast", "adherent", "epithelium", "embryo", "clumps", "cells"]
KINDS = [*PLAIN, *BODIES]
LENSES = [phase_contrast, brightfield, dic]
EMPTY = np.zeros((32, 40), np.float32)


@pytest.mark.parametrize("microscope", LENSES)
def test_light_that_meets_nothing_is_1(microscope):
    for seed in range(10):
        image = microscope(EMPTY.shape, np.random.default_rng(seed), 12.0)
        np.testing.assert_allclose(image(EMPTY, EMPTY), 1, atol=1e-4)


@pytest.mark.parametrize("microscope", LENSES)
def test_light_that_is_lost_is_dark_everywhere(microscope):
    image = microscope(EMPTY.shape, np.random.default_rng(1), 12.0)
    np.testing.assert_allclose(image(EMPTY, EMPTY + 0.5), np.exp(-1), atol=1e-4)


@pytest.mark.parametrize("microscope", LENSES)
def test_a_delay_of_all_light_alike_is_not_seen(microscope):
    image = microscope(EMPTY.shape, np.random.default_rng(1), 12.0)
    np.testing.assert_allclose(image(EMPTY + 0.7, EMPTY), 1, atol=1e-4)


@pytest.mark.parametrize("microscope", LENSES)
def test_bodies_are_seen_though_they_only_delay_light(microscope):
    body = EMPTY.copy()
    body[12:20, 14:26] = 0.6
    for seed in range(10):
        image = microscope(EMPTY.shape, np.random.default_rng(seed), 12.0)
        light = image(body, EMPTY)
        assert np.isfinite(light).all()
        assert light.min() >= 0
        assert np.ptp(light) > 0.01


def test_relief_is_lit_from_one_side():
    slope = np.sin(2 * np.pi * np.arange(40) / 40).astype(np.float32)
    body = np.broadcast_to(0.3 * slope, (32, 40)).copy()
    for seed in range(10):
        image = dic(body.shape, np.random.default_rng(seed), 12.0)
        up, down = image(body, EMPTY)[0], image(-body, EMPTY)[0]
        # Rising slopes are as bright as falling ones of the opposite body.
        np.testing.assert_allclose(up, np.roll(down, 20), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_movie_is_the_same_when_it_is_read_frame_by_frame(kind):
    options = {"diameter": 12, "kind": kind, "seed": 6, "cell_cycle": 4, "death": 0.05}
    whole = simulate_movie(4, (40, 48), 5, **options)
    film = Simulation(4, (40, 48), 5, **options)
    assert film.tracks == ()
    for t, (frame, labels) in enumerate(film):
        np.testing.assert_array_equal(frame, whole.frames[t])
        np.testing.assert_array_equal(labels, whole.labels[t])
        assert all(last <= t for _, _, last, _ in film.tracks)
    assert film.tracks == whole.tracks


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_movie_is_the_beginning_of_a_long_one(kind):
    short, long = (
        simulate_movie(n, (40, 48), 5, diameter=12, kind=kind, seed=6, cell_cycle=4)
        for n in (2, 4)
    )
    np.testing.assert_array_equal(short.frames, long.frames[:2])
    np.testing.assert_array_equal(short.labels, long.labels[:2])


@pytest.mark.parametrize("kind", KINDS)
def test_without_cells_there_is_still_a_picture(kind):
    movie = simulate_movie(2, (32, 40), 0, diameter=12, kind=kind, seed=3)
    assert movie.tracks == ()
    assert not movie.labels.any()
    assert np.ptp(movie.frames[0]) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_certain_death_leaves_the_first_frame_alone(kind):
    movie = simulate_movie(3, (48, 48), 6, diameter=14, kind=kind, seed=3, death=1.0)
    assert movie.labels[0].any()
    assert not movie.labels[1:].any()
    assert all((first, last) == (0, 0) for _, first, last, _ in movie.tracks)


@pytest.mark.parametrize("kind", ["nuclei", "rods", "clumps", "cells"])
def test_daughters_have_together_about_the_area_of_their_mother(kind):
    ratios = []
    for seed in range(3):
        movie = simulate_movie(
            8, (160, 160), 16, diameter=20, kind=kind, seed=seed, cell_cycle=8
        )
        spans = {track: (first, last) for track, first, last, _ in movie.tracks}
        families: dict[int, list[int]] = {}
        for track, _, _, parent in movie.tracks:
            families.setdefault(parent, []).append(track)
        for mother, both in families.items():
            if mother == 0 or len(both) < 2:
                continue
            t = spans[mother][1]
            before = np.count_nonzero(movie.labels[t] == mother)
            after = np.count_nonzero(np.isin(movie.labels[t + 1], both))
            edge = movie.labels[t + 1].copy()
            edge[1:-1, 1:-1] = 0
            if not np.isin(both, edge).any():
                ratios.append(after / before)
    assert len(ratios) >= 5
    assert 0.7 < np.median(ratios) < 1.4


@pytest.mark.parametrize("kind", ["nuclei", "rods", "clumps"])
def test_the_least_and_the_largest_sizes_can_be_made(kind):
    for diameter in (4, 64):
        movie = simulate_movie(1, (16, 16), 1, diameter=diameter, kind=kind, seed=1)
        assert movie.frames.shape == (1, 16, 16)
    for wrong in (3.99, 64.1):
        with pytest.raises(InputError, match="at least 4 pixels and at most 4 frame"):
            simulate_movie(1, (16, 16), 1, diameter=wrong, kind=kind)
    for wrong_shape in ((15, 16), (16, 15), (16,), (16, 16, 16)):
        with pytest.raises(InputError, match="16 × 16 pixels"):
            simulate_movie(1, wrong_shape, 1, diameter=8, kind=kind)


def test_unknown_kinds_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"kind of movie 'neurons'; .*nuclei.*rods"):
        simulate_movie(kind="neurons")  # type: ignore[arg-type]
