"""Painting with the brush of napari, as part of our history."""

from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Change, Paint
from fastershift.plugin.qt import follow

__all__ = ["PaintCapture"]

_PAINTING = ("paint", "erase", "fill", "polygon")


class PaintCapture(QObject):
    """Notices what was painted on a labels layer, whatever the tool.

    The frame in view is compared with a copy of it, so that nothing depends on how
    napari keeps its own history.

    Parameters
    ----------
    viewer : ViewerModel
        Whose time slider.
    parent : QObject
        Lives as long as this.
    """

    painted = Signal(object)
    message = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._layer: Labels | None = None
        self._labels: npt.NDArray[np.int32] | None = None
        self._frame = 0
        self._copy: npt.NDArray[np.int32] | None = None
        self._now: Any = lambda: 0
        follow(self, viewer.dims.events.current_step, self._on_moved)

    def watch(
        self, layer: Labels | None, labels: npt.NDArray[np.int32] | None, now: Any
    ) -> None:
        """Watch another layer.

        Parameters
        ----------
        layer : Labels or None
            The layer.
        labels : (T, Y, X) int32 or None
            What it shows.
        now : callable
            Tells the frame in view.
        """
        if self._layer is not None:
            self._layer.events.paint.disconnect(self._on_paint)
            self._layer.events.mode.disconnect(self._remember)
            self._layer.events.n_edit_dimensions.disconnect(self._stay_in_frame)
        self._layer, self._labels, self._now = layer, labels, now
        if layer is not None:
            layer.events.paint.connect(self._on_paint)
            layer.events.mode.connect(self._remember)
            layer.events.n_edit_dimensions.connect(self._stay_in_frame)
            layer.n_edit_dimensions = 2
        self._remember()

    def skip(self, change: Change) -> None:
        """Let an edit pass that was not painted; a stroke may be under way."""
        box = change.boxes.get(self._frame)
        if self._copy is not None and self._labels is not None and box is not None:
            self._copy[box] = self._labels[self._frame][box]

    def _remember(self, _event: Any = None) -> None:
        self._copy = None
        layer, labels = self._layer, self._labels
        if layer is not None and labels is not None and layer.mode in _PAINTING:
            self._frame = self._now()
            self._copy = labels[self._frame].copy()

    def _stay_in_frame(self, _event: Any) -> None:
        """Keep strokes to the frame in view: in others nobody would see them."""
        if self._layer is not None and self._layer.n_edit_dimensions != 2:
            self._layer.n_edit_dimensions = 2
            self.message.emit(
                "The brush paints in one frame at a time, so that every "
                "change is visible; merge, split and add by click can be "
                "followed through time."
            )

    def _on_moved(self, _event: Any) -> None:
        self._capture()
        self._remember()

    def _on_paint(self, _event: Any) -> None:
        if self._copy is None:
            self._remember()
        else:
            self._capture()

    def _capture(self) -> None:
        if self._copy is None or self._labels is None:
            return
        frame, after = self._frame, self._labels[self._frame]
        rows, columns = np.nonzero(after != self._copy)
        if not rows.size:
            return
        pixels = rows, columns
        edit = Paint.of_pixels(frame, pixels, self._copy[pixels], after[pixels])
        before, self._copy = self._copy, None
        self.painted.emit((edit, before))
        self._forget()
        self._remember()

    def _forget(self) -> None:
        """Empty napari's own history: two of them would contradict each other."""
        if self._layer is not None:
            self._layer._reset_history()
