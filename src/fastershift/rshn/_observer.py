"""What is to be seen of a frame by those who learn a head."""

from collections.abc import Generator

import torch
from torch import Tensor

from fastershift.rshn._embedder import Embedder
from fastershift.rshn._prepared import FrameSource

__all__ = ["Observer"]


class Observer(Embedder):
    """An embedder that shows what the network sees and says of single frames.

    Parameters are those of `Embedder`. A head, if the model has one, is left out.
    """

    _hidden = True

    def see(
        self, frames: FrameSource, number: int
    ) -> Generator[None, None, tuple[Tensor, Tensor]]:
        """Show the network one frame, warmed up on those before it.

        Parameters
        ----------
        frames : FrameSource
            The whole movie.
        number : int
            Of the frame.

        Yields
        ------
        None
            Before each frame: a place to stop.

        Returns
        -------
        shown : (height, width) Tensor of float32
            The frame as the network sees it, on the CPU.
        outputs : (height, width, C) Tensor of float32
            What the network says, and its last filters.
        """
        tiling, stream = self._tiling, self._start(1)
        height, width = self.network_shape
        outputs = torch.empty((height, width, self._network.channels))
        before = range(number - self.settings.warmup, number)
        for one in (*(min(abs(t), len(frames) - 1) for t in before), number):
            yield
            padded, _ = self._prepare(frames, one)
            for index, chunk in enumerate(stream.chunks):
                tiles = tiling.tiles[chunk]
                told = stream.embed(tiling.read_all(padded, tiles), index)
                for raw, tile in zip(told, tiles, strict=True):
                    row, column = tile
                    outputs[row.kept, column.kept] = tiling.inside(raw, tile).float()
        left, _, top, _ = tiling.padding
        return padded[top : top + height, left : left + width].cpu(), outputs
