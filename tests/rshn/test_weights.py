"""Weight files, their cards and the model list."""

import json
import pickle
import struct

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from fastershift.errors import FastershiftError, InputError
from fastershift.rshn import (
    RSHN,
    ModelCard,
    _registry,
    list_models,
    load_model,
    save_model,
)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Folders of shipped and own models."""
    package, own = tmp_path / "package", tmp_path / "user" / "models"
    (package / "weights").mkdir(parents=True)
    own.mkdir(parents=True)
    monkeypatch.setattr(_registry, "files", lambda _: package)
    monkeypatch.setattr(_registry, "user_data_path", lambda *_, **__: own.parent)
    return package / "weights", own


@pytest.fixture
def saved(tmp_path, make_model):
    model = make_model()
    path = tmp_path / "small.safetensors"
    save_model(model.network, model.card, path)
    return model, path


def test_round_trip(saved):
    model, path = saved
    loaded = load_model(path)
    assert loaded.card == model.card
    assert loaded.name == "small"
    assert len(loaded.sha256) == 64
    assert not loaded.network.training
    for name, value in model.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value)
    weight = loaded.network.hourglasses[0].contracting[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    plain = path.with_name("plain")
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_weights_of_a_mapping_and_the_same_bytes_again(saved, tmp_path):
    model, path = saved
    again = tmp_path / "again.safetensors"
    save_model(dict(model.network.state_dict()), model.card, again)
    assert again.read_bytes() == path.read_bytes()
    assert load_model(again).sha256 == load_model(path).sha256


def test_half_is_half_the_size_and_close(saved, tmp_path):
    model, path = saved
    half = tmp_path / "half.safetensors"
    save_model(model.network, model.card, half, half=True)
    assert half.stat().st_size < 0.7 * path.stat().st_size
    weights = load_model(half).network.state_dict()
    for name, value in model.network.state_dict().items():
        assert weights[name].dtype == torch.float32
        assert torch.equal(weights[name], value.half().float())


def test_a_model_can_be_trained_further(saved):
    network = load_model(saved[1]).network
    network(torch.ones(1, 1, 1, 8, 8))[1].sum().backward()
    assert network.hourglasses[0].input.weight.grad.abs().sum() > 0


def test_weights_beyond_half_are_refused(saved, tmp_path):
    model, _ = saved
    weights = {name: value * 1e6 for name, value in model.network.state_dict().items()}
    with pytest.raises(InputError, match="infinite"):
        save_model(weights, model.card, tmp_path / "huge.safetensors", half=True)
    assert not (tmp_path / "huge.safetensors").exists()


def test_a_card_of_another_network_is_refused(saved, tmp_path):
    model, _ = saved
    card = model.card.model_copy(update={"levels": 4})
    with pytest.raises(InputError, match="4 levels"):
        save_model(model.network, card, tmp_path / "other.safetensors")


def test_a_place_that_cannot_be_written(saved):
    model, path = saved
    with pytest.raises(FastershiftError, match="cannot be written"):
        save_model(model.network, model.card, path / "below.safetensors")


def test_shipped_and_own_models(models, saved):
    model, _ = saved
    shipped, own = models
    assert list_models() == []
    save_model(model.network, model.card, shipped / "generalist.safetensors")
    save_model(model.network, model.card, own / "mine.safetensors")
    summary = model.card.model_copy(update={"summary": "an impostor"})
    save_model(model.network, summary, own / "generalist.safetensors")
    assert [card.name for card in list_models()] == ["generalist", "mine"]
    assert load_model().name == load_model("auto").name == "generalist"
    assert load_model().card.summary == ""
    assert load_model("mine").name == "mine"
    with pytest.raises(
        InputError, match="no model 'nuclei'; choose one of generalist, m"
    ):
        load_model("nuclei")


def test_no_model_at_all(models):
    with pytest.raises(InputError, match="none is installed"):
        load_model()


def test_a_broken_model_does_not_break_the_list(models, saved, caplog):
    model, _ = saved
    save_model(model.network, model.card, models[1] / "mine.safetensors")
    (models[1] / "broken.safetensors").write_bytes(b"not at all")
    assert [card.name for card in list_models()] == ["mine"]
    assert "broken.safetensors" in caplog.text


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no weight file at"):
        load_model(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="no weight file at"):
        load_model(tmp_path / "folder.of")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.safetensors"])
@pytest.mark.parametrize("zipped", [False, True])
def test_pickles_are_refused_and_never_loaded(tmp_path, name, zipped):
    path = tmp_path / name
    if zipped:
        torch.save(Bomb(), path)
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="is a pickle"):
        load_model(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"text\n" * 9,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100) + b"{" + b"[" * 99,
        bytes(range(256)) * 4,
    ],
)
def test_hostile_bytes(tmp_path, content):
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_model(path)


def test_truncated_file(saved):
    _, path = saved
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load_model(path)


def test_file_without_a_card(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="no model card"):
        load_model(path)


@pytest.mark.parametrize(
    "change",
    [
        {"filters": 10**9},
        {"levels": 0},
        {"diameter": -1},
        {"diameter": "wide"},
        {"settings": {"cluster": {"bandwidth": 7}}},
        {"name": None},
    ],
)
def test_unusable_card(saved, tmp_path, change):
    model, path = saved
    card = model.card.model_dump(mode="json") | change
    bad = tmp_path / "bad.safetensors"
    save_file(load_file(path), bad, metadata={"fastershift": json.dumps(card)})
    with pytest.raises(InputError, match="card"):
        load_model(bad)
    save_file(load_file(path), bad, metadata={"fastershift": "[" * 50})
    with pytest.raises(InputError, match="card"):
        load_model(bad)


@pytest.mark.parametrize("fault", ["missing", "extra", "shape", "integer", "nan"])
def test_wrong_tensors(saved, tmp_path, fault):
    model, path = saved
    weights = load_file(path)
    name = "hourglasses.0.output.bias"
    if fault == "missing":
        del weights[name]
    elif fault == "extra":
        weights["more"] = torch.zeros(1)
    elif fault == "shape":
        weights[name] = torch.zeros(99)
    elif fault == "integer":
        weights[name] = weights[name].to(torch.int32)
    else:
        weights[name] = weights[name] * float("nan")
    bad = tmp_path / "bad.safetensors"
    metadata = {"fastershift": model.card.model_dump_json()}
    save_file(weights, bad, metadata=metadata)
    with pytest.raises(InputError, match="eights in"):
        load_model(bad)


def test_card_checks_its_settings():
    size = {"filters": 4, "levels": 3, "channels": 6, "diameter": 20}
    settings = {"cluster": {"bandwidth": 0.3}}
    assert ModelCard(name="x", **size, settings=settings).settings == settings
    with pytest.raises(ValidationError, match="bandwidth"):
        ModelCard(name="x", **size, settings={"cluster": {"bandwidth": -1}})


def test_loading_leaves_the_generator_alone(saved):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_model(saved[1])
    assert torch.equal(torch.rand(3), expected)
    assert isinstance(saved[0].network, RSHN)
