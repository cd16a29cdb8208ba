"""Whatever a movie is stored in, its frames are read one at a time."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import tifffile

from fastershift.batch import MovieTask, run_large
from fastershift.io import Movie, as_movie, read_result
from fastershift.pipeline import segment_movie

zarr = pytest.importorskip("zarr")
dask_array = pytest.importorskip("dask.array")

FRAMES = 5


@pytest.fixture(scope="module")
def frames(simulated):
    return simulated.frames[:FRAMES]


@pytest.fixture(scope="module")
def expected(frames, settings, tmp_path_factory):
    output = tmp_path_factory.mktemp("expected") / "out"
    list(run_large(MovieTask(as_movie(frames), output, "ctc", settings)))
    return read_result(output)


def ome_zarr(path, frames):
    axes = [{"name": name} for name in "tcyx"]
    image = {"axes": axes, "datasets": [{"path": "0"}]}
    group = zarr.create_group(
        path, zarr_format=2, attributes={"multiscales": [{"version": "0.4", **image}]}
    )
    data = frames[:, None]
    group.create_array("0", shape=data.shape, chunks=(1, 1, 32, 32), dtype="u2")
    group["0"][:] = data
    return path


def tiff_folder(path, frames):
    path.mkdir()
    for number, frame in enumerate(frames):
        tifffile.imwrite(path / f"t{number:03d}.tif", frame)
    return path


def tiff(path, frames, **options):
    tifffile.imwrite(
        path, frames, photometric="minisblack", metadata={"axes": "TYX"}, **options
    )
    return path


@pytest.mark.parametrize("kind", ["ome", "folder", "big", "tiled", "dask"])
def test_every_source_gives_the_same(tmp_path, frames, settings, expected, kind):
    source: Path | Movie
    if kind == "ome":
        source = ome_zarr(tmp_path / "m.zarr", frames)
    elif kind == "folder":
        source = tiff_folder(tmp_path / "m", frames)
    elif kind == "big":
        source = tiff(tmp_path / "m.tif", frames, bigtiff=True)
    elif kind == "tiled":
        options = {"tile": (32, 32), "compression": "zlib"}
        source = tiff(tmp_path / "m.tif", frames, bigtiff=True, **options)
    else:
        source = as_movie(dask_array.from_array(frames, chunks=(1, 56, 64)))
    *_, last = run_large(MovieTask(source, tmp_path / "out", "ctc", settings, chunk=2))
    labels, tracks = read_result(last.outcome.output)
    assert np.array_equal(labels, expected[0])
    assert tracks == expected[1]


def test_a_frame_that_shows_nothing_is_left_out_as_in_a_run(tmp_path, frames, settings):
    dark = np.array(frames)
    dark[2] = 0
    task = MovieTask(as_movie(dark), tmp_path / "out", "ctc", settings, chunk=2)
    *_, last = run_large(task)
    labels, tracks = read_result(last.outcome.output)
    run = segment_movie(dark, settings)
    assert not labels[2].any()
    assert np.array_equal(labels, run.labels)
    assert tracks == run.lineage.rows()


def test_few_frames_are_held_at_any_time(tmp_path, frames, settings):
    alive, most, reads = weakref.WeakSet(), [0], []

    class Tracked(np.ndarray):
        __hash__ = object.__hash__

    class Counting:
        shape, dtype = frames.shape, frames.dtype

        def read(self, number):
            frame = frames[number].copy().view(Tracked)
            alive.add(frame)
            reads.append(number)
            gc.collect()
            most[0] = max(most[0], len(alive))
            return frame

    source = Movie(Counting(), "counting")
    gc.freeze()  # what is there already is not looked through at each frame
    try:
        *_, last = run_large(
            MovieTask(source, tmp_path / "out", settings=settings, chunk=2)
        )
    finally:
        gc.unfreeze()
    assert last.outcome.frames == FRAMES
    assert most[0] <= 4
    # Once for the block, once to warm up the next, for fingerprint and diameter, and
    # to tell at the end which frames show nothing.
    assert max(map(reads.count, range(FRAMES))) <= 7
