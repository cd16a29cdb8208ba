"""Cells in the colour of a measure, and cells that a filter leaves out unseen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap, ensure_colormap
from numpy.typing import NDArray

from fastershift.plugin.layers._colours import track_colormap

__all__ = ["Colouring"]

_COLOURS = "viridis"
_CLEAR = np.zeros(4, np.float32)
_GREY = np.array([0.5, 0.5, 0.5, 1], np.float32)
#: Values beyond these percentiles have the colour of the end of the scale.
_ENDS = (2, 98)


class Colouring:
    """Gives a labels layer the colours of a frame, and its own ones back."""

    def __init__(self) -> None:
        self._layer: Labels | None = None
        self._former: Any = None
        self._limits = (0.0, 1.0)

    def set_values(self, values: NDArray[np.float64] | None) -> tuple[float, float]:
        """Choose the scale for the values of all frames; return its ends."""
        known = np.zeros(0) if values is None else values[np.isfinite(values)]
        if len(known):
            low, high = (float(end) for end in np.percentile(known, _ENDS))
            self._limits = (low, high if high > low else low + 1)
        return self._limits

    def show(
        self, layer: Labels, values: Mapping[int, float] | None, shown: set[int] | None
    ) -> None:
        """Colour the cells of the frame in view.

        Parameters
        ----------
        layer : Labels
            The cells.
        values : mapping or None
            Value of each cell of the frame; None leaves cells their own colours.
        shown : set of int or None
            Cells that are shown; None for all.
        """
        self._take(layer)
        own = self._former
        low, high = self._limits
        scale = ensure_colormap(_COLOURS)
        colours: dict[int | None, Any] = {None: _CLEAR if shown is not None else _GREY}
        colours[0] = _CLEAR
        for track in values if values is not None else shown or ():
            if shown is not None and track not in shown:
                continue
            if values is None:
                colours[track] = own.map(track)
            elif np.isnan(values[track]):
                colours[track] = _GREY
            else:
                colours[track] = scale.map((values[track] - low) / (high - low))[0]
        layer.colormap = DirectLabelColormap(color_dict=colours)

    def _take(self, layer: Labels) -> None:
        if layer is not self._layer:
            self.end()
            plain = not isinstance(layer.colormap, DirectLabelColormap)
            self._layer = layer
            self._former = layer.colormap if plain else track_colormap()

    def end(self) -> None:
        """Give the layer its own colours back."""
        if self._layer is not None:
            self._layer.colormap = self._former
        self._layer = self._former = None

    def of(self, tracks: NDArray[np.int64], layer: Labels) -> NDArray[np.floating]:
        """Return the colours that tracks have of their own, (n, 4)."""
        own = layer.colormap if layer is not self._layer else self._former
        return np.atleast_2d(own.map(tracks))
