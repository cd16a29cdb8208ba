"""Clips drawn from movies, varied in space and time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from fastershift.training._intensity import (
    Augmentation,
    ratio,
    uniform,
    vary_intensity,
)
from fastershift.training._truth import UNKNOWN

__all__ = [
    "Clip",
    "TrainingMovie",
    "draw_clip",
    "neighbour_matrix",
    "stack_clips",
]

# Clips have sides that are multiples of this, so that the network can halve them, and
# are at least as large as a few cells.
_STEP = 16
_SMALLEST_CLIP = 64


@dataclass(frozen=True)
class TrainingMovie:
    """A movie ready to draw clips from.

    Attributes
    ----------
    frames : Tensor
        (T, Y, X) float32, normalised to about [-1, 1].
    labels : Tensor
        (T, Y, X) int32; track id, 0 background, -1 unknown.
    scale : float
        Network pixels per pixel of `frames`.
    weight : float
        How often clips come from it, relative to the other movies.
    mothers : mapping of int to int
        Track id of the mother of each track that has one.
    still : bool
        A single image whose cells are moved and bent to make a clip of it.
    """

    frames: Tensor
    labels: Tensor
    scale: float
    weight: float = 1.0
    mothers: Mapping[int, int] = field(default_factory=dict)
    still: bool = False

    @cached_property
    def known(self) -> tuple[bool, ...]:
        """Whether anything is known of each frame."""
        return tuple(bool((one != UNKNOWN).any()) for one in self.labels)

    @cached_property
    def complete(self) -> tuple[bool, ...]:
        """Whether every pixel of each frame is known."""
        return tuple(bool((one != UNKNOWN).all()) for one in self.labels)

    @cached_property
    def tracks(self) -> tuple[frozenset[int], ...]:
        """Track ids in each frame."""
        return tuple(
            frozenset(torch.unique(one[one > 0]).tolist()) for one in self.labels
        )


@dataclass(frozen=True)
class Clip:
    """A training sample.

    Attributes
    ----------
    frames : Tensor
        (T, 1, size, size) float32.
    labels : Tensor
        (T, size, size) int64; cells 1 to K, 0 background, -1 unknown.
    neighbours : Tensor
        (K, K) bool.
    predecessors : Tensor
        (T, K + 1) int64; the cell of the frame before that each cell was, or came from
        by division; 0 for a cell without any, -1 where that is not known.
    """

    frames: Tensor
    labels: Tensor
    neighbours: Tensor
    predecessors: Tensor


def _choose_frames(
    movie: TrainingMovie, length: int, options: Augmentation, generator: torch.Generator
) -> list[int]:
    n_frames = len(movie.frames)
    skip = uniform(generator, 0, 1) < options.skip and n_frames >= 2 * length
    span = (length - 1) * (2 if skip else 1) + 1
    if n_frames < span:
        # A movie shorter than a clip is walked back and forth.
        cycle = [*range(n_frames), *range(n_frames - 2, 0, -1)]
        return [cycle[i % len(cycle)] for i in range(length)]
    step = 2 if skip else 1
    firsts = range(n_frames - span + 1)
    # Nothing is learned from a clip without truth.
    useful = [t for t in firsts if any(movie.known[t : t + span : step])] or firsts
    first = useful[int(torch.randint(len(useful), (), generator=generator))]
    frames = list(range(first, first + span, step))
    return frames[::-1] if uniform(generator, 0, 1) < options.reverse else frames


def _choose_centre(labels: Tensor, generator: torch.Generator) -> tuple[float, float]:
    """Centre mostly on a cell, sometimes anywhere."""
    height, width = labels.shape
    for _ in range(20):
        row = int(torch.randint(height, (), generator=generator))
        column = int(torch.randint(width, (), generator=generator))
        if labels[row, column] > 0 or uniform(generator, 0, 1) < 0.1:
            break
    return float(row), float(column)


def _sampling_grid(
    movie: TrainingMovie,
    centre: tuple[float, float],
    size: int,
    length: int,
    network_diameter: float,
    options: Augmentation,
    generator: torch.Generator,
) -> Tensor:
    """Build the grids (T, size, size, 2) for grid_sample; of movies all are alike."""
    pitch = ratio(generator, options.zoom) / movie.scale
    stretch = math.sqrt(ratio(generator, options.stretch))
    angle = uniform(generator, -math.pi, math.pi)
    flip = -1.0 if uniform(generator, 0, 1) < 0.5 else 1.0
    rotation = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    matrix = rotation @ torch.diag(torch.tensor([flip * stretch, 1 / stretch])) * pitch
    axis = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    points = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    if options.elastic:
        nodes = torch.randn(1, 2, 5, 5, generator=generator) * options.elastic
        bend = functional.interpolate(nodes, (size, size), mode="bicubic")
        points = points + bend[0].permute(1, 2, 0)
    points = points.expand(length, -1, -1, -1)
    if movie.still:
        points = points + _motion(size, length, network_diameter, options, generator)
    height, width = movie.frames.shape[1:]
    # Little of a clip should lie outside the frame, where nothing can be learned.
    half = size / 2 / movie.scale
    row, column = (
        min(max(place, min(half, side / 2)), max(side - half, side / 2))
        for place, side in zip(centre, (height, width), strict=True)
    )
    pixels = points @ matrix.T + torch.tensor([column, row])
    return (pixels + 0.5) * 2 / torch.tensor([width, height]) - 1


def _motion(
    size: int,
    length: int,
    diameter: float,
    options: Augmentation,
    generator: torch.Generator,
) -> Tensor:
    """Draw how the cells of a still move: a scene that drifts and bends.

    Neighbours move alike, which cells in contact do; most motions are small.

    Returns
    -------
    Tensor
        (T, size, size, 2) displacements in network pixels, 0 in the first frame.
    """
    steps = [torch.zeros(size, size, 2)]
    amount = uniform(generator, 0, 1) ** 2
    bend = options.bend * diameter * uniform(generator, 0, 1)
    # Nodes of a field that bends far lie far apart, so that it does not fold.
    nodes = max(3, round(size / (4 * max(bend, diameter / 4))))
    for _ in range(1, length):
        heading = torch.randn(2, generator=generator) * diameter * options.drift
        knots = torch.randn(1, 2, nodes, nodes, generator=generator) * bend
        field_of_bends = functional.interpolate(knots, (size, size), mode="bicubic")
        step = heading * amount + field_of_bends[0].permute(1, 2, 0)
        steps.append(steps[-1] + step)
    return torch.stack(steps)


def neighbour_matrix(labels: NDArray[np.int64], count: int, reach: float) -> Tensor:
    """Find which cells come within `reach` pixels of each other in any frame.

    Parameters
    ----------
    labels : ndarray
        (T, Y, X); cells 1 to `count`.
    count : int
        Number of cells.
    reach : float
        Largest gap between the bounding boxes of two neighbours.

    Returns
    -------
    Tensor
        (count, count) bool, symmetric, False on the diagonal.
    """
    near = np.zeros((count, count), bool)
    for frame in labels:
        boxes = ndimage.find_objects(np.maximum(frame, 0), max_label=count)
        cells = np.array([i for i, box in enumerate(boxes) if box is not None], int)
        if len(cells) < 2:
            continue
        sides = np.array(
            [[(side.start, side.stop) for side in boxes[cell]] for cell in cells]
        )
        gaps = sides[:, None, :, 0] - sides[None, :, :, 1]
        gaps = np.maximum(gaps, gaps.transpose(1, 0, 2))
        near[np.ix_(cells, cells)] |= (gaps <= reach).all(-1)
    np.fill_diagonal(near, False)
    return torch.from_numpy(near)


def stack_clips(clips: list[Clip], stride: int) -> tuple[Tensor, Tensor]:
    """Put clips side by side; smaller ones are padded with unknown pixels.

    Parameters
    ----------
    clips : list of Clip
        Of the same number of frames.
    stride : int
        Their common size becomes a multiple of it.

    Returns
    -------
    frames : Tensor
        (T, B, 1, size, size) float32.
    labels : Tensor
        (T, B, size, size) int64.
    """
    largest = max(clip.labels.shape[-1] for clip in clips)
    size = math.ceil(largest / stride) * stride
    frames, labels = [], []
    for clip in clips:
        missing = size - clip.labels.shape[-1]
        padding = (0, missing, 0, missing)
        frames.append(functional.pad(clip.frames, padding, mode="replicate"))
        labels.append(functional.pad(clip.labels, padding, value=UNKNOWN))
    return torch.stack(frames, dim=1), torch.stack(labels, dim=1)


def draw_clip(
    movies: tuple[TrainingMovie, ...],
    *,
    length: int,
    size: int,
    reach: float,
    network_diameter: float,
    options: Augmentation,
    generator: torch.Generator,
) -> Clip:
    """Draw a varied clip.

    Parameters
    ----------
    movies : tuple of TrainingMovie
        Drawn from by weight.
    length, size : int
        Frames, and side in network pixels; clips of smaller frames are smaller.
    reach : float
        Gap in network pixels up to which cells repel each other.
    network_diameter : float
        Cell diameter in network pixels.
    options : Augmentation
        How far to vary.
    generator : torch.Generator
        The only source of chance.

    Returns
    -------
    Clip
    """
    weights = torch.tensor([movie.weight for movie in movies])
    movie = movies[int(torch.multinomial(weights, 1, generator=generator))]
    chosen = _choose_frames(movie, length, options, generator)
    shown = next((t for t in chosen if movie.known[t]), chosen[0])
    centre = _choose_centre(movie.labels[shown], generator)
    # Beyond the frame there is nothing to learn from.
    shortest = min(movie.frames.shape[1:]) * movie.scale
    size = min(size, max(_SMALLEST_CLIP, math.ceil(shortest / _STEP) * _STEP))
    grid = _sampling_grid(
        movie, centre, size, length, network_diameter, options, generator
    )
    frames = functional.grid_sample(
        movie.frames[chosen][:, None],
        grid,
        padding_mode="reflection",
        align_corners=False,
    )
    # Shifted by one so that the zero padding outside the frame means unknown.
    shifted = (movie.labels[chosen] - UNKNOWN).to(torch.float32)[:, None]
    labels = functional.grid_sample(shifted, grid, mode="nearest", align_corners=False)
    labels = labels[:, 0].round().to(torch.int64) + UNKNOWN
    cells = torch.unique(labels[labels > 0])
    if len(cells):
        numbered = torch.searchsorted(cells, labels.clamp(min=int(cells[0]))) + 1
        labels = torch.where(labels > 0, numbered, labels)
    return Clip(
        vary_intensity(frames, options, generator),
        labels,
        neighbour_matrix(labels.numpy(), len(cells), reach),
        _predecessors(movie, chosen, labels, cells.tolist()),
    )


def _predecessors(
    movie: TrainingMovie, chosen: list[int], labels: Tensor, cells: list[int]
) -> Tensor:
    """Tell where the cells of each frame of a clip come from, see `Clip`."""
    result = torch.full((len(labels), len(cells) + 1), UNKNOWN)
    number_of = {cell: number for number, cell in enumerate(cells, start=1)}
    divided = set(movie.mothers.values())
    for t in range(1, len(labels)):
        shown = set(torch.unique(labels[t - 1]).tolist())
        earlier = chosen[t - 1]
        present = movie.tracks[earlier]
        for cell, number in number_of.items():
            ancestor = cell
            while ancestor not in present and ancestor in movie.mothers:
                ancestor = movie.mothers[ancestor]
            if ancestor in present:
                found = number_of.get(ancestor, UNKNOWN)
                result[t, number] = found if found in shown else UNKNOWN
            elif movie.complete[earlier] and cell not in divided and not movie.still:
                # Backwards in time a mother comes from two cells, not from none.
                result[t, number] = 0
    return result
