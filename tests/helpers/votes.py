"""What a network that votes would say if it knew the truth."""

import numpy as np
import torch

from fastershift.instances import PairVotes
from fastershift.rshn import CODE_CHANNELS, KEPT_CHANNELS, VOTE_CHANNELS
from fastershift.rshn._votes import write_votes

# Logit of what is certain, and of what is certainly not so.
SURE = 8.0


def centres_of(labels):
    """Map the cells of a frame to row and column of their centres."""
    cells = [int(one) for one in np.unique(labels) if one > 0]
    return {cell: np.argwhere(labels == cell).mean(axis=0) for cell in cells}


def true_votes(labels, diameter, *, before=None, origin=None, widths=None):
    """Return the outputs (Y, X, 8) of a network that makes no mistake.

    `before` are the labels of the frame before, `origin` maps cells to those that they
    were there (by default they keep their numbers), and `widths` cells to their width
    in diameters (by default 1). Cells without any predecessor are new.
    """
    raw = np.zeros((*labels.shape, VOTE_CHANNELS), np.float32)
    raw[..., 0] = np.where(labels > 0, SURE, -SURE)
    earlier = {} if before is None else centres_of(before)
    places = np.stack(np.indices(labels.shape), axis=-1)
    for cell, centre in centres_of(labels).items():
        inside = labels == cell
        raw[inside, 1:3] = (centre - places[inside]) / diameter
        came_from = (origin or {}).get(cell, cell)
        known = came_from in earlier
        if known:
            raw[inside, 3:5] = (earlier[came_from] - places[inside]) / diameter
        raw[inside, 5] = -SURE if known else SURE
        raw[inside, 6] = np.log((widths or {}).get(cell, 1.0))
        raw[inside, 7] = -4.0
    return raw


def kept_votes(raw, diameter, *, corner=(0, 0), usable=None):
    """Return what an embedder keeps of such outputs, (12, Y, X) float16."""
    raw = torch.as_tensor(raw)
    usable = torch.ones(raw.shape[:2], dtype=torch.bool) if usable is None else usable
    out = torch.full((*raw.shape[:2], KEPT_CHANNELS), -7.0, dtype=torch.float16)
    write_votes(raw, usable, out, corner, diameter)
    return out.movedim(-1, 0)


def pair_of(kept, diameter):
    """Take what was kept of one or two frames apart: codes, and votes."""
    both = torch.stack(list(kept))
    return both[:, :CODE_CHANNELS], PairVotes(both[:, CODE_CHANNELS:], diameter)
