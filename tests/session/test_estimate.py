"""What a run will need, and what is decided where memory is short."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.rshn import RSHN, Embedder, ModelCard, save_model
from fastershift.session import Session, SessionInput, _memory
from fastershift.simulate import simulate_movie


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(5, (64, 80), 5, diameter=16, seed=3, cell_cycle=float("inf"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    card = ModelCard(
        name="tiny", summary="For tests.", filters=2, levels=2, channels=4, diameter=16
    )
    save_model(RSHN(2, 2, 4), card, path)
    return {"embed": {"model": str(path), "diameter": 16.0}}


@pytest.fixture
def session(movie):
    opened = Session()
    opened.open(SessionInput(movie.frames))
    return opened


@pytest.fixture
def free(monkeypatch):
    """Pretend that so much memory is free."""

    def pretend(n_bytes):
        memory = SimpleNamespace(available=n_bytes)
        monkeypatch.setattr(_memory.psutil, "virtual_memory", lambda: memory)

    return pretend


def test_a_frame_is_measured_once_and_clustered_for_every_change(
    session, settings, monkeypatch
):
    steps = list(session.estimate(settings))
    first = steps[-1]
    assert steps[:-1] == [None] * (len(steps) - 1)
    assert len(steps) > 4, "each pass of the network is a place to stop"
    assert first.network_seconds > 0 < first.clustering_seconds
    assert first.seconds == pytest.approx(
        5 * (1 + 4 / 16) * first.network_seconds + 4 * first.clustering_seconds
    )
    assert (first.model, first.device, first.scale) == ("tiny", "cpu", 1.0)
    assert first.threads >= 1
    assert first.fits
    assert first.notes == ()
    assert first.quality is not None
    assert 0 <= first.quality.low <= first.quality.f1 <= first.quality.high <= 1

    def never(*_):
        raise AssertionError("the network ran again")

    embedder = session.plan(settings).source.embedder
    monkeypatch.setattr(embedder, "embed_block", never)
    *_, again = session.estimate(settings | {"cluster": {"bandwidth": 0.3}})
    assert again.network_seconds == first.network_seconds


def test_measuring_leaves_previews_as_they_are(session, settings):
    *_, before = session.preview(3, settings)
    other = Session()
    other.open(session.input)
    list(other.estimate(settings))
    *_, after = other.preview(3, settings)
    np.testing.assert_array_equal(before.cells, after.cells)


def test_given_embeddings_need_no_network(movie):
    vectors = np.moveaxis(np.eye(12, dtype=np.float32)[movie.labels % 12], -1, 1)
    session = Session()
    session.open(SessionInput(embeddings=vectors))
    *_, found = session.estimate()
    assert (found.network_seconds, found.scale) == (0, 1.0)
    assert found.seconds == pytest.approx(4 * found.clustering_seconds)


def test_what_does_not_fit_is_told(session, settings, free):
    list(session.estimate(settings))
    free(1000)
    *_, found = session.estimate(settings)
    assert not found.fits
    assert found.available == 1000


def test_tiles_are_made_smaller_until_the_network_fits(
    session, settings, free, monkeypatch
):
    settings = {"embed": {**settings["embed"], "tile": 0, "tile_overlap": 32}}
    asked = session.plan(settings)
    assert asked.settings.embed.tile == 0
    monkeypatch.setattr(
        Embedder, "estimate_memory", lambda self: 1000 * (self.settings.tile or 80)
    )
    # The network may take half of what is free.
    free(2 * 48_000)
    fresh = Session()
    fresh.open(session.input)
    monkeypatch.setattr(_memory, "_TILES", (1024, 64, 48))
    plan = fresh.plan(settings)
    *_, found = fresh.estimate(settings)
    assert plan.settings.embed.tile == 48
    assert "tiles of 48 pixels" in found.notes[0]
    # All plans of the input agree, also when there is memory again.
    free(10**12)
    assert fresh.plan(settings).settings.embed.tile == 48
    plan = fresh.plan(settings | {"cluster": {"bandwidth": 0.3}})
    assert plan.settings.embed.tile == 48
    assert plan.settings.cluster.bandwidth == 0.3


def test_where_no_tiles_fit_those_that_need_least_are_taken(
    session, settings, free, monkeypatch
):
    settings = {"embed": {**settings["embed"], "tile": 0, "tile_overlap": 32}}
    needed = {0: 9000, 64: 7000, 48: 8000}
    monkeypatch.setattr(
        Embedder, "estimate_memory", lambda self: needed[self.settings.tile]
    )
    monkeypatch.setattr(_memory, "_TILES", (1024, 64, 48))
    free(10)
    assert session.plan(settings).settings.embed.tile == 64


def test_embeddings_go_to_disk_where_memory_has_no_room(
    movie, settings, monkeypatch, tmp_path
):
    monkeypatch.setattr(_memory, "user_cache_path", lambda _name: tmp_path)
    session = Session()
    session.open(SessionInput(movie.frames))
    frame = session.plan(settings).source.embedder.embedding_bytes
    assert frame == 2 * 4 * 64 * 80
    *_, found = session.estimate(settings)
    assert not any("disk" in note for note in found.notes)
    session.open(SessionInput(movie.frames))
    session._opened[1].embeddings.limit = 2 * frame
    *_, found = session.estimate(settings)
    assert "kept on disk" in found.notes[0]
    for _ in session.start(settings).events():
        pass
    assert list(tmp_path.rglob("*.npy"))
    passes = []
    plan = session.plan(settings)
    embed_block = plan.source.embedder.embed_block

    def counted(*arguments):
        passes.append(arguments)
        return embed_block(*arguments)

    monkeypatch.setattr(plan.source.embedder, "embed_block", counted)
    list(session.preview(2, settings))
    assert not passes, "what lies on disk is not computed again"
