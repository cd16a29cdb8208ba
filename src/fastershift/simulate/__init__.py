"""Artificial movies of cells whose labels, tracks and lineage are known exactly."""

from fastershift.simulate._burnt_in import Stamp
from fastershift.simulate._looks import Optics
from fastershift.simulate._movie import (
    Kind,
    SimulatedMovie,
    Simulation,
    simulate_movie,
)
from fastershift.simulate._redraw import redraw

__all__ = [
    "Kind",
    "Optics",
    "SimulatedMovie",
    "Simulation",
    "Stamp",
    "redraw",
    "simulate_movie",
]
