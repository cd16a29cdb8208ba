"""Whole trainings: data as people name them, validation, and the model written."""

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file

from fastershift.errors import InputError
from fastershift.rshn import load_model
from fastershift.simulate import SimulatedMovie, simulate_movie
from fastershift.training import (
    TrainFinished,
    TrainingRun,
    TrainProgress,
    TrainStarted,
    TrainValidated,
    TruthOptions,
    choose_part,
    decide_settings,
    from_simulation,
    read_training_data,
)
from fastershift.training._validation import score_part

TYX = {"axes": "TYX"}
SMALL = {"filters": 4, "levels": 2, "channels": 8, "seed": 3}


@pytest.fixture(scope="module")
def simulated():
    return simulate_movie(6, (48, 56), 5, diameter=14, seed=1)


@pytest.fixture(scope="module")
def pair(simulated, tmp_path_factory):
    """Two TIFF movies as one argument."""
    folder = tmp_path_factory.mktemp("pair")
    for name, stack in (("cells", simulated.frames), ("truth", simulated.labels)):
        path = folder / f"{name}.tif"
        tifffile.imwrite(path, stack, photometric="minisblack", metadata=TYX)
    return f"{folder / 'cells.tif'}={folder / 'truth.tif'}"


@pytest.fixture(scope="module")
def data(pair):
    return read_training_data([pair], 8.0)


def settings(**changes):
    small = {"size": 32, "length": 3, "network_diameter": 8.0}
    return decide_settings(SMALL | small | changes)


class TestData:
    def test_the_last_frames_of_a_pair_are_kept_out(self, data, simulated):
        (movie,), (part,) = data.movies, data.parts
        assert len(movie.frames) == 4
        assert np.array_equal(part.frames, simulated.frames[4:])
        assert "frames 4:6 are kept out" in data.sources[0]
        assert data.diameter == pytest.approx(14, rel=0.3)
        assert not data.simulated

    def test_numbers_of_cells_may_be_any(self, pair, tmp_path, data):
        images, labels = pair.split("=")
        high = tifffile.imread(labels).astype(np.int64)
        high[high > 0] += 3_000_000_000
        tifffile.imwrite(
            tmp_path / "high.tif", high, photometric="minisblack", metadata=TYX
        )
        again = read_training_data([f"{images}={tmp_path / 'high.tif'}"], 8.0)
        assert torch.equal(again.movies[0].labels, data.movies[0].labels)

    def test_the_border_strip_is_unknown(self, pair):
        options = TruthOptions(border=6)
        bordered = read_training_data([pair], 8.0, options=options)
        assert (bordered.parts[0].labels[:, 2] != 0).all()

    def test_a_movie_too_short_is_not_kept_out(self, simulated, tmp_path):
        for name in ("frames", "labels"):
            stack = getattr(simulated, name)[:3]
            tifffile.imwrite(
                tmp_path / f"{name}.tif", stack, photometric="minisblack", metadata=TYX
            )
        named = f"{tmp_path / 'frames.tif'}={tmp_path / 'labels.tif'}"
        short = read_training_data([named], 8.0)
        assert short.parts == ()
        assert len(short.movies[0].frames) == 3
        assert "too short" in short.sources[0]

    def test_simulations_are_named_by_their_kind(self, monkeypatch):
        made = []

        def quick(n_frames, shape, n_cells, *, diameter, kind, seed):
            made.append((kind, seed))
            return simulate_movie(n_frames, (32, 32), 2, diameter=12, seed=seed)

        monkeypatch.setattr("fastershift.training._data.simulate_movie", quick)
        found = read_training_data(["simulate:phase"], 12.0)
        assert found.simulated
        assert found.diameter is None
        assert len(set(made)) == len(found.movies) + 1
        assert sum(movie.weight for movie in found.movies) == pytest.approx(1)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ([], "nothing to train on"),
            (["absent"], "IMAGE=LABELS"),
            (["absent.tif=labels.tif"], "nothing at"),
            (["simulate:birds"], "no kind of movie"),
        ],
    )
    def test_refusals(self, arguments, words):
        with pytest.raises(InputError, match=words):
            read_training_data(arguments, 8.0)

    def test_labels_must_fit(self, pair, simulated, tmp_path):
        images = pair.split("=")[0]
        for stack, words in (
            (simulated.labels[:4], "must be the same"),
            (np.zeros_like(simulated.labels), "no labelled cell"),
            (simulated.labels.astype(np.float32), "whole numbers"),
        ):
            tifffile.imwrite(
                tmp_path / "l.tif", stack, photometric="minisblack", metadata=TYX
            )
            with pytest.raises(InputError, match=words):
                read_training_data([f"{images}={tmp_path / 'l.tif'}"], 8.0)


class TestValidation:
    def test_truth_scores_one_although_cells_come_back(self, simulated):
        labels = simulated.labels[:3].copy()
        cell = np.unique(labels[0])[1]
        labels[1][labels[1] == cell] = 0
        movie = SimulatedMovie(simulated.frames[:3], labels, ())
        part = choose_part(from_simulation(movie, 14), "m", 8.0)
        scores = score_part(labels, part)
        assert (scores.seg, scores.tra) == (1, 1)

    def test_cells_on_unknown_pixels_do_not_count(self, data):
        part = data.parts[0]
        found = part.markers.copy()
        empty = np.argwhere((part.markers[0] == 0) & (part.labels[0] == 0))[0]
        found[0, empty[0], empty[1]] = 99
        assert score_part(found, part).tra < 1
        part.labels[0, empty[0], empty[1]] = -1
        try:
            assert score_part(found, part).tra == 1
        finally:
            part.labels[0, empty[0], empty[1]] = 0

    def test_parts_are_small(self):
        movie = simulate_movie(5, (120, 400), 12, diameter=8, seed=0)
        part = choose_part(from_simulation(movie, 8), "m", 24.0)
        assert part.frames.shape == (3, 120, 170)
        assert part.markers.any()


def trained(data, output, **options):
    run = TrainingRun(data, output, options.pop("settings", settings()), **options)
    return run, list(run)


def test_a_training_tells_its_course_and_writes_a_model(data, tmp_path):
    output = tmp_path / "new.safetensors"
    run, events = trained(
        data, output, iterations=3, authors=("Ada",), command="typed", device="cpu"
    )
    assert isinstance(events[0], TrainStarted)
    assert [e.iteration for e in events if isinstance(e, TrainValidated)] == [0, 3]
    assert [e.iteration for e in events if isinstance(e, TrainProgress)] == [1, 2, 3]
    assert isinstance(events[-1], TrainFinished)
    card = load_model(output).card
    assert card.authors == ("Ada",)
    assert card.command == "typed"
    assert card.diameter == 8
    assert set(card.scores["cells"]) == {"SEG", "TRA"}
    assert card.settings["embed"]["diameter"] == data.diameter
    assert card.settings["cluster"]["bandwidth"] in (0.005, 0.01, 0.02, 0.03)
    assert "As of the training data" in card.terms
    assert run.picture.name == "new_validation.png"
    assert run.picture.stat().st_size > 1000


@pytest.mark.slow  # trains three times, to compare
def test_two_and_three_iterations_are_five(data, tmp_path):
    straight, split = tmp_path / "straight.safetensors", tmp_path / "split.safetensors"
    whole, _ = trained(data, straight, iterations=5)
    trained(data, split, iterations=2)
    kept = decide_settings({}, resumed=tmp_path / "split.state.safetensors")
    assert kept == settings()
    resumed, events = trained(data, split, iterations=3, resume=True, settings=kept)
    assert events[0].iteration == 2
    for one, other in ((straight, split), (whole.state, resumed.state)):
        first, second = load_file(one), load_file(other)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_stopped_training_leaves_a_model_and_its_state(data, tmp_path):
    run = TrainingRun(data, tmp_path / "m.safetensors", settings(), minutes=60)
    for event in run:
        if isinstance(event, TrainProgress) and event.iteration == 2:
            run.stop()
    assert event.stopped
    assert event.iteration == 2
    weights = run.trainer.weights
    written = load_model(event.path).network.state_dict()
    assert all(torch.equal(weights[name], written[name]) for name in weights)
    assert run.state.is_file()


def test_further_training_never_gives_a_worse_model(data, tmp_path, tiny_model):
    start = load_model(tiny_model)
    chosen = decide_settings({"size": 32}, start=start.card)
    assert (chosen.filters, chosen.levels, chosen.network_diameter) == (4, 2, 8)
    assert chosen.learning_rate < settings().learning_rate
    spoilt = chosen.model_copy(update={"learning_rate": 50.0})
    run, events = trained(
        data, tmp_path / "m.safetensors", iterations=2, start=start, settings=spoilt
    )
    first = next(event for event in events if isinstance(event, TrainValidated))
    assert first.best
    assert run.trainer.best.score >= (first.seg + first.tra) / 2 - 1e-4
    assert "tiny" in load_model(tmp_path / "m.safetensors").card.terms


def test_settings_that_cannot_be(tiny_model, tmp_path, data):
    card = load_model(tiny_model).card
    with pytest.raises(InputError, match="filters is 4 in the model tiny"):
        decide_settings({"filters": 8}, start=card)
    with pytest.raises(InputError, match="levels cannot be used"):
        decide_settings({"levels": 0})
    with pytest.raises(InputError, match="no training to resume"):
        decide_settings({}, resumed=tmp_path / "absent.state.safetensors")
    with pytest.raises(InputError, match=r"end in \.safetensors"):
        TrainingRun(data, tmp_path / "model.pt", settings(), iterations=1)
    (tmp_path / "bad.state.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="damaged"):
        decide_settings({}, resumed=tmp_path / "bad.state.safetensors")


@pytest.mark.parametrize(
    ("scores", "kept"),
    [((0.5, 0.7, 0.2), [True, True, False]), ((0.5, 0.2, 0.1), [False, True, False])],
)
def test_the_picture_that_is_saved_is_of_the_model_that_is_kept(
    data, tmp_path, monkeypatch, scores, kept
):
    from fastershift.training import _run
    from fastershift.training._validation import PartScores, Validation

    def judged():
        for score in scores:
            picture = np.full((4, 4, 3), round(100 * score), np.uint8)
            yield Validation((PartScores("cells", score, None),), picture)

    found, saved = judged(), []
    monkeypatch.setattr(_run, "validate", lambda *_, **__: next(found, None))
    monkeypatch.setattr(_run, "_VALIDATE_EVERY", 1)
    monkeypatch.setattr(
        _run, "write_picture", lambda _, picture: saved.append(picture.max() / 100)
    )
    start = None
    if kept[0]:
        first = TrainingRun(data, tmp_path / "first.safetensors", settings())
        first._write(tune=False)
        start = load_model(first.output)
    run = TrainingRun(
        data, tmp_path / "new.safetensors", settings(), iterations=2, start=start
    )
    events = [event for event in run if isinstance(event, TrainValidated)]
    assert [event.best for event in events] == kept
    assert saved == list(scores[:2])
