"""The layer with the marks, and what strokes and clicks write into it."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, QTimer, Signal

from fastershift.config import InputSettings
from fastershift.labels import label_areas
from fastershift.plugin.layers._frame_in_view import frame_in_view, shows_one_frame
from fastershift.plugin.layers._input import InputChoice
from fastershift.plugin.layers._pixel_changes import PixelChanges
from fastershift.plugin.layers._placement import Placement, placement
from fastershift.plugin.learn._marks import BACKGROUND, Marks
from fastershift.plugin.learn._strokes import along, around, goes_around
from fastershift.plugin.qt import follow, on_destroyed

__all__ = ["AnnotationLayer", "Stroke"]

_Labels = npt.NDArray[np.int32]
#: What tells the movies of one layer apart: axes, and how they are read.
_Movie: TypeAlias = tuple[str, InputSettings]

# Half the width of a stroke in cell diameters.
_HALF_WIDTH = 0.15

# Share of a stroke that a previewed cell must have to be meant by it.
_MEANT = 0.25

# Of a mark that another one covers to a larger share nothing is left.
_COVERED = 0.5

# Cell diameter in pixels where nothing tells it.
_UNKNOWN_DIAMETER = 20.0

# What an image tells when it is calibrated or moved.
_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units")


class Stroke:
    """A stroke or a click: a frame, and its rows and columns in order."""

    def __init__(self, frame: int, path: Sequence[tuple[int, int]]) -> None:
        self.frame = frame
        self.path = list(path)


class AnnotationLayer(QObject):
    """Marks in a layer over the movie.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    parent : QObject
        Lives as long as this.
    """

    #: The `Marks` that have changed; they may be those of another movie.
    changed = Signal(object)
    drawn = Signal(object)
    left = Signal()
    #: Why a stroke was not taken.
    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._shown: Marks | None = None
        # Of each movie that was opened: several of them may lie in one layer.
        self._of: WeakKeyDictionary[Layer, dict[_Movie, Marks]]
        self._of = WeakKeyDictionary()
        self._listening: Labels | None = None
        # Of the layers that are in the viewer.
        self._watched: dict[Labels, PixelChanges] = {}
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.layers.selection.events.active.connect(self._on_active)
        follow(self, viewer.layers.events.removed, self._on_removed)
        on_destroyed(self, self._let_go)

    @property
    def layer(self) -> Labels | None:
        """The layer over the movie that is marked."""
        return None if self._shown is None else self._shown.layer

    @property
    def _own(self) -> Marks:
        assert self._shown is not None  # noqa: S101 (asked for after `show`)
        return self._shown

    @property
    def stack(self) -> _Labels:
        """The marks, (T, Y, X); the same memory."""
        return self._own.stack

    @property
    def n_cells(self) -> int:
        """Cells that are marked, each counted in every frame."""
        if self._shown is None:
            return 0
        return sum(
            len(np.unique(one[one > BACKGROUND])) for one in self._shown.known.values()
        )

    def show(
        self,
        choice: InputChoice,
        shape: tuple[int, int, int],
        known: dict[int, _Labels],
    ) -> None:
        """Show the layer over a movie.

        Parameters
        ----------
        choice : InputChoice
            The layer of the movie.
        shape : (int, int, int)
            Frames, rows and columns.
        known : dict of int to (Y, X) int32
            Marks of an earlier sitting, by frame.
        """
        if choice.layer not in self._of:
            for name in _PLACE:
                choice.layer.events[name].connect(self._on_moved)
        opened = self._of.setdefault(choice.layer, {})
        movie = choice.axes, choice.reading
        former = opened.get(movie)
        if former is not None and former.layer in self._viewer.layers:
            self._shown = former
            return
        if former is not None:
            # The layer was deleted: marks are taken away by *Forget mark*.
            known = former.known
        marks = np.zeros(shape, np.int32)
        for frame, one in known.items():
            marks[frame] = one
        place = _place_over(choice.layer, *movie, shape)
        layer = Labels(
            place.lay(marks), name=f"{choice.layer.name} marks", **place.arguments
        )
        layer.events.mode.connect(self._on_active)
        self._viewer.add_layer(layer)
        self._shown = opened[movie] = Marks(layer, place.axes)
        self._shown.look(known)
        changes = self._watched[layer] = PixelChanges(self._viewer, self)
        changes.watch(layer)
        changes.noticed.connect(partial(self._look, self._shown))

    def _on_removed(self, event: Any) -> None:
        for layer in [one for one in self._watched if one == event.value]:
            changes = self._watched.pop(layer)
            changes.watch(None)
            changes.deleteLater()

    def _on_moved(self, event: Any) -> None:
        """Keep the marks of an image over it: strokes are taken where they lie."""
        for movie, marks in self._of.get(event.source, {}).items():
            _place_over(event.source, *movie, marks.stack.shape).put(marks.layer)

    def listen(self, listening: bool) -> None:
        """Take strokes on the canvas, or let them move the view again.

        Strokes are taken while the layer of marks is the active one and none of its own
        tools is in use; `left` tells when that ends.
        """
        self._listening = None
        layer, active = self.layer, self._viewer.layers.selection.active
        if layer is None:
            return
        if listening:
            layer.mode, layer.visible = "pan_zoom", True
            self._viewer.layers.selection = {layer}
            self._viewer.scene.camera.mouse_pan = False
            self._listening = layer
        elif active == layer:
            self._viewer.scene.camera.mouse_pan = layer.mouse_pan

    def _on_active(self, _event: Any = None) -> None:
        if self._listening is not None:
            # A layer that is added is active for a moment.
            QTimer.singleShot(0, self._look_again)

    def _look_again(self) -> None:
        if self._listening is None:
            return
        if self._takes_strokes:
            self._viewer.scene.camera.mouse_pan = False
        else:
            self.left.emit()

    @property
    def _takes_strokes(self) -> bool:
        layer = self.layer
        return (
            layer is not None
            and layer is self._listening
            and self._viewer.layers.selection.active == layer
            and str(layer.mode) == "pan_zoom"
        )

    def mark_cell(
        self, stroke: Stroke, preview: _Labels | None, diameter: float | None
    ) -> bool:
        """Mark the cell that a stroke goes around or through, or that was clicked.

        A stroke through previewed cells means all of them, as one cell. A click where
        there is none means nothing. A cell that was marked there before gives way.

        Returns
        -------
        bool
            Whether anything was marked.
        """
        shape = self.stack.shape[1:]
        if goes_around(stroke.path):
            mask = around(stroke.path, (shape[0], shape[1]))
        else:
            mask = self._under(stroke, preview)
            if not mask.any() and len(stroke.path) > 1:
                width = self._width(stroke.frame, preview, diameter)
                mask = along(stroke.path, (shape[0], shape[1]), width)
        if not mask.any():
            return False
        marked = [self.stack[stroke.frame], *self._own.known.values()]
        number = max(BACKGROUND, *(int(one.max()) for one in marked)) + 1
        self._write(stroke.frame, self._without(stroke.frame, mask), mask, number)
        return True

    def mark_background(
        self, stroke: Stroke, preview: _Labels | None, diameter: float | None
    ) -> None:
        """Mark background along a stroke, or refuse the previewed cell clicked on."""
        shape = self.stack.shape[1:]
        mask = np.zeros(shape, bool)
        if len(stroke.path) == 1:
            mask = self._under(stroke, preview)
        if not mask.any():
            width = self._width(stroke.frame, preview, diameter)
            mask = along(stroke.path, (shape[0], shape[1]), width)
        marked = self._without(stroke.frame, mask)
        self._write(stroke.frame, marked, mask, BACKGROUND)

    def forget(self, stroke: Stroke) -> None:
        """Take away the cells under a stroke, and the background along it."""
        frame = self.stack[stroke.frame]
        rows, columns = zip(*stroke.path, strict=True)
        values = set(np.unique(frame[rows, columns]).tolist()) - {0}
        mask = np.isin(frame, sorted(values - {BACKGROUND}))
        if BACKGROUND in values:
            near = along(stroke.path, (frame.shape[0], frame.shape[1]), 3.0)
            mask |= near & (frame == BACKGROUND)
        self._write(stroke.frame, frame.copy(), mask, 0)

    def annotated(self) -> dict[int, _Labels]:
        """Copy the marked frames: cells from 1, 0 background, -1 unknown."""
        return self._own.annotated()

    def _width(
        self, frame: int, preview: _Labels | None, diameter: float | None
    ) -> float:
        """Half the width of a stroke; cells seen tell it where no diameter is set."""
        if diameter is None:
            marked = self.stack[frame]
            seen = [np.where(marked > BACKGROUND, marked, 0), preview]
            areas = [label_areas(one)[1] for one in seen if one is not None]
            known = next((one for one in areas if len(one)), None)
            diameter = _UNKNOWN_DIAMETER
            if known is not None:
                diameter = 2 * math.sqrt(float(np.median(known)) / math.pi)
        return _HALF_WIDTH * diameter

    def _without(self, frame: int, mask: npt.NDArray[np.bool_]) -> _Labels:
        """Leave out the cells of which most lies in a mask, so that no rim is left."""
        marked: _Labels = self.stack[frame].copy()
        for cell in np.unique(marked[mask]):
            own = marked == cell
            if cell > BACKGROUND and mask[own].mean() >= _COVERED:
                marked[own] = 0
        return marked

    def _under(self, stroke: Stroke, preview: _Labels | None) -> npt.NDArray[np.bool_]:
        shape = self.stack.shape[1:]
        if preview is None or preview.shape != shape:
            return np.zeros(shape, bool)
        rows, columns = zip(*stroke.path, strict=True)
        cells, counts = np.unique(preview[rows, columns], return_counts=True)
        meant = cells[(cells > 0) & (counts >= _MEANT * len(stroke.path))]
        return np.isin(preview, meant)

    def _write(
        self, frame: int, marked: _Labels, mask: npt.NDArray[np.bool_], value: int
    ) -> None:
        """Write marks of a frame, and a value in a mask, so that Ctrl+Z undoes both."""
        marked[mask] = value
        rows, columns = np.nonzero(marked != self.stack[frame])
        if not rows.size:
            return
        at = {"T": frame, "Y": rows, "X": columns}
        pixels = tuple(np.full(rows.size, at.get(a, 0)) for a in self._own.axes)
        layer, values = self._own.layer, marked[rows, columns]
        # `data_setitem` of napari fails while the layer is hidden. It is told when the
        # block ends: the pixels are there.
        with layer.block_history():
            layer._save_history((pixels, layer.data[pixels], values))
            layer.data[pixels] = values
        layer.refresh(extent=False)
        # It may have been hidden to see the cells: what is marked is seen.
        layer.visible = True

    def _look(self, marks: Marks) -> None:
        """Take what was painted with the tools of napari, or undone, for marks, too."""
        seen = []
        if "T" in marks.axes:
            axis = marks.axes.index("T")
            seen.append(frame_in_view(self._viewer, marks.layer, axis))
        if marks.look(seen):
            self.changed.emit(marks)

    def _place(self, position: Any) -> tuple[int, int, int] | None:
        """Tell frame, row and column of a place of the world; None beyond the movie."""
        own = self._own
        point = [round(float(part)) for part in own.layer.world_to_data(position)]
        at = dict(zip(own.axes, point, strict=True))
        found = at.get("T", 0), at["Y"], at["X"]
        inside = zip(found, self.stack.shape, strict=True)
        return found if all(0 <= one < size for one, size in inside) else None

    def _drag(self, _viewer: ViewerModel, event: Any) -> Iterator[None]:
        if not self._takes_strokes or event.button != 1:
            return
        if not shows_one_frame(self._viewer, self._own.layer, self._own.axes):
            self.refused.emit(
                "Cells are marked in one frame at a time, but the picture shows "
                "several frames now. Show rows and columns in 2D first."
            )
            return
        places = [self._place(event.position)]
        yield
        while event.type == "mouse_move":
            places.append(self._place(event.position))
            yield
        places.append(self._place(event.position))
        found = [place for place in places if place is not None]
        if found:
            path = [(row, column) for _, row, column in found]
            once = [path[0], *(b for a, b in pairwise(path) if a != b)]
            self.drawn.emit(Stroke(found[0][0], once))

    def _let_go(self) -> None:
        for source in self._of:
            for name in _PLACE:
                source.events[name].disconnect(self._on_moved)
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)
        selection = self._viewer.layers.selection
        selection.events.active.disconnect(self._on_active)
        if self._listening is not None and selection.active == self._listening:
            self._viewer.scene.camera.mouse_pan = True


def _place_over(
    source: Layer, axes: str, reading: InputSettings, shape: tuple[int, int, int]
) -> Placement:
    """Tell how marks of a shape lie over the image that they are made in."""
    position = reading.position or 0
    return placement(source, axes, position=position, shape=shape[1:])
