"""Frames of a movie to the embeddings of their pixels."""

import copy
import math
import time
from collections.abc import Iterator
from itertools import product
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from fastershift.config import EmbedSettings
from fastershift.errors import InputError
from fastershift.rshn._device import (
    choose_device,
    choose_precision,
    memory_sentence,
)
from fastershift.rshn._layout import Span, overlapping_axis, seamless_axis
from fastershift.rshn._network import State, normalise_embedding
from fastershift.rshn._normalise import normalise_frame, resize_frame
from fastershift.rshn._schedule import block_of, count_blocks, plan_block
from fastershift.rshn._weights import Model

__all__ = ["Embedder", "FrameSource"]

# Frames of small cells are smoothed less, as in training: a fixed blur would wash
# cells of a few pixels away.
_DIAMETERS_PER_BLUR = 20

# Share of a network pixel that must come from usable pixels of the frame.
_USABLE_SHARE = 0.5

# Side in pixels of the frame on which the network is timed.
_TIMED_SIDE = 96


class FrameSource(Protocol):
    """A movie: anything with a length that gives its frames by number."""

    def __len__(self) -> int:
        """Count the frames."""
        ...

    def __getitem__(self, index: int, /) -> ArrayLike:
        """Return a frame (Y, X)."""
        ...


@runtime_checkable
class NormalisedSource(Protocol):
    """A movie whose frames were normalised before, so that parts of them suffice."""

    def normalised(
        self, number: int, blur: float
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return what `normalise_frame` makes of a frame; may lie on disk."""
        ...


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
    device : torch.device
        Where the network runs and the embeddings lie.
    dtype : torch.dtype
        What the network computes with.

    Raises
    ------
    InputError
        When the diameter is still ``"auto"`` or the device is not there.

    References
    ----------
    .. [1] C. Payer et al., Medical Image Analysis 57, 2019, section 4.2.
    """

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
        self.device = choose_device(device)
        self.dtype = choose_precision(settings.precision, self.device)
        # A copy, because moving a network to a device moves it for all who hold it.
        self._network = copy.deepcopy(model.network).to(self.device, self.dtype)
        height, width = (
            len(range(side)[part])
            for side, part in zip(frame_shape, self._region, strict=True)
        )
        embedded = height, width
        self.network_shape, self._blur = _network_shape(model, settings, embedded)
        self._zoom = settings.zoom if settings.network_size else 1.0
        area_ratio = math.prod(self.network_shape) / math.prod(embedded)
        self.scale = math.sqrt(area_ratio) / self._zoom
        cut = overlapping_axis if per_tile else seamless_axis
        self._rows, self._columns = (
            cut(side, settings.tile, settings.tile_overlap, self._network.stride)
            for side in self.network_shape
        )

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """Row and column at which each embedded tile lies; rows vary fastest.

        A single one, (0, 0), unless embeddings are kept per tile.
        """
        if not self.per_tile:
            return [(0, 0)]
        return [(row.kept.start, column.kept.start) for row, column in self._spans()]

    def estimate_memory(self) -> int:
        """Estimate the memory that embedding takes, in bytes, beside the movie itself.

        With F filters, C channels, p pixels in the largest tile and P in all tiles:
        ``p·(14·F + 8·C)`` numbers of 4 bytes for one pass of the network, ``P·8/3·F``
        such numbers for the recurrent states, ``P·6·C`` bytes for three float16
        embeddings, and 24 bytes a pixel of the frame. The factors were measured on a
        CPU; expect a third more or less.
        """
        filters, channels = self._network.filters, self._network.channels
        areas = [row.length * column.length for row, column in self._spans()]
        one_pass = 4 * (14 * filters + 8 * channels) * max(areas)
        lasting = (4 * 8 * filters / 3 + 6 * channels) * sum(areas)
        return round(one_pass + lasting + 24 * math.prod(self.frame_shape))

    def seconds_per_frame(self) -> float:
        """Time the network on a small frame, scaled to all pixels of a whole one."""
        side = -(-_TIMED_SIDE // self._network.stride) * self._network.stride
        frame = torch.zeros(side, side, device=self.device)
        _, state = self._pass(frame, None)
        started = time.perf_counter()
        self._pass(frame, state)[0].sum().item()
        seconds = time.perf_counter() - started
        areas = [row.length * column.length for row, column in self._spans()]
        return seconds * sum(areas) / side**2

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
            length, on `device`; with `per_tile` (tiles, C, rows, columns). Pixels that
            are not finite, and all pixels of a frame without contrast, are background:
            the first axis.

        Raises
        ------
        InputError
            When the movie has no such block, or a frame cannot be used.
        FastershiftError
            When memory is short.
        """
        plan = plan_block(block, len(frames), self.settings)
        states: list[State | None] = [None] * len(self._spans())
        for step, frame in enumerate((*plan.warmup, *plan.frames)):
            with memory_sentence(self.device):
                embedding = self._embed(*self._prepare(frames, frame), states)
            yield (frame, embedding) if step >= len(plan.warmup) else None

    def pairs(self, frames: FrameSource) -> Iterator[tuple[int, Tensor]]:
        """Embed a whole movie pair by pair.

        Parameters
        ----------
        frames : FrameSource
            The whole movie.

        Yields
        ------
        frame : int
            Number of the first frame of the pair, counting up from 0.
        embeddings : Tensor
            (2, C, height, width) of this frame and the next; (1, C, height, width) for
            a movie of one frame. With `per_tile` an axis of tiles follows the first.

        Raises
        ------
        InputError, FastershiftError
            As `embed_block`.
        """
        for block in range(self.n_blocks(len(frames))):
            former: Tensor | None = None
            for step in self.embed_block(frames, block):
                if step is None:
                    continue
                frame, embedding = step
                if former is not None:
                    yield frame - 1, torch.stack((former, embedding))
                elif len(frames) == 1:
                    yield frame, embedding[None]
                former = embedding

    def _spans(self) -> list[tuple[Span, Span]]:
        across = product(self._columns.spans, self._rows.spans)
        return [(row, column) for column, row in across]

    def _normalised(
        self, frames: FrameSource, number: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Check and normalise a frame, unless the movie has done so already."""
        if isinstance(frames, NormalisedSource):
            return frames.normalised(number, self._blur)
        frame = np.asarray(frames[number])
        if frame.shape != tuple(self.frame_shape):
            raise InputError(
                f"Frame {number} has the shape {frame.shape} instead of "
                f"{tuple(self.frame_shape)}; all frames must be of one size, with one "
                "channel."
            )
        if frame.dtype.kind not in "biuf":
            raise InputError(
                f"Frame {number} holds values of the type {frame.dtype}; intensities "
                "must be real numbers."
            )
        return normalise_frame(frame, self._blur)

    def _prepare(self, frames: FrameSource, number: int) -> tuple[Tensor, Tensor]:
        """Return the padded network input and which of its pixels can be used."""
        normalised, usable = self._normalised(frames, number)
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
        rows, columns = self._rows, self._columns
        padding = (columns.before, columns.after, rows.before, rows.after)
        mode = "constant" if self.per_tile else "replicate"
        value = -1.0 if self.per_tile else None
        padded = functional.pad(resized[None, None], padding, mode, value)[0, 0]
        return padded, share > _USABLE_SHARE

    @torch.inference_mode()
    def _pass(self, window: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Give one frame (Y, X) to the network; return (C, Y, X) and the new state."""
        clip = window.to(self.dtype)[None, None, None]
        _, second, state = self._network(clip, state)
        return second[0, 0].float(), state

    def _embed(
        self, padded: Tensor, usable: Tensor, states: list[State | None]
    ) -> Tensor:
        """Embed a frame tile by tile; replace the states of the tiles."""
        channels = self._network.channels
        shape: tuple[int, ...] = (channels, *self.network_shape)
        if self.per_tile:
            shape = (len(states), channels, *_size(*self._spans()[0]))
        result = torch.empty(shape, dtype=torch.float16, device=self.device)
        for index, (row, column) in enumerate(self._spans()):
            window = padded[self._rows.read(row), self._columns.read(column)]
            raw, states[index] = self._pass(window, states[index])
            inside = raw[:, self._rows.inside(row), self._columns.inside(column)]
            kept = (row.kept, column.kept)
            target = result[index] if self.per_tile else result[:, *kept]
            target.copy_(_unit(inside, usable[kept]))
        return result


def _size(row: Span, column: Span) -> tuple[int, int]:
    return row.kept.stop - row.kept.start, column.kept.stop - column.kept.start


def _unit(raw: Tensor, usable: Tensor) -> Tensor:
    """Scale (C, Y, X) to unit length; where that cannot be, it is background."""
    unit = normalise_embedding(raw, dim=0)
    background = torch.zeros_like(unit[:, :1, :1])
    background[0] = 1
    # A sum that overflowed to NaN compares as False.
    return torch.where(usable & (unit.square().sum(0) > 0.5), unit, background)


def _network_shape(
    model: Model, settings: EmbedSettings, frame_shape: tuple[int, int]
) -> tuple[tuple[int, int], float]:
    """Return rows and columns of the network input, and the blur in frame pixels."""
    if settings.network_size is not None:
        width, height = settings.network_size
        return (height, width), settings.blur
    if settings.diameter == "auto":
        raise InputError(
            "The cell diameter is not known yet; give it in pixels or estimate it."
        )
    scale = model.card.diameter / settings.diameter
    height, width = (max(1, round(side * scale)) for side in frame_shape)
    return (height, width), min(settings.blur, settings.diameter / _DIAMETERS_PER_BLUR)
