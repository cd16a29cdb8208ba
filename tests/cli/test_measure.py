"""The command that measures."""

import csv

import numpy as np
import pytest
import tifffile

from fastershift.cli import main
from fastershift.config import resolve_settings
from fastershift.io import SavedResult, write_saved


@pytest.fixture
def tracked(tmp_path):
    """A result that knows no scale, and its movie of two channels."""
    labels = np.zeros((3, 20, 24), np.int32)
    labels[:, 4:10, 5:11] = 1
    write_saved(tmp_path / "result", SavedResult(labels, [(1, 0, 2, 0)]))
    movie = np.stack([labels * 10, labels * 3 + 1], axis=1).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "movie.tif", movie, imagej=True, metadata={"axes": "TCYX"}
    )
    return tmp_path


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["measure", *map(str, arguments)])
    return ended.value.code


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_channels_are_measured_in_the_units_that_are_given(tracked, capsys):
    arguments = (tracked / "result", tracked / "movie.tif", "-o", tracked / "cells.csv")
    assert run(*arguments, "--pixel-size", 0.5, "--frame-interval", 2) == 0
    rows = rows_of(tracked / "cells.csv")
    assert [float(row["mean_0"]) for row in rows] == [10] * 3
    assert [float(row["mean_1"]) for row in rows] == [4] * 3
    assert [float(row["area"]) for row in rows] == [9] * 3
    assert [float(row["time"]) for row in rows] == [0, 2, 4]
    assert "3 cells in 3 frames" in (said := capsys.readouterr().out)
    assert "Lengths are in µm, times in minutes." in said


def test_settings_that_cannot_be_used_are_told(tracked, capsys):
    settings = tracked / "result" / "settings.toml"
    settings.write_text("[track]\ndivision_cost = -9\n")
    assert run(tracked / "result", "-o", tracked / "cells.csv") == 0
    said = capsys.readouterr().err
    assert said.count("The setting track.division_cost cannot be used") == 1


def test_flicker_is_said_and_taken_out_on_request(tmp_path, capsys):
    labels = np.zeros((7, 20, 80), np.int32)
    for cell in range(8):
        labels[:, 8:12, 10 * cell + 3 : 10 * cell + 7] = cell + 1
    light = np.where(np.arange(7) == 3, 12, 10)[:, None, None]
    for name, stack in (("cells", labels), ("movie", light * (2 + labels))):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", stack.astype(np.uint16), metadata={"axes": "TYX"}
        )
    arguments = tmp_path / "cells.tif", tmp_path / "movie.tif", "-o"
    assert run(*arguments, tmp_path / "with.csv") == 0
    assert "--without-flicker takes it out" in capsys.readouterr().out
    assert len({row["mean_0"] for row in rows_of(tmp_path / "with.csv")}) > 8
    assert run(*arguments, tmp_path / "without.csv", "--without-flicker") == 0
    assert "This was taken out." in capsys.readouterr().out
    means = [float(row["mean_0"]) for row in rows_of(tmp_path / "without.csv")]
    assert len(set(np.round(means, 6))) == 8


def test_the_movie_may_be_left_out(tracked, capsys):
    assert run(tracked / "result", "-o", tracked / "cells.csv", "--ring", 2) == 0
    assert "mean_0" not in rows_of(tracked / "cells.csv")[0]
    assert "pixels, as no pixel size is known" in capsys.readouterr().out


def test_frames_that_were_tracked_can_be_told(tracked, capsys):
    longer = np.zeros((5, 20, 24), np.uint16)
    tifffile.imwrite(
        tracked / "longer.tif", longer, imagej=True, metadata={"axes": "TYX"}
    )
    arguments = (
        tracked / "result",
        tracked / "longer.tif",
        "-o",
        tracked / "cells.csv",
    )
    assert run(*arguments) == 2
    assert "--frames A:B" in capsys.readouterr().err
    assert not (tracked / "cells.csv").exists()
    assert run(*arguments, "--frames", "1:4") == 0


@pytest.mark.parametrize("option", ["--pixel-size", "--frame-interval"])
def test_sizes_must_be_larger_than_nothing(tracked, capsys, option):
    assert run(tracked / "result", "-o", tracked / "cells.csv", option, 0) == 2
    assert "larger than 0" in capsys.readouterr().err


def test_only_cells_of_a_region_are_measured(tracked):
    labels = np.zeros((3, 20, 24), np.int32)
    labels[:, 4:10, 5:11] = 1
    labels[:, 4:10, 14:20] = 2
    rows = [(1, 0, 2, 0), (2, 0, 2, 0)]
    write_saved(tracked / "two", SavedResult(labels, rows))
    region = np.zeros((20, 24), np.uint8)
    region[:, :12] = 1
    tifffile.imwrite(tracked / "region.tif", region)
    for option, track in (("--inside", "1"), ("--outside", "2")):
        table = tracked / f"{track}.csv"
        words = (tracked / "two", "-o", table, option, tracked / "region.tif")
        assert run(*words) == 0
        assert [row["track"] for row in rows_of(table)] == [track] * 3


def part_of(tracked, stack, said, part, frames="", **how):
    """A result that was made of a part of a movie, and the movie."""
    labels = np.zeros((3, 20, 24), np.int32)
    labels[:, 4:10, 5:11] = 1
    made = SavedResult(
        labels,
        [(1, 0, 2, 0)],
        settings=resolve_settings(user={"input": how}),
        provenance={"frames": frames, "input": f"/elsewhere/{part}.tif"},
    )
    write_saved(tracked / part, made)
    tifffile.imwrite(
        tracked / f"{part}.tif",
        stack.astype(np.uint8),
        photometric="minisblack",
        metadata={"axes": said},
    )
    return tracked / part, tracked / f"{part}.tif", "-o", tracked / f"{part}.csv"


def test_what_was_tracked_is_measured(tracked, capsys):
    light = np.arange(6, dtype=np.uint8)[:, None, None] + np.zeros((1, 20, 24))
    arguments = part_of(tracked, light, "TYX", "cut", "2:5")
    assert run(*arguments) == 0
    assert [float(row["mean_0"]) for row in rows_of(arguments[-1])] == [2, 3, 4]
    assert run(*arguments, "--overwrite", "--frames", "2:5") == 0
    # It may be another movie of the same cells: what is given counts, and it is said.
    assert "made with" not in capsys.readouterr().err
    assert run(*arguments, "--overwrite", "--frames", "0:3") == 0
    assert [float(row["mean_0"]) for row in rows_of(arguments[-1])] == [0, 1, 2]
    assert "was made with --frames 2:5" in capsys.readouterr().err
    other = tracked / "other.tif"
    tifffile.imwrite(other, light[:3].astype(np.uint8), metadata={"axes": "TYX"})
    assert run(arguments[0], other, *arguments[2:], "--overwrite") == 0
    assert [float(row["mean_0"]) for row in rows_of(arguments[-1])] == [0, 1, 2]
    places = light.reshape(2, 3, 20, 24)
    arguments = part_of(tracked, places, "PTYX", "first", position=0)
    assert run(*arguments, "--position", 1) == 0
    assert "was made with --position 0" in capsys.readouterr().err
    arguments = part_of(tracked, places, "PTYX", "place", position=1)
    assert run(*arguments) == 0
    assert [float(row["mean_0"]) for row in rows_of(arguments[-1])] == [3, 4, 5]
    assert run(*arguments, "--overwrite", "--position", 0) == 0
    assert [float(row["mean_0"]) for row in rows_of(arguments[-1])] == [0, 1, 2]
    assert "was made with --position 1" in capsys.readouterr().err
    # What the file says is wrong: what the run was told counts.
    turned = np.moveaxis(light[:3], 0, 2)
    arguments = part_of(tracked, turned, "TYX", "turned", axes="YXT")
    assert run(*arguments) == 0
    assert [float(row["mean_0"]) for row in rows_of(arguments[-1])] == [0, 1, 2]
    assert run(*arguments, "--overwrite", "--axes", "yxt") == 0
    assert run(*arguments, "--overwrite", "--axes", "TYX") == 2
    assert "was made with --axes YXT" in capsys.readouterr().err


def test_a_level_that_was_tracked_is_measured(tracked):
    result, movie, *rest = part_of(
        tracked, np.zeros((3, 40, 48)), "TYX", "small", level=1
    )
    with tifffile.TiffWriter(movie, ome=True) as file:
        full = np.zeros((3, 40, 48), np.uint8)
        file.write(full, subifds=1, metadata={"axes": "TYX"}, tile=(32, 32))
        file.write(full[:, ::2, ::2] + 7, subfiletype=1, tile=(32, 32))
    assert run(result, movie, *rest) == 0
    assert [float(row["mean_0"]) for row in rows_of(rest[-1])] == [7] * 3
