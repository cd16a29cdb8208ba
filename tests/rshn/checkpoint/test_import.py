"""Models made of published TensorFlow checkpoints."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fastershift.cli import main
from fastershift.config import PRESETS, resolve_settings
from fastershift.errors import InputError
from fastershift.pipeline import plan_run
from fastershift.rshn import (
    _registry,
    import_checkpoint,
    list_models,
    load_model,
    normalise_embedding,
    preset_of,
    read_bundle,
)
from helpers.checkpoints import SMALL, generated, write_bundle


@pytest.fixture(autouse=True)
def own_models(tmp_path_factory, monkeypatch):
    """Keep the models of the tests out of those of the user."""
    folder = tmp_path_factory.mktemp("user")
    monkeypatch.setattr(_registry, "user_data_path", lambda *_, **__: folder)
    return folder / "models"


def test_import_of_a_real_checkpoint(small, own_models):
    path = import_checkpoint(SMALL, "mine")
    assert path == own_models / "mine.safetensors"
    model = load_model("mine")
    assert (model.card.filters, model.card.levels, model.card.channels) == (8, 3, 16)
    expected = small["net/rnn/unet_0_cell/contracting/level1/conv0/kernel"]
    weight = model.network.hourglasses[0].contracting[1].weight
    np.testing.assert_array_equal(weight.detach(), expected.transpose(3, 2, 0, 1))
    assert "mine" in {card.name for card in list_models()}
    assert "preset of its data set" in model.card.summary


def test_import_at_published_size(tmp_path, oracle):
    with np.load(oracle / "rshn_full.npz") as file:
        full = {key: file[key] for key in file.files}
    shapes = [tuple(s for s in shape if s) for shape in full["weight_shapes"].tolist()]
    names = full["weight_names"].tolist()
    tensors = {n: generated(n, shape) for n, shape in zip(names, shapes, strict=True)}
    for name, value in list(tensors.items()):
        tensors |= {f"{name}/Adam": value, f"{name}/Adam_1": value}
    tensors["Variable"] = np.array(60_000, np.int32)
    tensors |= {f"beta{k}_power": np.array(0, np.float32) for k in (1, 2)}
    prefix = write_bundle(tmp_path / "DIC-C2DH-HeLa", tensors)
    data = tmp_path / "DIC-C2DH-HeLa.data-00000-of-00001"
    assert data.stat().st_size == 49_639_308
    assert len(read_bundle(prefix)) == 447
    import_checkpoint(f"{prefix}.index", "dic-published")
    model = load_model("dic-published")
    assert "DIC-C2DH-HeLa" in model.card.summary
    assert model.card.diameter == 56
    clip = torch.from_numpy(full["frames"]).permute(0, 3, 1, 2)[:, None]
    with torch.no_grad():
        first, second, _ = model.network(clip)
    raw = [one[:, 0].permute(0, 2, 3, 1) for one in (first, second)]
    close = {"rtol": 0, "atol": 5e-5}
    for frame in (0, 2):
        np.testing.assert_allclose(raw[0][frame], full[f"e0_frame{frame}"], **close)
    for frame in range(3):
        np.testing.assert_allclose(raw[1][frame], full[f"e1_frame{frame}"], **close)
    unit = normalise_embedding(raw[1], dim=-1)[:, ::4, ::4]
    np.testing.assert_allclose(unit, full["e1_norm_sub4"], **close)


def weights_only(small):
    skipped = ("/Adam", "/Adam_1", "_power", "Variable")
    return {k: v for k, v in small.items() if not k.endswith(skipped)}


BIAS = "net/rnn/unet_1_cell/input/bias"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({BIAS: None}, f"lacks the weights '{BIAS}'"),
        ({"extra/kernel": np.zeros(2, "f4")}, "does not have, such as 'extra/kernel'"),
        ({BIAS: np.zeros(8, "i4")}, "not floating-point numbers"),
        ({BIAS: np.zeros(9, "f4")}, r"shape \(9,\) instead of \(8,\)"),
        ({BIAS: np.full(8, np.inf, "f4")}, "infinite or not a number"),
        (
            {"net/rnn/unet_0_cell/contracting/level0/conv/bias": np.zeros(8, "f4")},
            "MICCAI 2018",
        ),
        (
            {"net/rnn/unet_0_cell/parallel/level0/gru/gates/r/bias": np.zeros(8, "f4")},
            "MICCAI 2018",
        ),
    ],
)
def test_another_network_is_refused(prefix, small, own_models, change, sentence):
    weights = weights_only(small) | change
    tensors = {name: value for name, value in weights.items() if value is not None}
    write_bundle(prefix, tensors)
    with pytest.raises(InputError, match=sentence):
        import_checkpoint(prefix, "other")
    assert not own_models.exists()


def test_a_model_is_not_replaced_unless_allowed(own_models):
    path = import_checkpoint(SMALL, "mine")
    with pytest.raises(InputError, match="The model 'mine' exists already"):
        import_checkpoint(SMALL, "mine")
    import_checkpoint(SMALL, "mine", diameter=40, overwrite=True)
    assert load_model(path).card.diameter == 40


@pytest.mark.parametrize("name", ["", "auto", "../up", "a/b", ".hidden", "a" * 101])
def test_unusable_names(name):
    with pytest.raises(InputError, match="cannot be the name"):
        import_checkpoint(SMALL, name)


def test_names_of_shipped_models_and_odd_diameters():
    with pytest.raises(InputError, match="comes with fastershift"):
        import_checkpoint(SMALL, "generalist", overwrite=True)
    with pytest.raises(InputError, match="between 1 and 2000"):
        import_checkpoint(SMALL, "mine", diameter=0)


def test_data_set_in_the_path():
    assert preset_of("models/Fluo-N2DH-SIM+") == "Fluo-N2DH-SIM+"
    assert preset_of(Path("phc-c2dh-u373") / "model.index") == "PhC-C2DH-U373"
    assert preset_of("models/mine") is None


@pytest.mark.parametrize("preset", PRESETS)
def test_card_leaves_the_published_settings_alone(preset):
    card = load_model(import_checkpoint(SMALL, "mine")).card
    published = {"user": {"profile": "published"}, "preset": preset}
    assert resolve_settings(card=card.settings, **published) == (
        resolve_settings(**published)
    )


def test_runs_as_its_authors_ran_it():
    import_checkpoint(SMALL, "mine")
    chosen = {"profile": "published", "embed": {"model": "mine"}}
    movie = np.zeros((2, 120, 160), np.uint8)
    plan = plan_run(movie, chosen, preset="PhC-C2DH-U373", device="cpu")
    assert plan.published
    assert plan.settings.embed.network_size == (512, 384)
    assert (plan.settings.embed.window, plan.settings.embed.tile) == (8, 256)
    assert plan.settings.cluster.coordinate_weight == 0.005
    assert plan.settings.track.division_search == 8
    assert plan.settings.track.parent_dilation == 0
    assert plan.settings.embed.diameter == "auto"


def test_command(capsys, own_models):
    command = ["models", "import", f"{SMALL}.index", "--name", "mine"]
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert not stop.value.code
    assert "--model mine --profile published --preset" in capsys.readouterr().out
    assert (own_models / "mine.safetensors").is_file()
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("fastershift: The model 'mine' exists already")
    assert "Traceback" not in told
