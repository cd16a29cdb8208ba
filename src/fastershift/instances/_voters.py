"""The pixels of a pair of frames that vote, and what each of them says."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift._compiled import compiled
from fastershift.config import TrackSettings
from fastershift.instances._foreground import foreground_mask
from fastershift.rshn import Votes

__all__ = ["PairVoters", "PairVotes", "Voters", "pair_voters", "voted_places"]

_Places: TypeAlias = npt.NDArray[np.int32]
_Values: TypeAlias = npt.NDArray[np.float32]

# Logarithms of widths and errors are kept within this.
_LARGEST = 5.0

# The network is not taken to be surer of a pixel than this.
_LEAST_CHANCE = 1e-3


class PairVotes(NamedTuple):
    """What a network that votes says of a pair of frames.

    Attributes
    ----------
    channels : Tensor
        (F, 7, Y, X) as `Votes.of` takes them; may lie on disk.
    diameter : float
        Typical cell diameter in pixels of the network.
    """

    channels: Tensor
    diameter: float


class Voters(NamedTuple):
    """The foreground of a frame, pixel by pixel.

    Pixels and places are numbered row by row.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    pixels : (n,) int32
        Where the pixels lie, in rising order.
    places : (n,) int32
        The place that each votes for as the centre of its cell.
    previous : (n,) int32
        The same for the frame before.
    length : (n,) float32
        How far each is from the place it votes for, in cell diameters.
    width, error : (n,) float32
        Width of its cell and how far its vote may be off, in cell diameters.
    odds : (n,) float32
        Log odds that each belongs to a cell.
    """

    shape: tuple[int, int]
    pixels: _Places
    places: _Places
    previous: _Places
    length: _Values
    width: _Values
    error: _Values
    odds: _Values


class PairVoters(NamedTuple):
    """What is parted into cells: it depends on no setting but the foreground.

    Attributes
    ----------
    frames : tuple of Voters
        One for each frame.
    codes : tuple of Tensor
        (n, 5) codes of the votes of each frame.
    diameter : float
        Pixels of a cell diameter.
    """

    frames: tuple[Voters, ...]
    codes: tuple[Tensor, ...]
    diameter: float

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        parts = (part.nbytes for one in self.frames for part in one[1:])
        return sum(parts) + sum(one.nbytes for one in self.codes)


def pair_voters(
    embeddings: Tensor, votes: PairVotes, track_settings: TrackSettings
) -> PairVoters:
    """Read what the pixels of the cells of a pair vote for.

    Parameters
    ----------
    embeddings : (F, 5, Y, X) Tensor
        Codes of the votes.
    votes : PairVotes
        The votes themselves.
    track_settings : TrackSettings
        `foreground` is used.

    Returns
    -------
    PairVoters
    """
    masks = foreground_mask(embeddings, track_settings.foreground).cpu()
    frames = tuple(
        _voters(one, channels, mask, votes.diameter)
        for one, channels, mask in zip(embeddings, votes.channels, masks, strict=True)
    )
    codes = tuple(
        _picked(one, frame.pixels).T
        for one, frame in zip(embeddings, frames, strict=True)
    )
    return PairVoters(frames, codes, votes.diameter)


def _picked(channels: Tensor, pixels: _Places) -> Tensor:
    """Take the channels (C, n) of some pixels, without touching the others."""
    at = torch.from_numpy(pixels).to(channels.device)
    return channels.flatten(-2).index_select(-1, at).cpu()


def _voters(codes: Tensor, channels: Tensor, mask: Tensor, diameter: float) -> Voters:
    pixels = np.flatnonzero(mask.numpy()).astype(np.int32)
    said = _picked(channels, pixels).float()
    maps = Votes.of(said[..., None])
    own, previous = (
        one[..., 0].contiguous().numpy() for one in (maps.own, maps.previous)
    )
    width, error = (
        one[:, 0].clamp(-_LARGEST, _LARGEST).exp().numpy()
        for one in (maps.width, maps.spread)
    )
    shape = (mask.shape[0], mask.shape[1])
    return Voters(
        shape,
        pixels,
        voted_places(pixels, own, diameter, shape),
        voted_places(pixels, previous, diameter, shape),
        np.hypot(own[0], own[1]),
        width,
        error,
        _odds(_picked(codes[:1], pixels)[0]),
    )


def _odds(along: Tensor) -> _Values:
    """Take the log odds of being in a cell from the share along the background axis."""
    background = along.float().square().clamp(_LEAST_CHANCE, 1 - _LEAST_CHANCE)
    odds: _Values = torch.log((1 - background) / background).numpy()
    return odds


def voted_places(
    pixels: _Places, way: _Values, diameter: float, shape: tuple[int, int]
) -> _Places:
    """Find the places that pixels vote for.

    Parameters
    ----------
    pixels : (n,) int32
        Where they lie, numbered row by row.
    way : (2, n) float32
        Rows and columns from each to the place, in cell diameters.
    diameter : float
        Pixels of a cell diameter.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (n,) int32
        Within the frame, numbered row by row.
    """
    places = np.empty_like(pixels)
    _vote(pixels, way, diameter, shape[0], shape[1], places)
    return places


@compiled
def _vote(
    pixels: _Places,
    way: _Values,
    diameter: float,
    height: int,
    width: int,
    places: _Places,
) -> None:
    for i in range(pixels.size):
        # Ways may be infinite: they end at the edge before they become whole numbers.
        row = np.rint(pixels[i] // width + diameter * way[0, i])
        column = np.rint(pixels[i] % width + diameter * way[1, i])
        row = min(max(row, 0.0), height - 1.0)
        column = min(max(column, 0.0), width - 1.0)
        places[i] = int(row) * width + int(column)
