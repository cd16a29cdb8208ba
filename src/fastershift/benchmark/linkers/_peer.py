"""What every linker of another program does: masks in, tracks out."""

import io
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from shutil import which
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.benchmark._masks import MaskMovie
from fastershift.config import TrackSettings
from fastershift.labels import relabel
from fastershift.tracking import Descent, Finalizer, PlacedCells, place_cells

__all__ = [
    "FARTHEST",
    "GAP",
    "Found",
    "Linked",
    "PeerLinker",
    "TrackOf",
    "as_linked",
    "diameter_of",
    "left_alone",
    "processor_seconds",
    "quiet",
    "table_of",
    "tracks_of_rows",
]

#: For each frame the track of each of its labels.
TrackOf: TypeAlias = list[dict[int, int]]
#: The tracks, and the mother of each track that has one.
Found: TypeAlias = tuple[TrackOf, dict[int, int]]

#: All linkers may look this far, in cell diameters, and over this many frames.
FARTHEST, GAP = 1.5, 2


@dataclass(frozen=True)
class Linked:
    """Masks with tracks.

    Attributes
    ----------
    labels : (T, Y, X) int32
        Track ids.
    tracks : list of (id, first, last, parent)
        All tracks.
    seconds : float or None
        Time of the processor for the linking alone, where it was taken.
    """

    labels: npt.NDArray[np.int32]
    tracks: list[tuple[int, int, int, int]]
    seconds: float | None


@dataclass(frozen=True)
class PeerLinker:
    """A linker of another program.

    Attributes
    ----------
    name : str
        Of the program, and of what it goes by.
    package : str
        What has to be installed; empty for our own.
    link : callable
        Takes a movie and the cells of its frames; gives the tracks and the mother of
        each daughter.
    load : callable
        Fails where the program cannot run on this machine.
    command : str
        What is called, where it is not a package of this Python.
    """

    name: str
    package: str
    link: Callable[[MaskMovie, list[PlacedCells]], Found]
    load: Callable[[], None] = lambda: None
    command: str = ""

    def missing(self) -> str:
        """Say why it cannot run; empty where it can."""
        if not self._installed():
            return f"is not installed (pip install {self.package})"
        try:
            self.load()
        except Exception as error:  # noqa: BLE001 (libraries raise anything)
            return f"cannot be loaded here ({str(error) or type(error).__name__})"
        return ""

    def _installed(self) -> bool:
        if self.command:
            return which(self.command) is not None
        return not self.package or find_spec(self.package) is not None

    def described(self) -> str:
        """Name it with its version."""
        try:
            return f"{self.name} {version(self.package)}" if self.package else self.name
        except PackageNotFoundError:
            return self.name

    def run(self, movie: MaskMovie) -> Linked:
        """Link the masks of a movie."""
        started = processor_seconds()
        cells = [place_cells(frame) for frame in movie.masks]
        tracks, parents = self.link(movie, cells)
        return as_linked(movie, tracks, parents, processor_seconds() - started)


def processor_seconds() -> float:
    """Count the commands that were called and have ended, too."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def as_linked(
    movie: MaskMovie, tracks: TrackOf, parents: Mapping[int, int], seconds: float
) -> Linked:
    """Make a valid result of tracks; those with gaps are continued by a child."""
    finalizer = Finalizer(TrackSettings(shortest_track=1))
    frames = [
        relabel(frame, of.keys(), of.values())
        for frame, of in zip(movie.masks, tracks, strict=True)
    ]
    for frame in frames:
        finalizer.add(frame)
    names, lineage = finalizer.finish(Descent(parents, {}))
    labels = np.stack([names.apply(t, frame) for t, frame in enumerate(frames)])
    return Linked(labels, lineage.rows(), seconds)


def diameter_of(cells: list[PlacedCells]) -> float:
    """Return the median diameter of all cells in pixels."""
    areas = np.concatenate([one.areas for one in cells])
    return float(np.sqrt(4 / np.pi * np.median(areas)))


def table_of(cells: list[PlacedCells]) -> Any:
    """List frame, label and centre of all cells as a pandas table."""
    import pandas as pd

    return pd.DataFrame(
        {
            "frame": np.concatenate([np.full(len(c), t) for t, c in enumerate(cells)]),
            "label": np.concatenate([c.ids for c in cells]),
            "y": np.concatenate([c.places[:, 0] for c in cells]),
            "x": np.concatenate([c.places[:, 1] for c in cells]),
        }
    )


def tracks_of_rows(rows: Iterator[tuple[int, int, int]], n_frames: int) -> TrackOf:
    """Make tracks, counted from 1, of rows (frame, label, track counted from 0)."""
    tracks: TrackOf = [{} for _ in range(n_frames)]
    for t, label, track in rows:
        tracks[t][label] = track + 1
    return tracks


def left_alone(tracks: TrackOf, cells: list[PlacedCells]) -> TrackOf:
    """Make each mask that belongs to no track a track of one frame."""
    unused = max((track for frame in tracks for track in frame.values()), default=0)
    for frame, of_frame in zip(tracks, cells, strict=True):
        for label in of_frame.ids.tolist():
            if label not in frame:
                unused += 1
                frame[label] = unused
    return tracks


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what a library prints and warns of from the screen."""
    with (
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
