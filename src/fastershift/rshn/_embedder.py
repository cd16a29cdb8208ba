"""Frames of a movie to the embeddings of their pixels."""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fastershift._devices import choose_device, free_memory
from fastershift.config import EmbedSettings
from fastershift.errors import FastershiftError, is_shortage
from fastershift.rshn._layout import (
    Tile,
    Tiling,
    network_shape,
    overlapping_axis,
    seamless_axis,
)
from fastershift.rshn._normalise import (
    normalise_frame,
    normalise_robustly,
    resize_frame,
)
from fastershift.rshn._precision import choose_precision
from fastershift.rshn._prepared import FrameSource, PreparedFrames, checked_frame
from fastershift.rshn._schedule import Block, block_of, count_blocks, plan_block
from fastershift.rshn._streaming import Stream, StreamingNetwork
from fastershift.rshn._unit_length import write_unit
from fastershift.rshn._votes import KEPT_CHANNELS, write_votes
from fastershift.rshn._weights import Model

__all__ = ["Embedder"]

# Share of a network pixel that must come from usable pixels of the frame.
_USABLE_SHARE = 0.5

# Pixels beyond which computing several tiles at once gains nothing on a CPU.
_CPU_PIXELS = 2**20

# Smaller tiles than this are not made for want of memory.
_LEAST_TILE = 128


class Embedder:
    """Embeds the frames of a movie, block by block.

    Recurrent state restarts at fixed frame numbers, so that the embedding of a frame
    depends on the movie, the settings and its number, and not on what was embedded
    before. Blocks are described in `EmbedSettings`: each is warmed up on the frames
    before it and reaches one frame into the next, so that both frames of a pair come
    from one state.

    Parameters
    ----------
    model : Model
        See `load_model`.
    settings : EmbedSettings
        With a `diameter` in numbers, or a `network_size`.
    frame_shape : (int, int)
        Rows and columns of the frames.
    device : str
        See `choose_device`.
    per_tile : bool
        Keep the embeddings of overlapping tiles apart (published) instead of joining
        tiles to one seamless embedding. Frames smaller than a tile are then padded with
        the darkest value on all sides instead of repeating their last pixels.
    region : (slice, slice), optional
        Rows and columns to embed of each frame, with a `diameter`. Frames are
        normalised as a whole; pixels near the edges of the region see less around
        them than they would in the whole frame.

    Attributes
    ----------
    network_shape : (int, int)
        Rows and columns of the embeddings.
    scale : float
        Network pixels per pixel of the frame.
    channels : int
        Numbers that are kept of a pixel: its unit vector, and of a model that votes
        those of `Votes` after it.
    votes : bool
        Whether the model votes for centres.
    diameter : float
        Typical cell diameter in network pixels.
    device : torch.device
        Where the network runs and the embeddings lie.
    dtype : torch.dtype
        What the network computes with.
    notices : list of str
        Sentences for the user: what was changed because memory was short.

    Raises
    ------
    InputError
        When the diameter is still ``"auto"`` or the device is not there.

    References
    ----------
    .. [1] C. Payer et al., Medical Image Analysis 57, 2019, section 4.2.
    """

    # Whether the network tells its last filters, too.
    _hidden = False

    def __init__(
        self,
        model: Model,
        settings: EmbedSettings,
        frame_shape: tuple[int, int],
        device: str = "auto",
        *,
        per_tile: bool = False,
        region: tuple[slice, slice] | None = None,
    ) -> None:
        self.settings = settings
        self.frame_shape = frame_shape
        self._region = region or (slice(None), slice(None))
        self.per_tile = per_tile
        height, width = (
            len(range(side)[part])
            for side, part in zip(frame_shape, self._region, strict=True)
        )
        embedded = height, width
        self.network_shape, self._blur = network_shape(model, settings, embedded)
        self._zoom = settings.zoom if settings.network_size else 1.0
        area_ratio = math.prod(self.network_shape) / math.prod(embedded)
        self.scale = math.sqrt(area_ratio) / self._zoom
        self._weights, self._head = model.network, model.head
        self.votes = model.card.embedding == "votes"
        self.diameter = model.card.diameter
        self.channels = model.network.channels
        if self.votes:
            self.channels = KEPT_CHANNELS
        self.notices: list[str] = []
        self._move_to(choose_device(device))

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """Row and column at which each embedded tile lies; rows vary fastest.

        A single one, (0, 0), unless embeddings are kept per tile.
        """
        return self._tiling.corners if self.per_tile else [(0, 0)]

    def estimate_memory(self) -> int:
        """Estimate the memory that embedding takes, in bytes, beside the movie itself.

        States and scratch images of the network, three float16 embeddings, and 24 bytes
        a pixel of the frame; a few MB that hold strips come on top.
        """
        tile, pixels = math.prod(self._tiling.shape), self._tiling.pixels
        scratch = self._network.scratch_bytes(tile * self._tiles_at_once())
        lasting = self._network.state_bytes(pixels) + 6 * self.channels * pixels
        return scratch + lasting + 24 * math.prod(self.frame_shape)

    @property
    def embedding_bytes(self) -> int:
        """Bytes that the embedding of a frame takes as it is kept."""
        whole = math.prod(self.network_shape)
        return 2 * self.channels * (self._tiling.pixels if self.per_tile else whole)

    def n_blocks(self, n_frames: int) -> int:
        """Count the blocks of a movie."""
        return count_blocks(n_frames, self.settings)

    def block_of(self, pair: int) -> int:
        """Tell which block holds the pair of the frames ``pair`` and ``pair + 1``."""
        return block_of(pair, self.settings)

    def block_frames(self, block: int, n_frames: int) -> range:
        """List the frames that a block embeds, without those that only warm it up."""
        return plan_block(block, n_frames, self.settings).frames

    def embed_block(
        self, frames: FrameSource, block: int
    ) -> Iterator[tuple[int, Tensor] | None]:
        """Embed the frames of one block, each when it is asked for.

        Parameters
        ----------
        frames : FrameSource
            The whole movie; frames of any real dtype and byte order.
        block : int
            Number of the block, from 0.

        Yields
        ------
        tuple of int and Tensor, or None
            None after each frame of the warm-up: a place to stop. Then the number of a
            frame in the movie, and its embedding: (C, height, width) float16 of unit
            length, on `device`, followed by the votes of a model that votes; with
            `per_tile` (tiles, C, rows, columns). Pixels that are not finite, and all
            pixels of a frame without contrast, are background: the first axis.

        Raises
        ------
        InputError
            When the movie has no such block, or a frame cannot be used.
        FastershiftError
            When memory is short, whatever is tried: fewer tiles at once, smaller
            tiles, and the CPU.
        """
        plan = plan_block(block, len(frames), self.settings)
        numbers = (*plan.warmup, *plan.frames)
        done = 0
        while done < len(numbers):
            shortage: BaseException | None = None
            try:
                for step, embedding in enumerate(self._steps(frames, numbers)):
                    # After a shortage the state is filled anew; only what was not
                    # given before is given.
                    known = step < max(done, len(plan.warmup))
                    done = max(done, step + 1)
                    yield None if known else (numbers[step], embedding)
            except (MemoryError, RuntimeError) as error:
                if not is_shortage(error):
                    raise
                # Without the traceback nothing holds on to the memory.
                shortage = error.with_traceback(None)
            if shortage is not None:
                self._make_do(shortage)

    def embed_alone(self, images: FrameSource) -> Tensor:
        """Embed images that have nothing to do with each other, all together.

        Parameters
        ----------
        images : FrameSource
            A few images (Y, X), each of `frame_shape`.

        Returns
        -------
        Tensor
            (N, C, height, width); each as `embed_block` gives it for a movie of that
            image alone without warm-up.

        Raises
        ------
        InputError
            When an image cannot be used.
        """
        prepared = [self._prepare(images, number) for number in range(len(images))]
        return self._embed(prepared, self._start(len(images)))

    def embed_block_on_disk(
        self, frames: FrameSource, block: int, folder: Path
    ) -> Iterator[Tensor | None]:
        """Embed the frames of one block tile after tile, in the memory of one.

        Each tile goes through the whole block before the next one, so that no other
        recurrent state is held. The embeddings are those of `embed_block`.

        Parameters
        ----------
        frames, block
            As for `embed_block`.
        folder : Path
            For the frames as the network sees them, and the embeddings.

        Yields
        ------
        Tensor or None
            None after each frame of each tile: a place to stop. At last the embeddings
            of all frames of the block, (F, C, height, width) float16, on disk until the
            generator goes on.

        Raises
        ------
        InputError, FastershiftError
            As for `embed_block`; no embeddings are kept per tile.
        """
        plan = plan_block(block, len(frames), self.settings)
        with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as scratch:
            shown = PreparedFrames(lambda t: self._prepare(frames, t), Path(scratch))
            shape = (len(plan.frames), *self.network_shape, self.channels)
            result = torch.from_numpy(shown.empty(shape))
            while True:
                shortage: BaseException | None = None
                try:
                    yield from self._by_tile(shown, plan, result)
                except (MemoryError, RuntimeError) as error:
                    if not is_shortage(error):
                        raise
                    shortage = error.with_traceback(None)
                if shortage is None:
                    break
                self._make_do(shortage)
            yield result.movedim(-1, -3)

    def _by_tile(
        self, shown: PreparedFrames, plan: Block, result: Tensor
    ) -> Iterator[None]:
        """Embed a block, as many tiles together as memory has room for."""
        tiling, at_once = self._tiling, self._tiles_at_once()
        for first in range(0, len(tiling.tiles), at_once):
            tiles = tiling.tiles[first : first + at_once]
            stream = self._network.start(len(tiles), tiling.shape, len(tiles))
            for number in plan.warmup:
                padded, _ = shown[number]
                stream.embed(tiling.read_all(padded, tiles).to(self.device))
                yield None
            for index, number in enumerate(plan.frames):
                padded, usable = shown[number]
                windows = tiling.read_all(padded, tiles).to(self.device)
                told = self._told(stream, windows)
                for raw, tile in zip(told, tiles, strict=True):
                    self._write(raw, usable, tile, result[index])
                yield None

    def _prepare(self, frames: FrameSource, number: int) -> tuple[Tensor, Tensor]:
        """Return the padded network input and which of its pixels can be used."""
        frame = checked_frame(frames, number, self.frame_shape)
        normalise = normalise_robustly if self.votes else normalise_frame
        normalised, usable = normalise(frame, self._blur)
        images = (
            torch.from_numpy(np.ascontiguousarray(one[self._region])).to(self.device)
            for one in (normalised, usable)
        )
        resized, share = (
            resize_frame(
                image.to(torch.float32),
                self.network_shape,
                antialias=self.settings.network_size is None,
                zoom=self._zoom,
            )
            for image in images
        )
        mode = "constant" if self.per_tile else "replicate"
        value = -1.0 if self.per_tile else None
        around = self._tiling.padding
        padded = functional.pad(resized[None, None], around, mode, value)[0, 0]
        return padded, share > _USABLE_SHARE

    def _steps(self, frames: FrameSource, numbers: Iterable[int]) -> Iterator[Tensor]:
        """Embed frames one after the other, from a state of zeros."""
        stream = self._start(1)
        for number in numbers:
            yield self._embed([self._prepare(frames, number)], stream)[0]

    def _start(self, n_movies: int) -> Stream:
        """Begin with movies that are embedded side by side."""
        n_tiles = n_movies * len(self._tiling.tiles)
        return self._network.start(n_tiles, self._tiling.shape, self._tiles_at_once())

    def _embed(
        self, prepared: Sequence[tuple[Tensor, Tensor]], stream: Stream
    ) -> Tensor:
        """Embed the next frame of each movie, tile by tile."""
        tiling = self._tiling
        shape: tuple[int, ...] = self.network_shape
        if self.per_tile:
            shape = (len(tiling.tiles), *tiling.kept)
        result = torch.empty(
            (len(prepared), *shape, self.channels),
            dtype=torch.float16,
            device=self.device,
        )
        todo = [
            (padded, usable, tile, out[index] if self.per_tile else out)
            for (padded, usable), out in zip(prepared, result, strict=True)
            for index, tile in enumerate(tiling.tiles)
        ]
        for number, chunk in enumerate(stream.chunks):
            windows = [tiling.read(padded, tile) for padded, _, tile, _ in todo[chunk]]
            told = self._told(stream, torch.stack(windows), number)
            for raw, (_, usable, tile, out) in zip(told, todo[chunk], strict=True):
                self._write(raw, usable, tile, out)
        # Votes are parted into cells on the CPU: they come over once, all together.
        return (result.cpu() if self.votes else result).movedim(-1, -3)

    def _told(self, stream: Stream, windows: Tensor, chunk: int = 0) -> Tensor:
        """Embed what tiles see; a head, if there is one, has the last word."""
        embedded = stream.embed(windows, chunk)
        if self._head is None:
            return embedded
        return self._head.fill(windows, embedded, self.diameter)

    def _write(self, raw: Tensor, usable: Tensor, tile: Tile, out: Tensor) -> None:
        """Write what is kept of a tile into an embedding of the frame, or its own."""
        row, column = tile
        inside = self._tiling.inside(raw, tile)
        kept = (row.kept, column.kept)
        allowed = usable[kept].to(self.device)
        target = out if self.per_tile else out[kept]
        if self.votes:
            corner = (row.kept.start, column.kept.start)
            write_votes(inside, allowed, target, corner, self.diameter)
        else:
            write_unit(inside, allowed, target)

    def _tiles_at_once(self) -> int:
        """Tell how many tiles are computed together: as many as fit, and help."""
        pixels = math.prod(self._tiling.shape)
        room = free_memory(self.device) // 2 // self._network.scratch_bytes(pixels)
        if self.device.type == "cpu":
            room = min(room, _CPU_PIXELS // pixels)
        return max(1, min(room, self._most_at_once))

    def _make_do(self, cause: BaseException) -> None:
        """Change the computation so that it takes less memory.

        Raises
        ------
        FastershiftError
            When nothing more can be done.
        """
        at_once = self._tiles_at_once()
        tile = max(self._tiling.shape) // 2
        if len(self._tiling.tiles) > 1 < at_once:
            self._most_at_once = at_once // 2
        elif not self.per_tile and tile > max(self.settings.tile_overlap, _LEAST_TILE):
            self._cut(tile)
            self.notices.append(
                f"Memory was short: frames are now embedded in tiles of {tile} pixels."
            )
        elif self.device.type != "cpu":
            self.notices.append(
                f"The memory of the {self.device.type} is too small for frames of this "
                "size: the network now runs on the CPU, which takes longer."
            )
            self._move_to(torch.device("cpu"))
        else:
            raise FastershiftError(
                f"The memory of the {self.device.type} is too small for frames of this "
                "size; choose smaller tiles or give a larger cell diameter."
            ) from cause

    def _cut(self, tile: int) -> None:
        """Decide where tiles lie."""
        overlap, stride = self.settings.tile_overlap, self._network.stride
        cut = overlapping_axis if self.per_tile else seamless_axis
        rows, columns = (
            cut(side, tile, overlap, stride) for side in self.network_shape
        )
        self._tiling = Tiling(rows, columns)

    def _move_to(self, device: torch.device) -> None:
        """Compute on a device from now on, in tiles of the size that was asked for."""
        self.device = device
        self.dtype = choose_precision(self.settings.precision, device)
        self._network = StreamingNetwork(
            self._weights, device, self.dtype, hidden=self._hidden or bool(self._head)
        )
        self._most_at_once = sys.maxsize
        self._cut(self.settings.tile)
