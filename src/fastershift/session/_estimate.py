"""What a run will need, measured on a frame of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from fastershift.pipeline import (
    EmbeddedPair,
    NetworkEmbeddings,
    Plan,
    Quality,
    cluster_pair,
    to_image,
)
from fastershift.rshn import FrameSource
from fastershift.session._input import SingleFrame

__all__ = [
    "Estimate",
    "Measured",
    "embedding_bytes",
    "estimate_run",
    "measure_frame",
]

# Copies of the clustered vectors that are held at once, as float32: codes, unit
# vectors, vectors with their weights, and what is compared at a time.
_COPIES = 4
# Stacks of labels that are held in the end: while it goes, linked, final.
_STACKS = 3


@dataclass(frozen=True)
class Measured:
    """A frame as it was measured.

    Attributes
    ----------
    network_seconds : float
        One pass of the network over it; 0 without a network.
    embedding : Tensor
        Its embedding.
    """

    network_seconds: float
    embedding: Tensor


@dataclass(frozen=True)
class Estimate:
    """What a run will need.

    Attributes
    ----------
    n_frames : int
        Frames of the movie.
    network_shape : tuple of int
        Rows and columns the network sees.
    diameter : float or None
        Cell diameter in image pixels that the scale follows from.
    scale : float
        Network pixels per image pixel.
    memory, available : int
        Bytes at the peak, about, and bytes that are free now.
    seconds : float
        Time of the whole run, about.
    network_seconds, clustering_seconds : float
        Of one frame, as measured.
    model, device : str
        What is used.
    threads : int
        Of the CPU.
    notes : tuple of str
        What was decided because of the memory, and what was tried, in sentences.
    quality : Quality or None
        How good the cells are expected to be, where that can be told.
    next_best : float or None
        Diameter in pixels that *auto* would have taken otherwise.
    """

    n_frames: int
    network_shape: tuple[int, int]
    diameter: float | None
    scale: float
    memory: int
    available: int
    seconds: float
    network_seconds: float
    clustering_seconds: float
    model: str
    device: str
    threads: int
    notes: tuple[str, ...] = ()
    quality: Quality | None = None
    next_best: float | None = None

    @property
    def fits(self) -> bool:
        """Whether there is memory enough."""
        return self.memory <= self.available


def measure_frame(plan: Plan, movie: FrameSource | None) -> Iterator[Measured | None]:
    """Embed the frame in the middle of a movie and take the time.

    Parameters
    ----------
    plan : Plan
        The run; nothing that it holds is changed.
    movie : FrameSource or None
        Its frames; None where embeddings are given.

    Yields
    ------
    Measured or None
        None any number of times, each a place to stop; then what was measured.
    """
    source = plan.source
    middle = (source.n_frames - 1) // 2
    if not isinstance(source, NetworkEmbeddings) or movie is None:
        for pair in source.pair(min(middle, max(0, source.n_frames - 2))):
            yield None if pair is None else Measured(0.0, pair.embeddings[0])
        return
    steps = source.embedder.embed_block(SingleFrame(movie, middle), 0)
    times: list[float] = []
    while True:
        started = time.perf_counter()
        step = next(steps)
        times.append(time.perf_counter() - started)
        if step is not None:
            # The first pass also prepares what later ones find ready.
            usual = times[1:] or times
            yield Measured(sum(usual) / len(usual), step[1])
            return
        yield None


def estimate_run(
    plan: Plan, measured: Measured, *, cached: int, available: int
) -> Iterator[Estimate | None]:
    """Cluster a measured frame and tell what the run will need.

    Parameters
    ----------
    plan : Plan
        The run.
    measured : Measured
        A frame of it.
    cached : int
        Bytes of embeddings that stay in memory.
    available : int
        Bytes that are free.

    Yields
    ------
    Estimate or None
        None at places to stop; then the estimate.
    """
    source, settings = plan.source, plan.settings
    n_frames = source.n_frames
    many = min(2, n_frames)
    start = min((n_frames - 1) // 2, n_frames - many)
    yield None
    started = time.perf_counter()
    twice = torch.stack([measured.embedding] * many)
    pair = EmbeddedPair(start, twice, 0.0)
    if isinstance(source, NetworkEmbeddings):
        pair = source.as_pair(start, twice, 0.0)
    cells = cluster_pair(plan, pair)
    to_image(plan, cells.labels[0])
    clustering = time.perf_counter() - started
    yield None
    points = sum(part.clustering.labels.numel() for part in cells.parts)
    channels = measured.embedding.shape[-3]
    memory = _COPIES * 4 * points * (channels + 1)
    memory += _STACKS * 4 * n_frames * plan.frame_shape[0] * plan.frame_shape[1]
    memory += min(cached, embedding_bytes(plan))
    diameter, scale, passes = settings.embed.diameter, 1.0, 0.0
    if isinstance(source, NetworkEmbeddings):
        memory += source.embedder.estimate_memory()
        scale = source.embedder.scale
        passes = n_frames * (1 + (settings.embed.warmup + 1) / settings.embed.block)
        if settings.embed.window:
            passes = float(n_frames * settings.embed.window)
    yield Estimate(
        n_frames,
        source.shape,
        None if diameter == "auto" else diameter,
        scale,
        round(memory),
        available,
        passes * measured.network_seconds + max(1, n_frames - 1) * clustering,
        measured.network_seconds,
        clustering,
        str(plan.provenance["model"]),
        str(plan.provenance["device"]),
        torch.get_num_threads(),
    )


def embedding_bytes(plan: Plan) -> int:
    """Bytes of the embeddings of the whole movie as they are kept; 0 if given."""
    source = plan.source
    if not isinstance(source, NetworkEmbeddings):
        return 0
    frames = source.n_frames + source.embedder.n_blocks(source.n_frames)
    return frames * source.embedder.embedding_bytes
