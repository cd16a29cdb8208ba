"""Frames as the network sees them, kept on disk while tile after tile reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

__all__ = ["FrameSource", "PreparedFrames"]


class FrameSource(Protocol):
    """A movie: anything with a length that gives its frames by number."""

    def __len__(self) -> int:
        """Count the frames."""
        ...

    def __getitem__(self, index: int, /) -> ArrayLike:
        """Return a frame (Y, X)."""
        ...


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
        """Return the images of a frame; they lie on disk, on the CPU."""
        paths = [self._folder / f"{part}-{number}.npy" for part in ("shown", "usable")]
        if number not in self._known:
            for path, image in zip(paths, self._prepare(number), strict=True):
                np.save(path, image.cpu().numpy())
            self._known.add(number)
        # Tensors cannot be read-only, so neither is the file.
        shown, usable = (
            torch.from_numpy(np.load(one, mmap_mode="r+")) for one in paths
        )
        return shown, usable
