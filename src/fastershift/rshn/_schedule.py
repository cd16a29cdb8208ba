"""Which frames the network is given, in which order, and where its state restarts."""

from dataclasses import dataclass

from fastershift.config import EmbedSettings
from fastershift.errors import InputError

__all__ = ["Block", "block_of", "count_blocks", "plan_block"]


@dataclass(frozen=True)
class Block:
    """A run of frames through which one state is carried, starting from zero.

    Attributes
    ----------
    warmup : tuple of int
        Frames that only fill the state, in order.
    frames : range
        Frames whose embeddings are kept, after the warm-up.
    """

    warmup: tuple[int, ...]
    frames: range


def count_blocks(n_frames: int, settings: EmbedSettings) -> int:
    """Count the blocks of a movie; a pair of frames lies in exactly one of them."""
    if settings.window:
        return max(1, n_frames - settings.window + 1)
    return max(1, -(-(n_frames - 1) // settings.block))


def block_of(pair: int, settings: EmbedSettings) -> int:
    """Tell which block holds the frames ``pair`` and ``pair + 1``."""
    if settings.window:
        return max(0, pair - (settings.window - 2))
    return pair // settings.block


def plan_block(block: int, n_frames: int, settings: EmbedSettings) -> Block:
    """List the frames of a block.

    Parameters
    ----------
    block : int
        Number of the block, from 0.
    n_frames : int
        Frames of the movie.
    settings : EmbedSettings
        With a `window` of n, block j is the frames j to j + n - 1 (Payer et al. 2019),
        of which only the last pair is kept unless j is 0. Otherwise block b is the
        frames from ``b·block`` to ``(b + 1)·block``, both included, warmed up on the
        frames before it. The movie is mirrored before its first frame, so that this
        too meets a warm state.

    Returns
    -------
    Block

    Raises
    ------
    InputError
        When the movie has no frames or no such block.
    """
    if n_frames < 1:
        raise InputError("The movie has no frames; open one that has.")
    if not 0 <= block < count_blocks(n_frames, settings):
        raise InputError(f"A movie of {n_frames} frames has no block {block}.")
    if settings.window:
        first = block + settings.window - 2 if block else 0
        stop = min(block + settings.window, n_frames)
        return Block(tuple(range(block, first)), range(first, stop))
    first = block * settings.block
    before = range(first - settings.warmup, first)
    return Block(
        tuple(min(abs(frame), n_frames - 1) for frame in before),
        range(first, min(first + settings.block + 1, n_frames)),
    )
