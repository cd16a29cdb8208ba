"""Cells that were segmented elsewhere, as a source of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.config import TrackSettings
from fastershift.errors import InputError, check_ordinary
from fastershift.io import (
    AdoptedLabels,
    LabelFrames,
    adopt_labels,
    check_range,
    holds_cells,
    read_movie,
    read_result,
)
from fastershift.labels import connect, count_pixels, empty_labels
from fastershift.pipeline._sources import FramesApart
from fastershift.rshn import FrameSource, codes_of_places
from fastershift.tracking import (
    Finalizer,
    Lineage,
    MaskLinker,
    PlacedCells,
    mend_masks,
    place_cells,
)

__all__ = ["MaskSource", "drift_notice", "finish_masks", "open_masks", "read_masks"]

_Labels = npt.NDArray[np.int32]

# A piece with this share of the largest one of its number is a cell of its own.
_PIECE = 0.3
# Numbers are those of tracks when so many of those that come again lie within a cell
# diameter of the same number in the frame before, and so many of all come again.
_SAME_PLACE, _SAME_NUMBER = 0.95, 0.5
# A common move of this many cell diameters is told.
_DRIFT = 0.25
# Of these the frame ends after the last cell.
_WITHOUT_SIZE = (".csv", ".zip")


def read_masks(labels: Any, movie: FrameSource | None = None) -> "MaskSource":
    """Take cells that were segmented elsewhere, and make sure that they can be used.

    Parameters
    ----------
    labels : array_like, sequence of frames, str or Path
        (T, Y, X) whole numbers, 0 is background, or where they are stored.
    movie : sequence of (Y, X) frames, optional
        The images of the same cells.

    Returns
    -------
    MaskSource

    Raises
    ------
    InputError
        When they are no label images, do not fit the movie, or hold no cell.
    """
    given, name = labels, "The label image"
    if isinstance(labels, str | Path):
        name, labels = str(labels), open_masks(Path(labels), movie=movie)
    elif not hasattr(labels, "shape") and not isinstance(labels, AdoptedLabels):
        labels = [np.asarray(frame) for frame in labels]
    if hasattr(labels, "shape"):
        labels = _frame_by_frame(labels, name)
    adopted = (
        labels if isinstance(labels, AdoptedLabels) else adopt_labels(labels, name)
    )
    _check_fit(adopted, name, movie)
    return MaskSource(adopted, name, given)


def _frame_by_frame(labels: Any, name: str) -> Any:
    """Bring an array to the axes time, row and column."""
    if len(labels.shape) == 2:
        return np.asarray(labels)[np.newaxis]
    # Layers that were made of an image with channels or planes have axes of size one.
    extra = len(labels.shape) - 3
    single = [axis for axis, size in enumerate(labels.shape[:-2]) if size == 1]
    if len(single) < extra or extra < 0:
        raise InputError(
            f"{name} has {len(labels.shape)} axes; masks have the axes (time, row, "
            "column)."
        )
    dropped = single[len(single) - extra :]
    if not dropped:
        return labels
    return labels[tuple(0 if n in dropped else slice(None) for n in range(extra + 3))]


def open_masks(
    path: Path,
    frames: tuple[int, int] | None = None,
    movie: FrameSource | None = None,
) -> LabelFrames:
    """Open masks that are stored in any form.

    Parameters
    ----------
    path : Path
        A result of any format, cells of another tool that `read_saved` reads, images
        of any kind that can be read as a movie, or an array that numpy has saved.
    frames : (int, int), optional
        The first frame to take, and the one after the last.
    movie : sequence of (Y, X) frames, optional
        The images of these frames: outlines and tables do not tell how large a frame
        is, nor of frames without a cell.

    Returns
    -------
    LabelFrames

    Raises
    ------
    InputError
        When there is nothing that can be read, and for the movie itself.
    """
    check_ordinary(path)
    source = getattr(movie, "source", None)
    if source is not None and path.resolve() == Path(source).resolve():
        raise InputError(f"{path} is the movie itself; give the masks of its cells.")
    if holds_cells(path):
        labels: npt.NDArray[Any] = read_result(path)[0]
    elif path.suffix.lower() == ".npy":
        labels = _load(path)
    else:
        return read_movie(path, frames=frames)
    sizeless = movie is not None and path.suffix.lower() in _WITHOUT_SIZE
    if frames is not None:
        if not sizeless:
            check_range(*frames, len(labels), str(path))
        labels = labels[slice(*frames)]
    if movie is None or not sizeless:
        return labels
    whole = len(movie), *np.shape(movie[0])
    missing = [
        max(0, size - own) for size, own in zip(whole, labels.shape, strict=True)
    ]
    padded = np.pad(labels, [(0, size) for size in missing])
    fitting = padded[:, : whole[1], : whole[2]]
    # A disc may be cut by the edge of the frame, but not be outside of it.
    outside = np.setdiff1d(padded, fitting)
    if outside.size:
        raise InputError(
            f"{path} speaks of {outside.size} cells outside of the movie, whose frames "
            f"are {whole[1]} × {whole[2]} pixels; give the movie that they were found "
            "in."
        )
    return fitting


def _load(path: Path) -> npt.NDArray[Any]:
    try:
        loaded: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path.name} cannot be read as an array of numbers; save the masks with "
            "numpy.save, or as TIFF."
        ) from error
    return loaded


def _check_fit(masks: AdoptedLabels, name: str, movie: FrameSource | None) -> None:
    first = np.shape(masks[0])
    for t in range(1, len(masks)):
        if not hasattr(masks.source, "shape") and np.shape(masks[t]) != first:
            raise InputError(
                f"Frame {t} of {name} has the shape {np.shape(masks[t])} and frame 0 "
                f"{first}; all frames must be of one size."
            )
    if movie is None:
        return
    if len(masks) != len(movie):
        raise InputError(
            f"{name} has {len(masks)} frames, and the movie has {len(movie)}; give one "
            "label image for each frame."
        )
    size = np.shape(movie[0])
    if size != first:
        raise InputError(
            f"{name} is {first[0]} × {first[1]} pixels, and the movie is "
            f"{size[0]} × {size[1]}; give labels of the same pixels."
        )


@dataclass(frozen=True)
class _Facts:
    """What one look at all masks tells.

    Attributes
    ----------
    plain : bool
        All cells have one number: they are told apart by where they lie.
    tracked : bool
        The numbers are those of tracks.
    apart : tuple of int
        Frames in which a number stands at several places.
    diameter : float
        Median cell diameter in pixels.
    """

    plain: bool
    tracked: bool
    apart: tuple[int, ...]
    diameter: float


class MaskSource(FramesApart):
    """Cells that were segmented elsewhere; their embedding tells where each lies.

    Parameters
    ----------
    masks : AdoptedLabels
        One label image for each frame.
    name : str
        What they are called in a sentence.
    given : object
        What they were made of.

    Raises
    ------
    InputError
        When they hold no cell.
    """

    def __init__(self, masks: AdoptedLabels, name: str, given: Any) -> None:
        self.given = given
        self._masks = masks
        self._facts = _look(masks, name)
        rows, columns = masks[0].shape
        self.shape = (int(rows), int(columns))

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self._masks)

    @property
    def tracked(self) -> bool:
        """Whether the numbers are those of tracks."""
        return self._facts.tracked

    @property
    def diameter(self) -> float:
        """Median cell diameter in pixels."""
        return self._facts.diameter

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user: how the masks are understood."""
        facts = self._facts
        said = []
        if facts.plain:
            said.append("All cells have one number: those that do not touch are apart.")
        elif facts.apart:
            first = ", ".join(str(t) for t in facts.apart[:3])
            more = ", …" if len(facts.apart) > 3 else ""
            said.append(
                f"In frames {first}{more} one number stands at several places: each is "
                "taken as a cell."
            )
        if facts.tracked:
            said.append(
                "The numbers are those of tracks already: they are kept, and parents "
                "are searched."
            )
        return tuple(said)

    def frame(self, t: int) -> _Labels:
        """Return the cells of a frame, (Y, X) int32; each number is one cell."""
        labels = self._masks[t]
        return labels if self.tracked else _one_each(labels, self._facts.plain)[0]

    def embedding(self, t: int) -> Tensor:
        """Give each pixel the code of the centre of its cell, (5, Y, X) float16."""
        labels = self.frame(t)
        cells = place_cells(labels)
        table = np.zeros((int(labels.max(initial=0)) + 1, 2))
        table[cells.ids] = cells.places / self.diameter
        places = torch.from_numpy(table[labels])
        return codes_of_places(places, torch.from_numpy(labels > 0))


def _look(masks: AdoptedLabels, name: str) -> _Facts:
    """Look at all frames once."""
    numbers, apart = set[int](), list[int]()
    again = same = counted = 0
    diameters = []
    before: PlacedCells | None = None
    for t in range(len(masks)):
        labels = masks[t]
        cells = place_cells(labels)
        if len(numbers) < 2:
            numbers.update(cells.ids.tolist())
        if len(cells):
            diameters.append(cells.diameter)
        if _one_each(labels, plain=False)[1]:
            apart.append(t)
        if before is not None:
            known, now, then = np.intersect1d(
                cells.ids, before.ids, assume_unique=True, return_indices=True
            )
            moves = np.hypot(*(cells.places[now] - before.places[then]).T)
            again += len(known)
            same += int((moves <= cells.diameter).sum())
            counted += min(len(cells), len(before))
        before = cells
    if not numbers:
        raise InputError(f"{name} holds no cell; all of its pixels are 0.")
    plain = len(numbers) == 1 and bool(apart)
    tracked = (
        not apart
        and again > 0
        and same >= _SAME_PLACE * again
        and again >= _SAME_NUMBER * counted
    )
    if plain:
        sizes = [
            place_cells(_one_each(masks[t], plain=True)[0]).diameter for t in apart[:5]
        ]
        diameters = [size for size in sizes if size]
    diameter = max(1.0, round(float(np.median(diameters)), 1))
    return _Facts(plain, tracked, tuple(apart), diameter)


def _one_each(labels: _Labels, plain: bool) -> tuple[_Labels, bool]:
    """Give cells that share a number, and do not touch, numbers of their own.

    Parameters
    ----------
    labels : (Y, X) int32
        Cells; 0 is background.
    plain : bool
        Every piece is a cell. Otherwise small ones belong to the largest of their
        number.

    Returns
    -------
    labels : (Y, X) int32
        The same where nothing has to be changed.
    changed : bool
    """
    pieces = empty_labels((1, *labels.shape))
    of_piece = connect(np.ascontiguousarray(labels)[np.newaxis], pieces)
    ids, counts = np.unique(of_piece[1:], return_counts=True)
    if not (counts > 1).any():
        return labels, False
    sizes = count_pixels(pieces.ravel(), len(of_piece) - 1)
    numbers = of_piece.copy()
    unused = int(labels.max(initial=0))
    for label in ids[counts > 1].tolist():
        members = np.flatnonzero(of_piece == label)
        largest = members[np.argmax(sizes[members])]
        own = sizes[members] >= _PIECE * sizes[largest]
        for piece in members[own | plain].tolist():
            if piece != largest:
                unused += 1
                numbers[piece] = unused
    changed = unused > int(labels.max(initial=0))
    return numbers[pieces[0]].astype(np.int32), changed


def drift_notice(drifts: Sequence[tuple[float, float]], diameter: float) -> str:
    """Tell how far the stage moved, where that is more than a part of a cell.

    Parameters
    ----------
    drifts : sequence of (float, float)
        Rows and columns by which each frame lies apart from the one before.
    diameter : float
        Of a cell, in pixels.

    Returns
    -------
    str
        Empty where it stood still.
    """
    steps = np.hypot(*np.array(drifts).T) if drifts else np.zeros(1)
    if steps.max(initial=0) < _DRIFT * diameter:
        return ""
    frames = np.count_nonzero(steps >= _DRIFT * diameter)
    many = "one frame" if frames == 1 else f"{frames} frames"
    return (
        f"All cells move together in {many}, by up to {steps.max():.0f} pixels from "
        "one frame to the next: this drift of the stage is taken out of the links."
    )


def finish_masks(
    settings: TrackSettings, labels: _Labels, linker: MaskLinker | None
) -> tuple[Lineage, list[list[int]], list[list[int]]]:
    """Decide the tracks of linked masks, in place.

    Parameters
    ----------
    settings : TrackSettings
        Resolved.
    labels : (T, Y, X) int32
        Linked masks; they get the numbers of their tracks.
    linker : MaskLinker or None
        What linked them; None for numbers that were those of tracks already.

    Returns
    -------
    lineage : Lineage
    filled : list of [frame, track]
        Masks that were put in where cells were missing, or cut out of others.
    joined : list of [frame, track]
        Masks that were in two parts.
    """
    filled = list[tuple[int, int]]()
    descent = None if linker is None else linker.descent()
    if descent is not None and settings.mend_masks:
        filled = mend_masks(labels, settings.longest_gap)
    finalizer = Finalizer(settings)
    for frame in labels:
        finalizer.add(frame)
    names, lineage = finalizer.finish(descent)
    for t, frame in enumerate(labels):
        frame[:] = names.apply(t, frame)
    final = [
        dict(zip(ids.tolist(), tracks.tolist(), strict=True))
        for ids, tracks in zip(names.labels, names.tracks, strict=True)
    ]
    joined = []
    for t, tracks in enumerate(names.tracks):
        ids, counts = np.unique(tracks[tracks > 0], return_counts=True)
        joined += [[t, track] for track in ids[counts > 1].tolist()]
    return lineage, [[t, final[t][track]] for t, track in filled], joined
