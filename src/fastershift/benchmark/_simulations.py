"""The paper's simulations with a known number of clusters (Zhao et al. 2021)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["FIGURE_4", "Simulation", "overlapping_discs"]

Truth: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Simulation:
    """Hidden clusters in two dimensions.

    Attributes
    ----------
    name : str
        What is drawn.
    instances : int
        Hidden clusters I, background excluded; their labels are 0 to I - 1.
    share : float
        Share r of the points that belongs to them.
    draw : callable
        Takes a random generator; gives (n, 2) float32 points and their labels, -1 for
        background.
    """

    name: str
    instances: int
    share: float
    draw: Callable[[np.random.Generator], tuple[Tensor, Truth]]


def _vectors(angles: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> Tensor:
    points = radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return torch.as_tensor(points, dtype=torch.float32)


def _circles(rng: np.random.Generator) -> tuple[Tensor, Truth]:
    """Draw ten clusters of 150 points, half of each on an inner circle."""
    truth = np.repeat(np.arange(10), 150)
    angles = 2 * np.pi * truth / 10 + rng.normal(0, 0.02, 1500)
    outer = np.arange(1500) % 2 == 0
    radii = np.where(outer, 1.0, 0.5) * rng.uniform(0.95, 1.05, 1500)
    return _vectors(angles, radii), truth


def _star(
    rng: np.random.Generator, sizes: tuple[int, ...], noise: float
) -> tuple[Tensor, Truth]:
    """Draw clusters at equal angles, the first of which is background."""
    number = np.repeat(np.arange(len(sizes)), sizes)
    angles = 2 * np.pi * number / len(sizes) + rng.normal(0, noise, len(number))
    return _vectors(angles, rng.uniform(1, 2, len(number))), number - 1


#: The three simulations of Figure 4.
FIGURE_4 = (
    Simulation("circles", 10, 1.0, _circles),
    Simulation(
        "background and 7",
        7,
        0.5,
        partial(_star, sizes=(750, *[107] * 6, 108), noise=0.005),
    ),
    Simulation(
        "background and 3",
        3,
        0.5,
        partial(_star, sizes=(750, 250, 250, 250), noise=0.01),
    ),
)


def overlapping_discs(share: float, side: int) -> Truth:
    """Draw eight discs of a quarter of the side; the later hide the earlier.

    Parameters
    ----------
    share : float
        Share of the image that is covered, up to 0.39; less is more overlap.
    side : int
        Rows and columns.

    Returns
    -------
    (side, side) int64 array
        1 to 8, 0 is background.
    """
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    places = [(r, c) for r in (-0.5, 0.5) for c in (-1.5, -0.5, 0.5, 1.5)]

    def draw(spacing: float) -> Truth:
        image = np.zeros((side, side), dtype=np.int64)
        for number, (r, c) in enumerate(places, start=1):
            inside = np.hypot(rows - r * spacing, columns - c * spacing) <= 0.125
            image[inside] = number
        return image

    near, far = 0.0, 0.25
    for _ in range(30):
        spacing = (near + far) / 2
        if (draw(spacing) > 0).mean() < share:
            near = spacing
        else:
            far = spacing
    return draw(far)
