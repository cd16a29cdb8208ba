"""What counts as a movie of a batch, and what does not."""

import os
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import tifffile
from PIL import Image

from fastershift.batch import BatchTask, NamedMovie, list_movies
from fastershift.config import InputSettings
from fastershift.errors import InputError

zarr = pytest.importorskip("zarr")

FRAMES = np.arange(4 * 8 * 9, dtype=np.uint16).reshape(4, 8, 9)


def names(*inputs):
    return [movie.name for movie in list_movies(inputs)]


def movie(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, FRAMES, photometric="minisblack")
    return path


def frames(folder, name="t{:03d}.tif"):
    folder.mkdir(parents=True)
    for t, frame in enumerate(FRAMES):
        tifffile.imwrite(folder / name.format(t), frame)
    return folder


@pytest.mark.parametrize("suffix", ["png", "jpg", "BMP"])
def test_folders_of_pictures(tmp_path, suffix):
    for position in ("a", "b"):
        (tmp_path / position).mkdir()
        for t, frame in enumerate(FRAMES.astype(np.uint8)):
            Image.fromarray(frame).save(tmp_path / position / f"t{t}.{suffix}")
    assert names(tmp_path) == ["a", "b"]
    assert names(tmp_path / "a") == ["a"]


def test_videos_and_files_of_microscopes(tmp_path):
    for name in ("one.avi", "two.nd2"):
        (tmp_path / name).write_bytes(b"opened later")
    # Where other movies lie, a video only shows what is there.
    assert names(tmp_path) == ["two"]
    assert names(tmp_path / "one.avi") == ["one"]
    movie(tmp_path / "three.tif")
    assert names(tmp_path) == ["three", "two"]


def test_brackets_in_the_name_of_a_folder_are_no_pattern(tmp_path):
    for name in ("day[1]/a.tif", "day1/b.tif", "day2/c.tif"):
        movie(tmp_path / name)
    assert names(tmp_path / "day[1]" / "*.tif") == ["a"]
    assert names(tmp_path / "day[12]" / "*.tif") == ["day1/b", "day2/c"]


def test_one_that_is_damaged_spares_the_others(tmp_path):
    movie(tmp_path / "good.tif")
    (tmp_path / "bad.zarr").mkdir()
    (tmp_path / "bad.zarr" / "zarr.json").write_text("{")
    plate = zarr.open_group(tmp_path / "plate.zarr", mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"rowIndex": 0}]}
    assert names(tmp_path) == ["bad", "good", "plate"]


def test_frames_of_which_the_first_is_damaged(tmp_path):
    frames(tmp_path / "one")
    (tmp_path / "one" / "t000.tif").write_bytes(b"")
    frames(tmp_path / "two")
    assert names(tmp_path) == ["one", "two"]


def test_links(tmp_path):
    movie(tmp_path / "in" / "real.tif")
    (tmp_path / "in" / "lost.tif").symlink_to(tmp_path / "not there.tif")
    (tmp_path / "in" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "more").mkdir()
    (tmp_path / "in" / "more" / "up").symlink_to(tmp_path / "in")
    assert names(tmp_path / "in") == ["lost", "real"]


def test_masks_are_no_movies(tmp_path):
    movie(tmp_path / "movie.tif")
    movie(tmp_path / "movie_cp_masks.tif")
    frames(tmp_path / "masks", "t{:03d}_cp_masks.tif")
    frames(tmp_path / "01_GT" / "TRA", "man_track{:03d}.tif")
    assert names(tmp_path) == ["movie"]
    with pytest.raises(InputError, match="No movie was given"):
        names(tmp_path / "masks")


def test_names_that_many_disks_take_for_one(tmp_path):
    movie(tmp_path / "A.tif")
    movie(tmp_path / "a.tiff")
    assert names(tmp_path) == ["A.tif", "a.tiff"]
    if not (tmp_path / "a.tif").exists():
        movie(tmp_path / "a.tif")
        assert names(tmp_path) == ["A.tif", "a.tif-2", "a.tiff"]


def test_a_home_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="There is nothing at ~nobody-at-all"):
        names("~nobody-at-all/movies")


def test_movies_on_two_disks(tmp_path, monkeypatch):
    def refuse(_):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", refuse)
    with pytest.raises(InputError, match="several disks"):
        names(movie(tmp_path / "m.tif"))


def test_no_result_lies_in_another(tmp_path):
    movie(tmp_path / "a.tif")
    movie(tmp_path / "A" / "deep" / "b.tif")
    assert names(tmp_path) == ["A/deep/b", "a.tif"]


@pytest.mark.parametrize("name", ["summary", "Summary", "summary.csv", "summary.html"])
def test_no_result_lies_where_the_summary_does(tmp_path, name):
    movie(tmp_path / f"{name}.tif")
    movie(tmp_path / "b.tif")
    assert f"{name} movie" in names(tmp_path)
    assert names(frames(tmp_path / "x" / name).parent) == [f"{name} movie"]


def test_the_way_up_in_what_was_typed_is_in_no_name(tmp_path, monkeypatch):
    for name in ("in/a.tif", "in/b.tif", "work/c.tif"):
        movie(tmp_path / name)
    monkeypatch.chdir(tmp_path / "work")
    assert names("c.tif", "../in/a.tif") == ["in/a", "work/c"]
    assert names("../in/a.tif", "./../work/../in/b.tif") == ["a", "b"]
    assert names("../in/a.tif", "../work/../in/a.tif", "../in") == ["a", "b"]
    assert names("../in/*.tif", "../in/../*/c.tif") == ["in/a", "in/b", "work/c"]
    assert names("..") == ["in/a", "in/b", "work/c"]
    # Results that lie in what was given are no movies, however their place is spelled.
    found = list_movies([tmp_path], tmp_path / "in" / ".." / "work")
    assert [one.name for one in found] == ["in/a", "in/b"]


def test_frames_in_the_folder_that_one_works_in(tmp_path, monkeypatch):
    frames(tmp_path / "movie" / "one")
    monkeypatch.chdir(tmp_path / "movie" / "one")
    assert names(".") == ["one"]
    (tmp_path / "movie" / "one" / "below").mkdir()
    monkeypatch.chdir(tmp_path / "movie" / "one" / "below")
    assert names("..") == ["one"]


def test_the_way_up_from_a_link_leads_to_where_the_link_does(tmp_path, monkeypatch):
    movie(tmp_path / "far" / "a.tif")
    (tmp_path / "far" / "below").mkdir()
    (tmp_path / "work").mkdir()
    movie(tmp_path / "work" / "a.tif")
    (tmp_path / "work" / "link").symlink_to(tmp_path / "far" / "below")
    monkeypatch.chdir(tmp_path / "work")
    (found,) = list_movies(["link/../a.tif"])
    assert found.source.samefile(tmp_path / "far" / "a.tif")
    assert names("link/../a.tif", "a.tif") == ["far/a", "work/a"]


def _two_positions(path):
    """Write two positions of three frames; the pixels of each tell its number."""
    with tifffile.TiffWriter(path, ome=True) as file:
        for position in range(2):
            frames = np.full((3, 20, 24), position, np.uint8)
            file.write(frames, photometric="minisblack", metadata={"axes": "TYX"})


def test_each_position_of_a_file_is_a_movie(tmp_path):
    _two_positions(tmp_path / "a.ome.tif")
    tifffile.imwrite(tmp_path / "b.tif", np.ones((3, 20, 24), np.uint8))
    found = list_movies([tmp_path])
    assert [(one.name, one.position) for one in found] == [
        ("a_position0", 0),
        ("a_position1", 1),
        ("b", None),
    ]
    batch = BatchTask([tmp_path], tmp_path / "out", settings={"input": {"level": 0}})
    for movie in found[:2]:
        opened = batch.task(movie).open()
        assert opened.shape == (3, 20, 24)
        assert (opened[0] == movie.position).all()


def test_the_position_of_a_settings_file_is_of_another_movie(tmp_path):
    file = {"input": {"position": 1, "level": 0}}
    batch = BatchTask([tmp_path], tmp_path / "out", file=file)
    assert batch.reading().position is None
    chosen = replace(batch, settings={"input": {"position": 0}})
    found = NamedMovie("a", tmp_path)
    assert chosen.reading().position == 0
    assert chosen.task(found).reading().position == 0
    assert batch.task(found).reading().position is None


def test_a_position_that_was_chosen_is_the_only_one(tmp_path):
    _two_positions(tmp_path / "a.ome.tif")
    (found,) = list_movies([tmp_path], reading=InputSettings(position=1))
    assert (found.name, found.position) == ("a", None)


def test_each_position_of_a_folder_of_frames_is_a_movie(tmp_path):
    for position, frame in product(range(11), range(2)):
        name = f"img_s{position:02}_t{frame}.tif"
        tifffile.imwrite(tmp_path / name, np.zeros((20, 24), np.uint8))
    names = [one.name for one in list_movies([tmp_path])]
    assert names[:2] == [f"{tmp_path.name}_position{n}" for n in ("00", "01")]
    assert len(names) == 11


def test_positions_that_may_be_frames_are_asked_about(tmp_path):
    for position in range(3):
        name = tmp_path / f"img_s{position}.tif"
        tifffile.imwrite(name, np.zeros((20, 24), np.uint8))
    (found,) = list_movies([tmp_path])
    assert found.position is None
