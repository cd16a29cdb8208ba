"""The cell diameter, guessed from the image and measured on the cells found."""

from dataclasses import replace

import numpy as np
import pytest

from fastershift.config import resolve_settings
from fastershift.errors import InputError
from fastershift.pipeline import _choice, plan_run
from fastershift.pipeline._quality import Stability, stability
from fastershift.pipeline._samples import take_samples
from fastershift.pipeline._trials import Trial, try_diameters
from fastershift.rshn import FirstLook, Stream, load_model
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


def known(stable):
    """Stand in for what `stability` finds out."""

    def found(_movie, model, settings, *, device):
        return stable(model.name, settings.embed.diameter)

    return found


@pytest.mark.parametrize("wrong", [0.85, 1.2])
@pytest.mark.parametrize("name", ["nuclei", "generalist"])
def test_a_wrong_guess_is_put_right(movie, truth, name, wrong):
    model = load_model(name)
    told = {"embed": {"diameter": wrong * truth}}
    settings = resolve_settings(user=told, card=model.card.settings)
    found = stability(take_samples(movie.frames), model, settings, device="cpu")
    # What is told pulls a little: cells that it makes too small are lost.
    assert found.diameter == pytest.approx(truth, rel=0.12)


def test_without_whole_cells_nothing_is_measured(model):
    lone = np.zeros((1, 128, 128))
    lone[0, 50:70, 50:70] = 100
    told = {"embed": {"diameter": 20.0}}
    settings = resolve_settings(user=told, card=model.card.settings)
    assert stability(take_samples(lone), model, settings, device="cpu").diameter == 0


@pytest.mark.parametrize(
    ("measured", "taken"), [(33.0, 33.0), (80.0, 28.0), (0.0, 28.0)]
)
def test_a_guess_that_the_cells_contradict_is_kept(movie, monkeypatch, measured, taken):
    look = FirstLook(diameter=28.0, kind="nuclei", probability=1.0)
    monkeypatch.setattr(_choice, "first_look", lambda _frames: look)
    stable = known(lambda *_: Stability(0.9, 0.0, measured, 9))
    monkeypatch.setattr(_choice, "stability", stable)
    plan = plan_run(movie.frames, {"embed": {"model": "nuclei"}}, device="cpu")
    assert plan.settings.embed.diameter == taken


def test_a_plan_measures_once_for_each_model(movie, monkeypatch):
    measured = []

    def stable(name, diameter):
        measured.append(name)
        return Stability(0.9, 0.0, diameter + 1, 9)

    monkeypatch.setattr(_choice, "stability", known(stable))
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


def test_each_model_is_tried_itself(movie, model, monkeypatch):
    """What one model did at the diameters tells nothing of another."""
    general = load_model("generalist")
    own = replace(general, name="own", sha256="1" * 64)
    sizes = {"generalist": 20.0, "own": 40.0}

    def tried(_samples, model, _settings, *, device):
        size = sizes[model.name]
        return Trial(size, size, 20, 0.9), Trial(3 * size, 3 * size, 20, 0.7)

    monkeypatch.setattr(_choice, "try_diameters", tried)
    monkeypatch.setattr(
        _choice, "stability", known(lambda _, size: Stability(0.9, 0.0, size, 20))
    )
    plan = None
    for one in (general, own, model, general):
        plan = plan_run(movie.frames, model=one, device="cpu", former=plan)
        size = sizes.get(one.name)
        assert plan.choice.next_best == (size and 3 * size)
        assert (f"Tried {one.name} at" in plan.choice.sentence()) == (size is not None)
        if size:
            assert plan.settings.embed.diameter == size


def diameter_of(movie, monkeypatch, tried, found):
    """Let trials and their stability be known, and tell what diameter is taken."""
    monkeypatch.setattr(_choice, "try_diameters", lambda *_, **_how: tried)
    monkeypatch.setattr(_choice, "stability", known(lambda _, size: found[size]))
    plan = plan_run(movie.frames, {"embed": {"model": "generalist"}}, device="cpu")
    return plan.settings.embed.diameter


def test_one_cell_that_agrees_with_itself_does_not_win(movie, monkeypatch):
    """A clump is as stable as a cell; the cells in it are many."""
    tried = (Trial(80.0, 77.0, 7, 0.87), Trial(20.0, 22.0, 49, 0.79))
    found = {77.0: Stability(1.0, 0.0, 77.0, 1), 22.0: Stability(0.8, 0.0, 22.0, 20)}
    assert diameter_of(movie, monkeypatch, tried, found) == 22


def test_a_trial_that_cannot_win_is_not_compared(movie, monkeypatch):
    tried = (Trial(20.0, 22.0, 49, 0.9), Trial(80.0, 77.0, 30, 0.75))
    compared = []

    def stable(_name, size):
        compared.append(size)
        return Stability(0.9, 0.0, size, 49)

    monkeypatch.setattr(_choice, "try_diameters", lambda *_, **_how: tried)
    monkeypatch.setattr(_choice, "stability", known(stable))
    plan = plan_run(movie.frames, {"embed": {"model": "generalist"}}, device="cpu")
    assert compared == [22.0]
    assert plan.choice.next_best == 77
    assert plan.choice.sentence().endswith("22 px (agreement 0.86); next best: 77 px.")


def test_many_cells_in_every_second_part_are_enough(model, monkeypatch):
    """Where cells are few, the other parts are looked at, too."""
    passes, embed = [], Stream.embed

    def counted(self, images, chunk=0):
        passes.append(len(images))
        return embed(self, images, chunk)

    monkeypatch.setattr(Stream, "embed", counted)
    told = {"embed": {"diameter": 20.0}}
    settings = resolve_settings(user=told, card=model.card.settings)
    for n_cells, expected in ((90, [3, 3]), (12, [3, 3, 2, 2])):
        frames = simulate_movie(5, (256, 256), n_cells, diameter=20, seed=3).frames
        passes.clear()
        stability(take_samples(frames), model, settings, device="cpu")
        assert passes == expected


def test_cells_are_measured_by_all_trials_that_found_the_same(movie, monkeypatch):
    """One trial sees one part of each frame; its cells may be the large ones there."""
    tried = (Trial(20.0, 20.0, 20, 0.9), Trial(28.0, 24.0, 20, 0.88))
    found = {20.0: Stability(0.9, 0.0, 20.0, 20), 24.0: Stability(0.9, 0.0, 23.0, 20)}
    assert diameter_of(movie, monkeypatch, tried, found) == 21.5


@pytest.mark.parametrize(
    ("stable", "size", "sure", "taken"),
    [
        ((0.5, 0.8), 30.0, 1.0, "dic"),
        ((0.5, 0.8), 30.0, 0.9, "dic"),
        ((0.8, 0.6), 30.0, 1.0, "generalist"),
        ((0.8, 0.7), 30.0, 1.0, "dic"),
        ((0.8, 0.7), 30.0, 0.9, "generalist"),
        ((0.9, 0.8), 30.0, 1.0, "generalist"),
        ((0.5, 0.8), 60.0, 1.0, "generalist"),
        ((0.5, 0.8), 0.0, 1.0, "generalist"),
    ],
)
def test_a_model_for_a_kind_is_taken_only_where_its_cells_are_stable_and_as_told(
    movie, monkeypatch, stable, size, sure, taken
):
    look = FirstLook(diameter=28.0, kind="dic", probability=sure)
    of = {"generalist": stable[0], "dic": stable[1]}
    monkeypatch.setattr(_choice, "first_look", lambda _frames: look)
    found = known(lambda name, _: Stability(of[name], 0.0, size, 9))
    monkeypatch.setattr(_choice, "stability", found)
    plan = plan_run(movie.frames, device="cpu")
    assert plan.settings.embed.model == taken


def test_the_published_method_takes_a_model_that_compares_by_cosine(movie):
    published = {"profile": "published", "embed": {"diameter": 28.0}}
    plan = plan_run(movie.frames, published, device="cpu")
    assert plan.settings.embed.model == "cosine"
    with pytest.raises(InputError, match="choose the model cosine"):
        plan_run(movie.frames, published, model="generalist", device="cpu")


def test_a_given_diameter_is_not_measured(movie, monkeypatch):
    monkeypatch.setattr(_choice, "stability", None)
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


@pytest.mark.parametrize("shape", [(2, 2), (2, 1)])
def test_frames_of_a_few_pixels_have_a_diameter(shape):
    movie = np.arange(2 * np.prod(shape), dtype=np.uint8).reshape(2, *shape)
    plan = plan_run(movie, device="cpu")
    assert plan.settings.embed.diameter >= 1
