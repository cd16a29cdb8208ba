"""Masks in any form, read frame by frame."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastershift.errors import InputError, check_ordinary, counted
from fastershift.io import (
    AdoptedLabels,
    LabelFrames,
    adopt_labels,
    as_movie,
    check_other_than,
    check_range,
    counted_from_1,
    holds_cells,
    read_label_frames,
    read_movie,
    read_result,
)
from fastershift.pipeline.masks._alternatives import AlternativeMasks
from fastershift.pipeline.masks._source import GivenMasks, MaskSource, look_at_masks
from fastershift.rshn import FrameSource

__all__ = ["open_masks", "read_masks"]

# Of these the frame ends after the last cell.
_WITHOUT_SIZE = (".csv", ".zip")


def read_masks(labels: Any, movie: FrameSource | None = None) -> MaskSource:
    """Take cells that were segmented elsewhere, and make sure that they can be used.

    Parameters
    ----------
    labels : array_like, sequence of frames, str or Path; or a list or mapping of such
        (T, Y, X) whole numbers, 0 is background, or where they are stored. Several, in
        a list or by their names, are alternatives: in each frame the cells that agree
        best are taken.
    movie : sequence of (Y, X) frames, optional
        The images of the same cells.

    Returns
    -------
    MaskSource

    Raises
    ------
    InputError
        When they are no label images, do not fit the movie or one another, or hold no
        cell.
    """
    read = [_adopt(one, name, movie) for name, one in _named(labels).items()]
    for one in read:
        _check_fit(one, movie)
        _check_alike(read[0], one)
    looked = [(one, look_at_masks(one)) for one in read]
    empty = [one.name for one, facts in looked if facts is None]
    if len(empty) == len(read):
        hold, their = ("holds", "its") if len(empty) == 1 else ("hold", "their")
        raise InputError(
            f"{' and '.join(empty)} {hold} no cell; all of {their} pixels are 0."
        )
    known = [GivenMasks(one, facts, labels) for one, facts in looked if facts]
    return AlternativeMasks(known, labels, empty) if len(read) > 1 else known[0]


def _named(labels: Any) -> Mapping[str, Any]:
    """Tell alternatives from the frames of one set of masks, and name them."""
    if isinstance(labels, Mapping) and labels:
        return labels
    listed = isinstance(labels, list | tuple)
    if not listed or all(_n_axes(one) < 3 for one in labels):
        return {"The label image": labels}
    return {f"Label image {number}": one for number, one in enumerate(labels, start=1)}


def _n_axes(labels: Any) -> int:
    """Count the axes; what is stored, or read when asked for, has time."""
    if isinstance(labels, str | Path | AdoptedLabels):
        return 3
    if hasattr(labels, "shape"):
        return len(labels.shape)
    return 1 + _n_axes(labels[0]) if isinstance(labels, list | tuple) and labels else 0


def _adopt(labels: Any, name: str, movie: FrameSource | None) -> AdoptedLabels:
    """Bring masks of any kind to frames of whole numbers."""
    if isinstance(labels, AdoptedLabels):
        return labels
    if isinstance(labels, str | Path):
        name, labels = str(labels), open_masks(Path(labels), movie=movie)
    elif not hasattr(labels, "shape"):
        labels = [np.asarray(frame) for frame in _each(labels, name)]
    if hasattr(labels, "shape"):
        labels = _frame_by_frame(labels, name)
    return adopt_labels(labels, name)


def _each(labels: Any, name: str) -> Iterable[Any]:
    if isinstance(labels, Iterable):
        return labels
    raise InputError(
        f"{name} is of the kind {type(labels).__name__}; masks are an array (time, row,"
        " column) or the name of a file."
    )


def _frame_by_frame(labels: Any, name: str) -> Any:
    """Bring an array to the axes time, row and column."""
    if not isinstance(labels.dtype, np.dtype):  # those of torch have kinds of their own
        labels = np.asarray(labels)
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
        # Arrays of Zarr do not count their frames.
        return labels if hasattr(labels, "__len__") else as_movie(labels, "TYX")
    return labels[tuple(0 if n in dropped else slice(None) for n in range(extra + 3))]


def open_masks(
    path: Path,
    frames: tuple[int, int] | None = None,
    movie: FrameSource | None = None,
    *,
    labels: bool = True,
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
    labels : bool
        Whether they are of cells, not of a region; see `read_movie`.

    Returns
    -------
    LabelFrames

    Raises
    ------
    InputError
        When there is nothing that can be read, and for the movie itself.
    """
    check_ordinary(path)
    source, cells = getattr(movie, "source", None), holds_cells(path)
    # Cellpose puts its masks beside the images, in the folder that is the movie.
    if source is not None and not (cells and path.is_dir()):
        check_other_than(source, path)
    if cells:
        masks: npt.NDArray[Any] = read_result(path)[0]
    elif path.suffix.lower() == ".npy":
        masks = _load(path)
    else:
        return _read_images(path, frames, labels)
    sizeless = movie is not None and path.suffix.lower() in _WITHOUT_SIZE
    if frames is not None:
        if not sizeless:
            check_range(*frames, len(masks), str(path))
        masks = masks[slice(*frames)]
    if movie is None or not sizeless:
        return masks
    whole = len(movie), *np.shape(movie[0])
    missing = [max(0, size - own) for size, own in zip(whole, masks.shape, strict=True)]
    padded = np.pad(masks, [(0, size) for size in missing])
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


def _read_images(
    path: Path, frames: tuple[int, int] | None, labels: bool
) -> LabelFrames:
    """Read label images; their channels or planes, if they have any, are frames."""
    try:
        return read_label_frames(
            path,
            lambda axes: read_movie(path, axes=axes, frames=frames, labels=labels),
        )
    except InputError as error:
        if "channel" not in error.options or "axes" in error.options:
            raise
    raise InputError(
        f"{path} is a colour image, but masks are whole numbers, one for each cell; "
        "save the label image itself, not a picture of it."
    )


def _load(path: Path) -> npt.NDArray[Any]:
    try:
        loaded: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path.name} cannot be read as an array of numbers; save the masks with "
            "numpy.save, or as TIFF."
        ) from error
    return loaded


def _check_fit(masks: AdoptedLabels, movie: FrameSource | None) -> None:
    name, first = masks.name, np.shape(masks[0])
    for t in range(1, len(masks)):
        if not hasattr(masks.source, "shape") and np.shape(masks[t]) != first:
            raise InputError(
                f"Frame {t} of {name} has the shape {np.shape(masks[t])} and frame 0 "
                f"{first}; all frames must be of one size."
            )
    if movie is None:
        return
    if len(masks) != len(movie):
        ask = "give one label image for each frame"
        if counted_from_1(masks, len(movie)):
            ask = "count its frames from 0, not from 1"
        raise InputError(
            f"{name} has {counted(len(masks), 'frame')}, and the movie has "
            f"{len(movie)}; {ask}."
        )
    size = np.shape(movie[0])
    if size != first:
        raise InputError(
            f"{name} is {first[0]} × {first[1]} pixels, and the movie is "
            f"{size[0]} × {size[1]}; give labels of the same pixels."
        )


def _check_alike(first: AdoptedLabels, other: AdoptedLabels) -> None:
    """Make sure that two alternatives are of the same frames."""
    if len(first) != len(other):
        raise InputError(
            f"{other.name} has {len(other)} frames, and {first.name} has {len(first)}; "
            "give masks of the same frames."
        )
    size, own = np.shape(first[0]), np.shape(other[0])
    if size != own:
        raise InputError(
            f"{other.name} is {own[0]} × {own[1]} pixels, and {first.name} is "
            f"{size[0]} × {size[1]}; give masks of the same pixels."
        )
