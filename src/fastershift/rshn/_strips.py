"""Arithmetic on images that are handled strip by strip, channels last.

An image is (B, Y, X, C) in memory, a strip some of its rows. What is computed for a
strip is used while it still lies in the cache of the processor, and the memory that one
strip took serves the next.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Kernel", "Strip", "add_doubled", "convolve", "cut", "halve", "rectify"]

# Bytes of one image of a strip on a CPU; a GPU takes whole images.
_CPU_STRIP = 2**21

# Rows below which the rows that are computed twice at the borders of strips cost more
# than the cache saves.
_LEAST_ROWS = 16


class Kernel(NamedTuple):
    """Weights of a convolution, (out, in, size, size), and its bias, (out,)."""

    weight: Tensor
    bias: Tensor


class Strip(NamedTuple):
    """Rows ``start`` to ``stop``, excluded, of the images in ``images``."""

    images: slice
    start: int
    stop: int


def cut(image: Tensor, height: int) -> Iterator[Strip]:
    """Cut images into strips; small images are handled several at once.

    Parameters
    ----------
    image : Tensor
        (B, Y, X, C) of any height: its width, channels and type tell how large a
        strip may be.
    height : int
        Rows to cut.

    Yields
    ------
    Strip
        In the order of images, then rows.
    """
    n_images, _, width, channels = image.shape
    row = width * channels * image.element_size()
    rows = height if image.device.type != "cpu" else max(_LEAST_ROWS, _CPU_STRIP // row)
    if rows < height:
        n_strips = -(-height // rows)
        # Strips of an even number of rows, so that halving the image fits.
        rows = -(-height // (2 * n_strips)) * 2
        for one in range(n_images):
            for start in range(0, height, rows):
                yield Strip(slice(one, one + 1), start, min(start + rows, height))
        return
    group = n_images if image.device.type != "cpu" else max(1, rows // height)
    for first in range(0, n_images, group):
        yield Strip(slice(first, min(first + group, n_images)), 0, height)


def convolve(image: Tensor, kernel: Kernel, rim: int = 0) -> Tensor:
    """Convolve (B, Y, X, C); columns are padded by `rim` zeros, rows are not."""
    channels_first = functional.conv2d(
        image.permute(0, 3, 1, 2), *kernel, padding=(0, rim)
    )
    return channels_first.permute(0, 2, 3, 1)


def _as_integers(image: Tensor) -> Tensor:
    """View floating-point numbers as integers of the same sign and order above 0.

    Integers are compared several times faster than bfloat16, which a CPU must widen
    first.
    """
    return image.view(torch.int16 if image.element_size() == 2 else torch.int32)


def rectify(image: Tensor, out: Tensor) -> None:
    """Write an image to `out`, negative values as 0."""
    torch.clamp_min(_as_integers(image), 0, out=_as_integers(out))


def halve(image: Tensor, out: Tensor) -> None:
    """Write the maxima of 2 × 2 pixels of an image without negative values to `out`."""
    bits = _as_integers(image)
    rows = torch.maximum(bits[:, ::2], bits[:, 1::2])
    n_images, height, width, channels = rows.shape
    pairs = rows.view(n_images, height, width // 2, 2, channels)
    torch.maximum(pairs[:, :, :, 0], pairs[:, :, :, 1], out=_as_integers(out))


def add_doubled(image: Tensor, small: Tensor, out: Tensor) -> None:
    """Write to `out` an image plus one of half its size, each pixel repeated 2 × 2."""
    n_images, height, width, channels = image.shape
    pairs = n_images, height // 2, 2, width, channels
    # Two pixels side by side are the channels of one, twice.
    wide = torch.cat((small, small), dim=-1).view(n_images, height // 2, 1, *pairs[3:])
    torch.add(image.view(pairs), wide, out=out.view(pairs))
