"""From the output of the network to embeddings of unit length."""

import torch
from torch import Tensor

from fastershift.rshn._strips import cut

__all__ = ["write_unit"]

# Shorter vectors have no direction.
_SHORTEST = 1e-6


@torch.inference_mode()
def write_unit(raw: Tensor, usable: Tensor, out: Tensor) -> None:
    """Scale embeddings to unit length; where that cannot be, they are background.

    Parameters
    ----------
    raw : Tensor
        (Y, X, C) of any length.
    usable : Tensor
        (Y, X) bool, the pixels that may be something else than background.
    out : Tensor
        (Y, X, C), written to; background is the first axis.
    """
    background = torch.zeros(raw.shape[-1], device=raw.device)
    background[0] = 1
    for _, start, stop in cut(raw[None], len(raw)):
        rows = slice(start, stop)
        vectors = raw[rows].float()
        length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
        known = usable[rows, :, None] & (length > _SHORTEST) & length.isfinite()
        out[rows] = torch.where(known, vectors / length, background)
