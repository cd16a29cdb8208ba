"""All that runs on a device runs there, and little goes over the bus."""

import pytest
import torch

from fastershift.config import resolve_settings
from fastershift.pipeline import _plan, _trials, plan_run, segment_movie
from fastershift.rshn import Embedder, _embedder, load_model
from fastershift.simulate import simulate_movie
from helpers.elsewhere import PretendedDevice


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(4, (72, 80), 6, diameter=16, seed=3).frames


@pytest.fixture
def elsewhere(monkeypatch):
    """Choose a pretended device wherever one is chosen."""
    for module in (_embedder, _plan, _trials):
        monkeypatch.setattr(module, "choose_device", lambda _: torch.device("meta"))
    # Tensors that are made in inference mode cannot be watched.
    quiet = torch.autograd.grad_mode.inference_mode
    guards = []

    def enter(_mode):
        guards.append(torch.no_grad())
        guards[-1].__enter__()

    def leave(_mode, *told):
        guards.pop().__exit__(*told)

    monkeypatch.setattr(quiet, "__enter__", enter)
    monkeypatch.setattr(quiet, "__exit__", leave)


def options(model, **embed):
    given = {"model": model, "diameter": 16.0, "precision": "float32"}
    return {"embed": given | embed}


@pytest.mark.parametrize("model", ["generalist", "nuclei"])
def test_a_run_elsewhere_finds_the_same_cells(movie, request, model):
    expected = segment_movie(movie, options(model), device="cpu")
    request.getfixturevalue("elsewhere")
    with PretendedDevice() as device:
        found = segment_movie(movie, options(model))
    assert device.mixed == []
    assert expected.labels.max() > 3
    assert (found.labels == expected.labels).all()


def test_the_diameter_is_found_elsewhere(movie, request):
    asked = {"embed": {"model": "generalist", "precision": "float32"}}
    expected = plan_run(movie, asked, device="cpu").settings.embed.diameter
    request.getfixturevalue("elsewhere")
    with PretendedDevice() as device:
        found = plan_run(movie, asked).settings.embed.diameter
    assert device.mixed == []
    # Pixels at the edge of a cell are rounded otherwise.
    assert found == pytest.approx(expected, rel=0.02)


def test_a_frame_goes_over_the_bus_once_each_way(movie, elsewhere):
    """It and which of its pixels are usable go there, and what is kept comes back."""
    model = load_model("generalist")
    settings = resolve_settings(user=options("generalist", warmup=0)).embed
    with PretendedDevice() as device:
        embedder = Embedder(model, settings, movie.shape[1:])
        device.sent.clear()
        device.fetched.clear()
        frames = [one for one in embedder.embed_block(movie, 0) if one is not None]
    assert len(frames) == len(movie)
    pixels = movie[0].size
    assert sum(device.sent) == 2 * pixels * len(movie)
    kept = embedder.channels * embedder.network_shape[0] * embedder.network_shape[1]
    assert [n for n in device.fetched if n > pixels // 10] == [kept] * len(movie)


def test_a_block_on_disk_is_the_same_elsewhere(movie, elsewhere, tmp_path):
    model = load_model("generalist")
    settings = resolve_settings(user=options("generalist")).embed
    with PretendedDevice() as device:
        embedder = Embedder(model, settings, movie.shape[1:])
        *_, found = embedder.embed_block_on_disk(movie, 0, tmp_path)
        told = [one for one in embedder.embed_block(movie, 0) if one is not None]
        for one, (_, other) in zip(found, told, strict=True):
            assert torch.equal(one, other)
    assert device.mixed == []
