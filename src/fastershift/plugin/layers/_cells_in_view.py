"""Which tracked cells the user is looking at, and which of them is selected."""

from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.layers._frame_in_view import frame_in_view, go_to_frame
from fastershift.plugin.layers._input import frame_axis
from fastershift.plugin.layers._placement import labels_axes
from fastershift.plugin.layers._record import ResultRecord, TrackRows
from fastershift.plugin.qt import on_destroyed
from fastershift.tracking import Lineage, Track

__all__ = ["CellsInView"]

_REPAINTED = ("paint", "data", "scale", "units")


class CellsInView(QObject):
    """Follows the labels layer whose lineage is of interest.

    That is the result selected last; without a selection the visible one on top.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    parent : QObject
        Lives as long as this.
    """

    layer_changed = Signal()
    tracks_changed = Signal()
    #: Pixels were painted with the tools of napari, all of them are others, or their
    #: size is another one.
    repainted = Signal()
    colours_changed = Signal()
    selected = Signal(int)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self.layer: Labels | None = None
        self.lineage = Lineage()
        self._rows: TrackRows | None = None
        self._viewer = viewer
        self._links = [
            (viewer.layers.events.inserted, self._on_inserted),
            (viewer.layers.events.removed, self._on_removed),
            (viewer.layers.selection.events.active, self._choose),
        ]
        for signal, slot in self._links:
            signal.connect(slot)
        for layer in viewer.layers:
            self._watch(layer)
        self._choose()
        on_destroyed(self, self.let_go)

    @property
    def frame(self) -> int:
        """The frame in view."""
        if self.layer is None or self.layer not in self._viewer.layers:
            return 0
        return frame_in_view(self._viewer, self.layer, self._time)

    def go(self, frame: int) -> None:
        """Go to a frame."""
        if self.layer is not None:
            go_to_frame(self._viewer, self.layer, frame, self._time)

    @property
    def _time(self) -> int | None:
        """The axis that is time: others, such as a position, may come before it."""
        axes = "" if self.layer is None else labels_axes(self.layer)
        return frame_axis(axes)

    def _watch(self, layer: Layer) -> None:
        if isinstance(layer, Labels):
            layer.events.metadata.connect(self._choose)
            layer.events.visible.connect(self._choose)

    def _unwatch(self, layer: Layer) -> None:
        if isinstance(layer, Labels):
            layer.events.metadata.disconnect(self._choose)
            layer.events.visible.disconnect(self._choose)

    def _on_inserted(self, event: Any) -> None:
        self._watch(event.value)
        self._choose()

    def _on_removed(self, event: Any) -> None:
        self._unwatch(event.value)
        self._choose()

    def _best(self) -> Labels | None:
        results = [
            one
            for one in self._viewer.layers
            if isinstance(one, Labels) and ResultRecord.of(one).tracks is not None
        ]
        # Equal, not the same: the viewer gives plugins its layers wrapped.
        for wanted in (self._viewer.layers.selection.active, self.layer):
            for one in results:
                if one == wanted and one.visible:
                    return one
        shown = [one for one in results if one.visible]
        return (shown or results or [None])[-1]

    def _choose(self, _event: Any = None) -> None:
        best = self._best()
        if best is not self.layer:
            self._follow(best)
            self._read()
            self.layer_changed.emit()
        elif ResultRecord.of(best).tracks is not self._rows:
            self._read()
            self.tracks_changed.emit()

    def _read(self) -> None:
        self._rows = ResultRecord.of(self.layer).tracks
        self.lineage = Lineage(tuple(Track(*row) for row in self._rows or ()))

    def _follow(self, layer: Labels | None) -> None:
        if self.layer is not None:
            self.layer.events.selected_label.disconnect(self._tell_selected)
            self.layer.events.colormap.disconnect(self._tell_colours)
            for name in _REPAINTED:
                self.layer.events[name].disconnect(self._tell_repainted)
        self.layer = layer
        if layer is not None:
            layer.events.selected_label.connect(self._tell_selected)
            layer.events.colormap.connect(self._tell_colours)
            for name in _REPAINTED:
                layer.events[name].connect(self._tell_repainted)

    def _tell_selected(self, _event: Any) -> None:
        if self.layer is not None:
            self.selected.emit(int(self.layer.selected_label))

    def _tell_colours(self, _event: Any) -> None:
        self.colours_changed.emit()

    def _tell_repainted(self, _event: Any) -> None:
        self.repainted.emit()

    def let_go(self) -> None:
        """Take back every callback that the viewer and its layers hold."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        for layer in self._viewer.layers:
            self._unwatch(layer)
        self._follow(None)
