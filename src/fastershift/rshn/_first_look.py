"""A first look at a movie: what kind of image it is, and how large its cells are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from safetensors.torch import load_file
from torch import Tensor, nn

from fastershift.errors import InputError
from fastershift.rshn._normalise import normalise_frame, resize_frame

__all__ = [
    "KINDS",
    "FirstLook",
    "FirstLookNetwork",
    "estimate_diameter",
    "first_look",
    "mirrored",
]

#: Kinds of images that are told apart; each is the name of the model made for it.
KINDS = ("nuclei", "dic", "phase", "elongated")

# Diameters in pixels of the image that is looked at, evenly on a log scale.
_SMALLEST, _LARGEST, _STEPS = 6.0, 140.0, 32

# The frames are looked at in these sizes; large ones are cut to so many pixels a side,
# small ones mirrored to as many as the network has learned from.
_SCALES = (0.25, 0.5, 1.0, 2.0)
_SIDE = 640
_SMALLEST_SIDE = 48
_LEARNED_SIDE = 256

# Cell diameters in pixels of the frames that are considered, and the size at which the
# kind of image is told best.
_DIAMETERS = np.geomspace(4.0, 480.0, 128)
_BEST = 28.0


@dataclass(frozen=True)
class FirstLook:
    """What a first look at some frames tells.

    Attributes
    ----------
    diameter : float
        Typical cell diameter in pixels of the frames.
    kind : str
        The most likely of `KINDS`.
    probability : float
        How sure that kind is, 0 to 1.
    """

    diameter: float
    kind: str
    probability: float


class FirstLookNetwork(nn.Module):
    """Convolutions, each halving the image, and the statistics of what they find.

    It has no sense of place, so frames of any size can be given.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (16, 32, 48, 64, 64)
        layers: list[nn.Module] = []
        before = 1
        for width in widths:
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1),
                nn.GroupNorm(4, width),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(),
            ]
            before = width
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Linear(2 * before, 96)
        self.size = nn.Linear(96, _STEPS)
        self.kind = nn.Linear(96, len(KINDS))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Look at frames.

        Parameters
        ----------
        frames : Tensor
            (B, 1, Y, X) float, normalised; 64 pixels a side or more.

        Returns
        -------
        sizes : Tensor
            (B, 32) logits of the diameters in `diameters`.
        kinds : Tensor
            (B, 4) logits of `KINDS`.
        """
        found = self.features(frames).flatten(2)
        hidden = torch.cat((found.mean(2), found.std(2)), 1)
        hidden = torch.relu(self.hidden(hidden))
        return self.size(hidden), self.kind(hidden)

    @staticmethod
    def diameters() -> Tensor:
        """Return the (32,) diameters in pixels that are told apart."""
        steps = torch.linspace(math.log(_SMALLEST), math.log(_LARGEST), _STEPS)
        return steps.exp()


@cache
def _network() -> FirstLookNetwork:
    path = Path(str(files("fastershift.rshn") / "weights" / "first_look.weights"))
    network = FirstLookNetwork()
    network.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    return network.eval()


def mirrored(frame: Tensor, side: int) -> Tensor:
    """Repeat a small frame, mirrored, until it has so many pixels a side."""
    height, width = frame.shape
    missing = ((0, max(0, side - height)), (0, max(0, side - width)))
    return torch.from_numpy(np.pad(frame.numpy(), missing, mode="symmetric"))


def _prepared(frame: Tensor, scale: float) -> Tensor:
    """Scale the middle of a frame, as much of it as is needed."""
    needed = math.ceil(_SIDE / scale)
    top, left = (max(0, (side - needed) // 2) for side in frame.shape)
    part = frame[top : top + needed, left : left + needed]
    shape = [max(1, round(side * scale)) for side in part.shape]
    return mirrored(resize_frame(part, (shape[0], shape[1])), _LEARNED_SIDE)


def _look(frames: Sequence[Tensor], scale: float) -> tuple[Tensor, Tensor]:
    """Look at frames at a scale; return log shares of the sizes and of the kinds."""
    sizes, kinds = [], []
    for frame in frames:
        size, kind = _network()(_prepared(frame, scale)[None, None])
        sizes.append(size[0].log_softmax(0))
        kinds.append(kind[0].log_softmax(0))
    return torch.stack(sizes).mean(0), torch.stack(kinds).mean(0)


@torch.inference_mode()
def first_look(frames: Iterable[ArrayLike]) -> FirstLook | None:
    """Tell what kind of image frames are and how large their cells are.

    A small network looks at the frames in several sizes; the diameter is the one that
    all looks together find most likely.

    Parameters
    ----------
    frames : iterable of array_like
        Frames (Y, X); a few, spread over the movie, are enough.

    Returns
    -------
    FirstLook or None
        None when no frame has any contrast.
    """
    usable = []
    for frame in frames:
        normalised, contrast = normalise_frame(frame)
        if contrast.any():
            usable.append(torch.from_numpy(normalised))
    if not usable:
        return None
    shortest = min(usable[0].shape)
    scales = [scale for scale in _SCALES if shortest * scale >= _SMALLEST_SIDE]
    looks = {scale: _look(usable, scale) for scale in scales or [1.0]}
    steps = FirstLookNetwork.diameters().log().numpy()
    likely = np.zeros(len(_DIAMETERS))
    for scale, (sizes, _) in looks.items():
        # Beyond what a look can tell, its outermost step stands for all there is.
        likely += np.interp(np.log(_DIAMETERS * scale), steps, sizes.numpy())
    diameter = float(_DIAMETERS[int(likely.argmax())])
    nearest = min(looks, key=lambda scale: abs(np.log(diameter * scale / _BEST)))
    kinds = looks[nearest][1].exp()
    best = int(kinds.argmax())
    return FirstLook(diameter, KINDS[best], float(kinds[best] / kinds.sum()))


def estimate_diameter(frames: Iterable[ArrayLike]) -> float:
    """Guess the typical cell diameter.

    Parameters
    ----------
    frames : iterable of array_like
        Frames (Y, X); a few, spread over the movie, are enough.

    Returns
    -------
    float
        Diameter in pixels of the frames; to be checked by eye.

    Raises
    ------
    InputError
        When no frame has any contrast.
    """
    look = first_look(frames)
    if look is None:
        raise InputError(
            "The cell diameter cannot be estimated, because no frame has any contrast; "
            "give it in pixels."
        )
    return look.diameter
