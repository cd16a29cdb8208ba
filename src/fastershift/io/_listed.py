"""Labels with a list of their tracks, which are compared when a frame is read."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fastershift.errors import InputError
from fastershift.io._labels import LabelFrames
from fastershift.io._movie import Movie
from fastershift.io._saved_result import SavedResult, Tracks

__all__ = ["ListedLabels", "as_listed", "check_no_gap"]


class ListedLabels:
    """Labels that are read one frame at a time, and refused where the list differs.

    A result of any length can be opened so without reading all of it.

    Parameters
    ----------
    labels : LabelFrames
        Track numbers, int32; 0 is background.
    tracks : sequence of (id, first, last, parent)
        As they are listed.
    path : Path
        Where both were read, for the sentence.
    lost : collection of int
        Frames of which pixels are missing: no track may be away in them.
    """

    dtype = np.dtype(np.int32)

    def __init__(
        self,
        labels: LabelFrames,
        tracks: Tracks,
        path: Path,
        lost: Collection[int] = (),
    ) -> None:
        self._labels = labels
        self._spans = {track: (first, last) for track, first, last, _ in tracks}
        self._path = path
        self._lost = lost
        self._ends: dict[int, set[int]] = defaultdict(set)
        for track, span in self._spans.items():
            for t in span:
                self._ends[t].add(track)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, t: int) -> npt.NDArray[np.int32]:
        """Return frame ``t``, (Y, X) int32.

        Raises
        ------
        InputError
            When it does not fit the list.
        """
        frame = np.asarray(self._labels[t])
        seen = {int(number) for number in np.unique(frame)} - {0}
        strange = sorted(number for number in seen if not self._is_listed(number, t))
        if strange:
            raise self._misfit(f"track {strange[0]} is seen in frame {t}, not listed")
        wanted = self._ends.get(t, set())
        if t in self._lost:
            wanted = {one for one in self._spans if self._is_listed(one, t)}
        missing = sorted(wanted - seen)
        if missing:
            raise self._misfit(f"track {missing[0]} is listed in frame {t}, not seen")
        return frame

    def _is_listed(self, track: int, t: int) -> bool:
        first, last = self._spans.get(track, (1, 0))
        return first <= t <= last

    def _misfit(self, what: str) -> InputError:
        return InputError(
            f"The labels in {self._path} do not fit its list of tracks: {what}. They "
            "were changed by another program, or are not whole; copy the result again."
        )


def as_listed(saved: SavedResult, movie: Movie) -> SavedResult:
    """Let a result compare its labels, read from a movie, with its list of tracks."""
    path = movie.source or Path(movie.name)
    lost = () if movie.lost is None else movie.lost.frames
    return replace(saved, labels=ListedLabels(saved.labels, saved.tracks, path, lost))


def check_no_gap(movie: Movie, tracks: Tracks) -> None:
    """Refuse labels of another program that lack pixels between those of a track.

    Background, and a frame without a cell, may be left out of a Zarr; a whole frame in
    the middle of tracks is lost.

    Raises
    ------
    InputError
        When there is such a frame.
    """
    lost = () if movie.lost is None else movie.lost.frames - movie.lost.partly
    if any(first < t < last for _, first, last, _ in tracks for t in lost):
        movie.check_whole()
