"""What a session is given, and what it keeps of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.editing import Merge
from fastershift.errors import InputError
from fastershift.pipeline import FolderCache
from fastershift.session import (
    CachePlace,
    Corrections,
    Session,
    SessionInput,
    _caches,
)
from fastershift.session._caches import InputCaches, KnownModels
from fastershift.tracking import Lineage, Track
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES as TOUCH
from helpers.validity import ctc_problems


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ({"movie": np.zeros((3, 4, 5))}, (3, 4, 5)),
        ({"movie": [np.zeros((4, 5)), np.zeros((4, 5))]}, (2, 4, 5)),
        ({"embeddings": np.zeros((3, 8, 4, 5))}, (3, 4, 5)),
    ],
)
def test_the_shape_of_an_input_is_that_of_its_labels(given, shape):
    assert SessionInput(**given).shape == shape


@pytest.fixture
def free(monkeypatch):
    """Pretend that 1000 bytes of memory and 400 of the disk are free."""
    memory = SimpleNamespace(available=1000)
    monkeypatch.setattr(_caches.psutil, "virtual_memory", lambda: memory)
    disk = SimpleNamespace(free=400)
    monkeypatch.setattr(_caches.psutil, "disk_usage", lambda _path: disk)


@pytest.mark.parametrize(
    ("place", "limit"),
    [(None, 250), (CachePlace(), 250), (CachePlace(size=70), 70)],
)
def test_embeddings_take_a_quarter_of_the_memory_or_what_was_chosen(free, place, limit):
    caches = InputCaches(place)
    assert caches.embeddings.limit == limit
    assert not isinstance(caches.embeddings, FolderCache)
    # Clusters and numbers have a share of their own.
    assert (caches.clusters.limit, caches.numbers.limit) == (50, 20)


@pytest.mark.parametrize(("size", "room"), [(None, 100), (300, 300), (900, 400)])
def test_a_folder_holds_what_was_chosen_as_far_as_the_disk_can(
    free, tmp_path, monkeypatch, size, room
):
    made = []
    monkeypatch.setattr(_caches, "FolderCache", lambda *given: made.append(given))
    InputCaches(CachePlace(tmp_path / "new" / "folder", size))
    assert made == [(250, tmp_path / "new" / "folder", room)]
    assert (tmp_path / "new" / "folder").is_dir()


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another cache folder"):
        InputCaches(CachePlace(tmp_path / "file" / "folder"))


def test_a_model_whose_file_is_gone_is_no_longer_used(tiny_model, tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(tiny_model.read_bytes())
    models = KnownModels()
    first = models.read(str(own))
    assert models.read(str(own)) is first
    # A choice asks for several, one after the other.
    models.read(str(tiny_model))
    assert models.read(str(own)) is first
    own.unlink()
    with pytest.raises(InputError, match=r"own\.safetensors"):
        models.read(str(own))


def opened(**given):
    session = Session()
    session.open(SessionInput(**given))
    return session


def test_a_first_run_that_fails_keeps_the_frames_it_has(embeddings, monkeypatch):
    session = opened(embeddings=embeddings)
    assert session.labels is None
    job = session.start()

    def broken():
        raise ValueError("broken")
        yield

    monkeypatch.setattr(job.plan.source, "pairs", broken)
    with pytest.raises(ValueError, match="broken"):
        list(job.events())
    assert session.finish(job) == "Stopped by an error: 0 of 5 frames are kept."
    assert session.labels is job.labels


@pytest.mark.parametrize("restored", [False, True])
def test_who_asks_decides_whether_a_former_result_is_shown(embeddings, restored):
    session = opened(embeddings=embeddings)
    job = session.start()
    job.cancel()
    list(job.events())
    told = session.finish(job, restored=restored)
    assert told.startswith("Cancelled: ")
    assert ("former result" in told) == restored


def test_cells_are_measured_in_images_alone(embeddings, simulated, tiny_model):
    with pytest.raises(InputError, match="measured in images"):
        opened(embeddings=embeddings).measure_diameter()
    session = opened(movie=simulated.frames)
    # What was chosen already does not count.
    chosen = {"embed": {"model": str(tiny_model), "diameter": 50.0}}
    measured = session.measure_diameter(chosen)
    assert measured == session.measure_diameter({"embed": {"model": str(tiny_model)}})
    assert 10 < measured < 24


def tracks(labels):
    ids = np.unique(labels[labels > 0]).tolist()
    frames = {one: np.flatnonzero((labels == one).any(axis=(1, 2))) for one in ids}
    return Lineage(tuple(Track(i, int(f[0]), int(f[-1])) for i, f in frames.items()))


def test_a_new_run_leaves_what_was_corrected():
    corrections = Corrections(TOUCH.labels.copy(), TOUCH.lineage)
    corrections.do(Merge(2, (1, 2)))
    merged = corrections.labels[2].copy()
    # The new run has found both cells, and numbered them the other way round.
    labels = np.where(TOUCH.labels > 0, 3 - TOUCH.labels, 0).astype(np.int32)
    result = SimpleNamespace(labels=labels, lineage=tracks(labels))
    change = corrections.do(corrections.take_over(result, 2))
    assert change.frame == 2
    assert change.text == "Applied a new run; 1 locked cells were kept."
    np.testing.assert_array_equal(corrections.labels[2], merged)
    np.testing.assert_array_equal(corrections.labels > 0, TOUCH.labels > 0)
    assert ctc_problems(corrections.labels, corrections.lineage) == []


@pytest.mark.parametrize("doubts", [[{"kind": "area"}], [3], [{"tracks": 3}]])
def test_a_damaged_list_of_places_is_a_sentence(doubts):
    record = Corrections(TOUCH.labels.copy(), TOUCH.lineage).record()
    with pytest.raises(InputError, match="list of places"):
        Corrections(TOUCH.labels, TOUCH.lineage, record=record | {"doubts": doubts})


def test_without_embeddings_nothing_is_followed():
    corrections = Corrections(TOUCH.labels.copy(), TOUCH.lineage)
    with pytest.raises(InputError, match="choose the image layer"):
        next(corrections.propagate(1, [1]))
    with pytest.raises(InputError, match="no cell 7 in frame 1"):
        next(corrections.split(1, 7, [(1, 1), (1, 2)]))
