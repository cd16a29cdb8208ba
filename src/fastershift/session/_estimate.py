"""What a run will need, measured on a small piece of it."""

from dataclasses import dataclass

from fastershift.pipeline import NetworkEmbeddings, Plan

__all__ = ["Estimate", "estimate_run"]


@dataclass(frozen=True)
class Estimate:
    """What a run will need.

    Attributes
    ----------
    n_frames : int
        Frames to embed.
    network_shape : tuple of int
        Rows and columns the network sees.
    diameter : float or None
        Cell diameter in image pixels that the scale follows from.
    memory : int
        Bytes at the peak, about.
    seconds : float
        Time, about.
    """

    n_frames: int
    network_shape: tuple[int, int]
    diameter: float | None
    memory: int
    seconds: float


def estimate_run(plan: Plan) -> Estimate:
    """Measure a small pass of the network and tell what the run will need.

    Parameters
    ----------
    plan : Plan
        The run.

    Returns
    -------
    Estimate
    """
    source = plan.source
    labels = 3 * 4 * source.n_frames * plan.frame_shape[0] * plan.frame_shape[1]
    if not isinstance(source, NetworkEmbeddings):
        return Estimate(source.n_frames, source.shape, None, labels, 0.0)
    embedder, embed = source.embedder, plan.settings.embed
    passes = source.n_frames * (1 + (embed.warmup + 1) / embed.block)
    if embed.window:
        passes = source.n_frames * embed.window
    return Estimate(
        source.n_frames,
        source.shape,
        None if embed.diameter == "auto" else embed.diameter,
        embedder.estimate_memory() + labels,
        passes * embedder.seconds_per_frame(),
    )
