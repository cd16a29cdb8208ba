"""One movie in chunks of time, on disk from end to end."""

import numpy as np
import pytest
import tifffile

pytest.importorskip("zarr")

from fastershift.batch import MovieTask, Written, run_large
from fastershift.errors import InputError
from fastershift.io import read_result, read_saved
from fastershift.pipeline import Progress, Started, segment_movie


def run(task):
    events = list(run_large(task))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Written)
    return events[-1].outcome


def rows(lineage):
    return [(t.id, t.first, t.last, t.parent) for t in lineage.tracks]


@pytest.fixture(scope="session")
def in_memory(simulated, settings):
    return segment_movie(simulated.frames, settings)


@pytest.mark.parametrize(("chunk", "format"), [(100, "tiff"), (4, "ctc"), (2, "zarr")])
def test_same_result_as_in_memory_in_any_chunks(
    tmp_path, movie_file, settings, in_memory, chunk, format
):
    task = MovieTask(movie_file, tmp_path / "out", format, settings, chunk=chunk)
    outcome = run(task)
    labels, tracks = read_result(outcome.output)
    assert np.array_equal(labels, in_memory.labels)
    assert tracks == rows(in_memory.lineage)
    assert outcome.frames == 9
    assert outcome.tracks == len(tracks)
    assert outcome.last_cells == len(np.unique(labels[-1])) - 1
    assert not list(tmp_path.glob(".out*"))


def test_reports_are_those_of_a_run_in_memory(
    tmp_path, movie_file, settings, in_memory
):
    zarr = pytest.importorskip("zarr")
    run(MovieTask(movie_file, tmp_path / "out.zarr", settings=settings, chunk=4))
    stored = zarr.open(tmp_path / "out.zarr", mode="r").attrs["fastershift"]["reports"]
    assert [row["frame"] for row in stored] == list(range(9))
    for row, report in zip(stored, in_memory.reports, strict=True):
        expected = report.record()
        same = [key for key in expected if not key.endswith("_ms")]
        assert {k: row[k] for k in same} == {k: expected[k] for k in same}


def test_published_profile_is_one_chunk(tmp_path, movie_file, simulated, settings):
    published = {
        "profile": "published",
        "embed": {**settings["embed"], "window": 3, "tile": 32, "tile_overlap": 16},
        "track": {"smallest_cell_pixels": 10},
    }
    expected = segment_movie(simulated.frames[:4], published)
    task = MovieTask(
        movie_file, tmp_path / "out", settings=published, chunk=2, frames=(0, 4)
    )
    labels, _ = read_result(run(task).output)
    assert np.array_equal(labels, expected.labels)


def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path, movie_file, settings, in_memory, monkeypatch
):
    task = MovieTask(movie_file, tmp_path / "out", settings=settings, chunk=2)
    events = run_large(task)
    for event in events:
        if isinstance(event, Progress) and event.done == 5:
            break
    events.close()
    embedded = []
    import fastershift.batch._steps as steps

    original = steps.cluster_pair
    monkeypatch.setattr(
        steps,
        "cluster_pair",
        lambda plan, pair, policy: (
            embedded.append(pair.frame) or original(plan, pair, policy)
        ),
    )
    labels, _ = read_result(run(task).output)
    assert np.array_equal(labels, in_memory.labels)
    assert embedded == [4, 5, 6, 7]


@pytest.mark.parametrize("changed", ["settings", "model", "movie"])
def test_an_unfinished_run_of_something_else_is_not_taken_up(
    tmp_path, movie_file, settings, changed, tiny_model
):
    def task(settings, **options):
        return MovieTask(movie_file, tmp_path / "o", settings=settings, **options)

    events = run_large(task(settings))
    next(events)
    events.close()
    other = {**settings}
    if changed == "settings":
        other["cluster"] = {"bandwidth": 0.06}
    elif changed == "model":
        copy = tmp_path / "tiny.safetensors"
        content = bytearray(tiny_model.read_bytes())
        content[-4] ^= 1  # a weight, a little changed
        copy.write_bytes(content)
        other["embed"] = {**settings["embed"], "model": str(copy)}
    else:
        zarr = pytest.importorskip("zarr")
        zarr.open_array(movie_file, mode="a")[4] = 7
    words = "another movie" if changed == "movie" else changed
    with pytest.raises(InputError, match=words):
        run(task(other))
    assert run(task(other, overwrite=True)).frames == 9


def test_an_unfinished_run_of_another_region_is_not_taken_up(
    tmp_path, movie_file, settings
):
    region = np.ones((9, 56, 64), np.uint8)
    task = MovieTask(
        movie_file, tmp_path / "o", settings=settings, inside=tmp_path / "region.tif"
    )

    def draw():
        region[2, :28] = 0
        tifffile.imwrite(task.inside, region, photometric="minisblack")

    draw()
    events = run_large(task)
    next(events)
    events.close()
    region[6, :28] = 0
    draw()
    with pytest.raises(InputError, match="the movie has changed"):
        run(task)


def test_nothing_is_told_of_the_cells_in_a_frame_that_shows_nothing(
    tmp_path, simulated, settings
):
    frames = np.asarray(simulated.frames).copy()
    frames[4] = 0
    tifffile.imwrite(tmp_path / "movie.tif", frames, photometric="minisblack")
    settings = {**settings, "embed": {"model": "generalist", "diameter": 16.0}}
    outcome = run(
        MovieTask(tmp_path / "movie.tif", tmp_path / "out", settings=settings)
    )
    saved = read_saved(outcome.output)
    cells = [len(np.unique(frame)) - 1 for frame in saved.stack()]
    assert (cells[4], cells[3] > 0) == (0, True)
    assert outcome.mean_cells == pytest.approx(np.mean(cells), abs=0.01)
    known = [row["expected_f1"] is not None for row in saved.reports]
    assert known == [count > 0 for count in cells]


def test_a_former_result_is_kept(tmp_path, movie_file, settings):
    task = MovieTask(movie_file, tmp_path / "out.zarr", settings=settings)
    run(task)
    with pytest.raises(InputError, match="already holds a result"):
        run(task)
