"""Napari, opened from the command line; no window is needed."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.cli._napari import open_napari
from fastershift.errors import FastershiftError


def test_the_widget_is_docked_beside_the_movie_and_its_cells(monkeypatch):
    did = []

    class Viewer:
        window = SimpleNamespace(
            add_plugin_dock_widget=lambda *names: did.append(("dock", *names))
        )

        def add_image(self, data, name, axis_labels):
            did.append((name, data.shape, axis_labels))

        def add_labels(self, data, name):
            did.append((name, data.shape))

    stand_in = SimpleNamespace(Viewer=Viewer, run=lambda: did.append("run"))
    monkeypatch.setitem(sys.modules, "napari", stand_in)
    dock = ("dock", "fastershift", "Segment and track")
    open_napari()
    assert did == [dock, "run"]
    did.clear()
    movie = np.zeros((2, 4, 5))
    open_napari(movie=movie, result=SimpleNamespace(labels=movie.astype(int)))
    assert did == [
        ("movie", (2, 4, 5), ("t", "y", "x")),
        ("movie [cells]", (2, 4, 5)),
        dock,
        "run",
    ]


def test_without_a_window_toolkit_a_sentence_says_what_to_install(monkeypatch):
    def viewer():
        raise ImportError("No Qt bindings could be found")

    monkeypatch.setitem(sys.modules, "napari", SimpleNamespace(Viewer=viewer))
    with pytest.raises(FastershiftError, match=r"pip install 'fastershift\[all\]'"):
        open_napari()
