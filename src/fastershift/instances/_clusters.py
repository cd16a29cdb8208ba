"""The clusters of a frame pair: of all its vectors, or of a sample of very many."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fastershift.config import ClusterSettings
from fastershift.instances._codes import PairCodes
from fastershift.instances._foreground import Background
from fastershift.instances._seed_number import settled_policy
from fastershift.labels import empty_labels, renumber
from fastershift.meanshift import Clustering, ClusterOptions, SeedPolicy, cluster

__all__ = ["PairClusters", "cluster_codes"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Integers: TypeAlias = npt.NDArray[np.int64]
_Cluster: TypeAlias = Callable[[Tensor], Clustering]


@dataclass(frozen=True)
class PairClusters:
    """What Faster Mean-shift found in a frame pair.

    Attributes
    ----------
    clustering : Clustering
        What it found and how; of more than 2²¹ vectors its labels are those of the
        sample. Clusters of equal size come in the order of their centres.
    image : (F, Y, X) int32
        Number of the mode each pixel belongs to, plus 1; 0 is background.
    seeds : (n,) int64
        Pixels of the seeds, counted in the order frame, row, column.
    sizes : (k,) int64
        Pixels of each cluster that is not background, largest first.
    """

    clustering: Clustering
    image: _Labels
    seeds: _Integers
    sizes: _Integers


def cluster_codes(
    pair: PairCodes,
    settings: ClusterSettings,
    *,
    seeds: npt.ArrayLike | Tensor | None = None,
    policy: SeedPolicy | None = None,
    generator: torch.Generator | None = None,
) -> PairClusters:
    """Cluster the foreground of a frame pair.

    Of more than 2²¹ vectors a random sample of as many is clustered, and the others
    join the nearest mode: modes belong to the whole frame, and so memory need not hold
    all vectors of it.

    Parameters
    ----------
    pair, settings, seeds, policy, generator
        As for `find_instances`.

    Returns
    -------
    PairClusters

    Raises
    ------
    InputError
        For seeds that are not foreground pixels.
    """
    options = _options(settings, pair.background)
    given = None if seeds is None else torch.as_tensor(seeds)

    def clustered(points: Tensor) -> Clustering:
        start = policy
        if policy is None and given is None and not settings.carry_seeds:
            start = settled_policy(points, options, generator)
        return cluster(points, options, seeds=given, policy=start, generator=generator)

    if pair.points is None and given is None:
        found = _of_sample(pair, clustered, generator)
    else:
        found = _of_all(pair, clustered)
    return _without_largest(found) if pair.background == "largest" else found


def _options(settings: ClusterSettings, background: Background) -> ClusterOptions:
    """Select the settings that Faster Mean-shift needs."""
    names = {field.name for field in fields(ClusterOptions)} - {"background"}
    within: Literal["none", "largest"]
    within = "largest" if background == "largest" else "none"
    return ClusterOptions(**settings.model_dump(include=names), background=within)


def _of_all(pair: PairCodes, clustered: _Cluster) -> PairClusters:
    points = pair.codes.all() if pair.points is None else pair.points
    clustering, _ = _in_settled_order(clustered(points))
    image = np.zeros(pair.foreground.shape, dtype=np.int32)
    image[pair.foreground] = (clustering.labels + 1).cpu().numpy()
    seeds = np.flatnonzero(pair.foreground)[clustering.seeds.cpu().numpy()]
    return PairClusters(clustering, image, seeds, clustering.sizes.cpu().numpy())


def _of_sample(
    pair: PairCodes, clustered: _Cluster, generator: torch.Generator | None
) -> PairClusters:
    """Cluster a sample; all others join the nearest mode."""
    drawn = pair.codes.draw(generator)
    found = clustered(pair.codes.at(drawn))
    image = empty_labels(pair.foreground.shape)
    image[...] = 0
    n_modes = len(found.centers)
    sizes = torch.zeros(n_modes, dtype=torch.int64)
    if n_modes:
        centers = functional.normalize(found.centers.to(torch.float32), dim=1).T
        for strip, vectors in pair.codes.by_strips():
            labels = (vectors.to(centers.dtype) @ centers).argmax(dim=1).cpu()
            sizes += torch.bincount(labels, minlength=n_modes)
            image[strip][pair.foreground[strip]] = labels.numpy() + 1
    found = replace(found, sizes=sizes.to(found.sizes.device))
    clustering, ranks = _in_settled_order(found)
    renumber(image, np.concatenate([[0], 1 + ranks]), image)
    seeds = drawn[clustering.seeds].cpu().numpy()
    return PairClusters(clustering, image, seeds, clustering.sizes.cpu().numpy())


def _without_largest(found: PairClusters) -> PairClusters:
    """Make the largest cluster background; the others keep their numbers."""
    if not found.sizes.size:
        return found
    largest = found.sizes.argmax()
    numbers = np.arange(1 + found.sizes.size)
    numbers[1 + largest] = 0
    renumber(found.image, numbers, found.image)
    return replace(found, sizes=np.delete(found.sizes, largest))


def _in_settled_order(
    clustering: Clustering,
) -> tuple[Clustering, _Integers]:
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
