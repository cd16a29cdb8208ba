"""Simulated movies for File > Open Sample, with their truth."""

from typing import Any, TypeAlias

from fastershift.plugin.files._readers import track_layers
from fastershift.simulate import Kind, Optics, simulate_movie

__all__ = [
    "adherent",
    "cells",
    "clumps",
    "dic",
    "elongated",
    "embryo",
    "epithelium",
    "nuclei",
    "phase",
    "rods",
    "yeast",
]

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]


def _sample(
    kind: Kind, diameter: float, n_cells: int, optics: Optics = "usual"
) -> list[LayerData]:
    movie = simulate_movie(
        20,
        (256, 256),
        n_cells,
        diameter=diameter,
        kind=kind,
        seed=3,
        cell_cycle=18,
        optics=optics,
    )
    name = f"simulated {kind}"
    image = {"name": name, "axis_labels": ("t", "y", "x")}
    truth = track_layers(movie.labels, movie.tracks, f"{name} truth", visible=False)
    return [(movie.frames, image, "image"), *truth]


def nuclei() -> list[LayerData]:
    """Make a movie of fluorescent nuclei."""
    return _sample("nuclei", 22, 18)


def phase() -> list[LayerData]:
    """Make a phase-contrast movie of crowded cells."""
    return _sample("phase", 24, 16)


def dic() -> list[LayerData]:
    """Make a movie in differential interference contrast."""
    return _sample("dic", 48, 8)


def elongated() -> list[LayerData]:
    """Make a movie of faint cells with long processes."""
    return _sample("elongated", 26, 10)


def rods() -> list[LayerData]:
    """Make a phase-contrast movie of bacteria that grow into colonies."""
    return _sample("rods", 22, 25, "phase")


def yeast() -> list[LayerData]:
    """Make a bright-field movie of budding yeast."""
    return _sample("yeast", 26, 12, "brightfield")


def adherent() -> list[LayerData]:
    """Make a phase-contrast movie of spread cells."""
    return _sample("adherent", 44, 12, "phase")


def epithelium() -> list[LayerData]:
    """Make a movie of a sheet of cells, their membranes stained."""
    return _sample("epithelium", 30, 60, "fluorescence")


def embryo() -> list[LayerData]:
    """Make a movie of dense nuclei, some of them out of focus."""
    return _sample("embryo", 22, 70)


def clumps() -> list[LayerData]:
    """Make a movie of nuclei of many sizes, dim beside bright."""
    return _sample("clumps", 24, 40)


def cells() -> list[LayerData]:
    """Make a movie of whole cells in quantitative phase."""
    return _sample("cells", 36, 25, "quantitative")
