"""The cosine embedding loss of Payer et al. (2019)."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from fastershift.rshn import normalise_embedding

__all__ = [
    "Attraction",
    "Balance",
    "background_loss",
    "embedding_loss",
    "instance_loss",
]

#: "squared" is the published loss, to which e and -e are the same; "signed" tells them
#: apart, as the clustering does.
Attraction = Literal["squared", "signed"]

#: "class" is the published loss, in which background and cells weigh the same however
#: many pixels they have; "pixel" weighs all pixels alike, so that outlines are not
#: drawn towards the rarer of the two.
Balance = Literal["class", "pixel"]


def instance_loss(
    embeddings: Tensor,
    instances: Tensor,
    others: Tensor,
    attraction: Attraction = "squared",
) -> Tensor:
    """Pull the pixels of a cell together and push them from those of its neighbours.

    For instance i with pixels S_i, mean direction h_i of their raw embeddings and the
    pixels N_i of its neighbours,
    ``l_i = mean_{S_i} (1 - cos²(h_i, e_p)) + mean_{N_i} cos²(h_i, e_p)``; the loss is
    the mean over all instances that have pixels. With ``"signed"`` the first term is
    ``1 - cos`` and the second counts positive cosines only.

    Parameters
    ----------
    embeddings : Tensor
        (n, C) raw embeddings of the pixels of all instances.
    instances : Tensor
        (n,) int64, number of the instance of each pixel, from 0.
    others : Tensor
        (n, K) bool; column i marks the pixels of the neighbours of instance i.
    attraction : {"squared", "signed"}
        See `Attraction`.

    Returns
    -------
    Tensor
        Scalar; 0 without pixels.

    References
    ----------
    .. [1] C. Payer et al., Medical Image Analysis 57, 2019, section 3.2.
    """
    if embeddings.shape[0] == 0:
        return embeddings.sum()
    count = others.shape[1]
    unit = normalise_embedding(embeddings)
    size = torch.bincount(instances, minlength=count).to(unit.dtype)
    total = unit.new_zeros(count, unit.shape[1]).index_add(0, instances, embeddings)
    directions = normalise_embedding(total / size.clamp(min=1)[:, None])
    cosine = unit @ directions.T
    own = cosine.gather(1, instances[:, None])[:, 0]
    if attraction == "squared":
        spread, overlap = 1 - own.square(), cosine.square()
    else:
        spread, overlap = 1 - own, cosine.clamp(min=0).square()
    within = unit.new_zeros(count).index_add(0, instances, spread) / size.clamp(min=1)
    weight = others.to(unit.dtype)
    between = (overlap * weight).sum(0) / weight.sum(0).clamp(min=1)
    return (within + between)[size > 0].mean()


def background_loss(
    embeddings: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    balance: Balance = "class",
) -> Tensor:
    """Pull background to the first axis of the embedding, and cells away from it.

    ``mean_{bg} (1 - e_{p,1}²) + mean_{fg} e_{p,1}²``; with ``"pixel"`` both sums are
    divided by half of all pixels instead of each by its own.

    Parameters
    ----------
    embeddings : Tensor
        (n, C) raw embeddings.
    labels : Tensor
        (n,) integer; 0 background, positive cells, negative left out.
    weights : Tensor, optional
        (n,) weight of each pixel; all equal without it.
    balance : {"class", "pixel"}
        See `Balance`.

    Returns
    -------
    Tensor
        Scalar. A term without pixels is 0.

    References
    ----------
    .. [1] C. Payer et al., Medical Image Analysis 57, 2019, section 3.2.
    """
    aligned = normalise_embedding(embeddings)[:, 0].square()
    weights = torch.ones_like(aligned) if weights is None else weights
    known = (weights * (labels >= 0)).sum() / 2
    loss = aligned.new_zeros(())
    for chosen, distance in ((labels == 0, 1 - aligned), (labels > 0, aligned)):
        weight = weights * chosen
        total = weight.sum() if balance == "class" else known
        loss = loss + (weight * distance).sum() / total.clamp(min=1e-6)
    return loss


def _border_weights(labels: Tensor, weight: float) -> Tensor:
    """Weigh pixels that lie where cells meet background or each other (F, Y, X)."""
    values = labels.clamp(min=0).to(torch.float32)[:, None]
    highest = functional.max_pool2d(values, 5, stride=1, padding=2)
    lowest = -functional.max_pool2d(-values, 5, stride=1, padding=2)
    return torch.where(highest != lowest, weight, 1.0)[:, 0]


def embedding_loss(
    outputs: tuple[Tensor, ...],
    labels: Tensor,
    neighbours: tuple[Tensor, ...],
    *,
    attraction: Attraction = "squared",
    border_weight: float = 1.0,
    balance: Balance = "class",
) -> Tensor:
    """Sum the background and instance losses over all supervised outputs.

    Parameters
    ----------
    outputs : tuple of Tensor
        Raw embeddings (T, B, C, Y, X), one for each hourglass.
    labels : Tensor
        (T, B, Y, X) int64; cells of clip b are numbered 1 to K_b in all its frames, 0
        is background, negative is unknown and left out.
    neighbours : tuple of Tensor
        For each clip a (K_b, K_b) bool matrix: which cells repel each other.
    attraction : {"squared", "signed"}
        See `Attraction`.
    border_weight : float
        Weight of the pixels within two pixels of an outline in the background term
        (published: 1).
    balance : {"class", "pixel"}
        See `Balance`.

    Returns
    -------
    Tensor
        Scalar.
    """
    weights = _border_weights(labels.flatten(0, 1), border_weight).flatten()
    blocks = (matrix.to(torch.uint8) for matrix in neighbours)
    together = torch.block_diag(*blocks).bool()  # type: ignore[no-untyped-call]
    offsets = labels.new_tensor([0, *(len(matrix) for matrix in neighbours[:-1])])
    instances = labels + offsets.cumsum(0)[None, :, None, None] - 1
    cells = (labels > 0).flatten()
    flat_labels, flat_instances = labels.flatten(), instances.flatten()[cells]
    others = together.T[flat_instances]
    loss = outputs[0].new_zeros(())
    for output in outputs:
        pixels = output.movedim(2, -1).flatten(0, -2)
        loss = loss + background_loss(pixels, flat_labels, weights, balance)
        loss = loss + instance_loss(pixels[cells], flat_instances, others, attraction)
    return loss
