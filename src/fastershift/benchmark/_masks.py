"""True masks of movies, with frames left out or masks spoiled."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from skimage.morphology import convex_hull_image

from fastershift.benchmark._data import movie_folders
from fastershift.benchmark._suite import BenchmarkOptions
from fastershift.io import read_movie, read_result, read_segmentation_truth
from fastershift.labels import label_areas
from fastershift.rshn import FrameSource
from fastershift.simulate import simulate_movie

__all__ = ["DAMAGES", "Damage", "MaskMovie", "mask_movies", "spoil", "thin_out"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Tracks: TypeAlias = tuple[tuple[int, int, int, int], ...]
Damage: TypeAlias = Literal["missing", "merged", "split"]

DAMAGES: tuple[Damage, ...] = ("missing", "merged", "split")

# Masks of a truth that hold less than this share of its cells are not used.
_DENSE = 0.9


@dataclass(frozen=True)
class MaskMovie:
    """Masks whose tracks are known.

    Attributes
    ----------
    name : str
        Of the movie.
    masks : (T, Y, X) int32
        Cells, numbered anew in every frame.
    truth : (T, Y, X) int32
        Markers, numbered by track.
    tracks : tuple of (id, first, last, parent)
        The true tracks.
    images : FrameSource
        All images of the movie.
    step : int
        Every how many frames of the movie one was taken.
    """

    name: str
    masks: _Labels
    truth: _Labels
    tracks: _Tracks
    images: FrameSource
    step: int = 1

    def frames(self) -> list[npt.NDArray[np.generic]]:
        """Read the image of each frame."""
        return [np.asarray(self.images[t * self.step]) for t in range(len(self.masks))]

    def first(self, n_frames: int) -> "MaskMovie":
        """Take the first frames alone."""
        tracks = tuple(
            (track, first, min(last, n_frames - 1), parent)
            for track, first, last, parent in self.tracks
            if first < n_frames
        )
        return replace(
            self,
            masks=self.masks[:n_frames],
            truth=self.truth[:n_frames],
            tracks=tracks,
        )


def mask_movies(options: BenchmarkOptions) -> Iterator[MaskMovie]:
    """Read the masks of all movies, or simulate some.

    Yields
    ------
    MaskMovie
    """
    if options.movies is None:
        for kind, diameter, cells in (("nuclei", 28.0, 40), ("rods", 22.0, 60)):
            made = simulate_movie(
                16,
                (256, 256),
                cells,
                diameter=diameter,
                kind=kind,  # type: ignore[arg-type]
                seed=options.seed,
            )
            yield _numbered_anew(
                MaskMovie(
                    f"simulated {kind}",
                    made.labels,
                    made.labels,
                    made.tracks,
                    made.frames,
                )
            )
        return
    for folder in movie_folders(options.movies):
        read, tracks = read_result(folder.parent / "01_GT")
        truth = np.stack([np.asarray(one) for one in read])
        yield _numbered_anew(
            MaskMovie(
                folder.parent.name,
                _densest(folder.parent, truth),
                truth,
                tuple(tracks),
                read_movie(folder),
            )
        )


def _densest(folder: Path, truth: _Labels) -> _Labels:
    """Choose whole cells where there are some for all of the movie, or the markers."""
    silver = read_segmentation_truth(folder / "01_ST")
    if len(silver) == len(truth):
        masks = np.stack([silver[t] for t in range(len(truth))])
        held = sum(len(np.unique(frame)) - 1 for frame in masks)
        if held >= _DENSE * sum(len(np.unique(frame)) - 1 for frame in truth):
            return masks
    return truth


def _numbered_anew(movie: MaskMovie) -> MaskMovie:
    """Shuffle the numbers of each frame, so that they tell nothing."""
    rng = np.random.default_rng(0)
    masks = np.empty_like(movie.masks)
    for frame, out in zip(movie.masks, masks, strict=True):
        ids = label_areas(frame)[0]
        table = np.zeros(int(frame.max(initial=0)) + 1, np.int32)
        table[ids] = 1 + rng.permutation(len(ids))
        out[:] = table[frame]
    return replace(movie, masks=masks)


def thin_out(movie: MaskMovie, step: int) -> MaskMovie:
    """Keep every second, or every n-th frame.

    A track of which no frame is left passes its children on to its parent.
    """
    if step == 1:
        return movie
    kept: dict[int, tuple[int, int]] = {}
    parents = {track: parent for track, _, _, parent in movie.tracks}
    for track, first, last, _ in movie.tracks:
        span = -(-first // step), last // step
        if span[0] <= span[1]:
            kept[track] = span

    def ancestor(track: int) -> int:
        parent = parents[track]
        while parent and parent not in kept:
            parent = parents[parent]
        return parent

    tracks = tuple((track, *span, ancestor(track)) for track, span in kept.items())
    return replace(
        movie,
        masks=movie.masks[::step],
        truth=movie.truth[::step],
        tracks=tracks,
        step=step,
    )


def spoil(movie: MaskMovie, damage: Damage, share: float, seed: int = 0) -> MaskMovie:
    """Leave out, merge or split a share of the masks of every frame.

    Parameters
    ----------
    movie : MaskMovie
        Right masks.
    damage : {"missing", "merged", "split"}
        What is done: masks of single frames are left out, joined with the neighbour
        they touch most or lie next to, or cut through the middle.
    share : float
        Of the masks.
    seed : int
        Of the draws.

    Returns
    -------
    MaskMovie
    """
    rng = np.random.default_rng(seed)
    masks = movie.masks.copy()
    for frame in masks:
        ids = label_areas(frame)[0]
        hit = ids[rng.random(len(ids)) < share]
        for label in hit.tolist():
            inside = frame == label
            if not inside.any():
                continue
            if damage == "missing":
                frame[inside] = 0
            elif damage == "merged":
                _merge(frame, label, inside)
            else:
                _split(frame, inside, rng)
    return replace(movie, masks=masks)


def _merge(frame: _Labels, label: int, inside: npt.NDArray[np.bool_]) -> None:
    """Make a cell one with its nearest neighbour, and with what lies between them."""
    rows, columns = np.nonzero(frame)
    own = inside[rows, columns]
    if own.all():
        return
    middle = rows[own].mean(), columns[own].mean()
    away = np.hypot(rows[~own] - middle[0], columns[~own] - middle[1])
    nearest = int(away.argmin())
    both = frame == frame[rows[~own][nearest], columns[~own][nearest]]
    number = frame[both][0]
    both |= inside
    frame[convex_hull_image(both) & ((frame == 0) | inside)] = number


def _split(
    frame: _Labels, inside: npt.NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Cut a cell through its middle, in any direction."""
    rows, columns = np.nonzero(inside)
    angle = rng.uniform(0, np.pi)
    side = (rows - rows.mean()) * np.cos(angle) + (columns - columns.mean()) * np.sin(
        angle
    )
    frame[rows[side > 0], columns[side > 0]] = frame.max() + 1
