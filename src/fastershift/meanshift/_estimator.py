"""Faster Mean-shift as a scikit-learn estimator."""

import math
import warnings
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from fastershift._devices import choose_device
from fastershift.errors import InputError
from fastershift.meanshift._cluster import cluster
from fastershift.meanshift._options import Background, ClusterOptions, Mean
from fastershift.meanshift._policy import SeedPolicy
from fastershift.meanshift._prepare import prepare

__all__ = ["FasterMeanShift"]

Array = npt.NDArray[Any] | Tensor


def _as_input(result: Tensor, given: object) -> Array:
    """Return a tensor for a tensor, an array for anything else."""
    return result if isinstance(given, Tensor) else result.cpu().numpy()


class FasterMeanShift(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Mean-shift by cosine distance that starts from few seeds.

    All seeds move at once to the mean of the points in their window (a flat kernel);
    seeds that end close together are one mode, and every point belongs to its nearest
    mode. How many seeds are needed follows from what is found (Zhao et al. 2021).

    Parameters
    ----------
    bandwidth : float, default=0.1
        Radius h of the window as cosine distance, above 0 and below 2. Modes within it
        of a better supported one are merged into that one.
    n_initial : int, default=128
        Seeds of the first round (N_initial), and most of a round of re-seeding.
    gamma : float, default=0.9
        A round ends when more than this share of its seeds has converged, that is,
        moves less than h/1000; the others are discarded. 1 waits for all of them.
    low : float, default=2
        L: with fewer than L·N_min seeds, seeds are doubled at once (Eq 21).
    high : float, default=8
        H, at least 2·L: with more than H·N_min seeds, `policy_` has N_min fewer.
    coverage : float, default=0.95
        Wanted probability P that every cluster receives a seed.
    background : {"none", "largest"}, default="none"
        Whether the largest cluster is background. With "none" all points belong to
        instances: r = 1 and I is the number of clusters in Eq 12 to 19; with "largest"
        r = 1 - share of the largest cluster, and I is one less.
    mean : {"unit", "raw"}, default="unit"
        "unit" averages unit vectors and normalises the mean: only directions matter.
        "raw" averages the vectors as they are, so that longer ones weigh more.
    reseed : bool, default=True
        Points within the bandwidth of no mode become seeds of another round, so that no
        cluster is lost for want of a seed. An addition to the paper.
    max_seeds : int, default=4096
        Doubling and re-seeding never go beyond this number.
    min_cluster_size : int, default=1
        Points of smaller clusters are labelled -1.
    max_iter : int, default=300
        Most shifts of a batch of seeds.
    device : str or torch.device, default="auto"
        "auto" leaves a tensor where it is and puts an array on a GPU if there is one.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds; an int gives the same result each time.

    Attributes
    ----------
    labels_ : (n,) int64 array, or tensor if X was one
        Cluster of each point; -1 below `min_cluster_size` and for a row of zeros.
    cluster_centers_ : (k, d) float32 array or tensor
        Modes, best supported first.
    cluster_sizes_ : (k,) int64 array or tensor
        Points in each cluster.
    n_seeds_ : int
        Seeds used, N, those of re-seeding included.
    n_min_ : int
        N_min (Eq 19), rounded up.
    n_rounds_, n_iter_ : int
        Rounds of seeds, at most 5, and shifts of all of them together.
    converged_fraction_ : float
        Share of the seeds that converged.
    stopped_by_ : str
        Why no further seeds were tried: "enough seeds", "all reached", "all points",
        "max_seeds" or "rounds", see `Clustering`.
    policy_ : SeedPolicy
        What a following frame should start from.
    n_features_in_ : int
        Number of components d.

    Notes
    -----
    Computation is in float32; float16 is converted. Memory grows with the points and
    with the seeds, never with their product.

    References
    ----------
    M. Zhao et al., "Faster Mean-shift: GPU-accelerated clustering for cosine
    embedding-based cell segmentation and tracking", Medical Image Analysis 71, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from fastershift import FasterMeanShift
    >>> X = np.array([[1, 0], [2, 0.1], [0, 1], [0.1, 3], [0, 2]])
    >>> clustering = FasterMeanShift(bandwidth=0.1, random_state=0).fit(X)
    >>> clustering.labels_
    array([1, 1, 0, 0, 0])
    >>> clustering.predict([[5, 0.5]])
    array([1])
    """

    def __init__(
        self,
        bandwidth: float = 0.1,
        n_initial: int = 128,
        gamma: float = 0.9,
        low: float = 2,
        high: float = 8,
        coverage: float = 0.95,
        background: Background = "none",
        mean: Mean = "unit",
        reseed: bool = True,
        max_seeds: int = 4096,
        min_cluster_size: int = 1,
        max_iter: int = 300,
        device: str | torch.device = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.n_initial = n_initial
        self.gamma = gamma
        self.low = low
        self.high = high
        self.coverage = coverage
        self.background = background
        self.mean = mean
        self.reseed = reseed
        self.max_seeds = max_seeds
        self.min_cluster_size = min_cluster_size
        self.max_iter = max_iter
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        X: Array,
        y: object = None,
        *,
        seeds: Array | None = None,
        policy: SeedPolicy | None = None,
    ) -> "FasterMeanShift":
        """Cluster the rows of X.

        Parameters
        ----------
        X : (n, d) float array or tensor
            At least one row, finite.
        y : None
            Ignored.
        seeds : (s,) int array or tensor, optional
            Rows to start from; their number is then not adapted.
        policy : SeedPolicy, optional
            `policy_` of an earlier frame; replaces `n_initial` in the first round.

        Returns
        -------
        FasterMeanShift
            This estimator.

        Raises
        ------
        InputError
            A ValueError, for a parameter out of range or seeds that are not rows of X.
        ValueError
            For NaN, infinity, no rows or another shape.
        """
        names = [field.name for field in fields(ClusterOptions)]
        options = ClusterOptions(**{name: getattr(self, name) for name in names})
        points = self._points(X, reset=True)
        draw = check_random_state(self.random_state).randint(2**31 - 1)
        found = cluster(
            points,
            options,
            seeds=None if seeds is None else torch.as_tensor(seeds),
            policy=policy,
            generator=torch.Generator().manual_seed(int(draw)),
        )
        if found.converged_fraction == 0:
            warnings.warn(
                f"No seed converged within {self.max_iter} iterations; the clusters "
                "are those of seeds still on their way. Raise max_iter.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.labels_ = _as_input(found.labels, X)
        self.cluster_centers_ = _as_input(found.centers, X)
        self.cluster_sizes_ = _as_input(found.sizes, X)
        self.n_seeds_ = found.n_seeds
        self.n_min_ = math.ceil(found.n_min)
        self.n_rounds_ = found.n_rounds
        self.n_iter_ = found.n_iter
        self.converged_fraction_ = found.converged_fraction
        self.stopped_by_ = found.stopped_by
        self.policy_ = found.policy
        return self

    def predict(self, X: Array) -> Array:
        """Find the nearest cluster of each row by cosine.

        Parameters
        ----------
        X : (n, d) float array or tensor
            At least one row, finite.

        Returns
        -------
        (n,) int64 array, or tensor if X is one
            -1 for a row of zeros, and everywhere if there are no clusters.
        """
        check_is_fitted(self)
        points = self._points(X, reset=False)
        centers = torch.as_tensor(self.cluster_centers_).cpu().numpy()
        labels = torch.full((len(points),), -1, device=points.device)
        if len(centers):
            rows, prepared = prepare(points, unit_means=True)
            found = prepared.nearest(centers)[0]
            if rows is None:
                labels = found
            else:
                labels[rows] = found
        return _as_input(labels, X)

    def _points(self, X: Array, *, reset: bool) -> Tensor:
        """Check X and bring it to the device."""
        if not isinstance(X, Tensor):
            # Whether all are finite is seen when their lengths are measured.
            checked = validate_data(
                self,
                X,
                reset=reset,
                dtype=[np.float32, np.float64],
                ensure_all_finite=False,
            )
            # Tensors share the memory of arrays and cannot be read-only.
            points = torch.from_numpy(np.require(checked, requirements=["C", "W"]))
            return self._on_device(points, choose_device())
        if X.ndim != 2 or 0 in X.shape:
            raise InputError("X must be a table with at least one row and one column.")
        if reset:
            self.n_features_in_ = X.shape[1]
        elif X.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {X.shape[1]} columns, but the clustering was fitted to "
                f"{self.n_features_in_}."
            )
        points = X.detach()
        if not points.is_floating_point():
            points = points.to(torch.float32)
        return self._on_device(points, points.device)

    def _on_device(self, points: Tensor, automatic: torch.device) -> Tensor:
        named = str(self.device)
        device = automatic if named == "auto" else choose_device(named)
        if device.type == "mps" and points.dtype == torch.float64:
            points = points.to(torch.float32)
        return points.to(device)
