"""Faster Mean-shift: vectors in, clusters out (Zhao et al. 2021)."""

from fastershift.meanshift._cluster import Clustering, cluster
from fastershift.meanshift._estimator import FasterMeanShift
from fastershift.meanshift._options import ClusterOptions
from fastershift.meanshift._policy import (
    SeedPolicy,
    coverage_probability,
    coverage_reached,
    n_min,
)

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
