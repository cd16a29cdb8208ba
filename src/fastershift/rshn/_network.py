"""The recurrent stacked hourglass network of Payer et al. (2019)."""

import math
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["HANDOVER_EPSILON", "RSHN", "State", "normalise_embedding"]

#: Recurrent state: for each hourglass, for each level l with a recurrent unit,
#: (B, filters, Y/2^l, X/2^l), where Y and X count blocks.
State: TypeAlias = tuple[tuple[Tensor, ...], ...]

# Bounds the squared norm where the first hourglass feeds the second; it is large on
# purpose: weak embeddings stay weak instead of being blown up to noise of unit length.
HANDOVER_EPSILON = 1e-4

# First level that may be wider than the finer ones.
_DEEP = 2


def normalise_embedding(
    embedding: Tensor, dim: int = 1, epsilon: float = 1e-12
) -> Tensor:
    """Scale embeddings to unit length.

    Parameters
    ----------
    embedding : Tensor
        Raw embeddings of any shape.
    dim : int
        Axis of the embedding channels.
    epsilon : float
        Lower bound of the *squared* norm.

    Returns
    -------
    Tensor
        Same shape; vectors whose squared norm is below `epsilon` stay shorter than one.
    """
    return functional.normalize(embedding, dim=dim, eps=math.sqrt(epsilon))


def _initialise(weight: Tensor, gain: float) -> None:
    """Fill a kernel from a truncated normal of variance gain / fan-in."""
    fan_in = weight[0].numel()
    # A normal truncated at two deviations has 0.8796 of the deviation it was cut from.
    deviation = math.sqrt(gain / fan_in) / 0.87962566
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)


def _convolution(n_in: int, n_out: int, size: int, gain: float = 2.0) -> nn.Conv2d:
    layer = nn.Conv2d(n_in, n_out, size, padding=size // 2)
    _initialise(layer.weight.data, gain)
    assert layer.bias is not None  # noqa: S101 (narrows the type)
    nn.init.zeros_(layer.bias)
    return layer


class _ConvGRU(nn.Module):
    """Convolutional gated recurrent unit whose candidate is rectified, not tanh.

    ``r, u = sigmoid(W [x, h])``, ``y = relu(W [x, r·h])``, ``h' = u·h + (1 - u)·y``.
    The parts of the three convolutions that see only the input are one convolution, so
    that they can run for all frames of a clip at once.
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.filters = filters
        self.from_input = nn.Conv2d(filters, 3 * filters, 3, padding=1)
        self.gates_from_state = nn.Conv2d(
            filters, 2 * filters, 3, padding=1, bias=False
        )
        self.candidate_from_state = nn.Conv2d(
            filters, filters, 3, padding=1, bias=False
        )
        for gain, out in (
            (1.0, slice(0, 2 * filters)),
            (2.0, slice(2 * filters, None)),
        ):
            # Input and state are one concatenated input: the fan-in counts both.
            _initialise(self.from_input.weight.data[out], gain / 2)
        _initialise(self.gates_from_state.weight.data, 0.5)
        _initialise(self.candidate_from_state.weight.data, 1.0)
        assert self.from_input.bias is not None  # noqa: S101 (narrows the type)
        nn.init.zeros_(self.from_input.bias)

    def forward(self, inputs: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run over a clip (T, B, F, Y, X); return all states and the last one."""
        n_frames, n_clips = inputs.shape[:2]
        from_input = self.from_input(inputs.flatten(0, 1))
        from_input = from_input.view(n_frames, n_clips, *from_input.shape[1:])
        states = []
        for frame in from_input:
            gates, candidate = frame.split((2 * self.filters, self.filters), dim=1)
            if state is None:
                update = torch.sigmoid(gates[:, self.filters :])
                state = (1 - update) * torch.relu(candidate)
            else:
                gates = torch.sigmoid(gates + self.gates_from_state(state))
                reset, update = gates.chunk(2, dim=1)
                candidate = torch.relu(
                    candidate + self.candidate_from_state(reset * state)
                )
                state = candidate + update * (state - candidate)
            states.append(state)
        assert state is not None  # noqa: S101 (a clip has at least one frame)
        return torch.stack(states), state


class _Hourglass(nn.Module):
    """One hourglass; at most levels a recurrent unit joins its two paths."""

    def __init__(
        self, n_in: int, widths: Sequence[int], channels: int, recurrent_from: int
    ) -> None:
        super().__init__()
        finer = (widths[0], *widths[:-1])
        self.input = _convolution(n_in, widths[0], 1)
        self.contracting = nn.ModuleList(
            _convolution(before, width, 3)
            for before, width in zip(finer, widths, strict=True)
        )
        self.recurrent_from = recurrent_from
        # Finer levels hand on what they see; their units have no weights.
        self.recurrent = nn.ModuleList(
            _ConvGRU(width) if level >= recurrent_from else nn.Identity()
            for level, width in enumerate(widths)
        )
        self.expanding = nn.ModuleList(
            _convolution(width, after, 3)
            for after, width in zip(finer, widths, strict=True)
        )
        self.output = _convolution(widths[0], channels, 1)

    def forward(
        self, clip: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Embed a clip (T, B, C, Y, X); return raw embeddings and the last state."""
        frames = clip.shape[:2]
        current = torch.relu(self.input(clip.flatten(0, 1)))
        parallel, last = [], []
        for level, contract in enumerate(self.contracting):
            if level:
                current = functional.max_pool2d(current, 2)
            current = torch.relu(contract(current))
            known = level - self.recurrent_from
            if known < 0:
                parallel.append(current)
                continue
            states, final = self.recurrent[level](
                current.view(*frames, *current.shape[1:]),
                None if state is None else state[known],
            )
            parallel.append(states.flatten(0, 1))
            last.append(final)
        current = parallel[-1]
        for level in reversed(range(len(parallel))):
            if level < len(parallel) - 1:
                current = functional.interpolate(current, scale_factor=2.0)
                current = current + parallel[level]
            current = torch.relu(self.expanding[level](current))
        return self.output(current).unflatten(0, frames), tuple(last)


class RSHN(nn.Module):
    """Recurrent stacked hourglass network: every pixel of every frame an embedding.

    Parameters
    ----------
    filters : int
        Filters of every convolution (published: 64).
    levels : int
        Resolutions of an hourglass (published: 7); height and width of the frames must
        be multiples of `stride`.
    channels : int
        Length of an embedding (published: 16).
    recurrent_from : int
        Finest level with a recurrent unit, counted from 0 (published: 0). The units of
        the finest level take more than half of the time.
    deep_filters : int, optional
        Filters of the levels from the third on, which see a sixteenth of the pixels at
        most; `filters` without it (published).
    block : int
        The network sees squares of so many pixels on a side as one, and tells of all of
        them together (published: 1); 2 takes half of the time.

    Raises
    ------
    ValueError
        When no level is left for a recurrent unit.

    References
    ----------
    .. [1] C. Payer, D. Štern, M. Feiner, H. Bischof, M. Urschler, "Segmenting and
       tracking cell instances with cosine embeddings and recurrent hourglass
       networks", Medical Image Analysis 57, 2019, section 3.
    """

    def __init__(
        self,
        filters: int = 64,
        levels: int = 7,
        channels: int = 16,
        recurrent_from: int = 0,
        deep_filters: int | None = None,
        block: int = 1,
    ) -> None:
        super().__init__()
        if not 0 <= recurrent_from < levels:
            raise ValueError(
                f"recurrent_from is {recurrent_from} but must lie in 0 to {levels - 1}."
            )
        self.filters, self.levels, self.channels = filters, levels, channels
        self.recurrent_from, self.block = recurrent_from, block
        deep = filters if deep_filters is None else deep_filters
        self.widths = tuple(
            filters if level < _DEEP else deep for level in range(levels)
        )
        pixels = block**2
        self.hourglasses = nn.ModuleList(
            _Hourglass(n_in * pixels, self.widths, channels * pixels, recurrent_from)
            for n_in in (1, 1 + channels)
        )

    @property
    def stride(self) -> int:
        """Number that height and width of the frames must be multiples of."""
        return self.block << (self.levels - 1)

    def forward(
        self, clip: Tensor, state: State | None = None
    ) -> tuple[Tensor, Tensor, State]:
        """Embed a clip.

        Parameters
        ----------
        clip : Tensor
            (T, B, 1, Y, X) float frames in about [-1, 1]; Y and X multiples of
            `stride`.
        state : State, optional
            State after the frame before the clip; zero without it.

        Returns
        -------
        first, second : Tensor
            (T, B, channels, Y, X) raw embeddings of both hourglasses. Both are trained;
            the second, normalised, is what is clustered.
        state : State
            State after the last frame of the clip.
        """
        shown = functional.pixel_unshuffle(clip, self.block)
        first, state_first = self.hourglasses[0](
            shown, None if state is None else state[0]
        )
        of_pixels = first.unflatten(2, (self.channels, -1))
        handed = normalise_embedding(of_pixels, dim=2, epsilon=HANDOVER_EPSILON)
        second, state_second = self.hourglasses[1](
            torch.cat((shown, handed.flatten(2, 3)), dim=2),
            None if state is None else state[1],
        )
        return (
            functional.pixel_shuffle(first, self.block),
            functional.pixel_shuffle(second, self.block),
            (state_first, state_second),
        )
