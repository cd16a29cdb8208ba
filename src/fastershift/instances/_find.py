"""From the embeddings of a frame pair to its cells."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.config import ClusterSettings
from fastershift.instances._clusters import cluster_codes
from fastershift.instances._codes import PairCodes
from fastershift.instances._join_alike import join_alike
from fastershift.instances._local_modes import local_pieces
from fastershift.instances._pieces import cells_of_pieces, pieces_of_clusters
from fastershift.instances._split_large import split_large
from fastershift.labels import LabelImages
from fastershift.meanshift import Clustering, SeedPolicy

__all__ = ["PairInstances", "find_instances"]

_Labels: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PairInstances:
    """The cells of a pair of consecutive frames.

    Attributes
    ----------
    labels : (F, Y, X) LabelImages
        Cells 1 to M, the same number in both frames; 0 is background.
    clusters : (F, Y, X) LabelImages
        Number of the mode each pixel belongs to, plus 1; 0 is background. One mode
        may serve several cells that do not touch.
    pieces : (F, Y, X) LabelImages
        Connected pieces of the clusters, or of the modes of each place where the
        settings say so, numbered from 1, before small ones are dropped; alike ones
        joined and large ones split where the settings say so.
    clustering : Clustering
        What Faster Mean-shift found and how; of more than 2²¹ vectors its labels are
        those of the sample.
    seed_positions : (n, 3) int64
        Frame of the pair, row and column of every seed.
    sizes : (k,) int64
        Pixels of each cluster that is not background, largest first.
    foreground : float
        Share of the pixels that were clustered, 0 to 1.
    certainty : (K + 1,) float64, optional
        See `cell_certainty`; not known of embeddings that are compared by cosine.
    """

    labels: LabelImages
    clusters: LabelImages
    pieces: LabelImages
    clustering: Clustering
    seed_positions: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    foreground: float
    certainty: npt.NDArray[np.float64] | None = None


def find_instances(
    pair: PairCodes,
    settings: ClusterSettings,
    *,
    smallest_cell: int,
    seeds: npt.ArrayLike | Tensor | None = None,
    policy: SeedPolicy | None = None,
    generator: torch.Generator | None = None,
) -> PairInstances:
    """Cluster the foreground of a frame pair and take the clusters apart into cells.

    Parts of a cluster that touch neither within a frame nor through time are different
    cells (Payer et al. 2019). With `local_modes` the parts are those of modes that are
    looked for once more at every place, see `local_pieces`. Of more than 2²¹ vectors a
    random sample of as many is clustered, and the others join the nearest mode.

    Parameters
    ----------
    pair : PairCodes
        What is clustered, from `pair_codes`.
    settings : ClusterSettings
        All but `random_seed` and `coordinate_weight`.
    smallest_cell : int
        Cells with fewer pixels, summed over the frames, are dropped.
    seeds : (n,) int, optional
        Foreground pixels to start from, counted in the order frame, row, column. The
        number of seeds is then not adapted.
    policy : SeedPolicy, optional
        Of the pair before. Without it the number of seeds is settled on a sample of
        this pair, or, with `carry_seeds`, starts from `n_initial`.
    generator : torch.Generator, optional
        For the random draws of seeds; on the CPU.

    Returns
    -------
    PairInstances
        Cells numbered by their first pixels; without `local_modes` by cluster, and
        within a cluster by their first pixels.

    Raises
    ------
    InputError
        For seeds that are not foreground pixels.
    """
    found = cluster_codes(
        pair, settings, seeds=seeds, policy=policy, generator=generator
    )
    pieces = _pieces(found.image, pair, settings)
    shape = pair.foreground.shape
    return PairInstances(
        labels=cells_of_pieces(pieces, smallest_cell),
        clusters=found.image,
        pieces=pieces,
        clustering=found.clustering,
        seed_positions=np.column_stack(np.unravel_index(found.seeds, shape)),
        sizes=found.sizes,
        foreground=float(pair.foreground.mean()) if pair.foreground.size else 0.0,
    )


def _pieces(clusters: _Labels, pair: PairCodes, settings: ClusterSettings) -> _Labels:
    """Take clusters apart into connected pieces as the settings ask for it."""
    vectors, together, bandwidth = pair.vectors, pair.together, settings.bandwidth
    # Where the background is a piece, too, pieces do not tell how large cells are.
    if settings.local_modes and pair.background != "none":
        pieces = local_pieces(clusters, vectors, bandwidth, together)
    else:
        pieces = pieces_of_clusters(clusters)
    if settings.join_alike:
        pieces = join_alike(pieces, vectors, bandwidth, together)
    if settings.split_large:
        pieces = split_large(pieces, vectors, bandwidth, together)
    return pieces
