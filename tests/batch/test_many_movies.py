"""Many movies on processes of this machine."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

pytest.importorskip("distributed")
pytest.importorskip("zarr")

from fastershift.batch import (
    BatchProgress,
    BatchTask,
    MovieEnded,
    MovieTask,
    connect,
    list_movies,
    run_many,
)
from fastershift.batch._movie import fingerprint, prepare_movie
from fastershift.errors import InputError
from fastershift.io import read_result, write_result
from fastershift.simulate import simulate_movie

NAMES = [f"plate{1 + number // 10}/m{number % 10:02d}" for number in range(20)]
DAMAGED = "plate2/m07"
#: Enough to be interrupted in their middle.
FEW = [*NAMES[:3], *NAMES[16:19]]


@pytest.fixture(scope="session")
def plates(tmp_path_factory):
    """Twenty small movies in two folders, one of them cut off in the middle."""
    folder = tmp_path_factory.mktemp("plates")
    for number, name in enumerate(NAMES):
        path = folder / f"{name}.tif"
        path.parent.mkdir(exist_ok=True)
        movie = simulate_movie(4, (40, 44), 3, diameter=14, seed=number)
        tifffile.imwrite(path, movie.frames, metadata={"axes": "TYX"}, ome=True)
    damaged = folder / f"{DAMAGED}.tif"
    damaged.write_bytes(damaged.read_bytes()[:900])
    return folder


def batch(plates, output, settings, inputs=(), **options):
    embed = {**settings["embed"], "diameter": 14.0}
    given = {"settings": {"embed": embed}, "chunk": 2, "format": "ctc"}
    return BatchTask(inputs or [plates], output, **(given | options))


def ended(events):
    return {
        event.outcome.movie: event.outcome
        for event in events
        if isinstance(event, MovieEnded)
    }


@pytest.fixture(scope="session")
def serial(plates, settings, tmp_path_factory):
    output = tmp_path_factory.mktemp("serial")
    with connect() as client:
        outcomes = ended(run_many(batch(plates, output, settings), client))
    return output, outcomes


def same_results(one, other, names=NAMES):
    for name in names:
        if name == DAMAGED:
            assert not (one / name).exists()
            continue
        labels, tracks = read_result(one / name)
        expected, expected_tracks = read_result(other / name)
        assert np.array_equal(labels, expected)
        assert tracks == expected_tracks
    return True


def test_a_damaged_movie_does_not_stop_the_others(serial):
    output, outcomes = serial
    assert len(outcomes) == 20
    failed = [one for one in outcomes.values() if one.status == "failed"]
    assert [one.movie for one in failed] == [DAMAGED]
    assert "m07.tif" in failed[0].sentence
    assert failed[0].sentence.endswith(".")
    with (output / "summary.csv").open(newline="") as file:
        rows = {row["movie"]: row for row in csv.DictReader(file)}
    assert len(rows) == 20
    assert rows["plate1/m03"]["frames"] == "4"
    assert rows[DAMAGED]["status"] == "failed"
    page = (output / "summary.html").read_text(encoding="utf-8")
    assert "20 movies, 1 failed" in page
    assert page.count("<img") == 19
    assert 'src="summary/plate1/m03.png"' in page
    assert (output / "summary" / "plate1" / "m03.png").exists()


@pytest.mark.slow  # processes that are killed and started anew
def test_a_killed_worker_changes_nothing(plates, settings, tmp_path, serial):
    with connect(workers=2) as client:
        events = run_many(batch(plates, tmp_path, settings), client)
        outcomes, victim = {}, None
        for event in events:
            outcomes |= ended([event])
            if victim is None and isinstance(event, BatchProgress) and event.done:
                pids = client.run(os.getpid)
                victim = next(iter(pids.values()))
                os.kill(victim, signal.SIGKILL)
    assert victim is not None
    assert {n: o.sentence for n, o in outcomes.items()} == {
        n: o.sentence for n, o in serial[1].items()
    }
    assert same_results(tmp_path, serial[0])


def test_a_batch_goes_on_where_it_stopped(plates, settings, tmp_path, serial):
    few = [plates / f"{name}.tif" for name in FEW]
    task = batch(plates, tmp_path, settings, few)
    with connect() as client:
        events = run_many(task, client)
        first = set()
        for event in events:
            first |= set(ended([event]))
            if len(first) == 3:
                break
        events.close()
        again = [e for e in run_many(task, client) if isinstance(e, MovieEnded)]
        assert first <= {e.outcome.movie for e in again if e.before}
        assert len(again) == len(FEW)
        assert same_results(tmp_path, serial[0], FEW)
        # Nothing is left to do, not even for the one that failed ...
        before = list(run_many(task, client))
        assert all(isinstance(event, MovieEnded) and event.before for event in before)
        # ... unless it is asked for.
        retried = batch(plates, tmp_path, settings, few, retry_failed=True)
        new = [
            event.outcome.movie
            for event in run_many(retried, client)
            if isinstance(event, MovieEnded) and not event.before
        ]
        assert new == [DAMAGED]
        other = batch(plates, tmp_path, settings, few, preset="Fluo-N2DH-SIM+")
        with pytest.raises(InputError, match="other settings"):
            next(run_many(other, client))


@pytest.mark.slow  # waits for a worker that is late
def test_a_slow_worker_and_no_model_on_any(
    plates, settings, tmp_path, serial, tiny_model
):
    """One worker is stuck: the other takes its work over, all but what it has begun.

    The model travels to both, though its file is gone.
    """

    def hinder(gate):
        import time

        from fastershift.batch import _steps
        from fastershift.rshn import _registry

        _registry._known = dict
        original = _steps.cluster_pair

        def slow(*given):
            # Dask takes over only what takes longer than handing it over.
            time.sleep(0.3)
            while gate is not None and not gate.exists():
                time.sleep(0.1)
            return original(*given)

        _steps.cluster_pair = slow

    model, gate = tmp_path / "tiny.safetensors", tmp_path / "gate"
    model.write_bytes(tiny_model.read_bytes())
    few = [plates / f"{name}.tif" for name in FEW if name != DAMAGED]
    embed = {**settings["embed"], "model": str(model)}
    output = tmp_path / "out"
    task = batch(plates, output, {"embed": embed}, few)
    with connect(workers=2) as client:
        one, other = client.nthreads()
        client.run(hinder, gate, workers=[one])
        client.run(hinder, None, workers=[other])
        outcomes = {}
        for number, event in enumerate(run_many(task, client)):
            model.unlink(missing_ok=True)
            outcomes |= ended([event])
            # There is an event every half second, at least; none is waited for forever.
            if len(outcomes) == len(few) - 1 or number == 200:
                before = len(outcomes)
                gate.touch()
    assert before == len(few) - 1
    assert len(outcomes) == len(few)
    assert {outcome.status for outcome in outcomes.values()} == {"done"}
    assert same_results(output, serial[0], outcomes)


def test_names_keep_the_structure_of_the_folders(plates, tmp_path):
    names = [movie.name for movie in list_movies([plates])]
    assert names[0] == "plate1/m00"
    assert len(names) == 20
    pattern = list_movies([str(plates / "plate1" / "*.tif")])
    assert [movie.name for movie in pattern][:2] == ["m00", "m01"]
    both = list_movies([plates / "plate1" / "m00.tif", plates / "plate2" / "m00.tif"])
    assert [movie.name for movie in both] == ["plate1/m00", "plate2/m00"]
    with pytest.raises(InputError, match="Nothing matches"):
        list_movies([str(plates / "*.lif")])
    with pytest.raises(InputError, match="nothing at"):
        list_movies([plates / "plate3"])
    with pytest.raises(InputError, match="No movie"):
        list_movies([tmp_path])


def test_folders_of_frames_and_equal_names(tmp_path):
    frame = np.zeros((20, 24), np.uint8)
    for name in ("a/01/t000.tif", "a/01/t001.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(tmp_path / name, frame)
    for name in ("b/m.tif", "b/m.tiff"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / name, np.stack([frame] * 3))
    names = [movie.name for movie in list_movies([tmp_path])]
    assert names == ["a/01", "b/m.tif", "b/m.tiff"]


@pytest.mark.parametrize("format", ["ctc", "tiff", "zarr"])
def test_results_below_the_inputs_are_not_movies(tmp_path, format):
    """The same command finds the same movies when it is given again."""
    labels = np.zeros((2, 20, 24), np.int32)
    labels[:, 4:9, 4:9] = 1
    tifffile.imwrite(tmp_path / "m.tif", np.ones((2, 20, 24), np.uint8))
    before = list_movies([tmp_path], tmp_path / "out")
    for folder in ("out", "elsewhere"):
        (tmp_path / folder).mkdir()
        write_result(tmp_path / folder / "m", labels, None, format=format)
    # What is on its way in the folder of results is no result yet.
    tifffile.imwrite(tmp_path / "out" / "part.tif", labels.astype(np.uint8))
    assert [movie.name for movie in before] == ["m"]
    assert list_movies([tmp_path], tmp_path / "out") == before
    assert list_movies([str(tmp_path / "*")], tmp_path / "out") == before
    with pytest.raises(InputError, match="No movie"):
        list_movies([tmp_path / "elsewhere"])


def test_fields_of_a_plate(tmp_path):
    import zarr

    plate = {"wells": [{"path": "A/1"}, {"path": "B/2"}], "version": "0.4"}
    root = zarr.create_group(
        tmp_path / "p.zarr", zarr_format=2, attributes={"plate": plate}
    )
    for well in ("A/1", "B/2"):
        images = {"images": [{"path": "0"}, {"path": "1"}]}
        root.create_group(well, attributes={"well": images})
        for field in "01":
            axes = [{"name": name} for name in "tyx"]
            image = {"axes": axes, "datasets": [{"path": "0"}]}
            group = root.create_group(
                f"{well}/{field}", attributes={"multiscales": [image]}
            )
            group.create_array("0", shape=(2, 20, 24), dtype="u1")
    names = [movie.name for movie in list_movies([tmp_path / "p.zarr"])]
    assert names == ["A/1/0", "A/1/1", "B/2/0", "B/2/1"]


@pytest.mark.slow  # a process that loads everything anew
def test_a_worker_needs_no_window():
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in {'napari', 'qtpy', 'PyQt6', 'PyQt5',\n"
        "                'PySide6', 'magicgui', 'superqt', 'pyqtgraph'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import fastershift.batch._remote, fastershift.batch\n"
        "print('ready')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == "ready", run.stderr


@pytest.fixture
def few(tmp_path):
    """Two movies that are done in a moment."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate(("a.tif", "b.tif")):
        movie = simulate_movie(3, (40, 44), 3, diameter=14, seed=number)
        frames = np.asarray(movie.frames)
        tifffile.imwrite(folder / name, frames, photometric="minisblack")
    return folder


def run_few(few, settings, format="ctc"):
    task = batch(few, few.parent / "out", settings, format=format)
    with connect() as client:
        return ended(run_many(task, client))


def test_doing_all_anew_goes_on_where_it_stopped(few, settings):
    task = batch(few, few.parent / "out", settings)
    anew = replace(task, overwrite=True)

    def finished(task):
        return [e for e in run_many(task, client) if isinstance(e, MovieEnded)]

    with connect() as client:
        finished(task)
        events = run_many(anew, client)
        first = next(event for event in events if isinstance(event, MovieEnded))
        events.close()
        again = finished(anew)
        assert not first.before
        assert first.outcome.movie in {e.outcome.movie for e in again if e.before}
        assert [e.outcome.status for e in again] == ["done", "done"]
        # Once it has ended, it is asked for anew; of some movies, if these are given.
        one = finished(replace(anew, inputs=[few / "b.tif"]))
        assert [(e.outcome.movie, e.before) for e in one] == [("b", False)]
        assert all(e.before for e in finished(task))
        assert not any(e.before for e in finished(anew))


def test_doing_all_anew_forgets_nothing_that_is_not_replaced(few, settings):
    task = batch(few, few.parent / "out", settings)
    anew = replace(task, overwrite=True)
    with connect() as client:
        list(run_many(task, client))
        events = run_many(anew, client)
        next(events)
        events.close()
        assert (few.parent / "out" / "summary" / "b.png").exists()
        events = [e for e in run_many(task, client) if isinstance(e, MovieEnded)]
        assert [(e.outcome.status, e.before) for e in events] == [("done", True)] * 2
        # A movie that has come to the others does not make it begin once more.
        events = run_many(anew, client)
        first = next(event for event in events if isinstance(event, MovieEnded))
        events.close()
        shutil.copy(few / "a.tif", few / "c.tif")
        again = [e for e in run_many(anew, client) if isinstance(e, MovieEnded)]
    assert first.outcome.movie in {e.outcome.movie for e in again if e.before}
    assert {e.outcome.status for e in again} == {"done"}


@pytest.mark.parametrize("retry_failed", [False, True])
def test_a_movie_that_has_changed_is_done_anew(few, settings, retry_failed):
    task = batch(few, few.parent / "out", settings)
    anew = replace(task, overwrite=True)
    with connect() as client:
        list(run_many(task, client))
        if not retry_failed:  # a batch that is gone on with
            events = run_many(anew, client)
            done = next(event for event in events if isinstance(event, MovieEnded))
            events.close()
        name = "a" if retry_failed else done.outcome.movie
        movie = np.asarray(simulate_movie(3, (40, 44), 3, diameter=14, seed=5).frames)
        tifffile.imwrite(few / f"{name}.tif", movie, photometric="minisblack")
        outcome = ended(run_many(replace(anew, retry_failed=retry_failed), client))
    assert outcome[name].status == "done"
    assert outcome[name].source == fingerprint(few / f"{name}.tif")


def test_what_failed_while_all_was_done_anew_can_be_repeated(few, settings):
    task = batch(few, few.parent / "out", settings)
    kept = (few / "a.tif").read_bytes()
    run_few(few, settings)
    (few / "a.tif").write_bytes(kept[:300])
    anew = replace(task, overwrite=True)
    with connect() as client:
        assert ended(run_many(anew, client))["a"].status == "failed"
        (few / "a.tif").write_bytes(kept)
        events = list(run_many(replace(anew, retry_failed=True), client))
    told = {e.outcome.movie: e for e in events if isinstance(e, MovieEnded)}
    assert told["b"].before
    assert told["a"].outcome.status == "done"


def test_a_result_that_was_removed_is_made_again(few, settings):
    run_few(few, settings)
    shutil.rmtree(few.parent / "out" / "a")
    assert {one.status for one in run_few(few, settings).values()} == {"done"}
    assert len(read_result(few.parent / "out" / "a")[0]) == 3


def test_a_movie_that_has_changed_is_told(few, settings):
    run_few(few, settings)
    before = read_result(few.parent / "out" / "a")[0]
    (few / "a.tif").write_bytes((few / "b.tif").read_bytes())
    outcomes = run_few(few, settings)
    assert outcomes["b"].status == "done"
    assert outcomes["a"].status == "failed"
    assert "is not the movie any more" in outcomes["a"].sentence
    assert np.array_equal(read_result(few.parent / "out" / "a")[0], before)
    shutil.rmtree(few.parent / "out" / "a")
    assert run_few(few, settings)["a"].status == "done"


def test_a_copy_of_a_movie_is_the_same(few, settings):
    run_few(few, settings)
    data = (few / "a.tif").read_bytes()
    (few / "a.tif").unlink()
    (few / "a.tif").write_bytes(data)
    assert run_few(few, settings)["a"].status == "done"


def test_what_is_not_read_does_not_change_a_movie(tmp_path, settings):
    """Systems, and people, leave files in folders of frames."""
    folder = tmp_path / "in" / "a"
    folder.mkdir(parents=True)
    movie = simulate_movie(3, (40, 44), 3, diameter=14, seed=0)
    for number, frame in enumerate(movie.frames):
        tifffile.imwrite(folder / f"t{number}.tif", np.asarray(frame))
    before = fingerprint(folder)
    task = MovieTask(folder, tmp_path / "one", settings=settings)
    signature = prepare_movie(task, task.models()).signature
    for name in (".DS_Store", "Thumbs.db", "notes.txt"):
        (folder / name).write_bytes(b"any")
    (folder / "old").mkdir()
    assert fingerprint(folder) == before
    assert prepare_movie(task, task.models()).signature == signature
    tifffile.imwrite(folder / "t3.tif", np.asarray(movie.frames[0]))
    assert fingerprint(folder) != before


def test_metadata_of_a_zarr_tell_it_from_another(tmp_path):
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".zarray").write_text(f"[{number}]")
    before = fingerprint(tmp_path / "a")
    (tmp_path / "a" / ".DS_Store").touch()
    assert fingerprint(tmp_path / "a") == before != fingerprint(tmp_path / "b")


@pytest.mark.skipif(os.name == "nt", reason="paths of Windows are shorter")
@pytest.mark.parametrize("length", [240, 250])
def test_a_long_name_does_not_stop_the_others(few, settings, length):
    (few / "a.tif").rename(few / f"{'n' * length}.tif")
    outcomes = run_few(few, settings)
    assert outcomes["b"].status == "done"
    assert len(outcomes) == 2


def test_twins_have_text_files_of_their_own(few, settings):
    (few / "b.tif").rename(few / "a.tiff")
    outcomes = run_few(few, settings, "tiff")
    assert {one.status for one in outcomes.values()} == {"done"}
    results = [*(few.parent / "out").glob("*.tif")]
    assert len(results) == len([*(few.parent / "out").glob("*_tracks.txt")]) == 2
    for path in results:
        assert len(read_result(path)[0]) == 3
