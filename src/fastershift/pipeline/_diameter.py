"""The cells of a single image, and how large they are."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from fastershift.config import Settings
from fastershift.instances import (
    find_instances,
    find_voted_instances,
    pair_codes,
    pair_voters,
)
from fastershift.pipeline._sources import EmbeddedPair, NetworkSource
from fastershift.rshn import Embedder, Model

__all__ = [
    "embed_stills",
    "segment_pair",
    "smallest_cell",
    "whole_cells",
]


def smallest_cell(settings: Settings, diameter: float) -> float:
    """Smallest cell of one frame in the pixels in which the diameter is given."""
    pixels = settings.track.smallest_cell_pixels
    if pixels is not None:
        # Published sizes are summed over both frames of a pair.
        return pixels / 2
    return settings.track.smallest_cell * math.pi / 4 * diameter**2


def embed_stills(
    images: Sequence[npt.NDArray[np.generic]],
    model: Model,
    settings: Settings,
    *,
    device: str,
) -> list[EmbeddedPair]:
    """Embed single images, all together.

    Parameters
    ----------
    images : sequence of (Y, X) arrays
        Frames, or parts of frames, of one shape.
    model : Model
        The network.
    settings : Settings
        With a diameter in numbers.
    device : str
        As for `Embedder`.

    Returns
    -------
    list of EmbeddedPair
        Of one frame each.
    """
    height, width = images[0].shape
    embedder = Embedder(model, settings.embed, (height, width), device=device)
    embeddings = embedder.embed_alone(images)
    source = NetworkSource(embedder, images)
    return [
        source.as_pair(number, embedding[None], 0.0)
        for number, embedding in enumerate(embeddings)
    ]


def segment_pair(
    pair: EmbeddedPair, model: Model, settings: Settings, least_certainty: float = 0.0
) -> npt.NDArray[np.int32]:
    """Find the cells of a single image.

    What a model takes for cells and is not certain of tells most about whether it knows
    the image, so nothing is removed by default.

    Parameters
    ----------
    pair : EmbeddedPair
        What `embed_stills` gives.
    model, settings
        As for `embed_stills`.
    least_certainty : float
        As for `find_voted_instances`.

    Returns
    -------
    (y, x) int32
        Cells, in pixels of the network; 0 is background.
    """
    smallest = max(1, round(smallest_cell(settings, model.card.diameter)))
    cluster, track = settings.cluster, settings.track
    if pair.votes is not None:
        voters = pair_voters(pair.embeddings, pair.votes, track)
        found = find_voted_instances(
            voters,
            cluster,
            smallest_cell=smallest,
            least_certainty=least_certainty,
        )
    else:
        found = find_instances(
            pair_codes(pair.embeddings, cluster, track),
            cluster,
            smallest_cell=smallest,
            generator=torch.Generator().manual_seed(cluster.random_seed),
        )
    labels: npt.NDArray[np.int32] = found.labels[0]
    return labels


def whole_cells(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Diameters of the discs as large as the cells that the frame does not cut."""
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        areas[edge] = 0
    diameters: npt.NDArray[np.float64] = np.sqrt(areas[areas > 0] * 4 / math.pi)
    return diameters
