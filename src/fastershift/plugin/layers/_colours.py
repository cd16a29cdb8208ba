"""One colour per cell, the same in every layer that shows it."""

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap, label_colormap

__all__ = ["track_colormap"]

# Enough that neighbours rarely share one, few enough for napari's fastest texture.
_N_COLOURS = 200

# Brightness that every colour has at least: a black cell cannot be seen on black.
_LEAST_BRIGHT = 0.45


def track_colormap() -> CyclicLabelColormap:
    """Map track ids to colours; a new object, since layers change theirs."""
    made = label_colormap(_N_COLOURS)
    colours = np.array(made.colors)
    missing = _LEAST_BRIGHT - colours[:, :3].max(axis=1, keepdims=True)
    # As much of every channel, so that their differences stay.
    colours[:, :3] += np.clip(missing, 0, None)
    made.colors = colours
    return made
