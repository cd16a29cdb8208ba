"""A head: what was learned from annotated cells, over the outputs of a network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.rshn.head._features import REACH, count_features, describe_pixels
from fastershift.rshn.head._fill import PixelClass, fill_votes
from fastershift.rshn.head._forest import Forest

__all__ = ["Head"]

_Image = npt.NDArray[np.float32]

# Rows that are described at once.
_ROWS = 128

_LEVEL = "level"


@dataclass(frozen=True, eq=False)
class Head:
    """Says of pixels what the network would say if it knew these cells.

    Attributes
    ----------
    forest : Forest
        Tells each `PixelClass` from what `describe_pixels` tells.
    level : float
        Share of the inside at which the cores of cells are parted, 0 to 1.
    """

    forest: Forest
    level: float

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], outputs: int) -> Self:
        """Take a head from a file.

        Parameters
        ----------
        tensors : mapping of str to Tensor
            As `tensors` gave them.
        outputs : int
            Outputs and last filters of the network.

        Returns
        -------
        Head

        Raises
        ------
        ValueError
            When it cannot be used.
        """
        parts = dict(tensors)
        level = parts.pop(_LEVEL, torch.zeros(()))
        forest = Forest.of(parts, count_features(outputs))
        if level.numel() != 1 or not 0 < float(level) < 1:
            raise ValueError("the level of the head is not between 0 and 1")
        if forest.shares.shape[1] != len(PixelClass):
            raise ValueError("the head knows other classes of pixels")
        return cls(forest, float(level))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What is written to a file."""
        return {_LEVEL: torch.tensor([self.level]), **self.forest.tensors}

    def tell(self, shown: _Image, outputs: _Image) -> _Image:
        """Tell the classes of the pixels of a frame.

        Parameters
        ----------
        shown, outputs
            As for `describe_pixels`.

        Returns
        -------
        (Y, X, 3) float32
            Share of each `PixelClass`.
        """
        told = np.empty((*shown.shape, len(PixelClass)), np.float32)
        for rows, described in _strips(shown, outputs):
            told[rows] = self.forest.tell(described)
        return told

    def fill(self, shown: Tensor, outputs: Tensor, diameter: float) -> Tensor:
        """Say what a network that votes says.

        Parameters
        ----------
        shown : (B, Y, X) Tensor
            Frames as the network sees them.
        outputs : (B, Y, X, C) Tensor
            Its outputs and last filters.
        diameter : float
            Pixels of a cell diameter.

        Returns
        -------
        (B, Y, X, 8) Tensor
            On the same device.
        """
        filled = []
        for frame, told in zip(shown, outputs, strict=True):
            image, said = (one.float().cpu().numpy() for one in (frame, told))
            filled.append(self.fill_frame(image, said, diameter))
        return torch.from_numpy(np.stack(filled)).to(outputs.device)

    def fill_frame(self, shown: _Image, outputs: _Image, diameter: float) -> _Image:
        """Do so for a single frame, (Y, X) and (Y, X, C)."""
        shares = self.tell(shown, outputs)
        return fill_votes(shares, outputs, self.level, diameter)


def _strips(shown: _Image, outputs: _Image) -> Iterator[tuple[slice, _Image]]:
    """Describe a frame strip by strip."""
    for start in range(0, len(shown), _ROWS):
        stop = min(start + _ROWS, len(shown))
        first, last = max(0, start - REACH), min(len(shown), stop + REACH)
        described = describe_pixels(shown[first:last], outputs[first:last])
        yield slice(start, stop), described[start - first : stop - first]
