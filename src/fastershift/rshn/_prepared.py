"""Frames as the network sees them, kept on disk while tile after tile reads them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fastershift.errors import FastershiftError, InputError, refusal
from fastershift.labels import reserve

__all__ = ["FrameSource", "PreparedFrames", "checked_frame"]


class FrameSource(Protocol):
    """A movie: anything with a length that gives its frames by number."""

    def __len__(self) -> int:
        """Count the frames."""
        ...

    def __getitem__(self, index: int, /) -> ArrayLike:
        """Return a frame (Y, X)."""
        ...


def checked_frame(
    frames: FrameSource, number: int, shape: tuple[int, int]
) -> NDArray[np.generic]:
    """Read a frame of a movie.

    Raises
    ------
    InputError
        When it has another shape, or its values are not real numbers.
    """
    frame = np.asarray(frames[number])
    if frame.shape != tuple(shape):
        raise InputError(
            f"Frame {number} has the shape {frame.shape} instead of {tuple(shape)}; "
            "all frames must be of one size, with one channel."
        )
    if frame.dtype.kind not in "biuf":
        raise InputError(
            f"Frame {number} holds values of the type {frame.dtype}; intensities must "
            "be real numbers."
        )
    return frame


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say in a sentence what the file system refuses."""
    try:
        yield
    except OSError as error:
        raise FastershiftError(refusal(folder, error, "written")) from error


class PreparedFrames:
    """Prepares each frame once; afterwards, parts of it are read from disk.

    Parameters
    ----------
    prepare : callable
        Returns images of a frame by its number.
    folder : Path
        Empty.
    """

    def __init__(
        self, prepare: Callable[[int], tuple[Tensor, Tensor]], folder: Path
    ) -> None:
        self._prepare = prepare
        self._folder = folder
        self._known: set[int] = set()

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the images of a frame; they lie on disk, on the CPU.

        Raises
        ------
        FastershiftError
            When the disk is full, or nothing can be written there.
        """
        paths = [self._folder / f"{part}-{number}.npy" for part in ("shown", "usable")]
        if number not in self._known:
            for path, image in zip(paths, self._prepare(number), strict=True):
                with _writing(self._folder):
                    np.save(path, image.cpu().numpy())
            self._known.add(number)
        # Tensors cannot be read-only, so neither is the file.
        shown, usable = (
            torch.from_numpy(np.load(one, mmap_mode="r+")) for one in paths
        )
        return shown, usable

    def empty(self, shape: tuple[int, ...]) -> NDArray[np.float16]:
        """Make an array that lies on the same disk, which has room for it.

        Raises
        ------
        FastershiftError
            When the disk is full, or nothing can be written there.
        """
        with (
            _writing(self._folder),
            (self._folder / "embeddings").open("w+b") as file,
        ):
            reserve(file.fileno(), 2 * prod(shape))
            return np.memmap(file, np.float16, "r+", 0, shape)
