"""The weights of the published TensorFlow models, by their names there."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fastershift.errors import InputError
from fastershift.rshn._network import RSHN

__all__ = ["network_from_published"]

_OUTPUT = "net/rnn/unet_0_cell/output/kernel"
_MORE_LEVELS = "net/rnn/unet_0_cell/contracting/level{}/conv0/kernel"


class _Convolutions:
    """Hands out the kernel and bias of each published convolution once."""

    def __init__(self, weights: Mapping[str, NDArray[np.generic]]) -> None:
        self.left = dict(weights)

    def _tensor(self, name: str, shape: tuple[int, ...]) -> Tensor:
        value = self.left.pop(name, None)
        if value is None:
            raise InputError(
                f"The checkpoint lacks the weights '{name}', so it is not a complete "
                "recurrent stacked hourglass network."
            )
        if value.shape != shape:
            raise InputError(
                f"The weights '{name}' of the checkpoint have the shape {value.shape} "
                f"instead of {shape}."
            )
        return torch.from_numpy(np.array(value, np.float32))

    def convolution(
        self, name: str, size: int, n_in: int, n_out: int
    ) -> tuple[Tensor, Tensor]:
        """Return kernel (out, in, y, x), stored as (y, x, in, out), and bias (out,)."""
        kernel = self._tensor(f"{name}/kernel", (size, size, n_in, n_out))
        return kernel.permute(3, 2, 0, 1), self._tensor(f"{name}/bias", (n_out,))


def _recurrent(
    convolutions: _Convolutions, place: str, filters: int
) -> dict[str, Tensor]:
    """Fuse the three convolutions of a unit, and split them by what they see."""
    reset, update, candidate = (
        convolutions.convolution(f"{place}/{gate}", 3, 2 * filters, filters)
        for gate in ("gates/r", "gates/u", "candidate/y")
    )
    kernels = torch.cat([reset[0], update[0], candidate[0]])
    gates = 2 * filters
    return {
        "from_input.weight": kernels[:, :filters],
        "from_input.bias": torch.cat([reset[1], update[1], candidate[1]]),
        "gates_from_state.weight": kernels[:gates, filters:],
        "candidate_from_state.weight": kernels[gates:, filters:],
    }


def _hourglass(
    convolutions: _Convolutions, number: int, size: tuple[int, int, int]
) -> dict[str, Tensor]:
    filters, levels, channels = size
    place = f"net/rnn/unet_{number}_cell"
    n_in = 1 + number * channels
    result: dict[str, Tensor] = {}
    plain = [("input", "input", 1, n_in, filters)]
    for level in range(levels):
        for path in ("contracting", "expanding"):
            theirs = f"{path}/level{level}/conv0"
            plain.append((f"{path}.{level}", theirs, 3, filters, filters))
        theirs = f"{place}/parallel/level{level}/gru0"
        unit = _recurrent(convolutions, theirs, filters)
        result |= {f"recurrent.{level}.{name}": value for name, value in unit.items()}
    plain.append(("output", "output", 1, filters, channels))
    for ours, theirs, width, before, after in plain:
        kernel, bias = convolutions.convolution(
            f"{place}/{theirs}", width, before, after
        )
        result |= {f"{ours}.weight": kernel, f"{ours}.bias": bias}
    return {f"hourglasses.{number}.{name}": value for name, value in result.items()}


def network_from_published(weights: Mapping[str, NDArray[np.generic]]) -> RSHN:
    """Build a network from the weights of a published checkpoint.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Every weight by the name of its TensorFlow variable, such as
        ``net/rnn/unet_0_cell/input/kernel``, kernels as (y, x, in, out), and nothing
        else: no optimiser slots, no counters. Filters, levels and embedding channels
        follow from their names and shapes.

    Returns
    -------
    RSHN
        Float32, in evaluation mode.

    Raises
    ------
    InputError
        When a weight is missing, has another shape than expected, or is left over.
    """
    output = weights.get(_OUTPUT)
    if output is None or output.ndim != 4:
        raise InputError(
            f"The checkpoint lacks the weights '{_OUTPUT}', so it is not a recurrent "
            "stacked hourglass network."
        )
    filters, channels = output.shape[2:]
    levels = 0
    while _MORE_LEVELS.format(levels) in weights:
        levels += 1
    convolutions = _Convolutions(weights)
    values: dict[str, Tensor] = {}
    for number in range(2):
        values |= _hourglass(convolutions, number, (filters, levels, channels))
    if convolutions.left:
        raise InputError(
            f"The checkpoint contains weights that the network does not have, such as "
            f"'{min(convolutions.left)}'."
        )
    with torch.device("meta"):
        network = RSHN(filters, levels, channels)
    network.load_state_dict(
        {name: value.contiguous() for name, value in values.items()}, assign=True
    )
    return network.eval()
