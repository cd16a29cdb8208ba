"""Where seeds converged, and why two pixels are one cell or two."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fastershift.errors import InputError
from fastershift.pipeline import EmbeddedPair, PairCells, Plan
from fastershift.session.views._frame import (
    Pixel,
    network_pixel,
    pair_foreground,
    unit_codes,
)

__all__ = ["SeedMap", "explain_pixels", "map_seeds"]


@dataclass(frozen=True)
class SeedMap:
    """Seeds of a pair of frames and where they ended.

    Attributes
    ----------
    seeds : (n, 3) float64
        Frame of the movie, row and column in image pixels where each seed started.
    clusters : (n,) int64
        Number of the cluster that each seed ended in, from 1; 0 where the seed was
        discarded, because it was still on its way.
    modes : (m, 3) float64
        Pixel of the frame in view whose vector is the nearest to each mode.
    mode_clusters : (m,) int64
        Their numbers.
    """

    seeds: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    modes: npt.NDArray[np.float64]
    mode_clusters: npt.NDArray[np.int64]


def map_seeds(plan: Plan, pair: EmbeddedPair, cells: PairCells, frame: int) -> SeedMap:
    """Tell where the seeds of a pair started and which mode each of them reached.

    Parameters
    ----------
    plan : Plan
        The run.
    pair : EmbeddedPair
        Embeddings of the pair.
    cells : PairCells
        What was found in it.
    frame : int
        The frame of the pair in which modes are shown.

    Returns
    -------
    SeedMap
        A mode is left out where no pixel of the frame belongs to it.
    """
    part = cells.parts[0]
    reached = part.clustering.seed_modes.cpu().numpy() + 1
    seeds = part.seed_positions.astype(np.float64)
    seeds[:, 0] += pair.frame
    seeds[:, 1:] = _image_places(plan, seeds[:, 1:])
    place = frame - pair.frame
    codes = unit_codes(plan, pair.embeddings[place])
    centers = torch.nn.functional.normalize(part.clustering.centers, dim=1)
    clusters = part.clusters[place]
    modes, numbers = [], []
    for number in np.unique(clusters[clusters > 0]).tolist():
        inside = np.argwhere(clusters == number)
        rows, columns = (torch.as_tensor(one, device=codes.device) for one in inside.T)
        best = int((centers[number - 1] @ codes[:, rows, columns]).argmax())
        modes.append(inside[best])
        numbers.append(number)
    places = _image_places(plan, np.array(modes, dtype=np.float64).reshape(-1, 2))
    return SeedMap(
        seeds,
        reached,
        np.column_stack([np.full(len(modes), float(frame)), places]),
        np.array(numbers, dtype=np.int64),
    )


def _image_places(
    plan: Plan, places: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Bring (n, 2) rows and columns from network to image pixels."""
    source = np.array(plan.source.shape, dtype=np.float64)
    image = np.array(plan.frame_shape, dtype=np.float64)
    scale = image * plan.settings.embed.zoom / source
    return (places - (source - 1) / 2) * scale + (image - 1) / 2


def explain_pixels(
    plan: Plan, pair: EmbeddedPair, cells: PairCells, first: Pixel, second: Pixel
) -> str:
    """Say in a sentence why two pixels are one cell or two.

    Parameters
    ----------
    plan : Plan
        The run.
    pair : EmbeddedPair
        Embeddings of the pair that both pixels lie in.
    cells : PairCells
        What was found in it.
    first, second : Pixel
        In image pixels.

    Returns
    -------
    str
        Their similarity against the bandwidth h, and what follows from it.

    Raises
    ------
    InputError
        For a pixel that is not there, or in neither frame of the pair.
    """
    both = [_looked_up(plan, pair, pixel) for pixel in (first, second)]
    codes = [unit_codes(plan, pair.embeddings[t])[:, y, x] for t, y, x in both]
    foreground = pair_foreground(plan, pair.frame, pair.embeddings)
    outside = [not foreground[place] for place in both]
    if any(outside):
        which = "Both pixels are" if all(outside) else _which(outside) + " is"
        return f"{which} background, so there is no cell to belong to."
    similarity = float(codes[0] @ codes[1])
    bandwidth = plan.settings.cluster.bandwidth
    apart = 1 - similarity
    measured = f"similarity {similarity:.3f}, 1 − h = {1 - bandwidth:.3f}"
    labels = [int(cells.labels[t][y, x]) for t, y, x in both]
    clusters = [int(cells.clusters[t][y, x]) for t, y, x in both]
    if labels[0] and labels[0] == labels[1]:
        return f"They are one cell ({measured})."
    if 0 in labels:
        lost = _which([not label for label in labels])
        least = plan.settings.track.least_certainty
        if _certainty(cells, both[labels.index(0)]) < least:
            return (
                f"{lost} belongs to a piece of which the model is not certain enough: "
                f"Least certainty is {least:g} ({measured})."
            )
        largest = plan.background == "largest"
        other = " or to the largest cluster, which is background" * largest
        return (
            f"{lost} belongs to a piece that is too small for a cell{other} "
            f"({measured})."
        )
    if clusters[0] == clusters[1]:
        return (
            f"They belong to one cluster ({measured}), but its parts do not touch, in "
            "this frame or the other of the pair, so they are two cells."
        )
    if apart > bandwidth:
        return (
            f"They are two cells because their vectors are too different ({measured}): "
            f"h would have to be about {apart:.2f} to connect them."
        )
    centers = torch.nn.functional.normalize(cells.parts[0].clustering.centers, dim=1)
    modes = float(centers[clusters[0] - 1] @ centers[clusters[1] - 1])
    return (
        f"Their vectors are similar ({measured}), but each is closer to another mode, "
        f"and the two modes are {1 - modes:.2f} apart: with h above that they would be "
        "one cluster."
    )


def _certainty(cells: PairCells, place: tuple[int, int, int]) -> float:
    """Tell how certain the piece at a place is; what is not known is no obstacle."""
    frame, row, column = place
    piece = int(cells.pieces[frame][row, column])
    if cells.certainty is None or not piece:
        return 1.0
    return float(cells.certainty[piece])


def _looked_up(plan: Plan, pair: EmbeddedPair, pixel: Pixel) -> tuple[int, int, int]:
    place = pixel.frame - pair.frame
    if not 0 <= place < len(pair.embeddings):
        raise InputError("Click two pixels of one frame, or of two successive frames.")
    return place, *network_pixel(plan, pixel)


def _which(marked: list[bool]) -> str:
    return "The first pixel" if marked[0] else "The second pixel"
