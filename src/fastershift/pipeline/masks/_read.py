"""Masks in any form, read frame by frame."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
from fastershift.pipeline.masks._source import MaskSource
from fastershift.rshn import FrameSource

__all__ = ["open_masks", "read_masks"]

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
