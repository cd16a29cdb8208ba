"""One user's sitting, without a window."""

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.pipeline import Finished, FrameDone
from fastershift.session import Session, SessionInput, describe_error, remaining

SMALL = {"embed": {"diameter": 16.0, "block": 2, "warmup": 1}}


def drive(job):
    return list(job.events())


@pytest.fixture
def session(embeddings):
    session = Session()
    session.open(SessionInput(embeddings=embeddings))
    return session


def test_a_run_fills_its_labels_frame_by_frame(session):
    job = session.start()
    for event in job.events():
        if isinstance(event, FrameDone):
            assert job.labels[event.frame].any()
            assert not job.labels[event.frame + 1 :].any()
    assert job.state == "finished"
    sentence = session.finish(job)
    assert "5 frames" in sentence
    assert session.labels is session.result.labels


def test_cancelling_the_first_run_keeps_its_frames(session):
    job = session.start()
    for event in job.events():
        if isinstance(event, FrameDone) and event.frame == 2:
            job.cancel()
    assert job.state == "cancelled"
    assert session.finish(job) == "Cancelled: 3 of 5 frames are kept."
    assert session.labels[2].any()
    assert not session.labels[3:].any()


def test_a_run_that_is_left_has_not_failed(session):
    job = session.start()
    events = job.events()
    next(events)
    events.close()
    assert job.state == "cancelled"
    assert session.finish(job) == "Cancelled: 0 of 5 frames are kept."


def test_cancelling_a_second_run_restores_the_first(session):
    first = session.start()
    drive(first)
    session.finish(first)
    second = session.start({"cluster": {"bandwidth": 0.05}})
    for _ in second.events():
        second.cancel()
    assert "former result" in session.finish(second)
    assert np.array_equal(session.labels, first.result.labels)


def test_a_failed_run_restores_the_first(session, monkeypatch):
    first = session.start()
    drive(first)
    session.finish(first)
    second = session.start()

    def broken():
        raise ValueError("broken")
        yield

    monkeypatch.setattr(second.plan.source, "pairs", broken)
    with pytest.raises(ValueError, match="broken"):
        drive(second)
    assert second.state == "failed"
    assert "former result" in session.finish(second)
    assert session.result is first.result


def test_only_the_last_job_counts(session):
    stale = session.start()
    fresh = session.start()
    assert stale.cancelling
    assert not any(isinstance(event, Finished) for event in stale.events())
    assert session.finish(stale) == ""
    drive(fresh)
    session.finish(fresh)
    assert session.result is fresh.result


def test_another_input_drops_everything(session, embeddings):
    job = session.start()
    drive(job)
    session.finish(job)
    session.open(SessionInput(embeddings=embeddings[:2]))
    assert session.result is None
    assert session.labels is None
    assert session.finish(job) == ""


def test_an_input_is_needed():
    with pytest.raises(InputError, match="image layer"):
        Session().start()


def test_a_second_run_uses_the_embeddings_of_the_first(simulated, tiny_model):
    session = Session()
    session.open(SessionInput(movie=simulated.frames))
    settings = {"embed": SMALL["embed"] | {"model": str(tiny_model)}}
    first = session.start(settings)
    drive(first)
    passes = []
    second = session.start(settings | {"cluster": {"bandwidth": 0.2}})
    network = second.plan.source.embedder
    network.embed_block = lambda *_: passes.append(1) or iter(())
    drive(second)
    assert second.state == "finished"
    assert passes == []
    third = session.start({"embed": settings["embed"] | {"blur": 0.5}})
    original = third.plan.source.embedder.embed_block
    third.plan.source.embedder.embed_block = lambda *given: (
        passes.append(1) or original(*given)
    )
    drive(third)
    assert passes


@pytest.mark.parametrize("frame", [0, 1, 3, 4])
def test_preview_is_what_a_full_run_has_before_linking(simulated, tiny_model, frame):
    session = Session()
    session.open(SessionInput(movie=simulated.frames))
    settings = {"embed": SMALL["embed"] | {"model": str(tiny_model)}}
    *_, preview = session.preview(frame, settings)
    job = session.start(settings)
    done = [event for event in job.events() if isinstance(event, FrameDone)]
    labels = done[frame].labels
    assert preview.frame == frame
    assert np.array_equal(preview.cells > 0, labels > 0)
    pairs = np.unique(np.stack([preview.cells.ravel(), labels.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(preview.cells))
    assert preview.report.seeds == done[frame].report.seeds
    assert preview.clusters.max() == len(np.unique(preview.clusters)) - 1


def test_a_frame_that_shows_nothing_has_no_cells_in_the_preview(simulated, tiny_model):
    frames = simulated.frames.copy()
    frames[1] = 0
    session = Session()
    session.open(SessionInput(movie=frames))
    settings = {"embed": SMALL["embed"] | {"model": str(tiny_model)}}
    *_, before = session.preview(0, settings)
    *_, preview = session.preview(1, settings)
    assert before.cells.any()
    assert not preview.cells.any()


def test_preview_of_a_frame_that_is_not_there(session):
    with pytest.raises(InputError, match="no frame 9"):
        next(session.preview(9))


def test_estimate_grows_with_the_movie(simulated, tiny_model):
    session = Session()
    settings = {"embed": SMALL["embed"] | {"model": str(tiny_model)}}
    session.open(SessionInput(movie=simulated.frames))
    *_, estimate = session.estimate(settings)
    assert estimate.n_frames == 5
    assert estimate.network_shape == (36, 40)
    assert estimate.diameter == 16
    assert estimate.memory > simulated.frames.size * 4
    assert estimate.seconds > 0


def test_sentences_for_errors():
    assert describe_error(InputError("Do this.")) == "Do this."
    assert "memory" in describe_error(MemoryError())
    assert "KeyError" in describe_error(KeyError("x"))


def test_time_left():
    assert remaining(0.0, 0, 10) is None
    left = remaining(__import__("time").monotonic() - 10, 5, 10)
    assert left == pytest.approx(10, abs=1)


@pytest.mark.parametrize("restored", [False, True])
def test_a_run_that_is_cancelled_when_its_result_is_ready_has_none(session, restored):
    job = session.start()
    drive(job)
    job.cancel()
    assert session.finish(job, restored=restored).startswith("Cancelled: ")
    assert session.result is None
