"""Embeddings of frames too large for memory: tile after tile, kept on disk."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from fastershift.pipeline import EmbeddedPair, NetworkEmbeddings, NetworkSource, Plan
from fastershift.rshn import Embedder, FrameSource

__all__ = ["EmbeddingsOnDisk", "with_large_frames"]


def with_large_frames(plan: Plan, movie: FrameSource, folder: Path) -> Plan:
    """Keep embeddings on disk where frames are larger than memory should hold.

    Parameters
    ----------
    plan : Plan
        Of a run.
    movie : sequence of (Y, X) frames
        The frames.
    folder : Path
        For what is needed during a block.

    Returns
    -------
    Plan
        The same where frames are no larger than `largest_frame`, or tiles are not
        joined.
    """
    source, embed = plan.source, plan.settings.embed
    if not isinstance(source, NetworkEmbeddings) or plan.settings.track.merge_tiles:
        return plan
    if not (embed.tile and 0 < embed.largest_frame < max(source.shape)):
        return plan
    return replace(plan, source=EmbeddingsOnDisk(source.embedder, movie, folder))


class EmbeddingsOnDisk(NetworkSource):
    """Embeddings of a movie, those of one block at a time, on disk.

    They are what `NetworkEmbeddings` gives, and so is all that follows from them.
    Memory holds one tile with its recurrent state.

    Parameters
    ----------
    embedder : Embedder
        The network with its scale, tiles and blocks.
    movie : sequence of (Y, X) frames
        Each is read once for a block.
    folder : Path
        Where the embeddings lie while they are needed.
    """

    def __init__(self, embedder: Embedder, movie: FrameSource, folder: Path) -> None:
        super().__init__(embedder, movie)
        self._folder = folder

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`.

        They come in order, with None at further places to cancel; by default all. The
        embeddings of a pair can be read until the next one is asked for.
        """
        last = self._last(stop)
        for block in self._blocks(first, last):
            frames = self.embedder.block_frames(block, self.n_frames)
            started = time.perf_counter()
            for found in self.embedder.embed_block_on_disk(
                self.seen, block, self._folder
            ):
                if found is None:
                    yield None
                    continue
                seconds = (time.perf_counter() - started) / len(frames)
                for index, frame in enumerate(frames[:-1] or frames):
                    if first <= frame <= last:
                        yield self.as_pair(frame, found[index : index + 2], seconds)

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame, after any number of None."""
        yield from self.pairs(frame, frame + 1)

    def frames_of_pair(self, frame: int) -> Iterator[Sequence[Tensor] | None]:
        """Yield the embeddings of its frames apart, after any number of None."""
        for found in self.pair(frame):
            yield None if found is None else found.embeddings.unbind()
