"""The network as it runs over a movie: frame after frame, without gradients.

It computes what `RSHN` computes, in the memory of a few images: state is updated where
it lies, and everything between one state and the next happens in strips.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fastershift.rshn._network import (
    HANDOVER_EPSILON,
    RSHN,
    normalise_embedding,
)
from fastershift.rshn._strips import (
    Kernel,
    add_doubled,
    convolve,
    cut,
    halve,
    rectify,
)

__all__ = ["Stream", "StreamingNetwork"]

# Rows of zeros above and below every state. The reset gate of a row needs the row
# beside it, and the candidate needs the reset gates of the rows beside it.
_RIM = 2


class _Recurrent(NamedTuple):
    """Both gates, and the candidate: convolutions of input and state together."""

    gates: Kernel
    candidate: Kernel


class _Hourglass(NamedTuple):
    input: Kernel
    contracting: tuple[Kernel, ...]
    recurrent: tuple[_Recurrent | None, ...]
    expanding: tuple[Kernel, ...]
    output: Kernel

    def convolutions(self, side: int) -> Iterator[tuple[int, Kernel]]:
        """Yield all convolutions of an image, with the side of what each one reads."""
        yield side, self.input
        for level, unit in enumerate(self.recurrent):
            kernels = self.contracting[level], *(unit or ()), self.expanding[level]
            yield from ((side >> level, kernel) for kernel in kernels)
        yield side, self.output


class StreamingNetwork:
    """The weights of a network, arranged for running over movies.

    Parameters
    ----------
    network : RSHN
        Its weights are copied.
    device : torch.device
        Where to compute.
    dtype : torch.dtype
        What to compute with.
    hidden : bool
        Tell after the outputs what they were made of, too.

    Attributes
    ----------
    widths : tuple of int
        Filters of each level.
    levels, recurrent_from : int
        As those of the network.
    channels : int
        Numbers that are told of a pixel: the outputs of the network, and with `hidden`
        those of its last filters.
    block : int
        Side of the squares of pixels that the network sees as one.
    stride : int
        Number that height and width of images must be multiples of.
    device : torch.device
        Where the weights are.
    dtype : torch.dtype
        Of weights, states and results.
    """

    def __init__(
        self,
        network: RSHN,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        *,
        hidden: bool = False,
    ) -> None:
        self.widths = network.widths
        self.channels = network.channels + (network.filters if hidden else 0)
        self.block = network.block
        self.levels, self.stride = network.levels, network.stride
        self.recurrent_from = network.recurrent_from
        self.device, self.dtype = device, dtype
        first, second = (self._arranged(one) for one in network.hourglasses)
        order = _pixel_after_pixel(network.channels, self.block)
        handed = torch.cat((torch.arange(self.block**2), self.block**2 + order))
        second = second._replace(input=_reading(second.input, handed))
        first, second = (
            one._replace(output=_telling(one.output, order)) for one in (first, second)
        )
        if hidden:
            repeated = _with_inputs(second.output, self.block**2)
            second = second._replace(output=repeated)
        self.hourglasses = (first, second)

    def start(self, n_tiles: int, shape: tuple[int, int], at_once: int) -> "Stream":
        """Begin with a state of zeros.

        Parameters
        ----------
        n_tiles : int
            Images that are embedded side by side, each with a state of its own.
        shape : (int, int)
            Rows and columns of the images; multiples of `stride`.
        at_once : int
            Images that are computed together.

        Returns
        -------
        Stream
        """
        return Stream(self, n_tiles, shape, at_once)

    def state_bytes(self, n_pixels: int) -> int:
        """Count the bytes of the states of so many pixels."""
        return 2 * self._image_bytes(n_pixels, self.widths, self.recurrent_from)

    def scratch_bytes(self, n_pixels: int) -> int:
        """Count the bytes that computing so many pixels at once takes besides."""
        # By blocks, and where these are not single pixels, by pixels as well.
        copies = 1 if self.block == 1 else 2
        output = copies * n_pixels * self.channels * self.dtype.itemsize
        scratch = (
            self._image_bytes(n_pixels, widths) for widths in (self.widths, self.finer)
        )
        return sum(scratch) + output

    @property
    def finer(self) -> tuple[int, ...]:
        """Filters of what each level reads, and hands to the finer one."""
        return self.widths[0], *self.widths[:-1]

    def _image_bytes(
        self, n_pixels: int, widths: tuple[int, ...], finest: int = 0
    ) -> int:
        """Count the bytes of an image at all resolutions from one on."""
        seen = [width * 0.25**level for level, width in enumerate(widths)]
        count = round(n_pixels / self.block**2 * sum(seen[finest:]))
        return count * self.dtype.itemsize

    def _kernel(self, weight: Tensor, bias: Tensor | None) -> Kernel:
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        return Kernel(
            weight.detach()
            .to(self.device, self.dtype)
            .contiguous(memory_format=torch.channels_last),
            bias.detach().to(self.device, self.dtype, copy=True),
        )

    def _arranged(self, hourglass: nn.Module) -> _Hourglass:
        def kernels(name: str) -> tuple[Kernel, ...]:
            layers = hourglass.get_submodule(name).children()
            return tuple(self._kernel(one.weight, one.bias) for one in layers)  # type: ignore[arg-type]

        ends = {
            name: self._kernel(layer.weight, layer.bias)  # type: ignore[arg-type]
            for name in ("input", "output")
            for layer in [hourglass.get_submodule(name)]
        }
        units = hourglass.get_submodule("recurrent").children()
        return _Hourglass(
            contracting=kernels("contracting"),
            recurrent=tuple(
                self._recurrent(unit) if any(True for _ in unit.parameters()) else None
                for unit in units
            ),
            expanding=kernels("expanding"),
            **ends,
        )

    def _recurrent(self, unit: nn.Module) -> _Recurrent:
        """Join the convolutions of the input with those of the state."""
        weights = dict(unit.named_parameters())
        bias, of_input = weights["from_input.bias"], weights["from_input.weight"]
        of_state = {
            "gates": weights["gates_from_state.weight"],
            "candidate": weights["candidate_from_state.weight"],
        }
        filters = len(bias) // 3
        part = {
            "gates": slice(0, 2 * filters),
            "candidate": slice(2 * filters, None),
        }
        return _Recurrent(
            **{
                name: self._kernel(
                    torch.cat((of_input[rows], of_state[name]), 1), bias[rows]
                )
                for name, rows in part.items()
            }
        )


def _pixel_after_pixel(channels: int, block: int) -> Tensor:
    """Order the outputs of a block by pixels; the network has them by channels."""
    return torch.arange(channels * block**2).view(channels, -1).T.flatten()


def _telling(kernel: Kernel, order: Tensor) -> Kernel:
    """Let a convolution tell its outputs in another order."""
    order = order.to(kernel.weight.device)
    return Kernel(kernel.weight[order], kernel.bias[order])


def _reading(kernel: Kernel, order: Tensor) -> Kernel:
    """Let a convolution read inputs that come in another order."""
    return Kernel(kernel.weight[:, order.to(kernel.weight.device)], kernel.bias)


def _with_inputs(kernel: Kernel, n_pixels: int) -> Kernel:
    """Let a convolution repeat what it reads after the outputs for each pixel."""
    n_out, n_in = kernel.weight.shape[:2]
    same = torch.eye(n_in, dtype=kernel.weight.dtype, device=kernel.weight.device)
    weight = kernel.weight.view(n_pixels, -1, n_in)
    repeated = torch.cat((weight, same.expand(n_pixels, -1, -1)), dim=1)
    bias = kernel.bias.view(n_pixels, n_out // n_pixels)
    biases = torch.cat((bias, bias.new_zeros(n_pixels, n_in)), dim=1)
    return Kernel(repeated.reshape(-1, n_in, 1, 1), biases.flatten())


class Stream:
    """A run of the network through successive frames; made by `StreamingNetwork.start`.

    Attributes
    ----------
    chunks : tuple of slice
        Which images are computed together.
    """

    def __init__(
        self,
        network: StreamingNetwork,
        n_tiles: int,
        shape: tuple[int, int],
        at_once: int,
    ) -> None:
        self._network = network
        block = network.block
        height, width = shape[0] // block, shape[1] // block
        self._shapes = [
            (height >> level, width >> level) for level in range(network.levels)
        ]
        at_once = max(1, min(at_once, n_tiles))
        self.chunks = tuple(
            slice(first, min(first + at_once, n_tiles))
            for first in range(0, n_tiles, at_once)
        )
        self._wide = self._images(at_once, _RIM, network.widths)
        self._narrow = self._images(at_once, 1, network.finer)
        self._raw = self._zeros(at_once, height, width, block**2 * network.channels)
        self._pixels = self._raw
        if block > 1:
            self._pixels = self._zeros(at_once, *shape, network.channels)
        self._states = [
            [
                self._images(
                    chunk.stop - chunk.start,
                    _RIM,
                    network.widths,
                    network.recurrent_from,
                )
                for _ in network.hourglasses
            ]
            for chunk in self.chunks
        ]

    def _zeros(self, *shape: int) -> Tensor:
        network = self._network
        return torch.zeros(shape, dtype=network.dtype, device=network.device)

    def _images(
        self, n_images: int, rim: int, widths: tuple[int, ...], finest: int = 0
    ) -> list[Tensor]:
        """Make an image (B, Y, X, filters) of each resolution with a rim of zeros."""
        sizes = zip(self._shapes[finest:], widths[finest:], strict=True)
        return [
            self._zeros(n_images, height + 2 * rim, width, filters)
            for (height, width), filters in sizes
        ]

    @torch.inference_mode()
    def embed(self, images: Tensor, chunk: int = 0) -> Tensor:
        """Embed the next frame of some images.

        Parameters
        ----------
        images : Tensor
            (B, Y, X) float images in about [-1, 1], those of the chunk.
        chunk : int
            Which of `chunks` they are.

        Returns
        -------
        Tensor
            (B, Y, X, channels) raw embeddings of the second hourglass, as
            `StreamingNetwork.channels` counts them. They are overwritten by the next
            call.
        """
        network, n_images = self._network, len(images)
        shown = _by_blocks(images, network.block).to(network.dtype)
        wide, narrow = (
            [image[:n_images] for image in scratch]
            for scratch in (self._wide, self._narrow)
        )
        raw = self._raw[:n_images]
        finest = network.recurrent_from
        for number, (hourglass, remembered) in enumerate(
            zip(network.hourglasses, self._states[chunk], strict=True)
        ):
            # What a level without a recurrent unit sees stands for its state.
            states = [*wide[:finest], *remembered]
            _enter(hourglass.input, shown, raw if number else None, narrow[0])
            for level, state in enumerate(states):
                if level:
                    _pool(wide[level - 1], narrow[level])
                _contract(hourglass.contracting[level], narrow[level], wide[level])
                unit = hourglass.recurrent[level]
                if unit is not None:
                    _remember(unit, wide[level], state)
            for level in reversed(range(len(states))):
                combined = states[level]
                if level < len(states) - 1:
                    combined = wide[level]
                    _combine(states[level], narrow[level + 1], combined)
                last = None if level else (hourglass.output, raw)
                _expand(hourglass.expanding[level], combined, narrow[level], last)
        pixels = self._pixels[:n_images]
        if network.block > 1:
            _by_pixels(raw, network.block, pixels)
        return pixels


def _by_blocks(images: Tensor, block: int) -> Tensor:
    """Put the pixels of each block of images (B, Y, X) side by side, (B, y, x, N)."""
    n_images, height, width = images.shape
    rows, columns = height // block, width // block
    blocks = images.view(n_images, rows, block, columns, block).transpose(2, 3)
    return blocks.reshape(n_images, rows, columns, block**2)


def _by_pixels(raw: Tensor, block: int, out: Tensor) -> None:
    """Put what is told of blocks (B, y, x, N) where their pixels are, (B, Y, X, C)."""
    n_images, rows, columns, _ = raw.shape
    told = raw.view(n_images, rows, columns, block, block, -1)
    out.view(n_images, rows, block, columns, block, -1).copy_(told.transpose(2, 3))


def _enter(kernel: Kernel, shown: Tensor, raw: Tensor | None, out: Tensor) -> None:
    """Show an hourglass the frames and, to the second, what the first made of them."""
    for images, start, stop in cut(out, shown.shape[1]):
        inputs = shown[images, start:stop]
        if raw is not None:
            n_pixels = shown.shape[-1]
            outputs = raw[images, start:stop, :, : kernel.weight.shape[1] - n_pixels]
            of_pixels = outputs.reshape(*outputs.shape[:-1], n_pixels, -1)
            handed = normalise_embedding(
                of_pixels.float(), dim=-1, epsilon=HANDOVER_EPSILON
            )
            inputs = torch.cat((inputs, handed.flatten(-2).to(inputs.dtype)), dim=-1)
        rectify(convolve(inputs, kernel), out[images, start + 1 : stop + 1])


def _pool(image: Tensor, out: Tensor) -> None:
    height = out.shape[1] - 2
    for images, start, stop in cut(out, height):
        rows = slice(2 * start + _RIM, 2 * stop + _RIM)
        halve(image[images, rows], out[images, start + 1 : stop + 1])


def _contract(kernel: Kernel, image: Tensor, out: Tensor) -> None:
    for images, start, stop in cut(image, image.shape[1] - 2):
        convolved = convolve(image[images, start : stop + 2], kernel, rim=1)
        rectify(convolved, out[images, start + _RIM : stop + _RIM])


def _remember(unit: _Recurrent, inputs: Tensor, state: Tensor) -> None:
    """Bring the state of a recurrent unit from one frame to the next, in its place.

    A strip needs two rows more on both sides; those above hold the new state by then,
    hence the copy of the old one.
    """
    filters = state.shape[-1]
    above: Tensor | None = None
    for images, start, stop in cut(state, state.shape[1] - 2 * _RIM):
        rows = slice(start, stop + 2 * _RIM)
        both = torch.cat((inputs[images, rows], state[images, rows]), dim=-1)
        if start and above is not None:
            both[:, :_RIM, :, filters:] = above
        above = state[images, stop : stop + _RIM].clone()
        gates = convolve(both, unit.gates, rim=1).sigmoid_()
        inner = both[:, 1:-1]
        old = inner[..., filters:]
        torch.mul(gates[..., :filters], old, out=old)
        candidate = convolve(inner, unit.candidate, rim=1)
        rectify(candidate, candidate)
        update = gates[:, 1:-1, :, filters:].contiguous()
        new = state[images, start + _RIM : stop + _RIM]
        torch.lerp(candidate, new, update, out=new)


def _combine(state: Tensor, small: Tensor, out: Tensor) -> None:
    """Add to what a resolution remembers what the coarser ones saw."""
    height = state.shape[1] - 2 * _RIM
    for images, start, stop in cut(state, height):
        rows = slice(start + _RIM, stop + _RIM)
        coarse = small[images, start // 2 + 1 : stop // 2 + 1]
        add_doubled(state[images, rows], coarse, out[images, rows])


def _expand(
    kernel: Kernel, image: Tensor, out: Tensor, last: tuple[Kernel, Tensor] | None
) -> None:
    for images, start, stop in cut(image, image.shape[1] - 2 * _RIM):
        rows = slice(start + _RIM - 1, stop + _RIM + 1)
        convolved = convolve(image[images, rows], kernel, rim=1)
        if last is None:
            rectify(convolved, out[images, start + 1 : stop + 1])
            continue
        rectify(convolved, convolved)
        final, raw = last
        raw[images, start:stop, :, : len(final.weight)] = convolve(convolved, final)
