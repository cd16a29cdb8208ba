"""One colour per cell, the same in every layer that shows it."""

from napari.utils.colormaps import CyclicLabelColormap, label_colormap

__all__ = ["track_colormap"]

# Enough that neighbours rarely share one, few enough for napari's fastest texture.
_N_COLOURS = 200


def track_colormap() -> CyclicLabelColormap:
    """Map track ids to colours; a new object, since layers change theirs."""
    return label_colormap(_N_COLOURS)
