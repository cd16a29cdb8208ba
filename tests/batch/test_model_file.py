"""Models travel by their hash."""

import pytest

from fastershift.batch._model_file import ModelFile, pack_model
from fastershift.errors import FastershiftError, InputError


def test_a_machine_without_the_file_has_the_same_model(tiny_model, tmp_path):
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(tiny_model.read_bytes())
    packed = pack_model(copy)
    copy.unlink()
    model = packed.load()
    assert model.name == "mine"
    assert model.found_by == str(copy)
    assert model.sha256 == packed.sha256
    assert packed.sha256 == pack_model(tiny_model).sha256
    assert pack_model("generalist").load().found_by == "generalist"


def test_damaged_bytes_are_refused(tiny_model):
    packed = pack_model(tiny_model)
    damaged = ModelFile(packed.name, packed.sha256, packed.content[:-1])
    with pytest.raises(FastershiftError, match="damaged"):
        damaged.load()


def test_an_unknown_model_is_a_sentence():
    with pytest.raises(InputError, match="nobody"):
        pack_model("nobody")
