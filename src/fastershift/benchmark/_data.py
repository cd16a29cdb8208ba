"""Points to cluster: simulated as in the paper, and of a real network."""

import math
from pathlib import Path

import torch
from torch import Tensor

from fastershift.benchmark._runs import clustering_plan
from fastershift.benchmark._suite import BenchmarkOptions
from fastershift.errors import InputError
from fastershift.instances import foreground_mask
from fastershift.io import read_movie
from fastershift.rshn import FrameSource  # noqa: TC001
from fastershift.simulate import simulate_movie

__all__ = ["blobs", "frame_pair", "movie_folders"]

# Taken first where there are several: many cells, and a middling number of pixels.
_FIRST = "Fluo-N2DL-HeLa"


def blobs(n: int, dimensions: int, seed: int, n_clusters: int = 10) -> Tensor:
    """Draw equally large clusters around directions at right angles.

    As for Table I of Zhao et al. (2021): Gaussian noise of 0.01, centres at right
    angles or opposite to each other. In two dimensions, where there are only four such
    directions, they stand at equal angles.

    Parameters
    ----------
    n : int
        Points.
    dimensions : int
        2, or at least half of `n_clusters`.
    seed : int
        Of the draws.
    n_clusters : int
        Clusters.

    Returns
    -------
    (n, dimensions) float32 Tensor
    """
    generator = torch.Generator().manual_seed(seed)
    if dimensions == 2:
        angles = 2 * math.pi * torch.arange(n_clusters) / n_clusters
        centers = torch.stack([angles.cos(), angles.sin()], dim=1)
    else:
        axes = torch.cat([torch.eye(dimensions), -torch.eye(dimensions)])
        centers = axes[torch.randperm(len(axes), generator=generator)[:n_clusters]]
    noise = torch.randn(n, dimensions, generator=generator)
    return centers[torch.arange(n) % n_clusters] + 0.01 * noise


def movie_folders(data: Path) -> list[Path]:
    """Find movies laid out as ``SET/01`` with truth beside them.

    Raises
    ------
    InputError
        When there is none.
    """
    found = sorted(
        folder
        for folder in data.glob("*/01")
        if folder.is_dir() and (folder.parent / "01_GT").is_dir()
    )
    if not found:
        raise InputError(f"{data} holds no movie laid out as SET/01 with SET/01_GT.")
    return sorted(found, key=lambda folder: folder.parent.name != _FIRST)


def frame_pair(options: BenchmarkOptions) -> tuple[str, Tensor, float]:
    """Embed two frames with a model of `clustering_plan`, and take the foreground.

    Parameters
    ----------
    options : BenchmarkOptions
        With `data`, the first frames of a real movie; without, of a simulated one.

    Returns
    -------
    name : str
        Of the movie and of the model.
    points : (n, 16) float32 Tensor
        As they are clustered by default.
    bandwidth : float
        What the model's card says.
    """
    if options.movies is None:
        name = "simulated movie"
        movie: FrameSource = simulate_movie(
            3, (512, 512), 60, diameter=28, kind="nuclei", seed=options.seed
        ).frames
    else:
        folder = movie_folders(options.movies)[0]
        name = folder.parent.name
        movie = read_movie(folder, frames=(0, 3))
    plan = clustering_plan(movie, options.device)
    pair = next(pair for pair in plan.source.pair(0) if pair is not None)
    foreground = foreground_mask(pair.embeddings, plan.settings.track.foreground)
    points = pair.embeddings.movedim(1, -1)[foreground].to(torch.float32)
    named = f"{name}, {plan.settings.embed.model}"
    return named, points, plan.settings.cluster.bandwidth
