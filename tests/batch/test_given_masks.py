"""Batches whose cells are given, and tables of measurements beside results."""

import csv
import html
import os
from dataclasses import replace

import numpy as np
import pytest
import tifffile

pytest.importorskip("distributed")
pytest.importorskip("zarr")

from fastershift import segment_movie
from fastershift.batch import (
    BatchTask,
    Measuring,
    MovieEnded,
    _masks,
    _remote,
    _steps,
    connect,
    run_many,
)
from fastershift.batch._inputs import NamedMovie
from fastershift.batch._masks import find_masks, find_region
from fastershift.batch._work import WorkFolder
from fastershift.errors import FastershiftError, InputError
from fastershift.io import (
    SavedResult,
    read_result,
    read_saved,
    write_result,
    write_saved,
)
from fastershift.labels import keep_inside
from fastershift.measure import MeasureOptions
from fastershift.simulate import simulate_movie
from helpers.agreement import assert_same_cells

WITHOUT_NETWORK = {"track": {"vote_weight": 0.0}}


@pytest.fixture
def plate(tmp_path):
    """Two movies, one of them nested, and masks of the same names elsewhere."""
    for number, name in enumerate(("a/one", "two")):
        made = simulate_movie(4, (64, 64), 4, diameter=14, seed=number)
        for kind, frames in (("movies", made.frames), ("masks", made.labels)):
            path = tmp_path / kind / f"{name}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, frames.astype(np.uint16), metadata={"axes": "TYX"})
    return tmp_path


def ended(task):
    with connect() as client:
        return {
            event.outcome.movie: event.outcome
            for event in run_many(task, client)
            if isinstance(event, MovieEnded)
        }


def task_for(plate, **options):
    asked = {"settings": WITHOUT_NETWORK, "format": "ctc"} | options
    return BatchTask([plate / "movies"], plate / "results", **asked)


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("given", ["masks", "masks/{name}.tif"])
def test_masks_of_a_batch_are_tracked_as_those_of_a_run(plate, given):
    outcomes = ended(task_for(plate, labels=str(plate / given)))
    assert set(outcomes) == {"a/one", "two"}
    for name, outcome in outcomes.items():
        masks = tifffile.imread(plate / "masks" / f"{name}.tif")
        expected = segment_movie(None, WITHOUT_NETWORK, labels=masks)
        labels, tracks = read_result(plate / "results" / name)
        np.testing.assert_array_equal(labels, expected.labels)
        assert [tuple(row) for row in tracks] == expected.lineage.rows()
        assert (outcome.status, outcome.frames) == ("done", 4)
        assert outcome.tracks == len(tracks)
        assert outcome.model == "given masks"
    page = (plate / "results" / "summary.html").read_text(encoding="utf-8")
    assert page.count("<img") == 2


def test_masks_beside_the_movies_are_no_movies(plate):
    for name in ("a/one", "two"):
        masks = (plate / "masks" / f"{name}.tif").read_bytes()
        (plate / "movies" / f"{name}_drawn.tif").write_bytes(masks)
    outcomes = ended(task_for(plate, labels=str(plate / "movies" / "{name}_drawn.tif")))
    assert {name: one.status for name, one in outcomes.items()} == {
        "a/one": "done",
        "two": "done",
    }


def test_masks_are_found_from_where_the_batch_was_started(plate, monkeypatch):
    """Workers may have been started in another folder."""

    def find(*given):
        os.chdir(plate / "movies")
        return find_masks(*given)

    monkeypatch.chdir(plate)
    monkeypatch.setattr(_remote, "find_masks", find)
    outcomes = ended(task_for(plate, labels="masks"))
    assert {one.status for one in outcomes.values()} == {"done"}


def test_a_worker_that_ends_before_its_result_is_recorded(plate, monkeypatch):
    asked = task_for(plate, labels=str(plate / "masks"))
    task = asked.task(NamedMovie("two", plate / "movies" / "two.tif"))
    given = (task, asked.labels, {}, "two", asked.output)

    class Killed(BaseException):
        pass

    def killed(*_given):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(_remote.Summary, "put", killed)
        with pytest.raises(Killed):
            _remote.link(*given)
    assert task.output.exists()
    outcome = _remote.link(*given)
    assert outcome.status == "done"
    assert not list((plate / "results").glob(".*"))
    # Asked once more, although all is done, it says the same.
    assert _remote.link(*given) == outcome
    (plate / "results" / "summary" / "two.json").unlink()
    assert "already holds" in _remote.link(*given).sentence


def test_all_that_is_given_can_be_done_anew(plate):
    asked = task_for(plate, labels=str(plate / "masks"))
    ended(asked)
    result = plate / "results" / "two" / "mask000.tif"
    before = result.stat().st_mtime_ns
    ended(replace(asked, overwrite=True))
    assert result.stat().st_mtime_ns > before


def test_a_run_that_is_refused_is_not_tracked_before(plate, monkeypatch):
    asked = task_for(plate, labels=str(plate / "masks"))
    task = asked.task(NamedMovie("two", plate / "movies" / "two.tif"))
    WorkFolder(task.output).begin({"settings": "others"})
    monkeypatch.setattr(_masks, "TrackingRun", None)
    outcome = _remote.link(task, asked.labels, {}, "two", asked.output)
    assert "was started with other settings" in outcome.sentence


def test_a_movie_without_masks_fails_alone_and_can_be_repeated(plate):
    masks = plate / "masks" / "two.tif"
    kept = masks.read_bytes()
    masks.unlink()
    asked = task_for(plate, labels=str(plate / "masks"))
    outcomes = ended(asked)
    assert outcomes["a/one"].status == "done"
    assert "no masks called two" in outcomes["two"].sentence
    masks.write_bytes(kept)
    assert ended(replace(asked, retry_failed=True))["two"].status == "done"


def test_brackets_in_the_name_of_a_movie_are_no_pattern(tmp_path):
    for name in ("cell[1].tif", "cell1.tif"):
        (tmp_path / name).touch()
    for find in (find_masks, find_region):
        assert find(str(tmp_path), "cell[1]") == tmp_path / "cell[1].tif"
    (tmp_path / "cell[1].tif").unlink()
    with pytest.raises(InputError, match="no masks called"):
        find_masks(str(tmp_path), "cell[1]")


def test_it_must_be_clear_which_masks_are_meant(plate):
    (plate / "masks" / "two.npy").write_bytes(b"")
    outcome = ended(task_for(plate, labels=str(plate / "masks")))["two"]
    assert "several masks called two" in outcome.sentence
    assert "{name}" in outcome.sentence


@pytest.mark.parametrize("option", ["labels", "inside"])
def test_masks_are_never_replaced(plate, option):
    """Masks that fastershift has written look like a former result."""
    masks = plate / "results" / "two.tif"
    made = simulate_movie(4, (64, 64), 4, diameter=14, seed=1)
    write_saved(masks, SavedResult(made.labels, made.tracks), format="tiff")
    before = masks.read_bytes()
    given = {"labels": str(plate / "masks"), option: str(plate / "results/{name}.tif")}
    asked = task_for(plate, format="tiff", overwrite=True, **given)
    assert "a mask that is read itself" in ended(asked)["two"].sentence
    assert masks.read_bytes() == before


def test_a_folder_of_results_belongs_to_one_set_of_masks(plate):
    ended(task_for(plate, labels=str(plate / "masks")))
    with pytest.raises(InputError, match="other settings"):
        ended(task_for(plate, labels=str(plate / "masks" / "{name}.tif")))


def test_each_movie_gets_its_measurements(plate, tmp_path):
    measuring = Measuring("csv", MeasureOptions(ring=2.0), 0.5, 3.0)
    ended(task_for(plate, labels=str(plate / "masks"), measuring=measuring))
    labels, _ = read_result(plate / "results" / "two")
    movie = tifffile.imread(plate / "movies" / "two.tif")
    rows = rows_of(plate / "results" / "two_measurements.csv")
    cells = [(t, n) for t, frame in enumerate(labels) for n in np.unique(frame)[1:]]
    assert [(int(row["frame"]), int(row["track"])) for row in rows] == cells
    for row, (t, cell) in zip(rows, cells, strict=True):
        own = labels[t] == cell
        assert float(row["area"]) == pytest.approx(own.sum() / 4)
        assert float(row["mean_0"]) == pytest.approx(movie[t][own].mean())
        assert float(row["time"]) == 3 * t
    assert "ring_mean_0" in rows[0]
    assert (plate / "results" / "a" / "one_measurements.csv").exists()


def test_finished_movies_are_measured_where_that_was_not_done(plate):
    asked = task_for(plate, labels=str(plate / "masks"))
    ended(asked)
    table = plate / "results" / "two_measurements.csv"
    result = plate / "results" / "two" / "mask000.tif"
    before = result.stat().st_mtime_ns
    ended(replace(asked, measuring=Measuring()))
    assert len(rows_of(table)) == sum(
        len(np.unique(frame)) - 1
        for frame in read_saved(plate / "results" / "two").stack()
    )
    assert result.stat().st_mtime_ns == before


def test_movies_are_measured_again_where_that_is_asked_for_otherwise(plate):
    asked = task_for(plate, labels=str(plate / "masks"), measuring=Measuring())
    ended(asked)
    table = plate / "results" / "two_measurements.csv"
    result = plate / "results" / "two" / "mask000.tif"
    before = result.stat().st_mtime_ns
    assert "ring_mean_0" not in rows_of(table)[0]
    ring = Measuring("csv", MeasureOptions(ring=2.0), 0.5)
    ended(replace(asked, measuring=ring))
    assert "ring_mean_0" in rows_of(table)[0]
    assert result.stat().st_mtime_ns == before
    written = table.stat().st_mtime_ns
    ended(replace(asked, measuring=ring))
    assert table.stat().st_mtime_ns == written


def test_a_table_is_that_of_the_result_beside_it(plate):
    asked = task_for(plate, labels=str(plate / "masks"), measuring=Measuring())
    ended(asked)
    result = plate / "results" / "two"
    table = plate / "results" / "two_measurements.csv"
    other = plate / "results" / "two_measurements.parquet"
    other.write_text("mine", encoding="utf-8")
    labels, _ = read_result(result)
    alone = np.where(labels == labels[0].max(), labels, 0)
    write_result(result, alone, None, overwrite=True)
    late = table.stat().st_mtime_ns + 10**9
    os.utime(result, ns=(late, late))
    ended(asked)
    assert {row["track"] for row in rows_of(table)} == {str(labels[0].max())}
    ended(replace(asked, measuring=None, overwrite=True))
    assert not table.exists()
    assert other.read_text(encoding="utf-8") == "mine"
    ended(asked)
    assert len({row["track"] for row in rows_of(table)}) == len(np.unique(labels)) - 1


@pytest.mark.parametrize("given", [True, False])
def test_a_table_stays_until_the_new_result_is_there(
    plate, settings, monkeypatch, given
):
    embed = {**settings["embed"], "diameter": 14.0}
    how = {"labels": str(plate / "masks")} if given else {"settings": {"embed": embed}}
    asked = task_for(plate, measuring=Measuring(), **how)
    ended(asked)
    table = plate / "results" / "two_measurements.csv"

    def full(*_given, **_options):
        raise FastershiftError("The disk is full.")

    with monkeypatch.context() as patched:
        for module in (_masks, _steps):
            patched.setattr(module, "write_saved", full)
        outcome = ended(replace(asked, measuring=None, overwrite=True))["two"]
    assert outcome.sentence == "The disk is full."
    assert rows_of(table)
    ended(replace(asked, measuring=None, overwrite=True, retry_failed=True))
    assert not table.exists()


def test_results_that_were_moved_are_measured_where_they_are(plate):
    asked = task_for(plate, labels=str(plate / "masks"))
    ended(asked)
    moved = plate / "elsewhere"
    (plate / "results").rename(moved)
    outcome = ended(replace(asked, output=moved, measuring=Measuring()))["two"]
    assert outcome.status == "done"
    assert outcome.output == str(moved / "two")
    assert rows_of(moved / "two_measurements.csv")
    assert not (plate / "results").exists()


def test_a_table_of_the_user_is_left_alone_before_anything_is_run(plate):
    table = plate / "results" / "two_measurements.csv"
    table.parent.mkdir()
    table.write_text("mine", encoding="utf-8")
    asked = task_for(plate, labels=str(plate / "masks"), measuring=Measuring())
    assert "two_measurements.csv" in ended(asked)["two"].sentence
    assert table.read_text(encoding="utf-8") == "mine"
    assert not (plate / "results" / "two").exists()


def test_movies_that_are_segmented_are_measured_too(plate, settings):
    embed = {**settings["embed"], "diameter": 14.0}
    asked = task_for(plate, settings={"embed": embed}, measuring=Measuring("parquet"))
    parquet = pytest.importorskip("pyarrow.parquet")
    assert {one.status for one in ended(asked).values()} == {"done"}
    labels, _ = read_result(plate / "results" / "two")
    table = parquet.read_table(plate / "results" / "two_measurements.parquet")
    assert table.num_rows == sum(len(np.unique(frame)) - 1 for frame in labels)


def left_half(path):
    region = np.zeros((64, 64), np.uint8)
    region[:, :32] = 1
    tifffile.imwrite(path, region)
    return region


def test_a_batch_can_be_confined_to_a_region(plate):
    region = left_half(plate / "region.tif") > 0
    asked = task_for(
        plate,
        labels=str(plate / "masks"),
        inside=str(plate / "region.tif"),
    )
    assert set(ended(asked)) == {"a/one", "two"}
    masks = tifffile.imread(plate / "masks" / "two.tif").astype(np.int32)
    kept = np.stack([keep_inside(frame, region) for frame in masks])
    saved = read_saved(plate / "results" / "two")
    np.testing.assert_array_equal(saved.stack() > 0, kept > 0)
    assert saved.provenance["inside"].endswith("region.tif")
    with pytest.raises(InputError, match="other settings"):
        ended(replace(asked, inside=None, outside=asked.inside))


def test_each_movie_may_have_a_region_of_its_own(plate, settings):
    (plate / "regions" / "a").mkdir(parents=True)
    left_half(plate / "regions" / "two.tif")
    embed = {**settings["embed"], "diameter": 14.0}
    asked = task_for(
        plate, settings={"embed": embed}, outside=str(plate / "regions" / "{name}.tif")
    )
    outcomes = ended(asked)
    assert outcomes["a/one"].status == "failed"
    assert "one.tif" in outcomes["a/one"].sentence
    assert outcomes["two"].status == "done"
    movie = tifffile.imread(plate / "movies" / "two.tif")
    region = np.zeros((64, 64), bool)
    region[:, :32] = True
    whole = segment_movie(movie, {"embed": embed})
    expected = segment_movie(movie, {"embed": embed}, outside=region)
    found = read_saved(plate / "results" / "two").stack()
    assert_same_cells(found, expected.labels)
    assert (found > 0).sum() < (whole.labels > 0).sum()


def test_movies_may_be_run_one_by_one_and_summed_up_in_the_end(plate):
    """What each job of an array does, and the command that follows."""
    (plate / "movies" / "a" / "one.tif").rename(plate / "movies" / "one.tif")
    (plate / "masks" / "a" / "one.tif").rename(plate / "masks" / "one.tif")
    pattern = str(plate / "movies" / "*.tif")
    asked = task_for(plate, labels=str(plate / "masks"))
    for name in ("one", "two"):
        single = replace(asked, inputs=[plate / "movies" / f"{name}.tif"])
        assert set(ended(single)) == {name}
    with connect() as client:
        events = list(run_many(replace(asked, inputs=[pattern]), client))
    assert all(event.before for event in events)
    rows = rows_of(plate / "results" / "summary.csv")
    assert {row["movie"]: row["status"] for row in rows} == {
        "one": "done",
        "two": "done",
    }


def test_what_a_run_says_of_a_movie_is_in_the_report(tmp_path):
    """Drift and flicker are told in the sentences of a run and of `measure`."""
    made = simulate_movie(9, (128, 128), 12, diameter=14, kind="nuclei", seed=1)
    frames, labels = made.frames.copy(), made.labels.copy()
    frames[4] = np.minimum(1.5 * frames[4], 65535)
    for stack in (frames, labels):
        stack[6:] = np.roll(stack[6:], 9, axis=1)
    for folder, stack in (("movies", frames), ("masks", labels)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "one.tif"
        tifffile.imwrite(path, stack.astype(np.uint16), metadata={"axes": "TYX"})
    # As masks that are linked: their numbers must not be tracks already.
    settings = {"track": {"vote_weight": 0.0}}
    anew = np.where(labels, (labels * 7 + np.arange(9)[:, None, None]) % 97 + 1, 0)
    tifffile.imwrite(
        tmp_path / "masks" / "one.tif", anew.astype(np.uint16), metadata={"axes": "TYX"}
    )
    run = segment_movie(None, settings, labels=anew)
    (drift,) = [said for said in run.provenance["notices"] if "drift" in said]

    asked = task_for(tmp_path, labels=str(tmp_path / "masks"))
    (outcome,) = ended(asked).values()
    assert outcome.notes == tuple(run.provenance["notices"])
    # Measured later, it is told what that shows, too.
    (outcome,) = ended(replace(asked, measuring=Measuring())).values()
    assert drift in outcome.notes
    assert "Channel 0 flickers" in outcome.notes[-1]
    assert "'Without flicker' takes it out" in outcome.notes[-1]
    page = (tmp_path / "results" / "summary.html").read_text(encoding="utf-8")
    (row,) = rows_of(tmp_path / "results" / "summary.csv")
    for note in outcome.notes:
        assert html.escape(note) in page
        assert note in row["notes"]
    # And it is still known to those who ask for the same again.
    (again,) = ended(replace(asked, measuring=Measuring())).values()
    assert again == outcome
    # Measured otherwise, what was said of the former table is not said any more.
    ring = Measuring("csv", MeasureOptions(ring=2.0, without_flicker=True))
    (again,) = ended(replace(asked, measuring=ring)).values()
    assert again.notes[:-1] == outcome.notes[:-1]
    assert again.notes[-1].endswith("This was taken out.")
    options = MeasureOptions(without_drift=True, without_flicker=True)
    steady = replace(
        asked, output=tmp_path / "steady", measuring=Measuring("csv", options)
    )
    (outcome,) = ended(steady).values()
    assert outcome.notes[-1].endswith("This was taken out.")
    assert "drift_y" in rows_of(tmp_path / "steady" / "one_measurements.csv")[0]


def test_masks_that_fit_exactly_are_taken(tmp_path):
    for name in ("a.tif", "a.b.tif", "c_masks.tif", "d.ome.tif"):
        (tmp_path / name).touch()
    for name, masks in (("a", "a.tif"), ("a.b", "a.b.tif"), ("c", "c_masks.tif")):
        assert find_masks(str(tmp_path), name) == tmp_path / masks
    assert find_masks(str(tmp_path), "d") == tmp_path / "d.ome.tif"


def test_a_file_of_masks_is_not_the_folder_of_all(tmp_path):
    (tmp_path / "masks.tif").touch()
    with pytest.raises(InputError, match=r"is a file.*give their folder"):
        find_masks(str(tmp_path / "masks.tif"), "a")
