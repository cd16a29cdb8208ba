"""What all views of the embedding share: a frame, its pixels and its vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.errors import InputError
from fastershift.instances import foreground_pixels
from fastershift.labels import nearest_pixels
from fastershift.pipeline import EmbeddedPair, NetworkEmbeddings, Plan

__all__ = [
    "Pixel",
    "embedded_pair",
    "embedded_run",
    "network_pixel",
    "pair_foreground",
    "to_pixels",
    "unit_codes",
]


@dataclass(frozen=True)
class Pixel:
    """A pixel of the movie: frame, row and column, counted from 0."""

    frame: int
    row: int
    column: int


_Values: TypeAlias = npt.NDArray[Any]


def embedded_pair(plan: Plan, frame: int) -> Iterator[EmbeddedPair | None]:
    """Embed the pair that starts with a frame.

    Parameters
    ----------
    plan : Plan
        A run; what its cache holds is used again.
    frame : int
        Counted from 0.

    Yields
    ------
    EmbeddedPair or None
        None any number of times, each a place to stop; then the pair.

    Raises
    ------
    InputError
        Where tiles have embeddings of their own, and for a frame there is not.
    """
    if plan.settings.track.merge_tiles:
        raise InputError(
            "With the published tiles a frame does not have a single "
            "embedding; choose the default profile for the views."
        )
    last = plan.source.n_frames - 1
    if not 0 <= frame <= last:
        raise InputError(f"There is no frame {frame}; the last one is {last}.")
    yield from plan.source.pair(min(frame, max(0, last - 1)))


def embedded_run(
    plan: Plan, frame: int, ahead: int
) -> Iterator[tuple[int, Tensor] | None]:
    """Embed a frame and those after it as long as they come from one recurrent state.

    Parameters
    ----------
    plan, frame
        As for `embedded_pair`.
    ahead : int
        Most frames after it.

    Yields
    ------
    tuple of int and Tensor, or None
        None at places to stop; the number of a frame and its (C, Y, X) embedding.

    Raises
    ------
    InputError
        As `embedded_pair`.
    """
    last = plan.source.n_frames - 1
    first = min(frame, max(0, last - 1))
    stop = min(last, frame + ahead)
    if isinstance(plan.source, NetworkEmbeddings):
        embedder = plan.source.embedder
        block = embedder.block_frames(embedder.block_of(first), plan.source.n_frames)
        stop = min(stop, block[-1])
    told = frame - 1
    for start in range(first, max(first + 1, stop)):
        for pair in embedded_pair(plan, start):
            if pair is None:
                yield None
                continue
            for place, embedding in enumerate(pair.embeddings):
                if told < start + place <= stop:
                    told = start + place
                    yield told, embedding


def unit_codes(plan: Plan, embedding: Tensor) -> Tensor:
    """Return the vectors that are clustered, at unit length.

    Parameters
    ----------
    plan : Plan
        Whose `coordinate_weight` counts.
    embedding : (C, Y, X) Tensor
        Of one frame.

    Returns
    -------
    (C or C + 2, Y, X) float32 Tensor
        Zero where a vector is zero or not finite.
    """
    codes = embedding.to(torch.float32)
    weight = plan.settings.cluster.coordinate_weight
    if weight:
        grid = torch.meshgrid(
            *(
                torch.arange(float(side), device=codes.device)
                for side in codes.shape[1:]
            ),
            indexing="ij",
        )
        codes = torch.cat([codes, weight * torch.stack(grid)])
    unit = torch.nn.functional.normalize(codes, dim=0)
    return torch.nan_to_num(unit, nan=0.0, posinf=0.0, neginf=0.0)


def pair_foreground(
    plan: Plan, frame: int, embeddings: Tensor
) -> npt.NDArray[np.bool_]:
    """Tell which pixels of frames that follow each other are clustered.

    Parameters
    ----------
    plan : Plan
        The run.
    frame : int
        The first of them.
    embeddings : (F, C, Y, X) Tensor
        Their embeddings.

    Returns
    -------
    (F, Y, X) bool
    """
    mask = plan.mask
    if mask is not None and mask.ndim == 3:
        shown = range(frame, frame + len(embeddings))
        mask = np.stack([np.asarray(mask[t]) for t in shown])
    found = foreground_pixels(
        embeddings,
        plan.settings.track.foreground,
        background=plan.background,
        mask=mask,
    )
    return np.asarray(found.cpu().numpy(), dtype=bool)


def to_pixels(plan: Plan, values: _Values, rim: Any = 0) -> _Values:
    """Bring values from network to image pixels, each from the nearest one.

    Parameters
    ----------
    plan : Plan
        The run.
    values : (y, x, ...) array
        At the size of the embeddings.
    rim : number
        What stands where the network has not looked.

    Returns
    -------
    (Y, X, ...) array
    """
    rows, columns, covered = nearest_pixels(
        plan.source.shape, plan.frame_shape, zoom=plan.settings.embed.zoom
    )
    taken = values[np.ix_(rows, columns)]
    taken[~covered] = rim
    return taken


def network_pixel(plan: Plan, pixel: Pixel) -> tuple[int, int]:
    """Return row and column of the network's frame under a pixel of the image.

    Raises
    ------
    InputError
        For a pixel outside the image, or where the network has not looked.
    """
    rows, columns, covered = nearest_pixels(
        plan.source.shape, plan.frame_shape, zoom=plan.settings.embed.zoom
    )
    height, width = covered.shape
    inside = 0 <= pixel.row < height and 0 <= pixel.column < width
    if not inside or not covered[pixel.row, pixel.column]:
        raise InputError("Click inside the image.")
    return int(rows[pixel.row]), int(columns[pixel.column])
