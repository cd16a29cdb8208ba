"""Results in Zarr, dropped onto napari."""

import numpy as np
import pytest

pytest.importorskip("zarr")

from fastershift.config import resolve_settings
from fastershift.io import SavedResult, write_saved
from fastershift.plugin.files import _readers
from fastershift.simulate import simulate_movie


@pytest.fixture
def result(tmp_path):
    made = simulate_movie(4, (40, 44), 3, diameter=14, seed=1)
    units = ("second", "micrometer", "micrometer")
    result = SavedResult(made.labels, made.tracks, (2.0, 0.5, 0.5), units)
    return made, write_saved(tmp_path / "r.zarr", result, format="zarr")


def test_small_results_come_with_their_tracks(result):
    made, path = result
    read = _readers.get_zarr_reader(str(path))
    (labels, cells, kind), (_, tracks, _) = read(str(path))
    assert kind == "labels"
    assert np.array_equal(labels, made.labels)
    assert cells["name"] == "r [cells]"
    assert cells["scale"] == tracks["scale"] == (2.0, 0.5, 0.5)
    assert cells["metadata"]["fastershift"]["tracks"] == list(made.tracks)


def test_large_results_stay_on_disk(result, monkeypatch):
    made, path = result
    monkeypatch.setattr(_readers, "_SMALL", 1000)
    ((labels, cells, kind),) = _readers.get_zarr_reader([str(path)])([str(path)])
    assert kind == "labels"
    assert not isinstance(labels, np.ndarray)
    assert labels.dtype == np.int32
    assert np.array_equal(labels[2].compute(), made.labels[2])
    assert cells["metadata"]["fastershift"]["tracks"] == list(made.tracks)


@pytest.mark.parametrize("small", [1000, 2**29])
def test_corrections_and_settings_come_back(result, tmp_path, monkeypatch, small):
    made, _ = result
    history = {"locked": [1], "done": [[0, 1]]}
    result = SavedResult(
        made.labels, made.tracks, settings=resolve_settings(), corrections=history
    )
    path = write_saved(tmp_path / "corrected.zarr", result, format="zarr")
    monkeypatch.setattr(_readers, "_SMALL", small)
    layers = _readers.get_zarr_reader(str(path))(str(path))
    record = layers[0][1]["metadata"]["fastershift"]
    assert record["corrections"] == history
    assert record["settings"]["cluster"] == resolve_settings().cluster.model_dump(
        mode="json"
    )


def test_other_folders_are_left_to_others(tmp_path):
    assert _readers.get_zarr_reader(str(tmp_path)) is None
    assert _readers.get_zarr_reader(["a.zarr", "b.zarr"]) is None
