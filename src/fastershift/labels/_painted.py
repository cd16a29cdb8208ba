"""Label images of which only the pixels of cells are kept."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.labels._scratch import empty_labels

__all__ = ["LabelImages", "PaintedLabels"]

_Numbers: TypeAlias = npt.NDArray[np.int32]


class PaintedLabels:
    """Label images that are painted when they are asked for.

    `numpy.asarray` paints all of them.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of an image.
    pixels : sequence of (n,) int32
        For each image the pixels of its cells, numbered row by row.
    numbers : sequence of (n,) int32
        Their labels.

    Attributes
    ----------
    shape : (int, int, int)
        Images, rows and columns.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        pixels: Sequence[_Numbers],
        numbers: Sequence[_Numbers],
    ) -> None:
        self.shape = (len(numbers), *shape)
        self._pixels = tuple(pixels)
        self._numbers = tuple(numbers)

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return sum(one.nbytes for one in (*self._pixels, *self._numbers))

    def __getitem__(self, image: int) -> _Numbers:
        """Paint one of the images."""
        painted = empty_labels(self.shape[1:])
        self._paint(image, painted)
        return painted

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        """Paint all images."""
        painted = empty_labels(self.shape)
        for image, empty in enumerate(painted):
            self._paint(image, empty)
        return painted if dtype is None else painted.astype(dtype, copy=False)

    def _paint(self, image: int, empty: _Numbers) -> None:
        empty.reshape(-1)[self._pixels[image]] = self._numbers[image]


#: (F, Y, X) int32 labels, kept whole or pixel by pixel.
LabelImages: TypeAlias = _Numbers | PaintedLabels
