"""Napari, opened from the command line."""

from typing import Any

from fastershift.errors import FastershiftError

__all__ = ["open_napari"]


def open_napari(*, movie: Any = None, result: Any = None) -> None:
    """Start napari with the widget; torch must be imported before Qt on Windows."""
    import torch  # noqa: F401

    try:
        import napari

        viewer = napari.Viewer()
    except ImportError as error:
        raise FastershiftError(
            "napari has no window toolkit; install it with: pip install "
            "'fastershift[all]'."
        ) from error
    if movie is not None:
        viewer.add_image(movie, name="movie", axis_labels=("t", "y", "x"))
    if result is not None:
        viewer.add_labels(result.labels, name="movie [cells]")
    viewer.window.add_plugin_dock_widget("fastershift", "Segment and track")
    napari.run()
