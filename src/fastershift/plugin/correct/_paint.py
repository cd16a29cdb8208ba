"""Painting with the brush of napari, as part of our history."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Cells, Change, Paint
from fastershift.plugin.layers._pixel_changes import PixelChanges, stroke_goes_on
from fastershift.plugin.layers._placement import labels_axes
from fastershift.plugin.qt import follow

__all__ = ["PaintCapture", "Painted"]

_PAINTING = ("paint", "erase", "fill", "polygon")

# Through how many a stroke may go.
_FRAMES = 8

#: What was painted together, for each frame, in the order of time.
Painted: TypeAlias = Sequence[Paint]


class PaintCapture(QObject):
    """Notices what was painted on a labels layer, whatever the tool.

    Frames are compared with copies of them, so that nothing depends on how napari
    keeps its own history.

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
        self._viewer = viewer
        self._layer: Labels | None = None
        self._cells: Cells | None = None
        self._frame = 0
        # Of the frame in view; of more while a stroke goes through time.
        self._copies: dict[int, npt.NDArray[np.int32]] = {}
        self._now: Any = lambda: 0
        self._changes = PixelChanges(viewer, self)
        self._changes.noticed.connect(self._look)
        events = viewer.dims.events
        follow(self, events.current_step, self._on_moved)
        follow(self, events.order, self._refuse_time)
        follow(self, events.ndisplay, self._refuse_time)

    def watch(
        self,
        layer: Labels | None,
        cells: Cells | None,
        now: Any,
    ) -> None:
        """Watch another layer.

        Parameters
        ----------
        layer : Labels or None
            The layer.
        cells : Cells or None
            What it shows.
        now : callable
            Tells the frame in view.
        """
        if self._layer is not None:
            self._layer.events.mode.disconnect(self._on_mode)
            self._layer.events.n_edit_dimensions.disconnect(self._stay_in_frame)
        self._layer, self._cells, self._now = layer, cells, now
        self._changes.watch(layer)
        self._copies = {}
        if layer is not None:
            # Last: napari's buttons must hear of a mode before it is refused.
            layer.events.mode.connect(self._on_mode, position="last")
            layer.events.n_edit_dimensions.connect(self._stay_in_frame)
            layer.n_edit_dimensions = 2
        self._remember()
        self._refuse_time()

    def skip(self, change: Change) -> None:
        """Let an edit pass that was not painted; a stroke may be under way."""
        if self._cells is not None:
            for frame in self._copies.keys() & change.boxes.keys():
                box = change.boxes[frame]
                self._copies[frame][box] = self._cells.labels[frame][box]

    def _look(self) -> None:
        self._capture()
        self._remember()

    def _on_mode(self, _event: Any) -> None:
        if self._layer is not None and not stroke_goes_on(self._layer):
            self._look()
            self._refuse_time()

    def _on_moved(self, _event: Any) -> None:
        layer, cells, now = self._layer, self._cells, self._now()
        if layer is None or not stroke_goes_on(layer):
            self._look()
        elif self._copies and cells is not None:
            # The brush goes on in the new frame, through those in between.
            first, last = sorted((self._frame, now))
            frames = {*range(first, last + 1)} - self._copies.keys()
            if len(self._copies) + len(frames) > _FRAMES:
                self._end_stroke(layer)
            # Unless it was a program that holds napari's history open.
            if stroke_goes_on(layer):
                self._frame = now
                for frame in frames:
                    self._copies[frame] = cells.labels[frame].copy()

    def _end_stroke(self, layer: Labels) -> None:
        """Put the brush away while it paints: each frame on its way is copied."""
        for drag in layer._mouse_drag_gen.values():
            drag.close()
        layer._mouse_drag_gen.clear()
        layer._persisted_mouse_event.clear()
        # Makes an edit of what was painted; napari takes back what it was to encircle.
        layer.mode = "pan_zoom"
        self.message.emit(
            f"A stroke goes through {_FRAMES} frames at most, so the brush was put "
            "away. Take it up again to go on."
        )

    def _remember(self) -> None:
        layer, cells = self._layer, self._cells
        if layer is None or cells is None or not _paints(layer):
            self._copies = {}
            return
        # In the middle of a stroke, what is painted would be taken for a track.
        cells.settle()
        self._frame = self._now()
        known, self._copies = self._copies, {}
        for frame in {self._frame, self._corner(layer)}:
            self._copies[frame] = (
                known[frame] if frame in known else cells.labels[frame].copy()
            )

    def _corner(self, layer: Labels) -> int:
        """Tell the frame of a polygon: that of its first corner."""
        corners = layer._overlays["polygon"].points
        axes = labels_axes(layer)
        if not corners or "T" not in axes:
            return self._frame
        frame = int(corners[0][axes.index("T")])
        # An image may go on where the labels end.
        beyond = self._cells is None or not 0 <= frame < len(self._cells)
        return self._frame if beyond else frame

    def _stay_in_frame(self, _event: Any) -> None:
        """Keep strokes to the frame in view: in others nobody would see them."""
        if self._layer is not None and self._layer.n_edit_dimensions != 2:
            self._layer.n_edit_dimensions = 2
            self.message.emit(
                "The brush paints in one frame at a time, so that every "
                "change is visible; merge, split and add by click can be "
                "followed through time."
            )

    def _refuse_time(self, _event: Any = None) -> None:
        """Put the brush away where time is an axis of the picture: see above."""
        layer, dims = self._layer, self._viewer.dims
        if layer is None or not _paints(layer):
            return
        axes = labels_axes(layer)
        # napari lines up the last axes of its layers.
        if "T" in axes and dims.ndim - layer.ndim + axes.index("T") in dims.displayed:
            layer.mode = "pan_zoom"
            self.message.emit(
                "Cells are painted in one frame at a time, but the picture shows "
                "several frames now. Show rows and columns in 2D first."
            )

    def _capture(self) -> None:
        copies, self._copies = self._copies, {}
        if self._cells is None:
            return
        painted = []
        for frame in sorted(copies):
            before, after = copies[frame], self._cells.labels[frame]
            rows, columns = np.nonzero(after != before)
            if rows.size:
                pixels = rows, columns
                painted.append(
                    Paint.of_pixels(frame, pixels, before[pixels], after[pixels])
                )
        if not painted:
            self._copies = copies
            return
        self.painted.emit(painted)
        self._forget()

    def _forget(self) -> None:
        """Empty napari's own history: two of them would contradict each other."""
        if self._layer is not None:
            self._layer._reset_history()


def _paints(layer: Labels) -> bool:
    return str(layer.mode) in _PAINTING
