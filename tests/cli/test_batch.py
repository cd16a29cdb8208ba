"""The commands for large and many movies."""

import csv

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from fastershift.cli import app
from fastershift.evaluation import score_arrays
from fastershift.io import (
    SavedResult,
    read_movie,
    read_result,
    read_saved,
    write_saved,
)
from fastershift.pipeline import segment_movie
from fastershift.simulate import simulate_movie

pytest.importorskip("distributed")
pytest.importorskip("zarr")


@pytest.fixture
def movies(tmp_path):
    folder = tmp_path / "movies"
    folder.mkdir()
    frames = simulate_movie(3, (40, 44), 3, diameter=14, seed=1).frames
    tifffile.imwrite(
        folder / "good.tif", frames, photometric="minisblack", metadata={"axes": "TYX"}
    )
    (folder / "bad.tif").write_bytes(b"II no tiff")
    return folder


def invoke(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_batch(movies, tmp_path, tiny_model):
    output = tmp_path / "results"
    words = ("batch", movies, "-o", output, "--diameter", 14, "--model", tiny_model)
    first = invoke(*words)
    assert first.exit_code == 1
    assert "2 movies, 1 failed" in first.output
    assert "bad: " in first.output
    assert "Traceback" not in first.output
    labels, _ = read_result(output / "good")
    assert labels.shape == (3, 40, 44)
    with (output / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["", "tiny"]
    statuses = {row["movie"]: row["status"] for row in rows}
    assert statuses == {"bad": "failed", "good": "done"}
    (movies / "bad.tif").write_bytes((movies / "good.tif").read_bytes())
    assert invoke(*words).exit_code == 1
    second = invoke(*words, "--retry-failed")
    assert second.exit_code == 0
    assert "2 movies, 0 failed" in second.output


def test_a_batch_of_masks_is_measured(movies, tmp_path):
    (movies / "bad.tif").unlink()
    masks = simulate_movie(3, (40, 44), 3, diameter=14, seed=1).labels
    (tmp_path / "masks").mkdir()
    tifffile.imwrite(tmp_path / "masks" / "good.tif", masks, metadata={"axes": "TYX"})
    output = tmp_path / "results"
    words = ("batch", movies, "-o", output, "--labels", tmp_path / "masks")
    options = ("--measure", "csv", "--ring", 2, "--vote-weight", 0)
    assert invoke(*words, *options).exit_code == 0
    labels, _ = read_result(output / "good")
    assert ((labels > 0) == (masks > 0)).all()
    with (output / "good_measurements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["frame"] for row in rows} == {"0", "1", "2"}
    assert "ring_mean_0" in rows[0]


def test_masks_of_cellpose_lie_beside_their_images(tmp_path):
    masks = simulate_movie(3, (40, 44), 3, diameter=14, seed=1).labels
    for name in ("first", "second"):
        (tmp_path / "movies" / name).mkdir(parents=True)
        for t, frame in enumerate(masks.astype(np.uint16)):
            path = tmp_path / "movies" / name / f"im{t}.tif"
            tifffile.imwrite(path, frame * 50)
            tifffile.imwrite(path.with_name(f"im{t}_cp_masks.tif"), frame)
    output = tmp_path / "results"
    words = ("batch", tmp_path / "movies", "-o", output, "--vote-weight", 0)
    done = invoke(*words, "--labels", tmp_path / "movies" / "{name}")
    assert done.exit_code == 0, done.output
    for name in ("first", "second"):
        np.testing.assert_array_equal(read_result(output / name)[0] > 0, masks > 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("batch", "*.tif", "-o", "x", "--ring", 2), "--measure csv"),
        (("batch", "*.tif", "-o", "x", "--measure", "xls"), "csv or parquet"),
        (("batch", "nowhere", "-o", "x"), "nothing at nowhere"),
        (("batch", "*.tif", "-o", "x", "--format", "gif"), "no format 'gif'"),
        (
            ("batch", "*.tif", "-o", "x", "--workers", 2, "--scheduler", "tcp://a:1"),
            "not both",
        ),
    ],
)
def test_mistakes_are_sentences(words, sentence):
    result = invoke(*words)
    assert result.exit_code == 2
    assert sentence in result.output


def test_from_zarr_to_labels_beside_the_image(tmp_path, tiny_model):
    """What `scripts/large_movie.py` does, in small: the scores are those in memory."""
    image = tmp_path / "movie.zarr"
    made = ("--frames", 5, "--height", 72, "--width", 80, "--cells", 8)
    cells = ("--cell-cycle", 5, "--diameter", 16)
    assert invoke("simulate", "-o", image, *made, *cells).exit_code == 0
    place = image / "labels" / "cells"
    words = ("run", image, "-o", place, "--format", "zarr", "--model", tiny_model)
    tiles = ("--largest-frame", 20, "--tile", 16, "--tile-overlap", 8, "--block", 2)
    result = invoke(*words, *tiles, "--diameter", 16, "--chunk", 2)
    assert result.exit_code == 0, result.output
    labels, tracks = read_result(place)
    assert labels.shape == (5, 72, 80)
    assert f"{len(tracks)} tracks" in result.output
    settings = read_saved(place).settings
    memory = segment_movie(read_movie(image), settings, model=str(tiny_model))
    rows = [(t.id, t.first, t.last, t.parent) for t in memory.lineage.tracks]
    truth, truth_tracks = read_result(image / "labels" / "truth")
    scores = [
        score_arrays(found, lineage, truth, truth_tracks, dict(enumerate(truth)))
        for found, lineage in ((labels, tracks), (memory.labels, rows))
    ]
    assert scores[0].seg == scores[1].seg > 0
    assert scores[0].tra == scores[1].tra
    again = invoke(*words, "--diameter", 14)
    assert again.exit_code == 2
    assert "--overwrite" in again.output


def test_a_run_may_be_confined_to_a_region(movies, tmp_path):
    masks = simulate_movie(3, (40, 44), 3, diameter=14, seed=1).labels
    tifffile.imwrite(tmp_path / "masks.tif", masks, metadata={"axes": "TYX"})
    region = (masks[0] == masks[0].max()).astype("u1")
    tifffile.imwrite(tmp_path / "region.tif", region)
    output = tmp_path / "result"
    words = ("run", "--labels", tmp_path / "masks.tif", "-o", output)
    assert invoke(*words, "--outside", tmp_path / "region.tif").exit_code == 0
    saved = read_saved(output)
    assert saved.provenance["outside"].endswith("region.tif")
    assert not saved.stack()[0][region > 0].any()
    assert saved.stack()[0].any()


def test_a_region_of_the_whole_file_is_cut_like_the_masks(tmp_path):
    made = simulate_movie(3, (40, 44), 3, diameter=14, seed=1)
    masks = made.labels
    region = np.zeros_like(masks, np.uint8)
    region[1], region[2] = masks[1] == masks[1].max(), 1
    for name, stack in (("masks", masks), ("region", region)):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, metadata={"axes": "TYX"})
    write_saved(tmp_path / "known", SavedResult(masks, made.tracks))
    for given in ("masks.tif", "known"):
        output = tmp_path / f"of {given}"
        words = ("--labels", tmp_path / given, "--inside", tmp_path / "region.tif")
        assert invoke("run", *words, "--frames", "1:3", "-o", output).exit_code == 0
        found = read_saved(output).stack() > 0
        np.testing.assert_array_equal(found[0], region[1] > 0)
        np.testing.assert_array_equal(found[1], masks[2] > 0)
        assert read_saved(output).provenance["inside"].endswith("region.tif")


def test_alternatives_are_given_by_the_same_option_again(movies, tmp_path):
    masks = simulate_movie(3, (40, 44), 3, diameter=14, seed=1).labels
    left = masks.copy()
    left[1][left[1] == left[1].max()] = 0
    for name, labels in (("a", masks), ("b", left)):
        tifffile.imwrite(tmp_path / f"{name}.tif", labels, metadata={"axes": "TYX"})
    paths = [str(tmp_path / name) for name in ("b.tif", "a.tif")]
    asked = [word for path in paths for word in ("--labels", path)]
    output = tmp_path / "result"
    done = invoke("run", *asked, "-o", output, "--frames", "0:3")
    assert done.exit_code == 0
    assert "cells were chosen" in done.output
    saved = read_saved(output)
    assert saved.provenance["labels"] == paths
    np.testing.assert_array_equal(saved.stack() > 0, masks > 0)
    assert invoke("run", *asked, "-o", tmp_path / "a.tif").exit_code == 2
    one = tmp_path / "one"
    assert invoke("run", "--labels", paths[0], "-o", one).exit_code == 0
    assert read_saved(one).provenance["labels"] == paths[0]


@pytest.mark.parametrize("option", ["--labels", "--inside", "--outside"])
def test_masks_are_never_replaced(movies, tmp_path, option):
    """Masks that fastershift has written look like a former result."""
    movie, masks = movies / "good.tif", tmp_path / "masks.tif"
    made = simulate_movie(3, (40, 44), 3, diameter=14, seed=1)
    write_saved(masks, SavedResult(made.labels, made.tracks), format="tiff")
    before = masks.read_bytes()
    given = ("-o", masks, "--overwrite", option, masks)
    refused = invoke("run", movie, *given, "--format", "tiff")
    assert refused.exit_code == 2
    assert "a mask that is read itself" in refused.output
    assert masks.read_bytes() == before


@pytest.mark.parametrize("option", ["--labels", "--inside", "--outside"])
@pytest.mark.parametrize("command", ["run", "batch"])
def test_an_empty_name_is_not_the_working_folder(movies, tmp_path, option, command):
    place = ("-o", tmp_path / "out", option, "")
    refused = invoke(command, movies / "good.tif", *place)
    assert refused.exit_code == 2
    assert "the name is empty" in " ".join(refused.output.replace("│", "").split())
