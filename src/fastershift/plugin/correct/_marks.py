"""What is drawn over the cells: clicks, the cell to be added, and locks."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels, Layer, Points
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Cells, Region
from fastershift.plugin.correct._tools import Pick
from fastershift.plugin.layers._placement import placement
from fastershift.plugin.layers._take_away import take_away

__all__ = ["Marks"]

# Size of marks: as a share of a locked cell's width, and in pixels without one.
_LOCK, _CLICK = 0.22, 4.0


class Marks(QObject):
    """Layers of marks over one labels layer; they come and go as they are needed.

    Parameters
    ----------
    viewer : ViewerModel
        Where they are shown.
    parent : QObject
        Lives as long as this.
    """

    added = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._cells: Labels | None = None
        self._axes = ""
        # By the cells themselves: either may be renamed at any time.
        self._layers: WeakKeyDictionary[Labels, dict[str, Any]] = WeakKeyDictionary()
        self._picks = self._locks = np.empty((0, 3))
        self._size = _CLICK

    def watch(self, cells: Labels | None, axes: str) -> None:
        """Mark another layer; the marks over the former one go, but its locks.

        Parameters
        ----------
        cells : Labels or None
            The layer.
        axes : str
            One letter per axis of it.
        """
        self.clear()
        self._cells, self._axes = cells, axes
        self._locks = np.empty((0, 3))

    def _find(self, role: str) -> Any:
        if self._cells is None:
            return None
        layer = self._layers.get(self._cells, {}).get(role)
        return layer if layer in self._viewer.layers else None

    def _add(self, cells: Labels, role: str, layer: Layer) -> None:
        selected = set(self._viewer.layers.selection)
        layer.name = f"{cells.name.removesuffix(' [cells]')} [{role}]"
        self._viewer.add_layer(layer)
        # The layer that is worked on stays the selected one.
        self._viewer.layers.selection = selected
        self._layers.setdefault(cells, {})[role] = layer
        self.added.emit(layer)

    def clear(self) -> None:
        """Take clicks and the cell to be added away."""
        self.show_picks([])
        self.drop_region()

    def drop_region(self) -> None:
        """Take the layer of the cell to be added away."""
        layer = self._find("new cell")
        if layer is not None and self._cells is not None:
            selected = set(self._viewer.layers.selection) - {layer}
            take_away(self._viewer, layer, self._cells)
            self._viewer.layers.selection = selected

    def show_picks(self, picks: list[Pick]) -> None:
        """Draw a cross at every click."""
        if picks or len(self._picks):
            rows = [(pick.frame, pick.row, pick.column) for pick in picks]
            self._picks = np.array(rows, float).reshape(-1, 3)
            self._draw()

    def show_region(self, region: Region | None) -> None:
        """Draw the cell that is to be added."""
        layer = self._find("new cell")
        if self._cells is None or (region is None and layer is None):
            return
        sizes = dict(zip(self._axes, self._cells.data.shape, strict=True))
        shown = np.zeros((1, sizes["Y"], sizes["X"]), np.uint8)
        if region is not None:
            shown[0][region.box] = region.mask
        # Over all frames, and over what lies behind rows and columns.
        axes = self._axes[min(self._axes.index(axis) for axis in "YX") :]
        place = placement(self._cells, self._axes, axes)
        shown = np.broadcast_to(place.lay(shown), [sizes[axis] for axis in axes])
        if layer is None:
            new = Labels(shown, opacity=0.8, **place.arguments)
            self._add(self._cells, "new cell", new)
        else:
            layer.data = shown
            place.put(layer)

    def show_locks(self, cells: Cells) -> None:
        """Draw a diamond in every locked cell."""
        self._locks, self._size = _locked(cells)
        self._draw()

    def _draw(self) -> None:
        """Draw clicks and locks in one layer: each costs the viewer some time."""
        if self._cells is None:
            return
        # Clicks last, so that they lie over the locks.
        rows = np.vstack([self._locks, self._picks])
        # Any further axis has length 1, and napari lines layers up from the last.
        columns = {"T": rows[:, 0], "Y": rows[:, 1], "X": rows[:, 2]}
        nothing = np.zeros(len(rows))
        points = np.column_stack([columns.get(a, nothing) for a in self._axes])
        symbols = ["diamond"] * len(self._locks) + ["cross"] * len(self._picks)
        layer = self._find("locked")
        place = placement(self._cells, self._axes, self._axes)
        if layer is None and len(points):
            layer = Points(
                ndim=len(self._axes),
                face_color="white",
                border_color="black",
                **place.arguments,
            )
            layer.editable = False
            self._add(self._cells, "locked", layer)
        if layer is not None:
            place.put(layer)
            layer.data = points
            layer.selected_data = set()
            if len(points):
                layer.symbol = symbols
                layer.size = self._size


def _locked(cells: Cells) -> tuple[npt.NDArray[np.float64], float]:
    rows, widths = [], []
    for frame, ids in cells.locked.items():
        known = cells.frame(frame)
        for label in ids:
            if label in known:
                cell = known[label]
                rows.append((frame, cell.y, cell.x))
                widths.append(cell.area**0.5)
    size = _LOCK * float(np.median(widths)) if widths else _CLICK
    return np.array(rows, float).reshape(-1, 3), max(size, 1.0)
