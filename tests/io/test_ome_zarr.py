"""Label images as other programs read them."""

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.io import (
    read_movie,
    read_result,
    write_result,
    write_simulation_zarr,
)
from fastershift.simulate import Simulation, simulate_movie

zarr = pytest.importorskip("zarr")


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(3, (48, 64), 5, diameter=14, seed=2)


def image(path, movie, version):
    """An image with two resolutions, and a channel."""
    old = version == "0.4"
    axes = [{"name": name} for name in "tcyx"]
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {"type": "scale", "scale": [30.0, 1.0, 0.5 * 2**level, 0.5 * 2**level]}
            ],
        }
        for level in range(2)
    ]
    multiscale = {"axes": axes, "datasets": datasets}
    ome = {"multiscales": [multiscale]}
    attributes = ome if old else {"ome": {"version": version, **ome}}
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    for level in range(2):
        data = movie.frames[:, None, :: 2**level, :: 2**level]
        array = group.create_array(
            str(level), shape=data.shape, chunks=(1, *data.shape[1:]), dtype="u2"
        )
        array[:] = data
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_beside_their_image(tmp_path, movie, version):
    path = image(tmp_path / "movie.zarr", movie, version)
    place = path / "labels" / "cells"
    for overwrite in (False, True):
        written = write_result(
            place, movie.labels, movie.tracks, format="zarr", overwrite=overwrite
        )
    assert written == place
    root = zarr.open(path, mode="r")
    old = version == "0.4"
    assert root.metadata.zarr_format == (2 if old else 3)
    listed = root["labels"].attrs.asdict()
    assert (listed if old else listed["ome"])["labels"] == ["cells"]
    group = root["labels/cells"]
    assert group.metadata.zarr_format == (2 if old else 3)
    attributes = group.attrs.asdict()
    ome = attributes if old else attributes["ome"]
    assert ome["image-label"]["source"] == {"image": "../../"}
    colours = ome["image-label"]["colors"]
    assert [row["label-value"] for row in colours] == [t[0] for t in movie.tracks]
    assert len({tuple(row["rgba"]) for row in colours}) == len(colours)
    properties = ome["image-label"]["properties"]
    assert [tuple(row.values()) for row in properties] == list(movie.tracks)
    datasets = ome["multiscales"][0]["datasets"]
    assert len(datasets) == 2
    assert np.array_equal(group["0"][:], movie.labels)
    assert group["1"].shape == (3, 24, 32)
    assert set(np.unique(group["1"][:])) <= set(np.unique(movie.labels))
    assert group["0"].chunks == (1, 48, 64)
    labels, tracks = read_result(place)
    assert np.array_equal(labels, movie.labels)
    assert tracks == list(movie.tracks)
    # The image itself is as it was.
    assert np.array_equal(read_movie(path)[1], movie.frames[1])


def test_labels_of_another_size_do_not_lie_beside_an_image(tmp_path, movie):
    path = image(tmp_path / "movie.zarr", movie, "0.5")
    with pytest.raises(InputError, match="beside an image"):
        write_result(path / "labels" / "cells", movie.labels[:2], None, format="zarr")
    assert not (path / "labels" / "cells").exists()


def test_a_simulation_that_is_never_in_memory(tmp_path):
    given = {"diameter": 14, "seed": 2, "cell_cycle": 5.0}
    expected = simulate_movie(6, (48, 64), 5, **given)
    path = tmp_path / "s.zarr"
    for overwrite in (False, True):
        made = Simulation(6, (48, 64), 5, **given)
        write_simulation_zarr(made, path, overwrite=overwrite)
    movie = read_movie(path)
    assert movie.shape == (6, 48, 64)
    assert all(np.array_equal(movie[t], expected.frames[t]) for t in range(6))
    labels, tracks = read_result(path / "labels" / "truth")
    assert np.array_equal(labels, expected.labels)
    assert tracks == list(expected.tracks)
    assert any(parent for *_, parent in tracks)
    with pytest.raises(InputError, match="already"):
        write_simulation_zarr(made, path)


@pytest.mark.parametrize("head", ["kept", "damaged"])
def test_a_simulation_replaces_no_movie_that_is_not_one(tmp_path, movie, head):
    path = image(tmp_path / "movie.zarr", movie, "0.5")
    zarr.open_group(path / "labels", mode="w")
    if head == "damaged":
        (path / "zarr.json").write_text("{")
    before = {one: one.read_bytes() for one in path.rglob("*") if one.is_file()}
    made = Simulation(1, (32, 32), 1, diameter=10)
    with pytest.raises(InputError, match="something other than a result"):
        write_simulation_zarr(made, path, overwrite=True)
    after = {one: one.read_bytes() for one in path.rglob("*") if one.is_file()}
    assert after == before


@pytest.mark.parametrize("level", ["0", "7"])
def test_a_place_in_an_image_of_the_first_version(tmp_path, level):
    """It names no axes; where its pixels are lost, that is said."""
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "m.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=np.ones((2, 1, 1, 8, 9), np.uint16))
    group.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": level}]}]
    labels = np.ones((2, 8, 9), np.int32)
    place = tmp_path / "m.zarr" / "labels" / "cells"
    if level == "7":
        with pytest.raises(InputError, match="is damaged"):
            write_result(place, labels, None, format="zarr")
    else:
        write_result(place, labels, None, format="zarr")
        assert group["labels"].attrs["labels"] == ["cells"]
