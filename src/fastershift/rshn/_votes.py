"""Votes for the centre of a cell: what a network says, and how it is kept.

Wound on a torus a vote is a unit vector, so that whatever compares embeddings by cosine
compares voted centres (period P, place c in cell diameters)::

    code = (cos 2πy/P, sin 2πy/P, cos 2πx/P, sin 2πx/P) / √2,    (y, x) = c

The cosine distance of two codes is ``1 - (cos 2πΔy/P + cos 2πΔx/P) / 2``, which is
about ``π²r²/P²`` for centres r diameters apart.
"""

import math
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastershift.rshn._strips import cut

__all__ = [
    "CODE_CHANNELS",
    "KEPT_CHANNELS",
    "VOTE_CHANNELS",
    "EmbeddingKind",
    "Votes",
    "check_channels",
    "codes_of_places",
    "window_radius",
    "write_votes",
]

#: What the pixels of a network's output are: vectors that point the same way within a
#: cell (Payer et al. 2019), or votes for the centre of the cell (Novotny et al. 2018,
#: Neven et al. 2019).
EmbeddingKind: TypeAlias = Literal["cosine", "votes"]

#: Outputs of a network that votes: the logit of being in a cell, then those of `Votes`.
VOTE_CHANNELS = 8

#: Channels of the unit vector that is kept of a pixel: how much it is background, and
#: its code on the torus.
CODE_CHANNELS = 5

#: Channels that are kept of a pixel: its unit vector, then those of `Votes`.
KEPT_CHANNELS = CODE_CHANNELS + VOTE_CHANNELS - 1

# Cell diameters after which the torus repeats.
_PERIOD = 8.0

# Outputs are kept within this, further away than any frame reaches, as float16.
_FAR = 1e4


class Votes(NamedTuple):
    """What a network says of the cells of pixels, besides that there are any.

    Ways are told in cell diameters of the network, rows before columns.

    Attributes
    ----------
    own : Tensor
        (..., 2, Y, X) way to the centre of the cell.
    previous : Tensor
        (..., 2, Y, X) way to the centre of the same cell, or of its mother, in the
        frame before.
    new : Tensor
        (..., Y, X) logit of belonging to a cell without predecessor in that frame.
    width : Tensor
        (..., Y, X) natural logarithm of the width of the cell in diameters: twice the
        largest distance to its outline.
    spread : Tensor
        (..., Y, X) natural logarithm of the expected error of the vote in diameters.
    """

    own: Tensor
    previous: Tensor
    new: Tensor
    width: Tensor
    spread: Tensor

    @classmethod
    def of(cls, channels: Tensor) -> "Votes":
        """Take (..., 7 or more, Y, X) apart, without a copy."""
        single = (channels.select(-3, index) for index in (4, 5, 6))
        return cls(channels.narrow(-3, 0, 2), channels.narrow(-3, 2, 2), *single)


def check_channels(embedding: EmbeddingKind, channels: int) -> None:
    """Make sure that a network has the outputs that its embedding needs.

    Parameters
    ----------
    embedding : {"cosine", "votes"}
        What its outputs mean.
    channels : int
        How many there are.

    Raises
    ------
    ValueError
        When there are too few.
    """
    if embedding == "votes" and channels < VOTE_CHANNELS:
        raise ValueError(f"a network that votes needs {VOTE_CHANNELS} channels or more")


def window_radius(bandwidth: float) -> float:
    """Tell how far apart two voted centres are at a cosine distance.

    Parameters
    ----------
    bandwidth : float
        A cosine distance of codes, 0 to 2.

    Returns
    -------
    float
        In cell diameters.
    """
    return _PERIOD / math.pi * math.sqrt(bandwidth)


def _wound(row: Tensor, column: Tensor) -> Tensor:
    """Wind places, in cell diameters, on the torus; (..., 4) of length √2."""
    turn = 2 * math.pi / _PERIOD
    row, column = turn * row, turn * column
    return torch.stack((row.cos(), row.sin(), column.cos(), column.sin()), dim=-1)


def codes_of_places(places: Tensor, inside: Tensor) -> Tensor:
    """Tell where cells are as a network that votes without any doubt would.

    Parameters
    ----------
    places : (Y, X, 2) Tensor
        Row and column of the centre of the cell of each pixel, in cell diameters.
    inside : (Y, X) bool Tensor
        Which pixels are in a cell.

    Returns
    -------
    (`CODE_CHANNELS`, Y, X) float16 Tensor
    """
    code = _wound(places[..., 0], places[..., 1]) / math.sqrt(2) * inside[..., None]
    background = (~inside).to(code.dtype)
    return torch.cat([background[None], code.movedim(-1, 0)]).to(torch.float16)


@torch.inference_mode()
def write_votes(
    raw: Tensor, usable: Tensor, out: Tensor, corner: tuple[int, int], diameter: float
) -> None:
    """Write what is kept of the outputs of a network that votes.

    Parameters
    ----------
    raw : Tensor
        (Y, X, C) outputs of the network.
    usable : Tensor
        (Y, X) bool, the pixels that may be something else than background.
    out : Tensor
        (Y, X, `KEPT_CHANNELS`), written to. The square of the
        first channel is the probability of background, and the first five are a unit
        vector; those of `Votes` follow.
    corner : (int, int)
        Row and column of the first pixel in the frame.
    diameter : float
        Pixels of a cell diameter.
    """
    columns = torch.arange(raw.shape[1], device=raw.device) + corner[1]
    for _, start, stop in cut(raw[None], len(raw)):
        here = slice(start, stop)
        values = raw[here, :, :VOTE_CHANNELS].float()
        finite = values.isfinite().all(-1) & usable[here]
        values = torch.where(finite[..., None], values, 0.0).clamp_(-_FAR, _FAR)
        background = torch.where(finite, torch.sigmoid(-values[..., 0]), 1.0)
        rows = torch.arange(start, stop, device=raw.device) + corner[0]
        code = _wound(
            rows[:, None] / diameter + values[..., 1],
            columns / diameter + values[..., 2],
        )
        out[here, :, 0] = background.sqrt()
        out[here, :, 1:CODE_CHANNELS] = code * ((1 - background) / 2).sqrt()[..., None]
        out[here, :, CODE_CHANNELS:] = values[..., 1:]
