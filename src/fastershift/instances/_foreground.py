"""Which pixels of an embedding belong to cells."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift._compiled import compiled
from fastershift.errors import InputError

__all__ = [
    "Background",
    "as_tensor",
    "foreground_mask",
    "foreground_pixels",
    "unsure_share",
]

#: What is background in an embedding: the pixels along its first axis, as RSHN is
#: trained; the largest cluster; those outside a given mask; or nothing.
Background: TypeAlias = Literal["axis", "largest", "mask", "none"]

# A network is unsure of a pixel that is background with a probability between these.
_UNSURE = (0.2, 0.8)

# More unsure pixels than this, per pixel of cells, say nothing more.
_MOST_UNSURE = 2.0

# Pixels whose vectors are widened at once: these stay in the cache.
_PIXELS = 2**14


def foreground_mask(
    embeddings: npt.ArrayLike | Tensor, threshold: float = 0.5
) -> Tensor:
    """Tell which pixels belong to cells.

    RSHN turns the embedding of background towards its first axis e₁ (Payer et al.
    2019): a pixel is foreground when (e · e₁)² of its unit vector e is small.

    Parameters
    ----------
    embeddings : (..., C, Y, X) array or Tensor
        One vector per pixel, of any length.
    threshold : float
        Foreground lies below this squared cosine, 0 to 1.

    Returns
    -------
    Tensor
        (..., Y, X) bool; False where a vector is zero, NaN or infinite.
    """
    vectors = as_tensor(embeddings)
    rows = vectors.movedim(-3, -1)
    if vectors.device.type == "cpu" and rows.is_contiguous():
        return _mask_of_rows(rows, threshold)
    squared_length = _squared_lengths(vectors)
    along = vectors.select(-3, 0).to(squared_length.dtype).square()
    return (along < threshold * squared_length) & squared_length.isfinite()


def _mask_of_rows(rows: Tensor, threshold: float) -> Tensor:
    """Do the same in one pass; the network leaves the numbers of a pixel in a row."""
    flat = rows.view(-1, rows.shape[-1])
    found = np.empty(len(flat), dtype=np.bool_)
    wide = torch.empty(min(len(flat), _PIXELS), rows.shape[-1], dtype=_wide(rows))
    for start in range(0, len(flat), _PIXELS):
        piece = flat[start : start + _PIXELS]
        part = wide[: len(piece)].copy_(piece)
        _mark_foreground(part.numpy(), threshold, found[start : start + _PIXELS])
    return torch.from_numpy(found).view(rows.shape[:-1])


@compiled
def _mark_foreground(
    rows: npt.NDArray[np.floating[Any]], threshold: float, found: npt.NDArray[np.bool_]
) -> None:
    for i in range(rows.shape[0]):
        along = rows[i, 0] * rows[i, 0]
        square = along
        for k in range(1, rows.shape[1]):
            square += rows[i, k] * rows[i, k]
        found[i] = along < threshold * square and square < np.inf


def as_tensor(embeddings: npt.ArrayLike | Tensor) -> Tensor:
    """Convert embeddings to a floating-point tensor, without a copy where possible."""
    if isinstance(embeddings, Tensor):
        tensor = embeddings
    else:
        array = np.asarray(embeddings)
        tensor = torch.as_tensor(
            array.astype(array.dtype.newbyteorder("="), copy=False)
        )
    return tensor if tensor.is_floating_point() else tensor.to(torch.float32)


def _wide(vectors: Tensor) -> torch.dtype:
    return torch.promote_types(vectors.dtype, torch.float32)


def _squared_lengths(vectors: Tensor) -> Tensor:
    """Return (..., Y, X) in float32 at least, never widening all vectors at once."""
    rows = vectors.movedim(-3, -1)
    total = torch.zeros(rows.shape[:-1], dtype=_wide(vectors), device=rows.device)
    if not rows.is_contiguous():
        for channel in rows.unbind(-1):
            total += channel.to(total.dtype).square()
        return total
    # The network leaves the numbers of a pixel side by side.
    flat, lengths = rows.view(-1, rows.shape[-1]), total.view(-1)
    for start in range(0, len(flat), _PIXELS):
        piece = slice(start, start + _PIXELS)
        torch.linalg.vector_norm(
            flat[piece], dim=1, dtype=total.dtype, out=lengths[piece]
        )
    return total.square_()


def unsure_share(embedding: Tensor) -> float:
    """Tell of how many pixels a network is unsure whether they belong to a cell.

    The square of the first channel of a unit vector is taken for the probability of
    background; unsure is one between 0.2 and 0.8.

    Parameters
    ----------
    embedding : (C, Y, X) Tensor
        Unit vectors of a frame.

    Returns
    -------
    float
        Unsure pixels per pixel of cells, at most 2; 2 where there is no cell.
    """
    background = embedding[0].float().square()
    cells = int((background < 0.5).sum())
    low, high = _UNSURE
    unsure = int(((background > low) & (background < high)).sum())
    return min(_MOST_UNSURE, unsure / cells) if cells else _MOST_UNSURE


def foreground_pixels(
    embeddings: npt.ArrayLike | Tensor,
    threshold: float = 0.5,
    *,
    background: Background = "axis",
    mask: npt.ArrayLike | None = None,
) -> Tensor:
    """Tell which pixels are clustered.

    Parameters
    ----------
    embeddings : (F, C, Y, X) array or Tensor
        One vector per pixel, of any length.
    threshold : float
        As for `foreground_mask`.
    background, mask
        As for `pair_codes`.

    Returns
    -------
    Tensor
        (F, Y, X) bool.

    Raises
    ------
    InputError
        For a mask that is missing or of the wrong size.
    """
    vectors = as_tensor(embeddings)
    if background == "axis":
        return foreground_mask(vectors, threshold)
    squared_length = _squared_lengths(vectors)
    usable = squared_length.isfinite() & (squared_length > 0)
    if background != "mask":
        return usable
    if mask is None:
        raise InputError("Choose the mask layer that marks where the cells are.")
    cells = np.asarray(mask) != 0
    if cells.shape not in (tuple(usable.shape), tuple(usable.shape[1:])):
        raise InputError(
            f"The mask has the shape {cells.shape}, but the frames are "
            f"{tuple(usable.shape[1:])}; choose a mask of the same size."
        )
    return usable & torch.as_tensor(cells, device=usable.device)
