"""Vectors checked, measured and brought to where they are looked at."""

import torch
from torch import Tensor

from fastershift.errors import InputError
from fastershift.meanshift._device import DevicePoints, unit_rows
from fastershift.meanshift._host import HostPoints
from fastershift.meanshift._points import Points

__all__ = ["prepare"]

# Squared lengths outside these bounds are at risk of under- or overflow.
_SAFE = 1e-30, 1e30

# Components whose squares are held at once.
_BLOCK = 2**18


def prepare(points: Tensor, *, unit_means: bool) -> tuple[Tensor | None, Points]:
    """Measure vectors, and leave out those that have no direction.

    Parameters
    ----------
    points : Tensor
        (n, d) floating-point.
    unit_means : bool
        Whether directions alone are averaged.

    Returns
    -------
    rows : Tensor or None
        (m,) int64 rows that are not zero; None if these are all.
    Points
        Those rows.

    Raises
    ------
    InputError
        For NaN or infinity.
    """
    narrow = points.to(torch.float32)
    on_host = points.device.type == "cpu"
    made: Points | None
    if on_host:
        made = HostPoints.measured(narrow.numpy(), unit_means=unit_means)
    else:
        made = _measured(narrow, unit_means)
    if made is not None:
        return None, made
    largest = points.abs().amax(dim=1)
    if not bool(torch.isfinite(largest).all()):
        raise InputError("X holds NaN or infinity; leave those rows out.")
    rows = torch.nonzero(largest).flatten()
    wide = points[rows].to(torch.promote_types(points.dtype, torch.float32))
    scaled = wide / largest[rows, None]
    unit = unit_rows(scaled).to(torch.float32)
    if not on_host:
        averaged = unit if unit_means else narrow[rows]
        return rows, DevicePoints(unit, None, averaged, None, unit_means)
    lengths = largest[rows] * torch.linalg.vector_norm(scaled, dim=1)
    return rows, HostPoints.of_unit(
        unit.numpy(), None if unit_means else lengths.to(torch.float32).numpy()
    )


def _measured(narrow: Tensor, unit_means: bool) -> DevicePoints | None:
    squares = _squared_lengths(narrow)
    least, most = (float(bound) for bound in torch.aminmax(squares))
    if not (_SAFE[0] < least and most < _SAFE[1]):
        return None
    lengths = squares.sqrt_()
    weights = lengths.reciprocal() if unit_means else None
    return DevicePoints(narrow, lengths, narrow, weights, unit_means)


def _squared_lengths(vectors: Tensor) -> Tensor:
    """Sum the squares of each row, block by block: squares of all would be a copy."""
    squares = vectors.new_empty(len(vectors))
    # A product with ones is several times faster than a sum over few columns.
    ones = vectors.new_ones(vectors.shape[1])
    length = max(1, _BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), length):
        block = slice(start, start + length)
        torch.mv(vectors[block].square(), ones, out=squares[block])
    return squares
