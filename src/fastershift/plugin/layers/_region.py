"""A region that is drawn in a Shapes layer, in pixels of another layer."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Layer, Shapes
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget
from skimage.draw import polygon

from fastershift.errors import InputError
from fastershift.plugin.layers._box import LayerBox
from fastershift.plugin.qt import Links, choice, make_timer

__all__ = ["DrawnRegion", "RegionBox"]

_Mask: TypeAlias = npt.NDArray[np.bool_]
_Reals: TypeAlias = npt.NDArray[np.float64]

_WHOLE = "whole frame"
_USES = [("inside only", True), ("leave out", False)]
#: Shapes that enclose something.
_CLOSED = ("rectangle", "ellipse", "polygon")
#: Corners of the polygon that stands for an ellipse.
_CORNERS = 90
#: Milliseconds without a change after which a shape counts as drawn.
_PAUSE = 200


@dataclass(frozen=True)
class DrawnRegion:
    """Where cells may be, as it was drawn.

    Attributes
    ----------
    name : str
        Of the layer it was drawn in.
    outlines : tuple of tuple of (row, column)
        Corners of each shape, in pixels of the layer it is for.
    inside : bool
        Whether cells may be inside alone; else they may be outside alone.
    """

    name: str
    outlines: tuple[tuple[tuple[float, float], ...], ...]
    inside: bool

    def masks(
        self, shape: tuple[int, int], drawn: tuple[int, int] | None = None
    ) -> tuple[_Mask | None, _Mask | None]:
        """Fill the shapes.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of a frame.
        drawn : (int, int), optional
            Those of the layer, where the frame is of a coarser level.

        Returns
        -------
        inside, outside : (Y, X) bool or None
            As `fastershift.labels.Confines` takes them; one is None.

        Raises
        ------
        InputError
            When nothing closed was drawn.
        """
        if not self.outlines:
            raise InputError(
                f"{self.name} holds no closed shape; draw a rectangle, an ellipse or a "
                "polygon in it, or choose the whole frame under Region."
            )
        filled = np.zeros(shape, bool)
        share = np.divide(shape, drawn or shape)
        for corners in self.outlines:
            rows, columns = ((np.array(corners) + 0.5) * share - 0.5).T
            filled[polygon(rows, columns, shape)] = True
        return (filled, None) if self.inside else (None, filled)


class RegionBox(QObject):
    """Asks for a Shapes layer, and whether cells are wanted inside of its shapes.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    widget : QWidget
        Both lists; hidden while there is no Shapes layer.
    """

    changed = Signal()
    #: Whether there is anything to choose.
    offered = Signal(bool)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._layers = LayerBox(viewer, Shapes, "region", self, nothing=_WHOLE)
        self._use = choice(_USES)
        self._use.widget.setObjectName("region_use")
        self._use.widget.setAccessibleName("Use of the region")
        tip = (
            "A Shapes layer in which a region is drawn: only cells of which at least "
            "half lies inside are kept, or left out. It applies to all frames."
        )
        self.widget = QWidget()
        row = QHBoxLayout(self.widget)
        row.setContentsMargins(0, 0, 0, 0)
        for part in (self._layers.widget, self._use.widget):
            part.setToolTip(tip)
            row.addWidget(part)
        self._layers.widget.setAccessibleName("Region")
        # While a shape is drawn, it changes with every move of the mouse.
        self._pause = make_timer(self, _PAUSE, self.changed)
        self._links = Links(self)
        self._layers.changed.connect(self._on_layer)
        self._layers.listed.connect(self._show)
        self._use.changed.connect(self._on_use)
        self._show()

    @property
    def is_offered(self) -> bool:
        """Whether there is a Shapes layer."""
        return len(self._layers) > 0

    def drawn(self, layer: Layer, axes: str) -> DrawnRegion | None:
        """Return the region in pixels of a layer; None for the whole frame.

        Parameters
        ----------
        layer : Layer
            What it is for.
        axes : str
            One letter per axis of its data.
        """
        shapes = self._layers.layer
        if shapes is None or not {"Y", "X"} <= set(axes[: layer.ndim]):
            return None
        outlines = tuple(
            _outline(corners, kind, shapes, layer, axes)
            for corners, kind in zip(shapes.data, shapes.shape_type, strict=True)
            if kind in _CLOSED
        )
        return DrawnRegion(shapes.name, outlines, bool(self._use.get()))

    def _on_layer(self) -> None:
        self._links.let_go()
        shapes = self._layers.layer
        if shapes is not None:
            self._links.add(shapes.events.data, self._on_drawn)
        self._show()
        self.changed.emit()

    def _on_drawn(self, _event: Any = None) -> None:
        self._pause.start()

    def _on_use(self) -> None:
        if self._layers.layer is not None:
            self.changed.emit()

    def _show(self) -> None:
        self.widget.setVisible(self.is_offered)
        self._use.widget.setVisible(self._layers.layer is not None)
        self.offered.emit(self.is_offered)


def _outline(
    corners: npt.ArrayLike, kind: str, shapes: Shapes, layer: Layer, axes: str
) -> tuple[tuple[float, float], ...]:
    """Bring a shape into pixels of a layer."""
    points = _ellipse(np.asarray(corners)) if kind == "ellipse" else np.asarray(corners)
    plane = axes.index("Y"), axes.index("X")
    found = []
    for point in points:
        # Axes are counted from the last one; a shape holds for all frames.
        world = np.zeros(max(layer.ndim, shapes.ndim))
        world[-shapes.ndim :] = shapes.data_to_world(point)
        row, column = np.asarray(layer.world_to_data(world[-layer.ndim :]))[[*plane]]
        found.append((round(float(row), 3), round(float(column), 3)))
    return tuple(found)


def _ellipse(corners: _Reals) -> _Reals:
    """Take points along the ellipse that fills a box of four corners."""
    middle = corners.mean(axis=0)
    down, right = (corners[3] - corners[0]) / 2, (corners[1] - corners[0]) / 2
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)[:, np.newaxis]
    points: _Reals = middle + np.cos(angles) * right + np.sin(angles) * down
    return points
