"""Simulated movies for File > Open Sample, with their truth."""

from typing import Any, TypeAlias

from fastershift.plugin.files._readers import track_layers
from fastershift.simulate import Kind, simulate_movie

__all__ = ["dic", "elongated", "nuclei", "phase"]

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]


def _sample(kind: Kind, diameter: float, n_cells: int) -> list[LayerData]:
    movie = simulate_movie(
        20, (256, 256), n_cells, diameter=diameter, kind=kind, seed=3, cell_cycle=18
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
