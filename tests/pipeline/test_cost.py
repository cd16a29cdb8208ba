"""What a run costs, in counts instead of seconds."""

import numpy as np
import pytest

from fastershift.pipeline import Finished, FrameDone, Notice, segment_movie, track
from fastershift.pipeline import _track as run_module
from fastershift.rshn._streaming import Stream
from fastershift.tracking import Linker
from fastershift.tracking import _linker as linker_module
from helpers.tracks import finalize, stack_of


@pytest.fixture
def resized(monkeypatch):
    """Frames that were brought to image pixels."""
    seen, to_image = [], run_module.to_image

    def counted(plan, labels):
        seen.append(labels)
        return to_image(plan, labels)

    monkeypatch.setattr(run_module, "to_image", counted)
    return seen


def test_the_network_runs_little_more_than_once_a_frame(
    simulated, tiny_model, monkeypatch
):
    passes, embed = [], Stream.embed

    def counted(self, images, chunk=0):
        passes.append(images.shape)
        return embed(self, images, chunk)

    monkeypatch.setattr(Stream, "embed", counted)
    movie = np.concatenate([simulated.frames] * 13)[:65]
    segment_movie(movie, {"embed": {"diameter": 32.0}}, model=str(tiny_model))
    assert len(passes) <= 1.3 * len(movie) + 4, "four to expect the quality"


def test_frames_are_resized_once(embeddings, resized):
    movie = np.concatenate([embeddings] * 6)
    segment_movie(None, embeddings=movie)
    assert len(resized) == len(movie)


def test_a_frame_that_is_changed_later_is_resized_again(embeddings, resized):
    """A cell falls apart for a frame: its part is rejoined when it has returned."""
    movie = np.concatenate([embeddings[:1]] * 6)
    clusters = movie[:, 1:].argmax(axis=1) * (movie[:, 0] < 0.5)
    cell = np.argwhere(clusters[0] > 0)[0]
    number = clusters[0, cell[0], cell[1]]
    rows, columns = np.nonzero(clusters[0] == number)
    half = columns > np.median(columns)
    movie[2, :, rows[half], columns[half]] = 0
    movie[2, (number + 5) % 10 + 1, rows[half], columns[half]] = 1
    events = list(track(None, embeddings=movie))
    shown = [event.labels for event in events if isinstance(event, FrameDone)]
    assert len(shown) == 6
    result = events[-1].result
    assert isinstance(events[-1], Finished)
    assert len(resized) >= len(movie)
    # The settled labels are those that linking and finalizing give at once.
    linker = Linker(result.settings.track)
    for labels in _pairs(movie, result.settings):
        linker.add(labels)
    expected, _ = finalize(stack_of(linker), result.settings.track)
    assert np.array_equal(result.labels, expected)


def _pairs(movie, settings):
    from fastershift.pipeline import cluster_pair, plan_run

    plan = plan_run(None, settings, embeddings=movie)
    return [cluster_pair(plan, pair).labels for pair in plan.source.pairs()]


def test_few_frames_are_held_however_long_the_movie(embeddings, monkeypatch):
    held, release = [], Linker.release

    def counted(self, *, settled=True):
        released = release(self, settled=settled)
        held.append(len(self._frames))
        return released

    monkeypatch.setattr(linker_module.Linker, "release", counted)
    result = segment_movie(None, embeddings=np.concatenate([embeddings] * 8))
    assert max(held) <= result.settings.track.merge_search + 2


def test_a_shortage_of_memory_is_told_and_no_frame_is_lost(
    simulated, tiny_model, monkeypatch
):
    settings = {"embed": {"diameter": 2.0, "tile_overlap": 64, "precision": "float32"}}
    expected = segment_movie(simulated.frames, settings, model=str(tiny_model))
    embed = Stream.embed

    def short(self, images, chunk=0):
        if images.shape[-1] > 200:
            raise MemoryError
        return embed(self, images, chunk)

    monkeypatch.setattr(Stream, "embed", short)
    events = list(track(simulated.frames, settings, model=str(tiny_model)))
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "Memory was short" in notice.sentence
    done = [event.frame for event in events if isinstance(event, FrameDone)]
    assert done == [*range(len(simulated.frames))]
    result = events[-1].result
    assert result.provenance["notices"] == [notice.sentence]
    agree = (result.labels > 0) == (expected.labels > 0)
    assert agree.mean() > 0.99
