"""The algorithms that Faster Mean-shift is compared with, in our own words.

All of them cluster by cosine with a flat window of radius h, merge modes that lie
within h of a better supported one, and give every point to its nearest mode. They
differ in how many points move, in how a step is computed and in when it ends.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import MeanShift
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from fastershift.meanshift import FasterMeanShift, n_min

__all__ = [
    "PEERS",
    "Peer",
    "fully_parallel",
    "hybrid",
    "ours",
    "published",
    "rshn_authors",
    "scikit_learn",
]

Labels = npt.NDArray[np.int64]
#: Points (n, d), bandwidth, seed of the draws, seeds of the first round -> labels.
Peer = Callable[[Tensor, float, int, int], Labels]

_MAX_ITER = 300
# Bounds on N_min and the factors L and H of the public code.
_FEWEST, _MOST, _LOW, _HIGH = 32, 256, 2, 8
# Bytes of a tensor of seeds x points x dimensions that are held at once. The public
# code holds all of it; cutting it up by seeds changes no number, and spares a machine
# that does not have the gigabytes.
_HELD = 2**29


def _draw(n: int, n_seeds: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(n, generator=generator)[:n_seeds]


def _merged(
    modes: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], bandwidth: float
) -> npt.NDArray[np.float64]:
    """Keep modes that lie within the bandwidth of no better supported one."""
    unit = modes / np.linalg.norm(modes, axis=1, keepdims=True)
    kept: list[int] = []
    for index in np.argsort(-counts, kind="stable"):
        if not kept or (unit[kept] @ unit[index]).max() < 1 - bandwidth:
            kept.append(int(index))
    centers: npt.NDArray[np.float64] = unit[kept]
    return centers


def _nearest(
    points: npt.NDArray[np.floating], modes: npt.NDArray[np.float64]
) -> Labels:
    """Give every point to the nearest mode, as scikit-learn does it."""
    search = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute")
    labels: Labels = search.fit(modes).kneighbors(points, return_distance=False)[:, 0]
    return labels


def scikit_learn(points: Tensor, bandwidth: float, seed: int, n_seeds: int) -> Labels:
    """`MeanShift` of scikit-learn, started from as many seeds as the others.

    Its windows are Euclidean; on unit vectors a cosine distance h is a Euclidean
    distance of the square root of 2 h.
    """
    unit = torch.nn.functional.normalize(points.cpu(), dim=1).numpy()
    starts = unit[_draw(len(unit), n_seeds, seed).numpy()]
    fitted = MeanShift(bandwidth=math.sqrt(2 * bandwidth), seeds=starts).fit(unit)
    labels: Labels = fitted.labels_
    return labels


def rshn_authors(points: Tensor, bandwidth: float, seed: int, n_seeds: int) -> Labels:
    """Mean-shift as in the public code of RSHN (Payer et al. 2019).

    Seeds move one after the other; the points of each window are searched by brute
    force with scikit-learn, in cosine distance.
    """
    vectors = points.cpu().double().numpy()
    search = NearestNeighbors(radius=bandwidth, metric="cosine", algorithm="brute")
    search.fit(vectors)
    modes, counts = [], []
    for row in _draw(len(vectors), n_seeds, seed).numpy():
        position = vectors[row]
        for _ in range(_MAX_ITER):
            inside = search.radius_neighbors([position], return_distance=False)[0]
            before, position = position, vectors[inside].mean(axis=0)
            if np.linalg.norm(position - before) < 1e-3 * bandwidth:
                break
        modes.append(position)
        counts.append(len(inside))
    return _nearest(
        vectors, _merged(np.array(modes), np.array(counts, dtype=float), bandwidth)
    )


@dataclass(frozen=True)
class _Step:
    """One shift of all seeds in the published arithmetic."""

    vectors: Tensor
    lengths: Tensor
    bandwidth: float

    @classmethod
    def of(cls, points: Tensor, bandwidth: float) -> "_Step":
        wide = points.double()
        return cls(wide, torch.linalg.vector_norm(wide, dim=1), bandwidth)

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Mask all points for each seed, multiply, and sum over the points."""
        n, dimensions = self.vectors.shape
        held = max(1, _HELD // (8 * n * dimensions))
        means, counts = [], []
        for some in torch.split(positions, held):
            products = some @ self.vectors.T
            lengths = torch.linalg.vector_norm(some, dim=1)
            similarity = products / (lengths[:, None] * self.lengths)
            inside = (similarity > 1 - self.bandwidth).double()
            # Seeds x points x dimensions.
            sums = (inside[:, :, None] * self.vectors).sum(dim=1)
            count = inside.sum(dim=1)
            means.append(sums / count[:, None])
            counts.append(count)
        return torch.cat(means), torch.cat(counts)


def _shifted(step: _Step, seeds: Tensor) -> tuple[Tensor, Tensor]:
    """Shift all seeds until their mean movement is small."""
    positions = seeds
    for _ in range(_MAX_ITER):
        before = positions
        positions, counts = step(before)
        moved = torch.linalg.vector_norm(positions - before, dim=1).mean()
        if moved.item() < 1e-3 * step.bandwidth:
            break
    return positions, counts


def published(points: Tensor, bandwidth: float, seed: int, n_seeds: int) -> Labels:
    """Faster Mean-shift with the arithmetic of its public code (Zhao et al. 2021).

    Float64; a tensor of seeds x points x dimensions; all seeds move until their mean
    movement is small; the modes of all rounds are merged; the points are assigned on
    the CPU in every round; while there are fewer than L·N_min seeds, twice as many are
    drawn anew. N_min lies between 32 and 256, and the largest cluster counts as
    background.
    """
    step = _Step.of(points, bandwidth)
    host = points.cpu().double().numpy()
    modes = np.empty((0, points.shape[1]))
    counts = np.empty(0)
    n = len(points)
    while True:
        rows = _draw(n, n_seeds, seed + n_seeds).to(points.device)
        positions, support = _shifted(step, step.vectors[rows])
        modes = np.concatenate([modes, positions.cpu().numpy()])
        counts = np.concatenate([counts, support.cpu().numpy()])
        centers = _merged(modes, counts, bandwidth)
        labels = _nearest(host, centers)
        share = 1 - np.bincount(labels, minlength=1)[0] / n
        needed = float(_FEWEST)
        if share >= 0.1:
            needed = min(_MOST, max(_FEWEST, n_min(len(centers), share, 0.95)))
        if _LOW * int(needed) <= n_seeds or n_seeds >= n:
            return labels
        n_seeds = min(n, 2 * n_seeds)


def hybrid(points: Tensor, bandwidth: float, seed: int, n_seeds: int) -> Labels:
    """GPU_H: every point moves on the device, regions are fused on the CPU.

    The shift of a point is one product with all others; modes come back to the CPU
    after each step, where those that coincide are fused.
    """
    del seed, n_seeds
    unit = torch.nn.functional.normalize(points, dim=1)
    position, count = unit, unit.new_zeros(len(unit))
    region = np.arange(len(unit))
    for _ in range(_MAX_ITER):
        before = position
        position, count = _dense_step(unit, before, bandwidth)
        moved = torch.linalg.vector_norm(position - before, dim=1)
        # Fusion: points at the same place to within the stopping rule are one region.
        grid = np.round(position.cpu().numpy() / (1e-3 * bandwidth)).astype(np.int32)
        _, first, inverse = np.unique(
            grid, axis=0, return_index=True, return_inverse=True
        )
        region = inverse.ravel()[region]
        kept = torch.as_tensor(first, device=points.device)
        position, count = position[kept], count[kept]
        if moved.max().item() < 1e-3 * bandwidth:
            break
    modes = position.cpu().double().numpy()
    centers = _merged(modes, count.cpu().double().numpy(), bandwidth)
    labels: Labels = np.argmax(modes @ centers.T, axis=1)[region]
    return labels


def fully_parallel(points: Tensor, bandwidth: float, seed: int, n_seeds: int) -> Labels:
    """GPU_P: every point moves on the device until all of them have converged."""
    del seed, n_seeds
    unit = torch.nn.functional.normalize(points, dim=1)
    position, count = unit, unit.new_zeros(len(unit))
    for _ in range(_MAX_ITER):
        before = position
        position, count = _dense_step(unit, before, bandwidth)
        if (
            torch.linalg.vector_norm(position - before, dim=1).max().item()
            < 1e-3 * bandwidth
        ):
            break
    # Modes at the same place to within the stopping rule are compared once.
    grid = torch.round(position / (1e-3 * bandwidth)).to(torch.int32)
    _, inverse = torch.unique(grid, dim=0, return_inverse=True)
    first = torch.empty(int(inverse.max()) + 1, dtype=torch.int64, device=unit.device)
    first[inverse] = torch.arange(len(unit), device=unit.device)
    modes = position[first].cpu().double().numpy()
    centers = _merged(modes, count[first].cpu().double().numpy(), bandwidth)
    nearest = np.argmax(modes @ centers.T, axis=1)
    labels: Labels = nearest[inverse.cpu().numpy()]
    return labels


def _dense_step(
    unit: Tensor, positions: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    """Shift every position once; rows of the big product are cut to fit the memory."""
    means, counts = [], []
    for some in torch.split(positions, max(1, _HELD // (4 * len(unit)))):
        inside = ((some @ unit.T) >= 1 - bandwidth).to(unit.dtype)
        count = inside.sum(dim=1)
        mean = (inside @ unit) / count.clamp_min(1)[:, None]
        means.append(torch.where(count[:, None] > 0, mean, some))
        counts.append(count)
    return torch.nn.functional.normalize(torch.cat(means), dim=1), torch.cat(counts)


def ours(points: Tensor, bandwidth: float, seed: int, n_seeds: int) -> Labels:
    """`FasterMeanShift` as it comes."""
    found = FasterMeanShift(bandwidth, n_initial=n_seeds, random_state=seed)
    labels: Labels = torch.as_tensor(found.fit(points).labels_).cpu().numpy()
    return labels


#: All of them, by the name they have in the tables.
PEERS: dict[str, Peer] = {
    "scikit-learn": scikit_learn,
    "RSHN authors": rshn_authors,
    "GPU_H": hybrid,
    "GPU_P": fully_parallel,
    "published": published,
    "ours": ours,
}
