"""Faster Mean-shift: vectors in, clusters out (Zhao et al. 2021)."""

from typing import TYPE_CHECKING, Any

from fastershift.meanshift._cluster import Clustering, cluster
from fastershift.meanshift._options import ClusterOptions
from fastershift.meanshift._policy import (
    SeedPolicy,
    coverage_probability,
    coverage_reached,
    n_min,
)

if TYPE_CHECKING:
    from fastershift.meanshift._estimator import FasterMeanShift

__all__ = [
    "ClusterOptions",
    "Clustering",
    "FasterMeanShift",
    "SeedPolicy",
    "cluster",
    "coverage_probability",
    "coverage_reached",
    "n_min",
]


def __getattr__(name: str) -> Any:
    # The estimator needs scikit-learn, which takes a second to load; runs do not.
    if name == "FasterMeanShift":
        from fastershift.meanshift._estimator import FasterMeanShift

        return FasterMeanShift
    raise AttributeError(f"module 'fastershift.meanshift' has no attribute {name!r}")
