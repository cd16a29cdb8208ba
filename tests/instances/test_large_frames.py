"""Large frames need little memory of their own, and give the same cells."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances import _codes
from fastershift.instances import _local_modes as local
from fastershift.instances._codes import Codes
from fastershift.labels import _scratch as room
from fastershift.labels import _strips as strip_size
from helpers.agreement import assert_same_cells
from helpers.movies import find_cells

SETTINGS = ClusterSettings(bandwidth=0.2, join_alike=True, split_large=True)


def tiles_of_cells(side, folder):
    """Embeddings of a pair on disk: round cells in four directions, over and over."""
    path = Path(folder) / f"{side}.npy"
    made = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float16, shape=(2, side, side, 6)
    )
    rows, columns = np.mgrid[:64, :64]
    tile = np.zeros((64, 64, 6), np.float16)
    tile[..., 0] = 1
    for number, (row, column) in enumerate(((16, 16), (16, 46), (46, 16), (46, 46))):
        tile[np.hypot(rows - row, columns - column) < 12] = np.eye(6)[number + 1]
    for top in range(0, side, 64):
        made[:, top : top + 64] = np.tile(tile, (1, side // 64, 1))
    made.flush()
    return path


def opened(path):
    return torch.from_numpy(np.load(path, mmap_mode="c")).movedim(-1, 1)


def find(vectors):
    return find_cells(vectors, SETTINGS, smallest_cell=20)


def small_limits(setter):
    """Treat frames as large that a test has the time for."""
    setter(room, "_LARGE", 2**18)
    setter(strip_size, "_AT_ONCE", 2**15)
    setter(_codes, "_MOST", 2**15)
    setter(local, "_AT_ONCE", 2**18)


def test_cells_are_those_of_frames_that_fit(tmp_path, monkeypatch):
    vectors = opened(tiles_of_cells(320, tmp_path))
    expected = find(vectors)
    small_limits(monkeypatch.setattr)
    found = find(vectors)
    assert isinstance(found.labels, np.memmap)
    assert len(found.clustering.labels) < (found.clusters > 0).sum()
    assert found.labels.max() == expected.labels.max() == 100
    assert_same_cells(found.labels, expected.labels)
    assert found.sizes.sum() == expected.sizes.sum()
    frame, row, column = found.seed_positions.T
    assert (found.clusters[frame, row, column] > 0).all()


def test_drawn_pixels_are_foreground_and_come_in_order(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    foreground = torch.rand(2, 30, 41, generator=generator) < 0.3
    made = Codes(torch.randn(2, 4, 30, 41, generator=generator), foreground, 0.0)
    monkeypatch.setattr(_codes, "_MOST", 5000)
    drawn = made.draw(generator)
    inside = foreground.flatten().nonzero()[:, 0]
    assert torch.equal(drawn, inside), "so many draws meet every pixel"
    monkeypatch.setattr(_codes, "_MOST", 50)
    few = made.draw(generator)
    assert len(few) <= 50
    assert (few.diff() > 0).all()
    assert foreground.flatten()[few].all()


@pytest.mark.slow  # large frames in processes whose memory is measured
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_frame(tmp_path):
    """Of a pixel four times as many cost the masks of two frames and little more."""
    peaks = {}
    for side in (768, 1536):
        tiles_of_cells(side, tmp_path)
        run = subprocess.run(
            [sys.executable, __file__, str(tmp_path / f"{side}.npy")],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[side] = json.loads(run.stdout)
    assert peaks[1536]["cells"] == 4 * peaks[768]["cells"]
    grown = peaks[1536]["peak"] - peaks[768]["peak"]
    assert grown < 16 * (1536**2 - 768**2)


def measure(path):
    """Find, link and resize cells; tell the peak of the memory that is no file."""
    import threading

    from fastershift.labels import resize_labels
    from fastershift.tracking import Linker

    small_limits(setattr)
    vectors = opened(path)
    # What is compiled or read when it is first needed does not count.
    warm = vectors[..., :256, :256].contiguous()
    link = Linker(TrackSettings())
    for _ in range(2):
        resize_labels(link.add(find(warm).labels)[0], (300, 300))
    peak, done = [0], threading.Event()

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], anonymous())

    before = anonymous()
    watching = threading.Thread(target=watch)
    watching.start()
    found = find(vectors)
    link = Linker(TrackSettings())
    link.add(found.labels)
    side = vectors.shape[-1] * 9 // 8
    resize_labels(link.add(found.labels)[0], (side, side))
    done.set()
    watching.join()
    return {"peak": peak[0] - before, "cells": int(found.labels.max())}


def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(one.split()[1]) for one in lines if "RssAnon" in one)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1])))
