"""Ground truth of any kind: complete, partial, markers only, or silver.

A pixel is a cell (its track id), background (0) or unknown (-1). Unknown pixels are
never called background: the loss leaves them out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from fastershift.errors import InputError
from fastershift.io import adopt_labels, read_tracks
from fastershift.rshn import estimate_diameter

__all__ = [
    "UNKNOWN",
    "TruthSequence",
    "cell_diameters",
    "check_numbers",
    "complete_markers",
    "ignore_border",
    "load_ctc_truth",
]

UNKNOWN = -1

# A marker is grown to where the intensity falls to half of its height above the local
# background; between this share of the height and half, it is left open.
_SURE_BACKGROUND_HEIGHT = 0.25

# A piece of a smaller share of the largest one may be a stray part of the same cell.
_CELL = 0.25
# What masks that only say where cells are hold there.
_YES = {1, 255}


@dataclass(frozen=True)
class TruthSequence:
    """A movie with as much truth as there is.

    Attributes
    ----------
    frames : tuple of ndarray
        (Y, X) raw frames.
    labels : tuple of ndarray of int32
        (Y, X); track id, 0 background, -1 unknown: what is learned from.
    diameter : float
        Median cell diameter in pixels (of a disc of the same area).
    source : str
        Where it came from, and which truth was used, in words.
    markers : tuple of ndarray of int32
        (Y, X); track id of every cell, on a part of the cell or all of it.
    outlines : tuple of ndarray of int32
        (Y, X); the cells whose outline is known, 0 elsewhere.
    mothers : mapping of int to int
        Track id of the mother of each track that came from a division.
    """

    frames: tuple[NDArray[np.generic], ...]
    labels: tuple[NDArray[np.int32], ...]
    diameter: float
    source: str
    markers: tuple[NDArray[np.int32], ...]
    outlines: tuple[NDArray[np.int32], ...]
    mothers: Mapping[int, int] = field(default_factory=dict)

    @property
    def known(self) -> tuple[int, ...]:
        """Frames of which anything is known."""
        return tuple(t for t, one in enumerate(self.labels) if (one != UNKNOWN).any())

    def only(self, frames: Sequence[int]) -> "TruthSequence":
        """Forget the truth of all other frames.

        Parameters
        ----------
        frames : sequence of int
            Frames whose truth is kept; the images of all stay.

        Returns
        -------
        TruthSequence
        """

        def kept(
            truth: tuple[NDArray[np.int32], ...], blank: int
        ) -> tuple[NDArray[np.int32], ...]:
            return tuple(
                one if t in frames else np.full_like(one, blank)
                for t, one in enumerate(truth)
            )

        return replace(
            self,
            labels=kept(self.labels, UNKNOWN),
            markers=kept(self.markers, 0),
            outlines=kept(self.outlines, 0),
        )

    def cut(self, first: int, stop: int) -> "TruthSequence":
        """Take the frames from `first` up to but without `stop`."""
        part = slice(first, stop)
        return replace(
            self,
            frames=self.frames[part],
            labels=self.labels[part],
            markers=self.markers[part],
            outlines=self.outlines[part],
        )


def complete_markers(
    frame: NDArray[np.generic],
    labels: NDArray[np.int32],
    markers: NDArray[np.int32],
    reach: float,
    *,
    grow: bool,
) -> NDArray[np.int32]:
    """Add cells that have only a marker to the labels of a frame.

    Parameters
    ----------
    frame : ndarray
        (Y, X) intensities.
    labels : ndarray of int32
        (Y, X) outlined cells, 0 elsewhere.
    markers : ndarray of int32
        (Y, X) markers of all cells, each smaller than its cell.
    reach : float
        Pixels farther than this from every marker without an outline are background;
        nearer ones are unknown unless `grow` decides.
    grow : bool
        Grow each marker, within half the reach, to half of its height above the
        background around it: right for bright cells on a dark ground.

    Returns
    -------
    ndarray of int32
        (Y, X) with -1 for unknown.
    """
    result = labels.copy()
    outlined = np.unique(labels[labels > 0])
    alone = np.where(np.isin(markers, outlined) | (labels > 0), 0, markers)
    if not alone.any():
        return result
    distance, nearest = ndimage.distance_transform_edt(alone == 0, return_indices=True)
    owner = alone[tuple(nearest)]
    near = (distance <= reach) & (labels == 0)
    result[near] = UNKNOWN
    result[alone > 0] = alone[alone > 0]
    if grow:
        smooth = ndimage.gaussian_filter(frame.astype(np.float32), 1.0)
        for marker, window in enumerate(ndimage.find_objects(alone), start=1):
            if window is None:
                continue
            margin = int(np.ceil(reach)) + 1
            box = tuple(
                slice(max(0, side.start - margin), side.stop + margin)
                for side in window
            )
            _grow(result[box], smooth[box], owner[box], near[box], alone[box], marker)
    return result


def _grow(
    result: NDArray[np.int32],
    smooth: NDArray[np.float32],
    owner: NDArray[np.int32],
    near: NDArray[np.bool_],
    alone: NDArray[np.int32],
    marker: int,
) -> None:
    """Decide the surroundings of one marker by its height above the background."""
    inside = alone == marker
    ring = near & (owner == marker)
    if not ring.any():
        return
    background = float(np.percentile(smooth[ring & ~inside], 10))
    height = (smooth - background) / max(
        float(np.median(smooth[inside])) - background, 1
    )
    bright = (ring & (height > 0.5)) | inside
    connected = ndimage.label(bright)[0]
    bright = np.isin(connected, np.unique(connected[inside]))
    bright = ndimage.binary_fill_holes(ndimage.binary_opening(bright) | inside)
    result[bright & ring] = marker
    result[ring & ~bright & (height < _SURE_BACKGROUND_HEIGHT) & ~inside] = 0


def _read(path: Path) -> NDArray[np.generic]:
    try:
        image: NDArray[np.generic] = tifffile.imread(path)
    except FileNotFoundError as error:
        raise InputError(
            f"There is no ground truth at {path}, although there is a "
            "frame with this number."
        ) from error
    except Exception as error:  # decoders of damaged files raise anything
        raise InputError(f"{path} cannot be read as a TIFF ({error}).") from error
    if image.ndim != 2:
        raise InputError(
            f"{path} has {image.ndim} axes; frames and their ground "
            "truth must have two."
        )
    return image


def _read_labels(path: Path, shape: tuple[int, ...]) -> NDArray[np.int32]:
    labels = _read(path)
    if labels.shape != shape or labels.dtype.kind not in "ui":
        raise InputError(
            f"{path} is not a ground truth of its frame; it must have "
            "whole numbers and the size of the frame."
        )
    return adopt_labels([labels], str(path))[0]


def ignore_border(labels: NDArray[np.int32], border: int) -> None:
    """Call unlabelled pixels of the border strip of a frame unknown, in place."""
    if border:
        strip = np.ones(labels.shape, bool)
        strip[border:-border, border:-border] = False
        labels[strip & (labels == 0)] = UNKNOWN


def cell_diameters(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Diameters of the discs that have the areas of the cells of a frame."""
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    diameters: NDArray[np.float64] = np.sqrt(areas * 4 / np.pi)
    return diameters


def check_numbers(frames: Iterable[NDArray[np.integer]], name: str) -> None:
    """Make sure that cells have different numbers, unlike those of a yes/no mask.

    Parameters
    ----------
    frames : iterable of (Y, X) arrays
        Above 0 a cell.
    name : str
        What they are called in a sentence.

    Raises
    ------
    InputError
        When all cells of all frames have the number of a yes, and there are several in
        one frame.
    """
    numbers, several = set[int](), False
    for frame in frames:
        numbers.update(np.unique(frame[frame > 0]).tolist())
        if len(numbers) > 1:
            return
        pieces = ndimage.label(frame > 0, np.ones((3, 3)))[0]
        sizes = np.bincount(pieces.ravel())[1:]
        several = several or (sizes >= _CELL * sizes.max(initial=0)).sum() > 1
    if several and numbers <= _YES:
        raise InputError(
            f"All cells of {name} have the number {numbers.pop()}, as in a mask that "
            "says only where cells are; give each cell a number of its own."
        )


def _outlines(
    segmented: NDArray[np.int32], markers: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give outlined cells the id of the marker that each overlaps most."""
    result = np.zeros_like(segmented)
    fresh = int(markers.max()) + 10_000
    for cell in np.unique(segmented[segmented > 0]):
        region = segmented == cell
        inside = markers[region]
        inside = inside[inside > 0]
        fresh += 1
        result[region] = np.bincount(inside).argmax() if inside.size else fresh
    return result


def load_ctc_truth(
    folder: str | Path,
    *,
    frames: tuple[int, int] | None = None,
    border: int = 0,
    reach: float = 1.0,
    grow: bool = False,
    diameter: float | None = None,
) -> TruthSequence:
    """Read a Cell Tracking Challenge sequence with the best truth of each frame.

    Silver truth (``_ST/SEG``) comes first because it outlines all cells; then outlines
    by people (``_GT/SEG``); cells without an outline keep their tracking marker
    (``_GT/TRA``) and an unknown surrounding. Mothers are those of ``man_track.txt``,
    where it is there.

    Parameters
    ----------
    folder : str or Path
        The image folder; its truth lies in ``<folder>_GT`` and ``<folder>_ST``.
    frames : tuple of int, optional
        First frame and the one after the last.
    border : int
        Width in pixels of the border strip without ground truth.
    reach : float
        Unknown surrounding of a lone marker, in cell diameters.
    grow : bool
        Grow lone markers by their brightness, see `complete_markers`.
    diameter : float, optional
        Cell diameter in pixels; by default the median of the outlined cells, and an
        estimate from the frames where there are none.

    Returns
    -------
    TruthSequence

    Raises
    ------
    InputError
        When there are no frames or no tracking truth, or a file cannot be used.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("t*.tif"))
    truth, silver = Path(f"{folder}_GT"), Path(f"{folder}_ST")
    if not paths:
        raise InputError(f"There are no frames t*.tif in {folder}.")
    if not (truth / "TRA").is_dir():
        raise InputError(f"There is no tracking ground truth at {truth / 'TRA'}.")
    first, last = frames or (0, len(paths))
    movie, segmented, markers = [], [], []
    counts = {"silver": 0, "outlines": 0, "markers": 0}
    for path in paths[first:last]:
        number = path.stem[1:]
        frame = _read(path)
        marked = _read_labels(truth / "TRA" / f"man_track{number}.tif", frame.shape)
        if (dense := silver / "SEG" / f"man_seg{number}.tif").is_file():
            labels, kind = _read_labels(dense, frame.shape), "silver"
        elif (dense := truth / "SEG" / f"man_seg{number}.tif").is_file():
            labels = _outlines(_read_labels(dense, frame.shape), marked)
            kind = "outlines"
        else:
            labels, kind = np.zeros_like(marked), "markers"
        counts[kind] += 1
        movie.append(frame)
        segmented.append(labels)
        markers.append(marked)
    if diameter is None:
        sizes = np.concatenate([cell_diameters(labels) for labels in segmented])
        diameter = float(np.median(sizes)) if sizes.size else None
    if diameter is None:
        diameter = estimate_diameter(movie[:: max(1, len(movie) // 3)])
    result = []
    for frame, labels, marked in zip(movie, segmented, markers, strict=True):
        labels = complete_markers(frame, labels, marked, reach * diameter, grow=grow)
        ignore_border(labels, border)
        result.append(labels)
    used = ", ".join(f"{n} frames {kind}" for kind, n in counts.items() if n)
    return TruthSequence(
        tuple(movie),
        tuple(result),
        diameter,
        f"{folder}: {used}",
        tuple(markers),
        tuple(segmented),
        _mothers(truth / "TRA" / "man_track.txt"),
    )


def _mothers(path: Path) -> dict[int, int]:
    """Read the mothers of tracks; empty where there is no list of tracks."""
    tracks = read_tracks(path) if path.is_file() else []
    return {track: parent for track, _, _, parent in tracks if parent}
