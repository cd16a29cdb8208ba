"""The state of a search: seeds, the modes they reached, the points of each."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._iteration import least_cosine
from fastershift.meanshift._options import ClusterOptions
from fastershift.meanshift._points import (
    Points,
    Rows,
    Vectors,
    spread_rows,
    unit_vectors,
)
from fastershift.meanshift._shift import Shifted, shift

__all__ = ["SAMPLE", "Assigned", "Merged", "Search", "suppress_modes"]

Flags: TypeAlias = npt.NDArray[np.bool_]

# Above twice this number of points, seeds are first shifted on a random sample of this
# size; the few modes they merge into are then shifted on all points.
SAMPLE = 4096

# Above four times this number of points, modes of the sample are shifted on as many
# points before they are shifted on all of them, unless all of them converge fast:
# the last step of each was at most this share of the one before.
_LARGER = 16384
_SLOW = 0.25

# A seed that moves less than this share of the bandwidth has converged: on all points,
# on the larger sample, and on the first one. A seed that converges slowly on a sample
# may be near a mode of all points, which it would leave later. On four frame pairs 0.05
# loses no more modes than 0.01, on one of them fewer; 0.1 loses more.
_TOLERANCE = 1e-3
_LARGER_TOLERANCE = 1e-2
_SAMPLE_TOLERANCE = 5e-2

# Shifts of a mode, at most, on the larger sample, and again on all points: an
# extrapolated one could alternate between two positions for ever.
_SHIFTS = 100

# Seeds that come closer than this share of the bandwidth on a sample are merged.
_MET = 0.02

# Seeds of the sample that end closer than this share of the bandwidth are one mode.
_SAME = 0.05

# Points without a mode that are looked at to choose the seeds of another round.
_ORPHANS = 1024


def suppress_modes(
    unit: npt.NDArray[np.float32],
    counts: npt.NDArray[np.floating],
    radius: float,
    *,
    most: int | None = None,
) -> Rows:
    """Suppress modes that lie within a radius of a better supported one.

    Parameters
    ----------
    unit : ndarray
        (k, d) unit vectors.
    counts : ndarray
        (k,) support; among equals the lowest index comes first.
    radius : float
        Cosine distance.
    most : int, optional
        Modes to keep at most.

    Returns
    -------
    ndarray
        (k,) index of the mode that each one is merged into; its own if it is kept; -1
        for what is left when `most` are kept.
    """
    owner = np.full(len(unit), -1, dtype=np.int64)
    n_kept = 0
    for index in np.argsort(-counts, kind="stable"):
        if n_kept == most:
            break
        if owner[index] < 0:
            n_kept += 1
            # Not BLAS: it may read beyond such short rows and warn of what it finds.
            cosine = np.einsum("ij,j->i", unit, unit[index])
            close = cosine >= least_cosine(radius)
            owner[close & (owner < 0)] = index
            owner[index] = index
    return owner


@dataclass(frozen=True)
class Merged:
    """Modes merged into clusters.

    Attributes
    ----------
    centers : ndarray
        (k, d) float32, by falling support.
    support : ndarray
        (k,) points in the window of each centre.
    center_of_mode : ndarray
        Index of the centre that each mode was merged into.
    """

    centers: Vectors
    support: npt.NDArray[np.float32]
    center_of_mode: Rows


@dataclass(frozen=True)
class Assigned:
    """Points given to their nearest centre.

    Attributes
    ----------
    labels, similarity : Tensor
        (n,) nearest centre of every point, -1 for one left out, and the cosine with it.
    sizes : ndarray
        (k,) points of each centre.
    """

    labels: Tensor
    similarity: Tensor
    sizes: Rows


class Search:
    """Seeds tried on one set of points, round after round.

    Parameters
    ----------
    points : Points
        What is clustered, at least one.
    sample : ndarray or None
        Random rows, drawn without replacement, of which the first are used to shift
        seeds on; None shifts every seed on all points.
    options : ClusterOptions
        Its bandwidth, `gamma` and `max_iter`.
    generator : torch.Generator, optional
        On the CPU; draws further points where there are very many.

    Attributes
    ----------
    seeds : ndarray
        (s,) int64 rows tried so far.
    mode_of_seed : ndarray
        (s,) int64 mode that each seed reached; -1 where it was discarded.
    converged : ndarray
        (s,) bool, seeds that converged in time.
    n_iter : int
        Iterations so far, of all rounds.
    """

    def __init__(
        self,
        points: Points,
        sample: Rows | None,
        options: ClusterOptions,
        generator: torch.Generator | None,
    ) -> None:
        self._points = points
        self._bandwidth = options.bandwidth
        self._gamma = options.gamma
        self._max_iter = options.max_iter
        self._sampled = np.zeros(len(points), dtype=bool)
        self._sample: Points | None = None
        if sample is not None and len(points) > 2 * SAMPLE:
            self._sample = points.rows(sample[:SAMPLE])
            self._sampled[sample[:SAMPLE]] = True
        self._larger: Points | None = None
        self._generator = generator
        nowhere = np.empty((0, points.n_components), dtype=np.float32)
        self._tried: Vectors = nowhere
        self._modes: Vectors = nowhere
        self._anchors: Vectors = nowhere
        self._counts: Vectors = nowhere[:, 0]
        self._merged: Merged | None = None
        self._assigned: Assigned | None = None
        self.seeds: Rows = np.empty(0, dtype=np.int64)
        self.mode_of_seed: Rows = np.empty(0, dtype=np.int64)
        self.converged = np.empty(0, dtype=bool)
        self.n_iter = 0

    def add(self, rows: Rows) -> None:
        """Shift one round of seeds and keep the modes of those that converged."""
        starts = self._points.starts(rows)
        if self._sample is None:
            shifted = self._shift(self._points, starts, tolerance=_TOLERANCE)
            mode_of_seed = self._keep(
                shifted.positions, shifted.counts, shifted.converged
            )
        else:
            self._sample = self._sample_with(self._sample, rows)
            shifted = self._shift(
                self._sample,
                starts,
                tolerance=_SAMPLE_TOLERANCE,
                same=_MET * self._bandwidth,
            )
            mode_of_seed = self._finish(shifted)
        self.seeds = np.concatenate([self.seeds, rows])
        self.mode_of_seed = np.concatenate([self.mode_of_seed, mode_of_seed])
        self.converged = np.concatenate([self.converged, shifted.converged])

    @property
    def merged(self) -> Merged:
        """Clusters: modes within the bandwidth of a better supported one are merged."""
        if self._merged is None:
            self._merged = self._merge()
        return self._merged

    @property
    def assigned(self) -> Assigned:
        """The clusters' points."""
        if self._assigned is None:
            self._assigned = self._assign()
        return self._assigned

    def orphans(
        self, *, least: int, most: int, generator: torch.Generator | None
    ) -> Rows:
        """Choose seeds among the points that no mode reaches.

        Orphans are points beyond the bandwidth of every centre. Those with most other
        orphans around them come first, and none lies within the bandwidth of another,
        be it of this round or of one before.

        Parameters
        ----------
        least : int
            Orphans that must lie within the bandwidth of one for it to be chosen.
        most : int
            Seeds to choose at most.
        generator : torch.Generator, optional
            On the CPU; where there are very many orphans, some are drawn.

        Returns
        -------
        ndarray
            Rows.
        """
        reach = least_cosine(self._bandwidth)
        beyond = self.assigned.similarity < reach
        beyond[self._on_device(self.seeds)] = False
        rows: Rows = torch.nonzero(beyond).flatten().cpu().numpy()
        if len(rows) < least:
            return rows[:0]
        drawn = len(rows) / _ORPHANS
        if drawn > 1:
            chance = torch.randperm(len(rows), generator=generator)[:_ORPHANS]
            rows = rows[chance.numpy()]
        unit = self._points.unit(rows)
        if len(self._tried):
            known = (unit @ self._tried.T).max(axis=1) >= reach
            rows, unit = rows[~known], unit[~known]
        counts = self._points.rows(rows).window_counts(unit, self._bandwidth)
        enough = counts * max(1.0, drawn) >= least
        rows, unit, counts = rows[enough], unit[enough], counts[enough]
        owner = suppress_modes(unit, counts, self._bandwidth, most=most)
        alone = np.flatnonzero(owner == np.arange(len(rows)))
        self._tried = np.concatenate([self._tried, unit[alone]])
        return rows[alone]

    def leave_out(self, least: int) -> None:
        """Take points away from the clusters that are like too few others.

        Had they been seeds, they would have made a cluster too small to be kept. So
        they must not depend on chance: beyond the bandwidth of every centre and with
        fewer than `least` points within the bandwidth, itself counted, a point belongs
        to no cluster.

        Parameters
        ----------
        least : int
            Points.
        """
        assigned = self.assigned
        beyond = assigned.similarity < least_cosine(self._bandwidth)
        rows = torch.nonzero(beyond).flatten()
        # Where many are beyond, they are no strays, and each costs a look at all.
        if not 0 < len(rows) <= _ORPHANS:
            return
        unit = self._points.unit(rows.cpu().numpy())
        counts = self._points.window_counts(unit, self._bandwidth)
        labels = assigned.labels.clone()
        labels[rows[self._on_device(counts < least)]] = -1
        sizes = torch.bincount(labels + 1, minlength=len(assigned.sizes) + 1)[1:]
        self._assigned = Assigned(labels, assigned.similarity, sizes.cpu().numpy())

    def _on_device(self, numbers: Rows | Flags) -> Tensor:
        return torch.as_tensor(numbers, device=self._points.device)

    def _shift(
        self, points: Points, starts: Vectors, *, tolerance: float, same: float = 0.0
    ) -> Shifted:
        shifted = shift(
            points,
            starts,
            bandwidth=self._bandwidth,
            gamma=self._gamma,
            max_iter=self._max_iter,
            tolerance=tolerance,
            same=same,
        )
        self.n_iter += shifted.n_iter
        return shifted

    def _sample_with(self, sample: Points, rows: Rows) -> Points:
        """Add seeds to the sample, so that no seed has an empty window."""
        fresh = rows[~self._sampled[rows]]
        if not len(fresh):
            return sample
        self._sampled[fresh] = True
        return sample.joined(self._points.rows(fresh))

    def _keep(self, positions: Vectors, counts: Vectors, converged: Flags) -> Rows:
        """Store modes that converged; return their index, -1 where discarded."""
        # If no seed has converged, those that still move are better than none.
        keeps_all = not converged.any() and not len(self._modes)
        kept = np.flatnonzero(converged | keeps_all)
        mode = np.full(len(converged), -1, dtype=np.int64)
        mode[kept] = len(self._modes) + np.arange(len(kept))
        if len(kept):
            self._merged = self._assigned = None
        self._modes = np.concatenate([self._modes, positions[kept]])
        self._counts = np.concatenate([self._counts, counts[kept]])
        return mode

    def _finish(self, shifted: Shifted) -> Rows:
        """Merge what seeds reached on the sample and shift it on all points."""
        known = len(self._modes)
        keeps_all = not shifted.converged.any() and not known
        kept = np.flatnonzero(shifted.converged | keeps_all)
        stops = np.concatenate([self._anchors, shifted.positions[kept]])
        # Stops that were finished in an earlier round are not finished again.
        support = np.concatenate([np.full(known, np.inf), shifted.counts[kept]])
        owner = suppress_modes(unit_vectors(stops), support, _SAME * self._bandwidth)
        fresh = np.unique(owner[owner >= known])
        anchors = stops[fresh]
        unknown = np.full(known, np.inf, dtype=np.float32)
        ratios = np.concatenate([unknown, shifted.ratios[kept]])[fresh]
        finished = self._finished(anchors, ratios)
        mode_of_stop = np.arange(len(stops))
        mode_of_stop[fresh] = self._keep(
            finished.positions, finished.counts, np.ones(len(fresh), dtype=bool)
        )
        self._anchors = np.concatenate([self._anchors, anchors])
        mode_of_seed = np.full(len(shifted.converged), -1, dtype=np.int64)
        mode_of_seed[kept] = mode_of_stop[owner[known:]]
        return mode_of_seed

    def _finished(self, anchors: Vectors, ratios: Vectors) -> Shifted:
        """Shift modes of the sample on all points."""
        levels = [(self._points, _TOLERANCE)]
        if len(self._points) > 4 * _LARGER and (ratios > _SLOW).any():
            levels.insert(0, (self._larger_sample(), _LARGER_TOLERANCE))
        for points, tolerance in levels:
            finished = shift(
                points,
                anchors,
                bandwidth=self._bandwidth,
                gamma=1.0,
                max_iter=min(self._max_iter, _SHIFTS),
                tolerance=tolerance,
                same=_MET * self._bandwidth,
                ratios=ratios,
            )
            anchors, ratios = finished.positions, finished.ratios
            self.n_iter += finished.n_iter
        return finished

    def _larger_sample(self) -> Points:
        if self._larger is None:
            rows = spread_rows(len(self._points), _LARGER, self._generator)
            self._larger = self._points.rows(rows)
        return self._larger

    def _merge(self) -> Merged:
        support = self._counts
        owner = suppress_modes(unit_vectors(self._modes), support, self._bandwidth)
        kept = np.unique(owner)
        kept = kept[np.argsort(-support[kept], kind="stable")]
        center_of_mode = np.empty(len(owner), dtype=np.int64)
        center_of_mode[kept] = np.arange(len(kept))
        return Merged(self._modes[kept], support[kept], center_of_mode[owner])

    def _assign(self) -> Assigned:
        centers = self.merged.centers
        labels, similarity = self._points.nearest(centers)
        sizes = torch.bincount(labels, minlength=len(centers)).cpu().numpy()
        return Assigned(labels, similarity, sizes)
