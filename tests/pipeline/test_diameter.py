"""The cell diameter, guessed from the image and measured on the cells found."""

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.pipeline import _choice, plan_run
from fastershift.pipeline._diameter import measured_diameter
from fastershift.pipeline._quality import Stability
from fastershift.pipeline._trials import try_diameters
from fastershift.rshn import FirstLook, load_model
from fastershift.simulate import simulate_movie


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(3, (256, 256), 30, diameter=28, seed=5)


@pytest.fixture(scope="module")
def truth(movie):
    areas = np.bincount(movie.labels[1].ravel())[1:]
    return float(np.median(np.sqrt(areas[areas > 0] * 4 / np.pi)))


@pytest.fixture(scope="module")
def model():
    return load_model("nuclei")


@pytest.mark.parametrize("wrong", [0.85, 1.2])
def test_a_wrong_guess_is_put_right(movie, truth, model, wrong):
    measured = measured_diameter(movie.frames[1], model, wrong * truth, device="cpu")
    assert measured == pytest.approx(truth, rel=0.1)


def test_a_guess_that_the_cells_contradict_is_kept(movie, truth, model):
    guess = 2.5 * truth
    assert measured_diameter(movie.frames[1], model, guess, device="cpu") == guess


def test_without_whole_cells_the_guess_is_kept(model):
    flat = np.zeros((128, 128))
    assert measured_diameter(flat, model, 20.0, device="cpu") == 20
    lone = flat.copy()
    lone[50:70, 50:70] = 100
    assert measured_diameter(lone, model, 20.0, device="cpu") == 20


def test_only_the_middle_of_a_large_frame_is_segmented(movie, truth, model):
    frame = movie.frames[1]
    # Bright noise around it, which a measurement of the whole frame would meet.
    large = np.random.default_rng(0).normal(frame.mean(), 5, (1500, 1500))
    side = int(np.ceil(32 * truth))
    assert side < 1000
    corner = (1500 - 256) // 2
    large[corner : corner + 256, corner : corner + 256] = frame
    part = (1500 - side) // 2
    cut = large[part : part + side, part : part + side]
    assert measured_diameter(large, model, truth, device="cpu") == measured_diameter(
        cut, model, truth, device="cpu"
    )


def test_a_plan_measures_once_for_each_model(movie, monkeypatch):
    measured = []

    def counted(frame, model, guess, *, device):
        measured.append(model.name)
        return guess + 1

    monkeypatch.setattr(_choice, "measured_diameter", counted)
    nuclei = {"embed": {"model": "nuclei"}}
    first = plan_run(movie.frames, nuclei, device="cpu")
    assert first.choice.look is not None
    assert first.settings.embed.diameter == round(first.choice.look.diameter + 1, 1)
    changed = nuclei | {"cluster": {"bandwidth": 0.2}}
    again = plan_run(movie.frames, changed, former=first)
    assert again.settings.embed.diameter == first.settings.embed.diameter
    assert measured == ["nuclei"]
    other = {"embed": {"model": "simulated"}}
    second = plan_run(movie.frames, other, former=again)
    plan_run(movie.frames, nuclei, former=second)
    assert measured == ["nuclei", "simulated"]


def test_the_generalist_is_tried_at_diameters_once(movie, truth, monkeypatch):
    tried = []

    def counted(frames, model, settings, *, device):
        tried.append(model.name)
        return try_diameters(frames, model, settings, device=device)

    monkeypatch.setattr(_choice, "try_diameters", counted)
    general = {"embed": {"model": "generalist"}}
    first = plan_run(movie.frames, general, device="cpu")
    assert first.settings.embed.diameter == pytest.approx(truth, rel=0.25)
    assert first.choice.look is None
    again = plan_run(movie.frames, general, former=first)
    assert again.settings.embed.diameter == first.settings.embed.diameter
    assert tried == ["generalist"]


@pytest.mark.parametrize(
    ("stable", "taken"), [((0.5, 0.8), "dic"), ((0.8, 0.5), "generalist")]
)
def test_a_model_for_a_kind_is_taken_only_where_it_is_as_stable(
    movie, monkeypatch, stable, taken
):
    look = FirstLook(diameter=28.0, kind="dic", probability=1.0)
    of = {"generalist": stable[0], "dic": stable[1]}
    monkeypatch.setattr(_choice, "first_look", lambda _frames: look)
    monkeypatch.setattr(
        _choice,
        "stability",
        lambda _movie, model, *_, **_how: Stability(of[model.name], 0.0),
    )
    plan = plan_run(movie.frames, device="cpu")
    assert plan.settings.embed.model == taken


def test_the_published_method_takes_a_model_that_compares_by_cosine(movie):
    published = {"profile": "published", "embed": {"diameter": 28.0}}
    plan = plan_run(movie.frames, published, device="cpu")
    assert plan.settings.embed.model == "cosine"
    with pytest.raises(InputError, match="choose the model cosine"):
        plan_run(movie.frames, published, model="generalist", device="cpu")


def test_a_given_diameter_is_not_measured(movie, monkeypatch):
    monkeypatch.setattr(_choice, "measured_diameter", None)
    plan = plan_run(movie.frames, {"embed": {"diameter": 25.0, "model": "nuclei"}})
    assert plan.settings.embed.diameter == 25
    assert plan.choice.look is None


def test_what_the_tuning_settings_are_does_not_change_the_diameter(movie):
    diameters = {
        plan_run(
            movie.frames, {"cluster": {"bandwidth": h}}, device="cpu"
        ).settings.embed.diameter
        for h in (0.1, 0.6)
    }
    assert len(diameters) == 1


def test_frames_without_contrast_are_a_sentence():
    with pytest.raises(InputError, match="give it in pixels"):
        plan_run(np.zeros((2, 64, 64)), device="cpu")
