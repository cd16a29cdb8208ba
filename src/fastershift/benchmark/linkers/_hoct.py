"""Linker: HOCT, by its command, which downloads its weights when it first runs."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import tifffile

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers._peer import Found, TrackOf, left_alone
from fastershift.io import read_result
from fastershift.labels import overlaps
from fastershift.tracking import PlacedCells

__all__ = ["COMMAND", "link_by_hoct", "load_hoct"]

COMMAND = "hoct"


def load_hoct() -> None:
    """Let it track two frames of three cells: this needs its weights.

    Raises
    ------
    RuntimeError
        With the last that it said, when it fails.
    """
    masks = np.zeros((2, 64, 64), np.int32)
    for label, (top, left) in enumerate(((8, 8), (8, 40), (40, 24)), start=1):
        masks[:, top : top + 12, left : left + 12] = label
    _track(np.where(masks, 1000, 100).astype(np.uint16), masks)


def link_by_hoct(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with HOCT; each mask has the track that covers most of it."""
    found, rows = _track(np.stack(movie.frames()), movie.masks)
    tracks: TrackOf = []
    for mask, frame in zip(movie.masks, found, strict=True):
        old, new, counts = overlaps(mask, frame)
        order = np.argsort(counts, kind="stable")
        tracks.append(dict(zip(old[order].tolist(), new[order].tolist(), strict=True)))
    parents = {track: parent for track, _, _, parent in rows if parent}
    return left_alone(tracks, cells), parents


def _track(
    frames: npt.NDArray[np.generic], masks: npt.NDArray[np.int32]
) -> tuple[list[npt.NDArray[np.int32]], list[tuple[int, int, int, int]]]:
    """Call the command; return its masks, numbered by track, and its tracks."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        images, segments, result = (
            folder / part for part in ("images.tif", "masks.tif", "result")
        )
        for path, stack in ((images, frames), (segments, masks)):
            # Four frames are no colours.
            tifffile.imwrite(
                path, stack, photometric="minisblack", metadata={"axes": "TYX"}
            )
        words = [COMMAND, "track", str(images), str(segments), "-o", str(result)]
        ended = subprocess.run(  # noqa: S603 (found by name)
            [*words, "-f", "ctc", "-d", "cpu"],
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip() or "it said nothing"
            raise RuntimeError(said.splitlines()[-1])
        labels, tracks = read_result(result)
        return [np.asarray(labels[t]) for t in range(len(labels))], tracks
