"""Outlines that somebody drew, shown under a simulated microscope."""

from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.measure import regionprops

from fastershift.errors import InputError
from fastershift.simulate._clutter import Clutter
from fastershift.simulate._kinds import Body, draw_life
from fastershift.simulate._looks import Optics
from fastershift.simulate._microscope import draw_exposure
from fastershift.simulate._outlines import View
from fastershift.simulate._population import Cells, Life, new_cells
from fastershift.simulate._walls import Walls

__all__ = ["redraw"]

# Around the frame, so that light from beyond its edge reaches it, pixels.
_MARGIN = 32


def redraw(
    labels: NDArray[np.integer],
    kind: Body,
    *,
    optics: Optics = "usual",
    seed: int = 0,
) -> NDArray[np.uint16]:
    """Show the outlines of a frame as another microscope might.

    Insides, light, dirt and camera are drawn as in `simulate_movie`; where the cells
    lie, and their shapes, are taken from the labels.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Cells > 0, background 0; one cell at least.
    kind : str
        What the cells are, one of the kinds that have optics to choose from.
    optics : str
        As in `simulate_movie`.
    seed : int
        The same seed and arguments give the same frame.

    Returns
    -------
    ndarray of uint16, shape (Y, X)

    Raises
    ------
    InputError
        For labels without any cell, and for a kind that has optics of its own.
    """
    if kind not in get_args(Body):
        known = ", ".join(get_args(Body))
        raise InputError(f"There is no kind of cell '{kind}'; choose one of {known}.")
    if not np.any(labels > 0):
        raise InputError("The labels hold no cell, so there is nothing to redraw.")
    lives, looks, records, dirt = np.random.default_rng(seed).spawn(4)
    shape = (labels.shape[0], labels.shape[1])
    numbers = np.unique(labels[labels > 0])
    dense = np.where(labels > 0, np.searchsorted(numbers, labels) + 1, 0)
    owner = np.pad(dense.astype(np.int32), _MARGIN, mode="reflect")
    areas = np.bincount(owner.ravel())[1:]
    diameter = float(np.sqrt(4 / np.pi * np.median(areas)))
    life = draw_life(kind, lives, diameter, None, None)
    cells, view = _seen(life, owner, lives)
    clutter = Clutter(life, Walls(), dirt, shape, _MARGIN).frame(np.zeros(2))
    expose = draw_exposure(kind, optics, life, (looks, records), shape, _MARGIN, 1.0)
    return expose(0, view, cells, clutter)


def _seen(
    life: Life, owner: NDArray[np.int32], rng: np.random.Generator
) -> tuple[Cells, View]:
    """Describe drawn cells as the simulation describes its own."""
    found = regionprops(owner)
    cells = new_cells(life, rng, np.array([one.centroid for one in found]))
    angle = np.array([np.pi / 2 - one.orientation for one in found])
    radius = np.array([one.equivalent_diameter_area / 2 for one in found])
    depth = np.zeros(owner.shape, np.float32)
    for number, one in enumerate(found):
        inside = np.pad(one.image, 1)
        deep = ndi.distance_transform_edt(inside)[1:-1, 1:-1]
        depth[one.slice][one.image] = deep[one.image]
        if life.growth == "fission":
            radius[number] = max(float(deep.max()), 1.0)
    if life.growth == "fission":
        long = np.array([one.axis_major_length for one in found])
        cells = replace(cells, length=np.maximum(long, 2.2 * radius))
    cells = replace(cells, angle=angle, radius=radius)
    # One more for the background, whose values are not used.
    rows, columns = np.indices(owner.shape, dtype=np.float32)
    middle = np.vstack([np.zeros((1, 2)), cells.position])[owner]
    turn = np.concatenate([[0.0], angle])[owner]
    y, x = rows - middle[..., 0], columns - middle[..., 1]
    return cells, View(
        owner=owner,
        depth=depth,
        along=(x * np.cos(turn) + y * np.sin(turn)).astype(np.float32),
        across=(y * np.cos(turn) - x * np.sin(turn)).astype(np.float32),
    )
