"""Trainings that go on: what the model says it has learned from, and refusals."""

import json
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from fastershift.errors import InputError
from fastershift.rshn import load_model, read_card
from fastershift.simulate import simulate_movie
from fastershift.training import (
    TrainingData,
    TrainingRun,
    decide_settings,
    from_simulation,
    prepare_movie,
)
from fastershift.training._state import read_state

SIMULATED = "simulated nuclei: 4 movies"
REAL = "Fluo-N2DL-HeLa/01: 92 frames labelled"


@pytest.fixture(scope="module")
def movie():
    simulated = simulate_movie(3, (40, 40), 3, seed=1)
    return prepare_movie(from_simulation(simulated, 24), 8.0)


@pytest.fixture(scope="module")
def start(tiny_model):
    model = load_model(tiny_model)
    told = {"training_data": "Eleven cells.", "terms": "For research only."}
    return replace(model, card=model.card.model_copy(update=told))


@pytest.fixture
def train(movie, tmp_path):
    """Train for an iteration on data under these names, without validation."""

    def run(*sources, start=None, resume=False):
        output = tmp_path / "m.safetensors"
        card = None if start is None else start.card
        former = output.with_name("m.state.safetensors") if resume else None
        chosen = {"size": 32, "length": 2}
        if start is None:
            chosen |= {"filters": 4, "levels": 2, "channels": 8}
        training = TrainingRun(
            TrainingData(
                (movie,),
                (),
                sources,
                tuple(one.partition(":")[0] for one in sources),
                None,
                all(one.startswith("simulated") for one in sources),
            ),
            output,
            decide_settings({} if resume else chosen, start=card, resumed=former),
            iterations=1,
            start=start,
            resume=resume,
            device="cpu",
        )
        for _ in training:
            pass
        return output

    return run


def test_what_is_learned_later_is_named_and_changes_the_terms(train):
    train(SIMULATED)
    again = read_card(train(SIMULATED, resume=True))
    assert again.training_data == f"{SIMULATED}."
    assert again.summary == "Trained on simulated nuclei."
    assert again.terms.startswith("Trained on simulated movies alone")
    later = read_card(train(REAL, resume=True))
    assert later.training_data == f"{SIMULATED}. Then {REAL}."
    assert later.summary == "Trained on simulated nuclei, Fluo-N2DL-HeLa/01."
    assert later.terms == "As of the training data."
    last = read_card(train(SIMULATED, resume=True))
    assert (last.training_data, last.terms) == (later.training_data, later.terms)


def test_the_terms_of_the_first_model_outlive_a_kill(train, start, monkeypatch):
    """The state alone is there: no model was written."""
    monkeypatch.setattr("fastershift.training._run._SAVE_EVERY", -1)
    monkeypatch.setattr(TrainingRun, "_write", lambda *_, **__: None)
    assert not train(REAL, start=start).exists()
    monkeypatch.undo()
    card = read_card(train(REAL, resume=True))
    assert "Begun from the model tiny (Eleven cells.)" in card.training_data
    assert card.terms.endswith("For research only.")


def test_another_model_to_start_from_is_refused_on_resuming(train, start):
    train(REAL, start=start)
    other = load_model("generalist")
    with pytest.raises(InputError, match="did not begin from the model generalist"):
        train(REAL, start=other, resume=True)
    card = read_card(train(REAL, start=start, resume=True))
    assert card.training_data.count("Begun from") == 1


def test_a_state_of_another_version_is_refused(train):
    path = train(REAL).with_name("m.state.safetensors")
    metadata = read_state(path)[1]
    unknown = json.loads(metadata["settings"]) | {"later": 1}
    save_file(load_file(path), path, metadata | {"settings": json.dumps(unknown)})
    with pytest.raises(InputError, match="another version of fastershift"):
        train(REAL, resume=True)


def test_a_state_of_an_earlier_version_goes_on_from_the_card_of_its_model(train):
    """States did not hold a card."""
    path = train(REAL).with_name("m.state.safetensors")
    metadata = read_state(path)[1]
    metadata.pop("card")
    save_file(load_file(path), path, metadata)
    assert read_card(train("more: 3", resume=True)).training_data.startswith(REAL)
