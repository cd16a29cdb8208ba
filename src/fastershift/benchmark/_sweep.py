"""Runs that differ in how they cluster, with the network run once."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fastershift.benchmark._runs import TrueMovie, clustering_plan
from fastershift.evaluation import evaluate, score_arrays
from fastershift.io import write_result
from fastershift.pipeline import (
    EmbeddingCache,
    NetworkEmbeddings,
    Plan,
    TrackedMovie,
    TrackingRun,
)

__all__ = ["Swept", "sweep"]

_CACHE = 4 * 2**30


@dataclass(frozen=True)
class Swept:
    """One run of a movie.

    Attributes
    ----------
    model : str
        Whose embeddings were clustered.
    network, clustering, linking : float
        Seconds a frame; `network` is that of the run that filled the cache.
    seeds, clusters : float
        A frame's mean.
    tra : float or None
        Against the truth, where there is one.
    """

    model: str
    network: float
    clustering: float
    linking: float
    seeds: float
    clusters: float
    tra: float | None

    @property
    def frame(self) -> float:
        """Seconds a frame, all together."""
        return self.network + self.clustering + self.linking


def sweep(movie: TrueMovie, variants: list[dict[str, Any]], device: str) -> list[Swept]:
    """Run a movie once for each way to cluster; embeddings are computed once.

    Parameters
    ----------
    movie : TrueMovie
        The movie.
    variants : list of dict
        Cluster settings that replace the default ones.
    device : str
        Where to compute.

    Returns
    -------
    list of Swept
        As many as there are variants.
    """
    plan = clustering_plan(movie.frames, device)
    if isinstance(plan.source, NetworkEmbeddings):
        plan.source.use_cache(EmbeddingCache(_CACHE))
    network = _mean(_run(plan), "network_ms")
    return [_swept(movie, plan, variant, network) for variant in variants]


def _swept(
    movie: TrueMovie, plan: Plan, variant: dict[str, Any], network: float
) -> Swept:
    settings = plan.settings
    cluster = settings.cluster.model_copy(update=variant)
    result = _run(
        replace(plan, settings=settings.model_copy(update={"cluster": cluster}))
    )
    return Swept(
        model=settings.embed.model,
        network=network,
        clustering=_mean(result, "clustering_ms"),
        linking=_mean(result, "linking_ms"),
        seeds=1e3 * _mean(result, "seeds"),
        clusters=1e3 * _mean(result, "clusters"),
        tra=_tra(movie, result),
    )


def _run(plan: Plan) -> TrackedMovie:
    run = TrackingRun(plan)
    for _ in run:
        pass
    return run.result


def _mean(result: TrackedMovie, column: str) -> float:
    """Mean over the frames, a thousandth of it: seconds of milliseconds."""
    return float(np.mean([getattr(one, column) for one in result.reports])) / 1e3


def _tra(movie: TrueMovie, result: TrackedMovie) -> float | None:
    tracks = result.lineage.rows()
    if movie.truth is None:
        return None
    if not isinstance(movie.truth, tuple):
        return score_arrays(result.labels, tracks, movie.truth).tra
    truth, part = movie.truth
    with TemporaryDirectory() as folder:
        path = write_result(Path(folder) / "result", result.labels, tracks)
        return evaluate(path, truth, frames=part).tra
