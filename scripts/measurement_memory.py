"""Measure long movies with `fastershift measure`, and report the memory it takes.

The numbers of the page "Measurements" come from here::

    python scripts/measurement_memory.py --frames 100 300 1000 --folder /tmp/measured
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile
from skimage.draw import disk

from fastershift.io import SavedResult, write_saved

SIDE, COLUMNS, ROWS, RADIUS = 1024, 25, 20, 9
CELLS = COLUMNS * ROWS


class Discs:
    """500 cells that wander about; a frame is drawn when it is asked for."""

    def __init__(self, frames):
        self._frames = frames

    def __len__(self):
        return self._frames

    def __getitem__(self, t):
        labels = np.zeros((SIDE, SIDE), np.int32)
        for cell in range(CELLS):
            row, column = divmod(cell, COLUMNS)
            turn = 0.1 * t + cell
            y = 25 + 50 * row + 8 * np.sin(turn)
            x = 20 + 40 * column + 8 * np.cos(turn)
            labels[disk((y, x), RADIUS, shape=labels.shape)] = cell + 1
        return labels


def make(folder, frames, form):
    labels = Discs(frames)
    noise = np.random.default_rng(0).integers(0, 200, (SIDE, SIDE), dtype=np.uint16)
    tifffile.imwrite(
        folder / "movie.tif",
        (noise + 1000 * (labels[t] > 0).astype(np.uint16) for t in range(frames)),
        shape=(frames, SIDE, SIDE),
        dtype=np.uint16,
        metadata={"axes": "TYX"},
    )
    tracks = [(1 + cell, 0, frames - 1, 0) for cell in range(CELLS)]
    return write_saved(folder / "result", SavedResult(labels, tracks), format=form)


def peak(words):
    """Run a command; return the largest resident memory in MiB."""
    process = subprocess.Popen(words, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return usage.ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--format", nargs="+", default=["ctc", "tiff", "zarr"])
    parser.add_argument("--table", nargs="+", default=["csv", "parquet"])
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    for frames in given.frames:
        for form in given.format:
            place = given.folder / f"{form}-{frames}"
            place.mkdir(parents=True)
            result = make(place, frames, form)
            for suffix in given.table:
                table = place / f"cells.{suffix}"
                words = [sys.executable, "-m", "fastershift.cli", "measure"]
                words += [result, place / "movie.tif", "-o", table]
                row = {"frames": frames, "result": form, "table": suffix}
                print(json.dumps(row | {"peak_MiB": round(peak(words))}), flush=True)
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
