"""Movies of which only some frames are known, as after corrections by hand."""

import numpy as np
import pytest
import torch

from fastershift.io import as_movie
from fastershift.rshn import load_model
from fastershift.simulate import simulate_movie
from fastershift.training import (
    Augmentation,
    LabelledMovie,
    TrainFinished,
    TrainingMovie,
    TrainingRun,
    TrainValidated,
    decide_settings,
    draw_clip,
    read_training_data,
)

FRAMES = 40


@pytest.fixture(scope="module")
def simulated():
    return simulate_movie(FRAMES, (48, 56), 5, diameter=14, seed=1)


def known_in(simulated, frames):
    labels = np.full(simulated.labels.shape, -1, np.int32)
    labels[list(frames)] = simulated.labels[list(frames)]
    return LabelledMovie("movie", as_movie(simulated.frames), as_movie(labels))


def known_frames(movie):
    return [t for t, known in enumerate(movie.known) if known]


def test_one_of_the_frames_looked_at_is_kept_out(simulated):
    data = read_training_data([known_in(simulated, (2, 4, 30))], 8.0)
    (movie,), (part,) = data.movies, data.parts
    assert "3 of 40 frames labelled" in data.sources[0]
    assert "of these, 30 kept out" in data.sources[0]
    assert known_frames(movie) == [2, 4]
    assert len(movie.frames) < FRAMES, "frames far from any truth are of no use"
    assert len(part.frames) == 3
    known = (part.labels >= 0).all((1, 2))
    assert known.sum() == 1
    assert (part.labels[~known] == -1).all()
    (place,) = np.flatnonzero(known)
    np.testing.assert_array_equal(part.frames[place], simulated.frames[30])
    assert part.shown == place


def test_frames_far_apart_become_movies_weighted_by_what_is_known(simulated):
    data = read_training_data([known_in(simulated, (2, 3, 30, 39))], 8.0)
    assert [known_frames(movie) for movie in data.movies] == [[2, 3], [8]]
    weights = [movie.weight for movie in data.movies]
    assert weights == pytest.approx([2 / 3, 1 / 3])


def test_a_fifth_of_many_is_kept_out(simulated):
    data = read_training_data([known_in(simulated, range(5, 20))], 8.0)
    assert "of these, 17, 18, 19 kept out" in data.sources[0]


def test_a_single_frame_is_learned_from(simulated):
    data = read_training_data([known_in(simulated, (7,))], 8.0)
    assert "too short for validation" in data.sources[0]
    assert data.parts == ()
    assert known_frames(data.movies[0]) == [7]


@pytest.mark.parametrize("known", [0, 5, 6, 11])
def test_every_clip_holds_truth(known):
    labels = torch.full((12, 64, 64), -1, dtype=torch.int32)
    labels[known] = 0
    labels[known, 20:30, 20:30] = 7
    movie = TrainingMovie(torch.zeros(12, 64, 64), labels, 1.0)
    for seed in range(30):
        clip = draw_clip(
            (movie,),
            length=4,
            size=48,
            reach=6,
            network_diameter=12.0,
            options=Augmentation(skip=0.5),
            generator=torch.Generator().manual_seed(seed),
        )
        assert (clip.labels >= 0).any()
        assert (clip.labels >= 0).flatten(1).any(1).sum() == 1


def test_training_on_a_few_frames_ends_in_a_model(simulated, tmp_path):
    data = read_training_data([known_in(simulated, (2, 4, 30))], 8.0)
    small = {"filters": 4, "levels": 2, "channels": 8, "size": 32, "length": 3}
    settings = decide_settings(small | {"network_diameter": 8.0})
    output = tmp_path / "corrected.safetensors"
    events = list(TrainingRun(data, output, settings, iterations=3, device="cpu"))
    judged = [event for event in events if isinstance(event, TrainValidated)]
    assert all(np.isfinite(event.seg) and np.isfinite(event.tra) for event in judged)
    assert judged[-1].picture.shape[0] >= 48
    assert isinstance(events[-1], TrainFinished)
    assert load_model(output).card.scores.keys() == {"movie"}
