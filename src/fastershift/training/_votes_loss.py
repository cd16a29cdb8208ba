"""The loss of a network whose pixels vote for the centre of their cell."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from fastershift.rshn import Votes
from fastershift.training._truth import UNKNOWN

__all__ = ["VoteTargets", "vote_targets", "votes_loss"]

# Weights of the parts; those of votes are large because votes are small numbers.
_VOTE, _PREVIOUS, _NEW, _WIDTH, _SPREAD = 5.0, 1.5, 0.3, 0.5, 0.2

# Errors of votes below this many diameters count by their square.
_SMALL_ERROR = 0.1

# Pixels on either side of an outline that weigh more in the foreground.
_OUTLINE = 2

# The logarithm of the expected error is bounded: it says little beyond.
_LEAST_SPREAD = -5.0


@dataclass(frozen=True)
class VoteTargets:
    """What a network should say of each pixel of a clip.

    All tensors have the frames of all clips along the first axis, (N, Y, X), where N
    counts frame by frame through all clips of a batch.

    Attributes
    ----------
    cell, known : Tensor of bool
        Pixels of cells; pixels of which anything is known.
    own, previous : Tensor of float32
        (N, 2, Y, X) way to the centre in this frame and in the frame before, in cell
        diameters.
    linked, fresh, judged : Tensor of bool
        Cells with a known predecessor; cells without any; either of the two.
    width : Tensor of float32
        Logarithm of the width in diameters.
    share : Tensor of float32
        Weight of a pixel within the sum over all cells, 0 outside of cells.
    outline : Tensor of bool
        Pixels near an outline.
    """

    cell: Tensor
    known: Tensor
    own: Tensor
    previous: Tensor
    linked: Tensor
    fresh: Tensor
    judged: Tensor
    width: Tensor
    share: Tensor
    outline: Tensor

    def last(self, count: int) -> "VoteTargets":
        """Take the targets of the last frames alone."""
        return VoteTargets(*(getattr(self, one.name)[-count:] for one in fields(self)))


def _widths(labels: Tensor, cell: Tensor, index: Tensor, count: int) -> Tensor:
    """Twice the largest distance to the outline, of every cell, in pixels.

    Counts by how many erosions a cell survives, in alternation of a square and a cross,
    which is close to a disc.
    """
    shape = labels.shape
    left = cell.clone()
    same = labels.float()[:, None]
    depth = torch.zeros(shape, device=labels.device)
    for step in range(64):
        if not left.any():
            break
        depth += left
        size, pad = ((3, 3), (1, 1)) if step % 2 else ((1, 3), (0, 1))
        padded = torch.where(left[:, None], same, torch.full_like(same, -9.0))
        high = functional.max_pool2d(padded, size, 1, pad)
        low = -functional.max_pool2d(-padded, size, 1, pad)
        if not step % 2:
            high = torch.maximum(high, functional.max_pool2d(padded, (3, 1), 1, (1, 0)))
            low = torch.minimum(low, -functional.max_pool2d(-padded, (3, 1), 1, (1, 0)))
        left = left & (high == low)[:, 0]
    deepest = torch.zeros(count, device=labels.device).scatter_reduce(
        0, index.flatten(), depth.flatten(), "amax"
    )
    return 2 * deepest[index] - 1


def vote_targets(
    labels: Tensor, predecessors: Sequence[Tensor], diameter: float
) -> VoteTargets:
    """Work out what each pixel should vote for.

    Parameters
    ----------
    labels : Tensor
        (T, B, Y, X) int64; cells 1 to K, 0 background, -1 unknown.
    predecessors : sequence of Tensor
        For each of the B clips (T, K + 1) int64: the cell of the frame before that
        each cell was or came from; 0 without any, -1 unknown.
    diameter : float
        Pixels of a cell diameter.

    Returns
    -------
    VoteTargets
    """
    n_frames, n_clips, height, width = labels.shape
    flat = labels.flatten(0, 1)
    device = labels.device
    most = max(int(flat.max()), *(one.shape[1] - 1 for one in predecessors)) + 1
    cells = flat.clamp(min=0)
    base = torch.arange(n_frames * n_clips, device=device)[:, None, None] * most
    index = base + cells
    count = n_frames * n_clips * most
    sizes = torch.bincount(index.flatten(), minlength=count).float()
    rows = torch.arange(height, dtype=torch.float32, device=device)[:, None]
    columns = torch.arange(width, dtype=torch.float32, device=device)
    centres = []
    for axis in (rows.expand(height, width), columns.expand(height, width)):
        total = torch.zeros(count, device=device).index_add(
            0, index.flatten(), axis.expand_as(flat).flatten()
        )
        centres.append(total / sizes.clamp(min=1))
    before = torch.full((n_frames * n_clips, most), UNKNOWN, device=device)
    for clip, table in enumerate(predecessors):
        before[clip::n_clips, : table.shape[1]] = table.to(device)
    came_from = before.flatten()[index]
    cell = flat > 0
    linked, fresh = cell & (came_from > 0), cell & (came_from == 0)
    earlier = (base - n_clips * most + came_from.clamp(min=0)).clamp(min=0)
    linked &= sizes[earlier] > 0
    here = (rows, columns)
    own, previous = (
        torch.stack([(centres[k][i] - here[k]) / diameter for k in (0, 1)], dim=1)
        for i in (index, earlier)
    )
    share = cell / sizes[index].clamp(min=1).sqrt()
    value = cells.float()[:, None]
    window = 2 * _OUTLINE + 1
    outline = functional.max_pool2d(value, window, 1, _OUTLINE) != -(
        functional.max_pool2d(-value, window, 1, _OUTLINE)
    )
    widths = _widths(flat, cell, index, count).clamp(min=1) / diameter
    return VoteTargets(
        cell,
        flat != UNKNOWN,
        own,
        previous,
        linked,
        fresh,
        linked | fresh,
        widths.log(),
        share,
        outline[:, 0],
    )


def _mean(loss: Tensor, weight: Tensor) -> Tensor:
    return (loss * weight).sum() / weight.sum().clamp(min=1e-6)


def _away(predicted: Tensor, target: Tensor) -> Tensor:
    error = functional.smooth_l1_loss(
        predicted, target, reduction="none", beta=_SMALL_ERROR
    )
    return error.sum(dim=1)


def _one_output(raw: Tensor, targets: VoteTargets, border_weight: float) -> Tensor:
    maps = Votes.of(raw[:, 1:])
    known = targets.known * torch.where(targets.outline, border_weight, 1.0)
    logits = functional.binary_cross_entropy_with_logits
    loss = _mean(logits(raw[:, 0], targets.cell.float(), reduction="none"), known)
    loss = loss + _VOTE * _mean(_away(maps.own, targets.own), targets.share)
    loss = loss + _PREVIOUS * _mean(
        _away(maps.previous, targets.previous), targets.share * targets.linked
    )
    loss = loss + _NEW * _mean(
        logits(maps.new, targets.fresh.float(), reduction="none"),
        targets.share * targets.judged,
    )
    width = functional.smooth_l1_loss(
        maps.width, targets.width, reduction="none", beta=_SMALL_ERROR
    )
    loss = loss + _WIDTH * _mean(width, targets.share)
    # How far votes are off must not change the votes themselves.
    error = (maps.own.detach() - targets.own).norm(dim=1)
    spread = maps.spread.clamp(min=_LEAST_SPREAD)
    return loss + _SPREAD * _mean(error * (-spread).exp() + spread, targets.share)


def votes_loss(
    outputs: Sequence[Tensor],
    labels: Tensor,
    predecessors: Sequence[Tensor],
    *,
    diameter: float,
    border_weight: float = 3.0,
) -> Tensor:
    """Sum over the hourglasses: foreground, votes, width and certainty.

    Votes are compared with the centroid of the visible part of the cell (distance with
    a square below a tenth of a diameter); each cell weighs as the square root of its
    area. The expected error s of a vote that is off by e has the likelihood of an
    exponential distribution, ``e / s + ln s``.

    Parameters
    ----------
    outputs : sequence of Tensor
        (T or fewer, B, C, Y, X) raw outputs of each hourglass for the last frames; the
        logit of being in a cell, then `Votes`.
    labels, predecessors, diameter
        As for `vote_targets`.
    border_weight : float
        Weight in the foreground of pixels within two pixels of an outline.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    .. [1] D. Novotny et al., "Semi-convolutional operators for instance segmentation",
       ECCV 2018.
    .. [2] D. Neven et al., "Instance segmentation by jointly optimizing spatial
       embeddings and clustering bandwidth", CVPR 2019.
    """
    shown = outputs[0].shape[0] * outputs[0].shape[1]
    targets = vote_targets(labels, predecessors, diameter).last(shown)
    losses = [_one_output(raw.flatten(0, 1), targets, border_weight) for raw in outputs]
    return torch.stack(losses).sum()
