"""How certain it is that what votes for one centre is one cell."""

import math
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled
from fastershift.instances._pieces import weighted_median
from fastershift.instances._voters import Voters

__all__ = ["FACTS", "cell_certainty", "cell_facts"]

_Values: TypeAlias = npt.NDArray[np.float64]
_Numbers: TypeAlias = npt.NDArray[np.int32]

#: What is told of a piece, and how the log odds of being a cell rise with it; fitted by
#: `scripts/models/fit_certainty.py`. Odds of the foreground and expected errors count
#: for themselves, and less the median of the frame's cells, each by its area.
FACTS: Final = {
    "odds": 0.798,
    "odds beside others": 1.202,
    "error": -13.768,
    "error beside others": 9.78,
    "log area": 1.834,
    "log width": -0.929,
    "votes beside the middle": -3.346,
    "log elongation": 1.854,
}
_OFFSET: Final = 2.108

# Shortest half axis of a piece, in diameters: a line of pixels has none.
_THINNEST: Final = 1e-3

# Sums over the pixels of a piece: number, odds, error and width; place, its squares and
# product; voted place.
_SUMS: Final = 11


def cell_certainty(voters: Voters, pieces: _Numbers, diameter: float) -> _Values:
    """Tell how likely each piece of a frame is a cell, beside what is usual there.

    The network is sure of a cell, and as sure of it as of the others; its pixels agree
    on a centre, which lies in the middle. That is less so for dirt and dead cells.
    `FACTS` says what each of this weighs. A network may be less sure of all cells of a
    kind that it does not know well, so probabilities are divided by their mean.

    Parameters
    ----------
    voters : Voters
        Pixels of a frame.
    pieces : (n,) int32
        The piece of each of them, from 1; 0 belongs to none.
    diameter : float
        Pixels of a cell diameter.

    Returns
    -------
    (K + 1,) float64
        1 is the mean over the pixels of all pieces; 0 for 0, and for numbers without
        any pixel.
    """
    facts, areas = cell_facts(voters, pieces, diameter)
    odds = _OFFSET + facts @ np.array(list(FACTS.values()))
    certainty: _Values = np.where(areas > 0, 1 / (1 + np.exp(-odds)), 0.0)
    usual = certainty @ areas / max(areas.sum(), 1.0)
    return certainty / usual if usual else certainty


def cell_facts(
    voters: Voters, pieces: _Numbers, diameter: float
) -> tuple[_Values, _Values]:
    """Tell of each piece of a frame what its certainty is made of.

    Parameters
    ----------
    voters, pieces, diameter
        As for `cell_certainty`.

    Returns
    -------
    facts : (K + 1, 8) float64
        In the order of `FACTS`; lengths in diameters. 0 for what has no pixel.
    areas : (K + 1,) float64
        Pixels; of 0 none.
    """
    sums = np.zeros((int(pieces.max(initial=0)) + 1, _SUMS))
    _add_pixels(
        voters.pixels,
        voters.places,
        pieces,
        voters.odds,
        voters.error,
        voters.width,
        voters.shape[1],
        sums,
    )
    areas = sums[:, 0].copy()
    areas[0] = 0
    there = areas > 0
    _, odds, error, width, y, x, yy, xx, yx, voted_y, voted_x = (
        sums[there].T / areas[there]
    )
    facts = np.zeros((areas.size, len(FACTS)))
    facts[there] = np.column_stack(
        [
            odds,
            odds - weighted_median(odds, areas[there]),
            error,
            error - weighted_median(error, areas[there]),
            np.log(areas[there] / (math.pi / 4 * diameter**2)),
            np.log(width),
            np.hypot(voted_y - y, voted_x - x) / diameter,
            _log_elongation(yy - y * y, xx - x * x, yx - y * x, diameter),
        ]
    )
    return facts, areas


@compiled
def _add_pixels(
    pixels: _Numbers,
    places: _Numbers,
    pieces: _Numbers,
    odds: npt.NDArray[np.float32],
    error: npt.NDArray[np.float32],
    width: npt.NDArray[np.float32],
    columns: int,
    sums: _Values,
) -> None:
    for i in range(pixels.size):
        y, x = divmod(pixels[i], columns)
        voted_y, voted_x = divmod(places[i], columns)
        row = sums[pieces[i]]
        row[0] += 1
        row[1] += odds[i]
        row[2] += error[i]
        row[3] += width[i]
        row[4] += y
        row[5] += x
        row[6] += y * y
        row[7] += x * x
        row[8] += y * x
        row[9] += voted_y
        row[10] += voted_x


def _log_elongation(yy: _Values, xx: _Values, yx: _Values, diameter: float) -> _Values:
    """Take the logarithm of how much longer than wide pieces are, by their moments."""
    middle = (yy + xx) / 2
    apart = np.hypot((yy - xx) / 2, yx)
    least = (_THINNEST * diameter) ** 2
    longest, shortest = (
        np.maximum(one, least) for one in (middle + apart, middle - apart)
    )
    elongation: _Values = np.log(longest / shortest) / 2
    return elongation
