"""Clips: which frames they show, what is kept of the truth, and how they are varied."""

import dataclasses
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fastershift.errors import FastershiftError, InputError
from fastershift.rshn import RSHN, ModelCard, read_card
from fastershift.training import (
    Augmentation,
    TrainingMovie,
    check_model_output,
    draw_clip,
    save_or_keep,
    state_path,
)
from fastershift.training import _place as places
from fastershift.training._augment import Clip, _choose_frames, stack_clips
from fastershift.training._intensity import ratio, uniform, vary_intensity
from fastershift.training._state import is_state, read_state, write_state

STEADY = Augmentation(**{field.name: 0.0 for field in dataclasses.fields(Augmentation)})
STEADY = dataclasses.replace(STEADY, zoom=1, stretch=1, gamma=1, contrast=1)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def movie_of(n_frames, unknown=()):
    """A movie in which frame t has the value t, and a cell in the middle."""
    frames = torch.arange(float(n_frames))[:, None, None].expand(-1, 96, 96)
    labels = torch.zeros((n_frames, 96, 96), dtype=torch.int32)
    labels[:, 40:56, 40:56] = 5
    labels[list(unknown)] = -1
    return TrainingMovie(frames.clone(), labels, 1.0)


seeds = st.integers(0, 10**6)


@given(st.integers(1, 12), st.integers(1, 6), seeds)
def test_frames_of_a_clip_follow_one_another(n_frames, length, seed):
    options = Augmentation(skip=0.5, reverse=0.5)
    chosen = _choose_frames(movie_of(n_frames), length, options, seeded(seed))
    assert len(chosen) == length
    assert all(0 <= t < n_frames for t in chosen)
    steps = {after - before for before, after in itertools.pairwise(chosen)}
    if n_frames >= length:
        # All in one direction, at one speed.
        assert steps in ({1}, {-1}, {2}, {-2}, set())
    elif n_frames > 1:
        # A short movie is walked back and forth.
        assert {abs(step) for step in steps} == {1}
        assert set(chosen) == set(range(n_frames))


@given(seeds)
def test_a_clip_shows_some_truth(seed):
    movie = movie_of(12, unknown=[t for t in range(12) if t != 9])
    chosen = _choose_frames(movie, 3, Augmentation(skip=0), seeded(seed))
    assert 9 in chosen


def draw(movie, seed=0, options=STEADY, length=3, size=64):
    return draw_clip(
        (movie,),
        length=length,
        size=size,
        reach=4,
        network_diameter=16,
        options=options,
        generator=seeded(seed),
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_lies_beyond_the_frame_is_unknown(seed):
    movie = movie_of(3)
    clip = draw(movie, seed, size=96)
    # Turned, the square does not fill the clip; its cell and background do not change.
    assert clip.frames.shape == (3, 1, 96, 96)
    known = clip.labels >= 0
    assert set(clip.labels.unique().tolist()) <= {-1, 0, 1}
    assert known.float().mean() > 0.7
    assert int((clip.labels[0] == 1).sum()) == pytest.approx(256, abs=20)


def test_small_frames_give_small_clips():
    movie = TrainingMovie(torch.zeros(2, 70, 90), torch.zeros(2, 70, 90).int(), 1.0)
    assert draw(movie, size=256, length=2).labels.shape[-1] == 80
    tiny = TrainingMovie(torch.zeros(2, 20, 20), torch.zeros(2, 20, 20).int(), 1.0)
    assert draw(tiny, size=256, length=2).labels.shape[-1] == 64


def test_movies_are_drawn_by_their_weight():
    first = TrainingMovie(
        torch.zeros(3, 64, 64), torch.zeros(3, 64, 64).int(), 1.0, 0.0
    )
    second = dataclasses.replace(first, frames=torch.ones(3, 64, 64), weight=2.0)
    for seed in range(6):
        clip = draw_clip(
            (first, second),
            length=2,
            size=64,
            reach=4,
            network_diameter=16,
            options=STEADY,
            generator=seeded(seed),
        )
        # Frames flicker a little.
        assert float(clip.frames.mean()) > 0.7


def test_cells_of_a_still_move_and_those_of_a_movie_stay():
    still = dataclasses.replace(movie_of(1), still=True)
    moving = dataclasses.replace(STEADY, drift=0.8, bend=0.2)
    clip = draw(still, 3, moving)
    assert not torch.equal(clip.labels[0], clip.labels[2])
    # A cell of a still is never new: nobody knows where it was.
    assert set(clip.predecessors[1:, 1].tolist()) <= {1, -1}
    steady = draw(movie_of(1), 3, moving)
    assert torch.equal(steady.labels[0], steady.labels[2])


def test_stacked_clips_are_padded_with_unknown_pixels():
    def clip(side):
        labels = torch.ones((2, side, side), dtype=torch.int64)
        none = torch.zeros((1, 1), dtype=torch.bool)
        return Clip(torch.full((2, 1, side, side), 3.0), labels, none, labels[:, 0])

    frames, labels = stack_clips([clip(10), clip(14)], 8)
    assert frames.shape == (2, 2, 1, 16, 16)
    assert (frames == 3).all()
    for number, side in enumerate((10, 14)):
        assert (labels[:, number, :side, :side] == 1).all()
        assert (labels[:, number, side:] == -1).all()
        assert (labels[:, number, :, side:] == -1).all()


@given(seeds, st.floats(1, 8), st.floats(-3, 3), st.floats(0, 5))
def test_draws_stay_within_their_limits(seed, largest, low, width):
    generator = seeded(seed)
    for _ in range(5):
        assert 1 / largest - 1e-9 <= ratio(generator, largest) <= largest + 1e-9
        assert low <= uniform(generator, low, low + width) <= low + width + 1e-9


def test_without_variation_frames_only_flicker():
    frames = torch.rand(4, 1, 20, 20, generator=seeded(0))
    varied = vary_intensity(frames, STEADY, seeded(1))
    change = (varied - frames).flatten(1)
    # One number for each frame.
    torch.testing.assert_close(change, change[:, :1].expand_as(change))
    assert 0 < change.abs().max() < 0.3


@pytest.mark.parametrize(
    "name", ["curve", "relief", "filtering", "dirt", "inversion", "blur", "grain"]
)
def test_every_kind_of_variation_changes_the_frames_and_keeps_their_size(name):
    frames = torch.rand(3, 1, 32, 32, generator=seeded(0)) * 2 - 1
    options = dataclasses.replace(STEADY, **{name: 1.0}, softness=1.2)
    if name == "grain":
        options = dataclasses.replace(options, grain=3.0, noise=0.5)
    varied = [vary_intensity(frames, options, seeded(seed)) for seed in range(6)]
    plain = [vary_intensity(frames, STEADY, seeded(seed)) for seed in range(6)]
    assert all(one.shape == frames.shape and one.isfinite().all() for one in varied)
    spreads = [(a - b).std() for a, b in zip(varied, plain, strict=True)]
    assert max(spreads) > 0.02


def test_a_state_comes_back_and_nothing_else_is_one(tmp_path):
    path = tmp_path / "new" / "model.state.safetensors"
    tensors = {"weights": torch.arange(6.0).reshape(2, 3).T}
    told = {"iteration": "7", "settings": "{}"}
    write_state(path, tensors, told)
    found, metadata = read_state(path)
    torch.testing.assert_close(found["weights"], tensors["weights"])
    assert metadata == told
    assert is_state(path)
    assert not list(path.parent.glob("*.part"))
    write_state(path, tensors, {"iteration": "7"})
    assert not is_state(path)
    with pytest.raises(InputError, match="no training that could be resumed"):
        read_state(path)
    path.write_bytes(b"damaged")
    assert not is_state(path)
    with pytest.raises(InputError, match="damaged"):
        read_state(path)
    with pytest.raises(InputError, match="no training to resume"):
        read_state(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(FastershiftError, match="cannot be written"):
        write_state(tmp_path / "file" / "state", tensors, told)


def test_a_model_replaces_nothing_but_a_model(tmp_path):
    output = tmp_path / "own.safetensors"
    check_model_output(output)
    with pytest.raises(InputError, match=r"must end in \.safetensors"):
        check_model_output(tmp_path / "own.pt")
    for file in (output, state_path(output), places.picture_path(output)):
        file.write_bytes(b"something of the user's")
        with pytest.raises(InputError, match=file.name):
            check_model_output(output)
        file.unlink()


def test_a_model_that_cannot_be_written_is_kept_elsewhere(tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(kept))
    card = ModelCard(name="own", filters=2, levels=2, channels=4, diameter=8.0)
    (tmp_path / "file").touch()
    with pytest.raises(FastershiftError, match="The model was kept in"):
        save_or_keep(RSHN(2, 2, 4), card, tmp_path / "file" / "own.safetensors")
    (found,) = kept.iterdir()
    assert read_card(found).name == "own"
    # Where that is not possible either, the first reason is told.
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(FastershiftError) as told:
        save_or_keep(RSHN(2, 2, 4), card, tmp_path / "file" / "own.safetensors")
    assert "kept in" not in str(told.value)
