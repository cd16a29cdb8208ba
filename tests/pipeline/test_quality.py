"""How good a result is expected to be."""

import csv
import tomllib

import numpy as np
import pytest
from scipy import ndimage

from fastershift.config import resolve_settings
from fastershift.instances import unsure_share
from fastershift.io import read_saved, write_saved
from fastershift.pipeline import (
    FrameDone,
    Quality,
    Started,
    _expect,
    _quality,
    plan_run,
    run_plan,
    segment_movie,
    with_quality,
)
from fastershift.pipeline._quality import expected_quality, stability
from fastershift.pipeline._samples import take_samples
from fastershift.rshn import load_model
from fastershift.simulate import simulate_movie
from helpers.votes import kept_votes, true_votes

DIAMETER = 20.0


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(3, (192, 192), 40, kind="embryo", diameter=DIAMETER, seed=8)


@pytest.fixture(scope="module")
def model():
    return load_model("generalist")


def told(model, diameter=DIAMETER):
    user = {"embed": {"diameter": diameter}}
    return resolve_settings(user=user, card=model.card.settings)


def texture():
    noise = np.random.default_rng(0).normal(size=(2, 192, 192))
    return ndimage.gaussian_filter(noise, (0, 3, 3)).astype(np.float32)


def quality(f1=0.8, unsure=0.1):
    return Quality(f1, f1 / 2, (1 + f1) / 2, unsure)


def test_a_model_is_stable_on_the_kind_it_knows(movie, model):
    known = stability(take_samples(movie.frames), model, told(model), device="cpu")
    assert known.agreement > 0.6
    unknown = stability(take_samples(texture()), model, told(model), device="cpu")
    assert unknown.agreement < known.agreement - 0.3
    assert unknown.unsure > known.unsure


def test_frames_without_contrast_have_no_cells(model):
    black = np.zeros((1, 64, 64))
    found = expected_quality(black, model, told(model), device="cpu")
    assert found.doubtful
    assert found.f1 < 0.1


def test_a_kind_that_the_model_does_not_know_is_announced(movie, model):
    known = expected_quality(movie.frames, model, told(model), device="cpu")
    assert not known.doubtful
    assert known.low < known.f1 < known.high
    assert known.sentence().startswith("Expected quality: F1 0.")
    unknown = expected_quality(texture(), model, told(model), device="cpu")
    assert unknown.doubtful
    assert "measure the diameter" in unknown.sentence()


def test_a_frame_with_more_unsure_pixels_is_worse():
    movie = quality(f1=0.8, unsure=0.1)
    assert movie.of_frame(0.1) == pytest.approx(0.8)
    assert movie.of_frame(0.05) > 0.8
    assert 0 < movie.of_frame(2.0) < 0.1


def test_unsure_pixels_are_counted_per_pixel_of_cells():
    labels = np.zeros((40, 40), np.int32)
    labels[10:20, 10:30] = 1
    raw = true_votes(labels, 12.0)
    assert unsure_share(kept_votes(raw, 12.0)) == 0
    raw[20:25, 10:30, 0] = -0.5
    assert unsure_share(kept_votes(raw, 12.0)) == pytest.approx(0.5)
    raw[..., 0] = -9
    assert unsure_share(kept_votes(raw, 12.0)) == 2, "no cell"


@pytest.fixture(scope="module")
def events(movie):
    """Of a run whose second frame is out of focus."""
    blurred = movie.frames.astype(np.float32)
    blurred[1] = ndimage.gaussian_filter(blurred[1], 4)
    settings = {"embed": {"model": "generalist", "diameter": DIAMETER}}
    return list(run_plan(plan_run(blurred, settings, device="cpu")))


class TestRun:
    """The quality is told at the start, for each frame, and with the result."""

    def test_at_the_start(self, events):
        started = next(event for event in events if isinstance(event, Started))
        assert started.notes[-1].startswith("Expected quality: F1")

    def test_of_each_frame(self, events):
        first, blurred, last = (
            event.report.expected_f1 for event in events if isinstance(event, FrameDone)
        )
        assert blurred < min(first, last)

    def test_of_the_result_and_in_its_files(self, events, tmp_path):
        result = events[-1].result
        expected = result.provenance["quality"]
        assert expected.keys() == {"f1", "low", "high", "doubtful"}
        path = tmp_path / "result"
        write_saved(path, result.saved(), format="ctc")
        settings = tomllib.loads((path / "settings.toml").read_text(encoding="utf-8"))
        assert settings["provenance"]["quality"] == expected
        with (path / "report.csv").open(encoding="utf-8", newline="") as file:
            titles, *rows = csv.reader(file)
        assert titles[-1] == "expected_f1"
        assert all(0 < float(row[-1]) < 1 for row in rows)
        reports = read_saved(path).reports
        assert [one["expected_f1"] for one in reports] == [
            round(one.expected_f1, 4) for one in result.reports
        ]


def test_nothing_is_expected_of_given_embeddings():
    vectors = np.random.default_rng(0).normal(size=(2, 4, 32, 32))
    result = segment_movie(None, embeddings=vectors, background="none")
    assert "quality" not in result.provenance
    assert {report.expected_f1 for report in result.reports} == {None}


def test_what_the_choice_found_out_is_used(movie, monkeypatch):
    """Only where the cells are found with the settings of the choice."""
    monkeypatch.setattr(_quality, "stability", lambda *_args, **_how: None)
    settings = {"embed": {"model": "generalist"}}
    plan = plan_run(movie.frames, settings, device="cpu")
    assert with_quality(plan).quality.f1 > 0.5
    assert plan.choice.known_stability is not None
    for other in (
        {"embed": {"model": "generalist", "diameter": 31.0}},
        settings | {"track": {"foreground": 0.7}},
    ):
        changed = plan_run(movie.frames, other, device="cpu", former=plan)
        assert changed.choice.known_stability is None


def test_what_was_found_out_is_not_found_out_again(movie, monkeypatch):
    settings = {"embed": {"model": "generalist", "diameter": DIAMETER}}
    plan = with_quality(plan_run(movie.frames, settings, device="cpu"))
    asked = []
    monkeypatch.setattr(
        _expect, "expected_quality", lambda *_args, **_how: asked.append(1) or quality()
    )
    again = plan_run(movie.frames, settings, device="cpu", former=plan)
    assert with_quality(again).quality == plan.quality
    assert not asked
    other = {"embed": {"model": "generalist", "diameter": 2 * DIAMETER}}
    changed = plan_run(movie.frames, other, device="cpu", former=plan)
    assert changed.quality is None
    assert with_quality(changed).quality == quality()
    assert asked == [1]
