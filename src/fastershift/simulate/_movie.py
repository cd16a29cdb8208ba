"""A simulated movie as a whole: its frames, labels and tracks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.simulate._cells import Kind, Scene, advance, populate
from fastershift.simulate._optics import OPTICS, camera, expose

__all__ = ["SimulatedMovie", "Simulation", "simulate_movie"]


@dataclass(frozen=True)
class SimulatedMovie:
    """A movie and its exact truth.

    Attributes
    ----------
    frames : ndarray of uint16, shape (T, Y, X)
        What the microscope would show.
    labels : ndarray of int32, shape (T, Y, X)
        Track number of every pixel, 0 = background. The piece of a track in a frame is
        connected, and a track has no gaps.
    tracks : tuple of (id, first, last, parent)
        First and last frame counted from 0, both included; parent 0 = none. A parent
        ends before its children begin.
    """

    frames: NDArray[np.uint16]
    labels: NDArray[np.int32]
    tracks: tuple[tuple[int, int, int, int], ...]


def _scene(
    kind: Kind,
    shape: tuple[int, int],
    diameter: float,
    cell_cycle: float | None,
    death: float,
    rng: np.random.Generator,
) -> Scene:
    elongation = {"nuclei": 0.3, "phase": 0.6, "dic": 0.35, "elongated": 1.2}[kind]
    roughness = {"nuclei": 0.05, "phase": 0.12, "dic": 0.16, "elongated": 0.1}[kind]
    spindly = kind == "elongated" or (kind == "phase" and rng.random() < 0.5)
    return Scene(
        kind=kind,
        shape=shape,
        radius=diameter / 2,
        cycle=rng.uniform(18, 45) if cell_cycle is None else cell_cycle,
        death=death,
        speed=diameter * rng.uniform(0.02, 0.12),
        persistence=rng.uniform(0.2, 0.9),
        contact=rng.uniform(0.8, 1.0),
        elongation=elongation * rng.uniform(0.5, 1.5),
        roughness=roughness * rng.uniform(0.5, 1.5),
        grain=rng.uniform(0.02, 0.06),
        processes=(1, int(rng.integers(2, 5))) if spindly else (0, 0),
        reach=(1.5, 4.0) if kind == "elongated" else (1.2, 2.2),
        mitosis=rng.uniform(1.0, 2.5),
    )


def _check(
    n_frames: int, shape: tuple[int, int], n_cells: int, diameter: float, kind: str
) -> None:
    if kind not in get_args(Kind):
        known = ", ".join(get_args(Kind))
        raise InputError(f"There is no kind of movie '{kind}'; choose one of {known}.")
    if n_frames < 1 or n_cells < 0 or len(shape) != 2 or min(shape) < 16:
        raise InputError(
            "A simulated movie needs at least one frame of 16 × 16 pixels and no "
            "negative number of cells."
        )
    if not 4 <= diameter <= 4 * min(shape):
        raise InputError(
            "The cell diameter must be at least 4 pixels and at most 4 frame widths."
        )


def simulate_movie(
    n_frames: int = 10,
    shape: tuple[int, int] = (256, 256),
    n_cells: int = 12,
    *,
    diameter: float = 22.0,
    kind: Kind = "nuclei",
    seed: int = 0,
    cell_cycle: float | None = None,
    death: float = 0.0,
    noise: float = 1.0,
) -> SimulatedMovie:
    """Make a movie of moving, growing and dividing cells together with its truth.

    How it looks (contrast, texture, blur, uneven light, fading, noise, how fast cells
    move, how much they crowd) is drawn anew for every seed::

        nuclei      ( o  O  8 )   bright grainy discs, some dim; a dividing one is small
                                  and bright, then two that move apart
        phase       ((o)(O)(o))   crowded dark bodies with a bright halo and speckle
        dic         ◐ ◐ ◐         large cells as a relief, lit from one side
        elongated   ~<O>~~        faint bodies with long thin processes

    Parameters
    ----------
    n_frames : int
        Number of frames, at least 1.
    shape : (int, int)
        Height and width of a frame in pixels, at least 16 each.
    n_cells : int
        About how many cells are in view in the first frame.
    diameter : float
        Typical diameter of a cell (of its body, for ``"elongated"``) in pixels, >= 4.
    kind : {"nuclei", "phase", "dic", "elongated"}
        What kind of microscopy it resembles.
    seed : int
        The same seed and arguments give the same movie.
    cell_cycle : float, optional
        Frames from division to division, drawn between 18 and 45 by default;
        ``float("inf")`` for no divisions.
    death : float
        Chance that a cell dies, per cell and frame.
    noise : float
        Strength of shot and read noise; 0 is a noiseless movie.

    Returns
    -------
    SimulatedMovie

    Raises
    ------
    InputError
        For an unknown kind or impossible sizes.

    Examples
    --------
    >>> movie = simulate_movie(n_frames=3, shape=(64, 64), n_cells=2, seed=1)
    >>> movie.frames.shape, movie.labels.dtype
    ((3, 64, 64), dtype('int32'))
    """
    simulation = Simulation(
        n_frames,
        shape,
        n_cells,
        diameter=diameter,
        kind=kind,
        seed=seed,
        cell_cycle=cell_cycle,
        death=death,
        noise=noise,
    )
    frames, labels = zip(*simulation, strict=True)
    return SimulatedMovie(np.stack(frames), np.stack(labels), simulation.tracks)


class Simulation:
    """A movie that is made while it is read, frame by frame, once.

    Parameters
    ----------
    n_frames, shape, n_cells, diameter, kind, seed, cell_cycle, death, noise
        As in `simulate_movie`.

    Attributes
    ----------
    n_frames, shape
        As given.
    """

    def __init__(
        self,
        n_frames: int = 10,
        shape: tuple[int, int] = (256, 256),
        n_cells: int = 12,
        *,
        diameter: float = 22.0,
        kind: Kind = "nuclei",
        seed: int = 0,
        cell_cycle: float | None = None,
        death: float = 0.0,
        noise: float = 1.0,
    ) -> None:
        _check(n_frames, shape, n_cells, diameter, kind)
        self.n_frames = n_frames
        self.shape = shape
        self._rng = np.random.default_rng(seed)
        self._scene = _scene(kind, shape, diameter, cell_cycle, death, self._rng)
        self._n_cells = n_cells
        self._noise = noise
        self._spans: dict[int, tuple[int, int, int]] = {}

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.int32]]]:
        """Make the frames (Y, X) uint16, each with its labels (Y, X) int32."""
        scene, rng = self._scene, self._rng
        cells = populate(scene, rng, self._n_cells)
        optics = OPTICS[scene.kind](scene, rng)
        record = camera(scene, rng, self._noise)
        next_track = 1
        for t in range(self.n_frames):
            if t:
                cells = advance(scene, cells, rng)
            exposed, next_track = expose(scene, cells, next_track)
            for cell in cells:
                if cell.track:
                    first, _, parent = self._spans.get(cell.track, (t, t, cell.parent))
                    self._spans[cell.track] = (first, t, parent)
            yield record(t, optics(exposed)), exposed.labels

    @property
    def tracks(self) -> tuple[tuple[int, int, int, int], ...]:
        """Rows of id, first frame, last frame and parent of the frames made so far."""
        return tuple((track, *span) for track, span in sorted(self._spans.items()))
