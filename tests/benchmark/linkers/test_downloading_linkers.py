"""Linkers whose weights are downloaded, by stand-ins with what they document."""

import sys
from types import ModuleType, SimpleNamespace

import networkx as nx
import numpy as np
import pytest

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers import LINKERS

TRACKASTRA, HOCT = (
    next(one for one in LINKERS if one.name == name) for name in ("trackastra", "HOCT")
)

# Writes the folder that is asked for: track 1 throughout, 2 with the daughters 3 and 4.
# As of any movie, its masks have an axis of depth; and it leaves the third cell out.
COMMAND = """#!{python}
import sys
from pathlib import Path
import numpy as np
import tifffile
words = sys.argv[1:]
assert words[0] == "track" and "-f" in words and words[words.index("-f") + 1] == "ctc"
images, masks = (tifffile.imread(word) for word in words[1:3])
assert images.shape == masks.shape
folder = Path(words[words.index("-o") + 1])
folder.mkdir()
if len(masks) == 2:  # the probe
    tracks, found = "1 0 1 0", np.minimum(masks, 1)
else:
    assert images[0].max() == 1000
    tracks = "1 0 3 0\\n2 0 1 0\\n3 2 3 2\\n4 2 3 2"
    found = np.zeros_like(masks)
    found[:, 2:10, 2:10] = 1
    found[:2, 20:28, 20:28] = 2
    found[2:, 20:28, 16:22], found[2:, 20:28, 26:32] = 3, 4
(folder / "res_track.txt").write_text(tracks + "\\n")
for t, frame in enumerate(found):
    path = folder / f"mask{{t:03}}.tif"
    tifffile.imwrite(path, frame[None].astype(np.uint16), compression="LZW")
"""


def dividing():
    """A cell that stays, one that divides in frame 2, one for a frame; new numbers."""
    truth = np.zeros((4, 40, 40), np.int32)
    truth[:, 2:10, 2:10] = 1
    truth[:2, 20:28, 20:28] = 2
    truth[2:, 20:28, 16:22], truth[2:, 20:28, 26:32] = 3, 4
    truth[1, 34:38, 2:8] = 5
    masks = np.zeros_like(truth)
    for t, frame in enumerate(truth):
        masks[t] = np.where(frame, (frame + 2 * t) % 7 + 1, 0)
    tracks = ((1, 0, 3, 0), (2, 0, 1, 0), (3, 2, 3, 2), (4, 2, 3, 2), (5, 1, 1, 0))
    images = np.where(truth, 1000, 100).astype(np.uint16)
    return MaskMovie("dividing", masks, truth, tracks, images)


def check(linked, movie):
    """Tell whether the tracks are the true ones, whatever their numbers are."""
    names = dict(
        zip(movie.truth.ravel().tolist(), linked.labels.ravel().tolist(), strict=True)
    )
    np.testing.assert_array_equal(
        np.vectorize(names.get)(movie.truth), linked.labels, strict=False
    )
    true = {
        (names[track], first, last, names[parent])
        for track, first, last, parent in movie.tracks
    }
    assert set(linked.tracks) == true


class Model:
    """Links the centres of masks as the true tracks are, by what a graph tells."""

    def __init__(self, movie):
        self.movie = movie

    def track(self, imgs, masks, mode="greedy"):
        assert imgs.shape == masks.shape
        assert imgs.max() == 1000
        movie, graph, node = self.movie, nx.DiGraph(), {}
        for t in range(len(masks)):
            for track in set(np.unique(movie.truth[t]).tolist()) - {0, 5}:
                place = tuple(np.argwhere(movie.truth[t] == track)[0])
                node[track, t] = len(node)
                graph.add_node(
                    node[track, t], time=t, label=int(masks[t][place]), weight=1
                )
                if (track, t - 1) in node:
                    graph.add_edge(node[track, t - 1], node[track, t], weight=0.9)
        for track, first, _, parent in movie.tracks:
            if parent:
                graph.add_edge(node[parent, first - 1], node[track, first], weight=0.8)
        # In a graph of links the nodes have no order.
        shuffled = nx.DiGraph()
        shuffled.add_nodes_from(reversed(list(graph.nodes(data=True))))
        shuffled.add_edges_from(graph.edges)
        return shuffled, masks


def stand_in(monkeypatch, load):
    package, model = ModuleType("trackastra"), ModuleType("trackastra.model")
    package.__spec__ = SimpleNamespace(name="trackastra")
    model.Trackastra = SimpleNamespace(from_pretrained=load)
    package.model = model
    monkeypatch.setitem(sys.modules, "trackastra", package)
    monkeypatch.setitem(sys.modules, "trackastra.model", model)


def test_trackastra_gives_tracks_and_daughters(monkeypatch):
    movie = dividing()
    asked = []

    def load(name, device=None):
        asked.append((name, device))
        return Model(movie)

    stand_in(monkeypatch, load)
    assert TRACKASTRA.missing() == ""
    check(TRACKASTRA.run(movie), movie)
    assert set(asked) == {("general_2d", "cpu")}


def test_trackastra_without_its_weights_says_so(monkeypatch):
    def load(name, device=None):
        raise OSError("no way to github.com")

    stand_in(monkeypatch, load)
    assert TRACKASTRA.missing() == "cannot be loaded here (no way to github.com)"


def put_command(monkeypatch, folder, text):
    path = folder / "hoct"
    path.write_text(text)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.skipif(sys.platform == "win32", reason="scripts are no commands there")
def test_hoct_gives_tracks_and_daughters(monkeypatch, tmp_path):
    put_command(monkeypatch, tmp_path, COMMAND.format(python=sys.executable))
    assert HOCT.missing() == ""
    movie = dividing()
    linked = HOCT.run(movie)
    check(linked, movie)
    # The time of a command is that of its own process.
    assert linked.seconds > 0


@pytest.mark.skipif(sys.platform == "win32", reason="scripts are no commands there")
def test_hoct_without_its_weights_says_so(monkeypatch, tmp_path):
    put_command(monkeypatch, tmp_path, "#!/bin/sh\necho No weights. >&2\nexit 1\n")
    assert HOCT.missing() == "cannot be loaded here (No weights.)"


def test_a_command_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert HOCT.missing() == "is not installed (pip install hoct)"
