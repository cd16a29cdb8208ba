"""AdamW without what torch loads for its own."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter

__all__ = ["AdamW"]

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class AdamW:
    """Adam with decoupled weight decay, the same to the last bit as that of torch.

    The optimisers of torch load its compiler at their first step. This takes three
    seconds, in which a window does not respond.

    Parameters
    ----------
    parameters : iterable of Parameter
        What is learned.
    weight_decay : float
        Share of each weight that is lost with each step, times the learning rate.

    Attributes
    ----------
    state : dict of int to dict of str to Tensor
        For each parameter, by its place: ``step``, the number of steps, and the moving
        means ``exp_avg`` and ``exp_avg_sq`` of its gradient and of the square of it.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019,
       algorithm 2.
    """

    def __init__(self, parameters: Iterable[Parameter], weight_decay: float) -> None:
        self._parameters = list(parameters)
        self._weight_decay = weight_decay
        self.state: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move all parameters that have a gradient.

        Parameters
        ----------
        rate : float
            Learning rate.
        """
        for place, parameter in enumerate(self._parameters):
            gradient = parameter.grad
            if gradient is None:
                continue
            if place not in self.state:
                self.state[place] = {
                    "step": torch.zeros(()),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
            state = self.state[place]
            state["step"] += 1
            count = float(state["step"])
            first, second = _BETAS
            parameter.mul_(1 - rate * self._weight_decay)
            state["exp_avg"].lerp_(gradient, 1 - first)
            state["exp_avg_sq"].mul_(second).addcmul_(
                gradient, gradient, value=1 - second
            )
            spread = state["exp_avg_sq"].sqrt() / math.sqrt(1 - second**count)
            parameter.addcdiv_(
                state["exp_avg"],
                spread.add_(_EPSILON),
                value=-rate / (1 - first**count),
            )

    def load(self, state: dict[int, dict[str, Tensor]]) -> None:
        """Go on from the `state` of another one, wherever that was computed."""
        self.state = {
            place: {
                name: value if name == "step" else value.to(self._device(place))
                for name, value in known.items()
            }
            for place, known in state.items()
        }

    def _device(self, place: int) -> torch.device:
        return self._parameters[place].device
