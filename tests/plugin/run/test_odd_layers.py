"""The catalogue of faults in the window: layers of rare pixels, and files that change.

A run ends with a result or with a sentence, never with the words of the last resort.
"""

import os
import shutil

import numpy as np
import pytest
import tifffile

from helpers.faulty_files import MOVIE
from helpers.odd_files import ARRAYS

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

#: napari shows no such layers.
_NO_LAYERS = (
    *("rows of different lengths", "nothing at all", "one number", "no frame"),
    *("pixels that are objects", "pixels that are text", "pixels that are dates"),
    *("pixels of several parts", "frames of no row", "one row of numbers"),
)


@pytest.fixture
def quick(user, tiny_model):
    """A user of a network that takes a moment."""
    controls = user.widget._form.controls
    controls["model"].touch(str(tiny_model))
    controls["diameter"].touch(8.0)
    return user


def _ends_well(user):
    user.click("run")
    user.wait_idle()
    user.wait_threads()
    said = user.status
    assert said, "nothing was said"
    assert not any(word in said for word in ("unexpected", "Error", "Traceback"))
    return said


@pytest.mark.parametrize("name", [name for name in ARRAYS if name not in _NO_LAYERS])
def test_layers_of_rare_pixels(quick, name):
    array, good = ARRAYS[name]
    quick.viewer.add_image(
        np.asarray(array), name="movie", contrast_limits=(0, 1), rgb=False
    )
    said = _ends_well(quick)
    assert ("movie [cells]" in quick.names) == said.startswith("4 frames"), said
    assert said.startswith("4 frames") or not good, said


def _replaced(path):
    tifffile.imwrite(path, MOVIE[::-1] // 2, photometric="minisblack")
    os.utime(path, (1, 1))


def _emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("change", [_replaced, _emptied, os.unlink])
def test_a_movie_that_is_changed_before_its_run(quick, tmp_path, change):
    from fastershift.io import read_movie

    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, MOVIE, photometric="minisblack", compression="zlib")
    frames = read_movie(path)
    quick.viewer.add_image(_Lazy(frames), name="movie", contrast_limits=(0, 9000))
    change(path)
    said = _ends_well(quick)
    assert "changed" in said or "cannot be read" in said, said
    assert quick.names == ["movie"]


def test_a_zarr_that_is_taken_away_before_its_run(quick, tmp_path):
    zarr = pytest.importorskip("zarr")
    from fastershift.io import read_movie

    zarr.create_array(tmp_path / "m.zarr", data=MOVIE, chunks=(1, 24, 28))
    frames = read_movie(tmp_path / "m.zarr")
    quick.viewer.add_image(_Lazy(frames), name="movie", contrast_limits=(0, 9000))
    shutil.rmtree(tmp_path / "m.zarr")
    said = _ends_well(quick)
    assert "not there any more" in said, said
    assert quick.names == ["movie"]


class _Lazy:
    """A movie as an array that reads a frame when it is asked for one."""

    ndim = 3

    def __init__(self, movie):
        self._movie, self._seen = movie, np.asarray(movie[0])
        self.shape, self.dtype = movie.shape, movie.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        t, rest = (index[0], index[1:]) if isinstance(index, tuple) else (index, ())
        if not isinstance(t, int | np.integer):
            return np.stack([self._movie[n] for n in range(len(self))[t]])[:, *rest]
        # What is on the screen was read before.
        frame = self._seen if t == 0 and not rest else self._movie[int(t)]
        return frame[rest] if rest else frame


@pytest.mark.parametrize("format", ["ctc", "tiff"])
def test_two_windows_that_save_into_one_place(
    make_napari_viewer, docked, qtbot, embeddings, tmp_path, format, monkeypatch
):
    """One of them is refused; what is there is whole, and of one window."""
    from qtpy.QtWidgets import QMessageBox

    from fastershift.io import read_result

    # Asked where the first has written already when the second begins.
    no = QMessageBox.StandardButton.No
    monkeypatch.setattr(QMessageBox, "question", lambda *_: no)
    users = [docked(make_napari_viewer(), qtbot) for _ in range(2)]
    for number, user in enumerate(users):
        user.viewer.add_image(embeddings[: 4 + number], name="movie")
        user.run()
        user.find("folder").setText(str(tmp_path / "out"))
        if format == "tiff":
            user.find("format").setCurrentIndex(1)
    for user in users:
        user.click("save")
    for user in users:
        user.wait_threads()
    qtbot.wait(100)
    place = tmp_path / ("out" if format == "ctc" else "out.tif")
    frames = len(read_result(place)[0])
    assert frames in (4, 5)
    assert not list(tmp_path.glob(".*.part"))
