"""From the embeddings of a frame pair to its cells."""

import time
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.errors import InputError
from fastershift.instances._codes import Codes, cluster_sample
from fastershift.instances._foreground import Background, as_tensor, foreground_pixels
from fastershift.instances._join_alike import join_alike
from fastershift.instances._local_modes import local_pieces
from fastershift.instances._pieces import cells_of_pieces, pieces_of_clusters
from fastershift.instances._seed_number import settled_policy
from fastershift.instances._split_large import split_large
from fastershift.labels import renumber
from fastershift.meanshift import Clustering, ClusterOptions, SeedPolicy, cluster

__all__ = ["PairCodes", "PairInstances", "find_instances", "pair_codes"]

_Labels = npt.NDArray[np.int32]

# Vectors of a pair that are clustered; where there are more, a sample stands for them.
_MOST = 2**21


@dataclass(frozen=True)
class PairCodes:
    """What is clustered of a frame pair: all that depends on no setting of it.

    Attributes
    ----------
    foreground : (F, Y, X) bool
        The pixels.
    codes : Codes
        Their vectors.
    points : Tensor or None
        All of them at once; None where these are too many.
    """

    foreground: npt.NDArray[np.bool_]
    codes: Codes
    points: Tensor | None

    @property
    def nbytes(self) -> int:
        """Memory it takes, about."""
        points = 0 if self.points is None else self.points.nbytes
        return self.foreground.nbytes + points


def pair_codes(
    embeddings: npt.ArrayLike | Tensor,
    cluster_settings: ClusterSettings,
    track_settings: TrackSettings,
    *,
    background: Background = "axis",
    mask: npt.ArrayLike | None = None,
) -> PairCodes:
    """Bring the vectors of the foreground of a frame pair together.

    Parameters
    ----------
    embeddings, cluster_settings, track_settings, background, mask
        As for `find_instances`; of the settings `coordinate_weight` and `foreground`
        are used.

    Returns
    -------
    PairCodes

    Raises
    ------
    InputError
        For embeddings or a mask of the wrong shape.
    """
    vectors = as_tensor(embeddings)
    if vectors.ndim != 4 or vectors.shape[0] not in (1, 2) or not vectors.shape[1]:
        raise InputError(
            "Embeddings of a frame pair must have the axes (frame, channel, row, "
            f"column) with one or two frames; these have {tuple(vectors.shape)}."
        )
    foreground = foreground_pixels(
        vectors, track_settings.foreground, background=background, mask=mask
    )
    codes = Codes(vectors, foreground, cluster_settings.coordinate_weight)
    points = codes.all() if len(codes) <= _MOST else None
    return PairCodes(foreground.cpu().numpy(), codes, points)


@dataclass(frozen=True)
class PairInstances:
    """The cells of a pair of consecutive frames.

    Attributes
    ----------
    labels : (F, Y, X) int32
        Cells 1 to M, the same number in both frames; 0 is background.
    clusters : (F, Y, X) int32
        Number of the mode each pixel belongs to, plus 1; 0 is background. One mode
        may serve several cells that do not touch.
    pieces : (F, Y, X) int32
        Connected pieces of the clusters, or of the modes of each place where the
        settings say so, numbered from 1, before small ones are dropped; alike ones
        joined and large ones split where the settings say so.
    clustering : Clustering
        What Faster Mean-shift found and how; of more than 2²¹ vectors its labels are
        those of the sample.
    seed_positions : (n, 3) int64
        Frame of the pair, row and column of every seed.
    sizes : (k,) int64
        Pixels of each cluster that is no background, largest first.
    foreground : float
        Share of the pixels that was clustered, 0 to 1.
    seconds : float
        Wall time, clustering included.
    """

    labels: _Labels
    clusters: _Labels
    pieces: _Labels
    clustering: Clustering
    seed_positions: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    foreground: float
    seconds: float


def find_instances(
    embeddings: npt.ArrayLike | Tensor,
    cluster_settings: ClusterSettings,
    track_settings: TrackSettings,
    *,
    smallest_cell: int,
    background: Background = "axis",
    mask: npt.ArrayLike | None = None,
    seeds: npt.ArrayLike | Tensor | None = None,
    policy: SeedPolicy | None = None,
    generator: torch.Generator | None = None,
    known: PairCodes | None = None,
) -> PairInstances:
    """Cluster the foreground of a frame pair and take the clusters apart into cells.

    Parts of a cluster that touch neither within a frame nor through time are different
    cells (Payer et al. 2019). With `local_modes` the parts are those of modes that are
    looked for once more at every place, see `local_pieces`. Of more than 2²¹ vectors a
    random sample of as many is clustered, and the others join the nearest mode: modes
    belong to the whole frame, and so memory need not hold all vectors of it.

    Parameters
    ----------
    embeddings : (F, C, Y, X) array or Tensor
        Of two consecutive frames, or of a single one; float16 or wider, on any device.
    cluster_settings : ClusterSettings
        All but `random_seed`. With a `coordinate_weight`, rows and columns of the
        array times the weight are appended to the vectors.
    track_settings : TrackSettings
        `foreground` is used.
    smallest_cell : int
        Cells with fewer pixels, summed over the frames, are dropped.
    background : {"axis", "largest", "mask", "none"}
        What is background: pixels along the first axis of the embedding, the largest
        cluster, those outside `mask`, or nothing. Pixels that hold NaN, an infinity or
        a zero vector always are.
    mask : (F, Y, X) or (Y, X) array, optional
        Not zero where there are cells; needed for ``background="mask"``.
    seeds : (n,) int, optional
        Foreground pixels to start from, counted in the order frame, row, column. The
        number of seeds is then not adapted.
    policy : SeedPolicy, optional
        Of the pair before. Without it the number of seeds is settled on a sample of
        this pair, or, with `carry_seeds`, starts from `n_initial`.
    generator : torch.Generator, optional
        For the random draws of seeds; on the CPU.
    known : PairCodes, optional
        What `pair_codes` gave for the same embeddings, background and mask.

    Returns
    -------
    PairInstances
        Cells numbered by their first pixels; without `local_modes` by cluster, and
        within a cluster by their first pixels.

    Raises
    ------
    InputError
        For embeddings or a mask of the wrong shape, or seeds that are no such pixels.
    """
    started = time.perf_counter()
    vectors = as_tensor(embeddings)
    if known is None:
        known = pair_codes(
            vectors, cluster_settings, track_settings, background=background, mask=mask
        )
    codes, pixels = known.codes, known.foreground
    options = _options(cluster_settings, background)

    def clustered(points: Tensor) -> Clustering:
        start = policy
        if policy is None and seeds is None and not cluster_settings.carry_seeds:
            start = settled_policy(points, options, generator)
        return cluster(
            points,
            options,
            seeds=None if seeds is None else torch.as_tensor(seeds),
            policy=start,
            generator=generator,
        )

    if known.points is None and seeds is None:
        clustering, drawn, clusters = cluster_sample(
            codes, pixels, _MOST, clustered, generator
        )
        clustering, ranks = _in_settled_order(clustering)
        numbers = np.concatenate([[0], 1 + ranks])
        started_at = drawn[clustering.seeds].cpu().numpy()
    else:
        points = codes.all() if known.points is None else known.points
        clustering, _ = _in_settled_order(clustered(points))
        clusters = np.zeros(pixels.shape, dtype=np.int32)
        clusters[pixels] = (clustering.labels + 1).cpu().numpy()
        numbers = np.arange(1 + len(clustering.sizes))
        started_at = np.flatnonzero(pixels)[clustering.seeds.cpu().numpy()]
    sizes = clustering.sizes.cpu().numpy()
    if background == "largest" and sizes.size:
        numbers[numbers == 1 + sizes.argmax()] = 0
        sizes = np.delete(sizes, sizes.argmax())
    if not np.array_equal(numbers, np.arange(len(numbers))):
        renumber(clusters, numbers, clusters)
    together = None if known.points is None else (pixels, known.points)
    # Where the background is a piece, too, pieces do not tell how large cells are.
    if cluster_settings.local_modes and background != "none":
        pieces = local_pieces(clusters, vectors, cluster_settings.bandwidth, together)
    else:
        pieces = pieces_of_clusters(clusters)
    if cluster_settings.join_alike:
        pieces = join_alike(pieces, vectors, cluster_settings.bandwidth, together)
    if cluster_settings.split_large:
        pieces = split_large(pieces, vectors, cluster_settings, together)
    return PairInstances(
        labels=cells_of_pieces(pieces, smallest_cell),
        clusters=clusters,
        pieces=pieces,
        clustering=clustering,
        seed_positions=np.column_stack(np.unravel_index(started_at, pixels.shape)),
        sizes=sizes,
        foreground=float(pixels.mean()) if pixels.size else 0.0,
        seconds=time.perf_counter() - started,
    )


def _options(settings: ClusterSettings, background: Background) -> ClusterOptions:
    """Take from the settings what Faster Mean-shift needs to know."""
    names = {field.name for field in fields(ClusterOptions)} - {"background"}
    within: Literal["none", "largest"]
    within = "largest" if background == "largest" else "none"
    return ClusterOptions(**settings.model_dump(include=names), background=within)


def _in_settled_order(
    clustering: Clustering,
) -> tuple[Clustering, npt.NDArray[np.int64]]:
    """Order clusters of equal size by their centres, not by the order of the draws.

    Returns
    -------
    clustering : Clustering
        In the new order.
    ranks : (k,) int64
        New number of each former one.
    """
    sizes = clustering.sizes.cpu().numpy()
    if not sizes.size:
        return clustering, sizes
    ties = np.cumsum(np.diff(sizes, prepend=sizes[0]) != 0)
    centers = clustering.centers.cpu().numpy()
    order = np.lexsort([*(-centers.T[::-1]), ties])
    # One more entry, so that -1 for "no cluster" stays -1.
    rank = np.full(sizes.size + 1, -1)
    rank[order] = np.arange(sizes.size)
    ranks, rows = (
        torch.as_tensor(numbers, device=clustering.labels.device)
        for numbers in (rank, order)
    )
    settled = replace(
        clustering,
        labels=ranks[clustering.labels],
        centers=clustering.centers[rows],
        sizes=clustering.sizes[rows],
        seed_modes=ranks[clustering.seed_modes],
    )
    return settled, rank[:-1]
