"""Artificial movies of cells whose labels, tracks and lineage are known exactly."""

from fastershift.simulate._cells import Kind
from fastershift.simulate._movie import SimulatedMovie, Simulation, simulate_movie

__all__ = ["Kind", "SimulatedMovie", "Simulation", "simulate_movie"]
