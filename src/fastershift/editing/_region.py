"""A set of pixels of one frame, small enough to be kept by the thousand."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from fastershift.errors import InputError
from fastershift.labels import Box

__all__ = ["Box", "Mask", "Region", "between", "joined_box", "padded_box"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """Some pixels of a frame: a rectangle, and one bit for each pixel in it.

    Attributes
    ----------
    top, left : int
        First row and column of the rectangle.
    height, width : int
        Its size in pixels.
    bits : bytes
        Row by row, eight pixels in a byte.
    """

    top: int
    left: int
    height: int
    width: int
    bits: bytes

    @classmethod
    def of(cls, mask: Mask, top: int = 0, left: int = 0) -> "Region":
        """Take the pixels that are True.

        Parameters
        ----------
        mask : (y, x) bool
            At least one pixel is True.
        top, left : int
            Where the mask begins in the frame.

        Returns
        -------
        Region

        Raises
        ------
        InputError
            When no pixel is True.
        """
        rows = np.flatnonzero(mask.any(axis=1))
        columns = np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            raise InputError("There are no pixels here for a cell.")
        window = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return cls(
            top + int(rows[0]),
            left + int(columns[0]),
            window.shape[0],
            window.shape[1],
            np.packbits(window).tobytes(),
        )

    @property
    def box(self) -> Box:
        """Rows and columns of the rectangle."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    @property
    def mask(self) -> Mask:
        """Which pixels of the rectangle belong to it: (height, width) bool."""
        flat = np.unpackbits(
            np.frombuffer(self.bits, np.uint8), count=self.height * self.width
        )
        return flat.astype(bool).reshape(self.height, self.width)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.mask))

    def within(self, box: Box) -> Mask:
        """Return the part of it in a rectangle of the frame.

        Parameters
        ----------
        box : (slice, slice)
            Rows and columns with start and stop.

        Returns
        -------
        bool array, the size of `box`
        """
        window = np.zeros(
            (box[0].stop - box[0].start, box[1].stop - box[1].start), bool
        )
        rows, own_rows = _shared(self.box[0], box[0])
        columns, own_columns = _shared(self.box[1], box[1])
        window[rows, columns] = self.mask[own_rows, own_columns]
        return window

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "box": [self.top, self.left, self.height, self.width],
            "bits": base64.b85encode(zlib.compress(self.bits)).decode("ascii"),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Region":
        """Read what `record` has given."""
        bits = zlib.decompress(base64.b85decode(record["bits"]))
        top, left, height, width = (int(number) for number in record["box"])
        if len(bits) != (height * width + 7) // 8 or min(top, left) < 0:
            raise ValueError("the bits of a region do not fit its rectangle")
        return cls(top, left, height, width, bits)


def _shared(own: slice, other: slice) -> tuple[slice, slice]:
    """Return what two ranges share, as seen from the other one and from the own."""
    start, stop = max(own.start, other.start), min(own.stop, other.stop)
    stop = max(start, stop)
    return (
        slice(start - other.start, stop - other.start),
        slice(start - own.start, stop - own.start),
    )


def joined_box(first: Box | None, second: Box) -> Box:
    """Return the rectangle around two rectangles."""
    if first is None:
        return second
    return (
        slice(min(first[0].start, second[0].start), max(first[0].stop, second[0].stop)),
        slice(min(first[1].start, second[1].start), max(first[1].stop, second[1].stop)),
    )


def padded_box(box: Box, by: int, shape: Sequence[int]) -> Box:
    """Return a rectangle with so many pixels more on each side, cut at the frame."""
    rows, columns = (
        slice(max(side.start - by, 0), min(side.stop + by, length))
        for side, length in zip(box, shape, strict=True)
    )
    return rows, columns


def between(
    first: Region, second: Region, share: float, shape: tuple[int, int]
) -> Region:
    """Find a shape between two: on the way from the one to the other in place and form.

    Both are moved to where the middle then is. A pixel belongs to it where the mean of
    its distances to the two outlines, counted from within, is above 0.

    Parameters
    ----------
    first, second : Region
        The two shapes.
    share : float
        How much of the way, 0 to 1.
    shape : (int, int)
        Rows and columns of the frame; what is beyond is cut off.

    Returns
    -------
    Region
    """
    places = [
        np.argwhere(one.mask) + np.array([one.top, one.left]) for one in (first, second)
    ]
    middles = [one.mean(axis=0) for one in places]
    middle = (1 - share) * middles[0] + share * middles[1]
    moved = [
        one + np.rint(middle - own).astype(int)
        for one, own in zip(places, middles, strict=True)
    ]
    low = np.minimum(*(one.min(axis=0) for one in moved)) - 1
    size = np.maximum(*(one.max(axis=0) for one in moved)) - low + 2
    depths = []
    for one in moved:
        inside = np.zeros(size, bool)
        inside[tuple((one - low).T)] = True
        depths.append(distance_transform_edt(inside) - distance_transform_edt(~inside))
    found = np.argwhere((1 - share) * depths[0] + share * depths[1] > 0) + low
    if not len(found):  # such as two crescents, turned to opposite sides
        found = moved[round(share)]
    kept = found[((found >= 0) & (found < shape)).all(axis=1)]
    mask = np.zeros(shape, bool)
    mask[tuple(kept.T)] = True
    return Region.of(mask)
