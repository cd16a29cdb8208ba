"""Make a large simulated movie, run it on disk, and report memory and scores.

The numbers of the page "Many and large movies" come from here::

    python scripts/large_movie.py --frames 500 --folder /tmp/large     # the whole
    python scripts/large_movie.py --frames 34 --first 6 --folder /tmp/large   # a part
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from fastershift.evaluation import score_arrays
from fastershift.io import read_movie, read_result, read_saved
from fastershift.pipeline import segment_movie

DIAMETER = 48


def command(*words):
    return [sys.executable, "-m", "fastershift.cli", *map(str, words)]


def simulate(path, frames, side):
    if not path.exists():
        options = f"--height {side} --width {side} --diameter {DIAMETER}"
        cells = round(450 * (side / 2048) ** 2)
        words = f"{options} --cells {cells} --cell-cycle 200 --frames {frames}"
        subprocess.run(command("simulate", "-o", path, *words.split()), check=True)


def watched(words):
    """Run a command; return seconds and the largest resident memory in bytes."""
    started, peak, private = time.time(), 0, 0
    with subprocess.Popen(words) as process:
        watch = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                memory = watch.memory_full_info()
                peak, private = max(peak, memory.rss), max(private, memory.uss)
            except psutil.Error:
                break
            time.sleep(0.2)
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.time() - started, peak, private


def scores(labels, tracks, truth, truth_tracks):
    found = score_arrays(labels, tracks, truth, truth_tracks, dict(enumerate(truth)))
    return {"SEG": round(found.seg, 4), "TRA": round(found.tra, 4)}


def in_memory(movie, frames, settings):
    result = segment_movie(movie.cut(0, frames), settings)
    rows = [(t.id, t.first, t.last, t.parent) for t in result.lineage.tracks]
    return result.labels, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--chunk", type=int, default=16)
    parser.add_argument("--first", type=int, default=0, help="run only these frames")
    parser.add_argument("--options", default="", help="more options of the run")
    parser.add_argument("--compare", type=int, default=0, help="frames in memory, too")
    given = parser.parse_args()
    path = given.folder / f"movie-{given.side}-{given.frames}.zarr"
    simulate(path, given.frames, given.side)
    frames = given.compare or given.first or given.frames
    out = path / "labels" / "cells" if frames == given.frames else given.folder / "part"
    words = f"--diameter {DIAMETER} --format zarr --chunk {given.chunk} --overwrite"
    words += f" {given.options}"
    seconds, peak, private = watched(
        command("run", path, "-o", out, "--frames", f"0:{frames}", *words.split())
    )
    report = {
        "frames": frames,
        "side": given.side,
        "seconds": round(seconds),
        "peak_GB": round(peak / 1e9, 3),
        "peak_private_GB": round(private / 1e9, 3),
    }
    if given.compare:
        movie = read_movie(path)
        truth, tracks = read_result(path / "labels" / "truth")
        truth = truth[:frames]
        tracks = [(i, a, min(b, frames - 1), p) for i, a, b, p in tracks if a < frames]
        large, rows = read_result(out.with_name("part.zarr"))
        settings = read_saved(out.with_name("part.zarr")).settings
        small, small_rows = in_memory(movie, frames, settings)
        report["equal"] = bool(np.array_equal(large, small) and rows == small_rows)
        report["on_disk"] = scores(large, rows, truth, tracks)
        report["in_memory"] = scores(small, small_rows, truth, tracks)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
