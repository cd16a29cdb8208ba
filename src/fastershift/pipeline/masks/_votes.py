"""What a network says of cells that were segmented elsewhere."""

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings
from fastershift.instances import PairVotes
from fastershift.labels import Labels, nearest_pixels
from fastershift.rshn import Votes
from fastershift.tracking import PlacedCells, VotedPlaces

__all__ = ["voted_by_masks"]

_Reals = npt.NDArray[np.float64]

# A vote that may be off by this many cell diameters counts half.
_HALF_CERTAIN = 0.5
# Nothing is more exact than this share of a cell diameter.
_EXACT = 0.05


def voted_by_masks(
    votes: PairVotes,
    labels: Labels,
    cells: PlacedCells,
    settings: Settings,
) -> VotedPlaces:
    """Tell where the cells of the second frame of a pair were in the first.

    The pixels of a mask vote for the centre of their cell in the frame before; surer
    pixels count more.

    Parameters
    ----------
    votes : PairVotes
        Of both frames, in pixels of the network.
    labels : (Y, X) int array
        Cells of the second frame, in pixels of the image.
    cells : PlacedCells
        The same cells.
    settings : Settings
        `zoom` is used.

    Returns
    -------
    VotedPlaces
        In pixels of the image.
    """
    maps = Votes.of(votes.channels[-1])
    seen = tuple(maps.new.shape)
    zoom = settings.embed.zoom
    rows, columns, covered = nearest_pixels(
        (seen[0], seen[1]), (labels.shape[0], labels.shape[1]), zoom=zoom
    )
    pixels = np.nonzero((labels > 0) & covered)
    at = rows[pixels[0]], columns[pixels[1]]
    cell = np.searchsorted(cells.ids, labels[pixels])

    def of(channel: int | slice) -> _Reals:
        picked = votes.channels[-1][channel].float().cpu().numpy()[..., at[0], at[1]]
        return np.asarray(picked, dtype=np.float64)

    error = np.exp(of(6))
    weight = 1 / (error**2 + _EXACT**2)
    total = np.bincount(cell, weight, len(cells))
    known = total > 0

    def mean(values: _Reals) -> _Reals:
        summed = np.bincount(cell, weight * values, len(cells))
        return np.divide(summed, total, out=np.zeros(len(cells)), where=known)

    ways = of(slice(2, 4))
    places = np.empty((len(cells), 2))
    spread = np.zeros(len(cells))
    for axis in range(2):
        # Pixels of the image in a cell diameter, along this axis.
        scale = votes.diameter * labels.shape[axis] * zoom / seen[axis]
        voted = pixels[axis] + scale * ways[axis]
        places[:, axis] = mean(voted)
        spread += mean((voted / scale) ** 2) - (places[:, axis] / scale) ** 2
    off = np.maximum(mean(error**2), np.maximum(spread, 0))
    old = 1 - mean(1 / (1 + np.exp(-of(4))))
    certainty = np.where(known, old / (1 + off / _HALF_CERTAIN**2), 0.0)
    return VotedPlaces(places, certainty)
