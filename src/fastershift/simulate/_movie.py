"""A simulated movie as a whole: its frames, labels and tracks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.simulate import _cells
from fastershift.simulate._cells import Scene, advance, populate
from fastershift.simulate._kinds import Body
from fastershift.simulate._looks import Optics
from fastershift.simulate._microscope import Microscope
from fastershift.simulate._optics import OPTICS, camera, expose

__all__ = ["Kind", "SimulatedMovie", "Simulation", "simulate_movie"]

Kind: TypeAlias = Literal[_cells.Kind, Body]

#: Cells for each square of their diameter, more than lie side by side, and how many may
#: be asked for in any frame.
_MOST_DENSE, _ALWAYS = 2.0, 10


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
    kind: _cells.Kind,
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
    n_frames: int,
    shape: tuple[int, int],
    n_cells: int,
    diameter: float,
    kind: str,
    optics: str,
    *,
    seed: int,
    cell_cycle: float | None,
) -> None:
    if seed < 0:
        raise InputError(f"The seed must be a number from 0, not {seed}.")
    if cell_cycle is not None and not cell_cycle > 0:
        raise InputError(
            f"There must be more than 0 frames between divisions, not {cell_cycle:g}."
        )
    if kind not in get_args(Kind):
        known = ", ".join(get_args(Kind))
        raise InputError(f"There is no kind of movie '{kind}'; choose one of {known}.")
    if optics not in get_args(Optics):
        known = ", ".join(get_args(Optics))
        raise InputError(f"There are no optics '{optics}'; choose one of {known}.")
    if optics != "usual" and kind in get_args(_cells.Kind):
        raise InputError(
            f"Movies of the kind '{kind}' have their own optics; leave "
            "the optics at 'usual', or choose another kind."
        )
    if n_frames < 1 or n_cells < 0 or len(shape) != 2 or min(shape) < 16:
        raise InputError(
            "A simulated movie needs at least one frame of 16 × 16 pixels and no "
            "negative number of cells."
        )
    if not 4 <= diameter <= 4 * min(shape):
        raise InputError(
            "The cell diameter must be at least 4 pixels and at most 4 frame widths."
        )
    if n_cells > max(_ALWAYS, _MOST_DENSE * shape[0] * shape[1] / diameter**2):
        raise InputError(
            f"A frame of {shape[0]} × {shape[1]} pixels has no room for {n_cells} "
            f"cells of {diameter:g} pixels; take fewer or smaller ones, or a larger "
            "frame."
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
    optics: Optics = "usual",
    speed: float | None = None,
) -> SimulatedMovie:
    """Make a movie of moving, growing and dividing cells together with its truth.

    How it looks (contrast, texture, blur, uneven light, fading, noise, how fast cells
    move, how much they crowd) is drawn anew for every seed::

        nuclei      ( o  O  8 )   bright grainy discs, some dim; a dividing one is small
                                  and bright, then two that move apart
        phase       ((o)(O)(o))   crowded dark bodies with a bright halo and speckle
        dic         ◐ ◐ ◐         large cells as a relief, lit from one side
        elongated   ~<O>~~        faint bodies with long thin processes

    These four are plain and quick. The others are drawn as objects under a microscope
    and its camera, from such wide ranges that a real movie is one more draw::

        rods        (==)(===)     bacteria in packed colonies, straight or bent, with
                                  filaments; phase contrast above all
        yeast       O8oO          budding cells in colonies; bright field and phase
        adherent    -<@>-  (o)    spread cells with processes that round up to divide;
                                  phase contrast, DIC
        epithelium  |_|_|_|       a sheet without gaps, or an island of it; membranes
        embryo      ( oO8O )      dense nuclei, some out of focus, in haze
        clumps      (o) (8) (o)   nuclei of many sizes, very dim beside very bright
        cells       (O)(o)(O)     whole cells in fluorescence or quantitative phase

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
    kind : str
        What kind of cells and microscopy it resembles, see above.
    seed : int
        The same seed and arguments give the same movie.
    cell_cycle : float, optional
        Frames from division to division, drawn between 18 and 45 by default;
        ``float("inf")`` for no divisions.
    death : float
        Chance that a cell dies, per cell and frame.
    noise : float
        Strength of shot and read noise; 0 is a noiseless movie.
    optics : str
        ``"usual"`` draws a microscope that is usual for the kind, ``"any"`` any;
        ``"phase"``, ``"brightfield"``, ``"dic"``, ``"fluorescence"`` and
        ``"quantitative"`` (phase) set it. Truth does not depend on it. The first four
        kinds have optics of their own.
    speed : float, optional
        Typical step of a cell from frame to frame in diameters; drawn by default.

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
        optics=optics,
        speed=speed,
    )
    frames, labels = zip(*simulation, strict=True)
    return SimulatedMovie(np.stack(frames), np.stack(labels), simulation.tracks)


class Simulation:
    """A movie that is made while it is read, frame by frame, once.

    Parameters
    ----------
    n_frames, shape, n_cells, diameter, kind, seed, cell_cycle, death, noise, optics,
    speed
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
        optics: Optics = "usual",
        speed: float | None = None,
    ) -> None:
        many = (n_frames, shape, n_cells, diameter)
        _check(*many, kind, optics, seed=seed, cell_cycle=cell_cycle)
        self.n_frames = n_frames
        self.shape = shape
        self._spans: dict[int, tuple[int, int, int]] = {}
        self._frames = (
            self._film(
                Microscope(
                    cast("Body", kind),
                    shape,
                    n_cells,
                    diameter=diameter,
                    seed=seed,
                    cell_cycle=cell_cycle,
                    death=death,
                    noise=noise,
                    optics=optics,
                    speed=speed,
                    spans=self._spans,
                )
            )
            if kind in get_args(Body)
            else self._plain(
                cast("_cells.Kind", kind),
                n_cells,
                diameter,
                np.random.default_rng(seed),
                cell_cycle,
                death,
                noise,
                speed,
            )
        )

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.int32]]]:
        """Make the frames (Y, X) uint16, each with its labels (Y, X) int32."""
        return self._frames

    @property
    def tracks(self) -> tuple[tuple[int, int, int, int], ...]:
        """Rows of id, first frame, last frame and parent of the frames made so far."""
        return tuple((track, *span) for track, span in sorted(self._spans.items()))

    def _film(
        self, microscope: Microscope
    ) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.int32]]]:
        for t in range(self.n_frames):
            yield microscope.frame(t)

    def _plain(
        self,
        kind: _cells.Kind,
        n_cells: int,
        diameter: float,
        rng: np.random.Generator,
        cell_cycle: float | None,
        death: float,
        noise: float,
        speed: float | None,
    ) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.int32]]]:
        scene = _scene(kind, self.shape, diameter, cell_cycle, death, rng)
        if speed is not None:
            scene = replace(scene, speed=speed * diameter / np.sqrt(np.pi / 2))
        cells = populate(scene, rng, n_cells)
        optics = OPTICS[scene.kind](scene, rng)
        record = camera(scene, rng, noise)
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
