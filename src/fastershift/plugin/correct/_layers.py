"""Shows corrections: cells at once, tracks and locks shortly after the last edit."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels, Tracks
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Change
from fastershift.errors import InputError
from fastershift.io import adopt_labels
from fastershift.plugin.correct._marks import Marks
from fastershift.plugin.files._layer_files import former_numbers
from fastershift.plugin.layers._frame_in_view import frame_in_view, go_to_frame
from fastershift.plugin.layers._placement import as_stack, labels_axes
from fastershift.plugin.layers._record import ResultRecord, TrackRows
from fastershift.plugin.layers._snapshot import shows
from fastershift.plugin.layers._tracks_of import tracks_of
from fastershift.plugin.qt import Task, TaskRunner, make_timer, on_destroyed
from fastershift.session import Corrections, describe_error

__all__ = ["CorrectedLayers", "stack_of"]

_Positions: TypeAlias = npt.NDArray[np.float64]

# Milliseconds without an edit after which tracks and locks are drawn again.
_REST = 400


def stack_of(layer: Labels) -> Any:
    """Return the labels of a layer as (T, Y, X) int32, so that edits show in it.

    Parameters
    ----------
    layer : Labels
        A result; labels of another type are converted in the layer, which then lists
        the numbers that they had where they have others now.

    Returns
    -------
    (T, Y, X) int32 array
        The same memory as the layer.

    Raises
    ------
    InputError
        For labels that are not in memory, have further axes, or are not whole numbers
        from 0.
    """
    data = layer.data
    if layer.multiscale or not isinstance(data, np.ndarray):
        raise InputError(
            f"The labels of {layer.name} are not in memory, so they cannot be "
            "corrected; duplicate the layer and correct the copy."
        )
    if data.dtype != np.int32 or not data.flags.writeable:
        adopted = adopt_labels(data, f"The layer {layer.name}")
        layer.data = data = np.array(adopted.stack())
        layer.features = former_numbers(adopted.numbers)
    stack = as_stack(data, labels_axes(layer))
    if stack.ndim != 3:
        raise InputError(f"{layer.name} has too many axes for corrections.")
    return stack


class CorrectedLayers(QObject):
    """Keeps cells, tracks, locks and the stored lineage in step with corrections.

    Parameters
    ----------
    viewer : ViewerModel
        Where they are shown.
    marks : Marks
        Draws the locks.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    rows : list of (id, first, last, parent), or None
        The lineage as it was last stored with the cells.
    """

    #: A new run was undone, or made again: what made the cells is another run.
    replaced = Signal()

    def __init__(self, viewer: ViewerModel, marks: Marks, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._marks = marks
        self._cells: Labels | None = None
        self._axes = ""
        self._corrections: Corrections | None = None
        self.rows: TrackRows | None = None
        # Known from the time when both held the same lineage.
        self._tracks_of: WeakKeyDictionary[Labels, Tracks] = WeakKeyDictionary()
        self._locks_stale = self._tracks_stale = False
        # Revisions whose tracks are on the screen; a result as it was made is 0.
        self._drawn: WeakKeyDictionary[Corrections, int] = WeakKeyDictionary()
        self._rest = make_timer(self, _REST, self._settle)
        self._finds = TaskRunner(self)
        on_destroyed(self, self._keep)

    def watch(self, cells: Labels | None, corrections: Corrections | None) -> None:
        """Show the corrections of another layer."""
        self._keep()
        self._cells, self._corrections = cells, corrections
        self._axes = "" if cells is None else labels_axes(cells)
        self.rows = ResultRecord.of(cells).tracks
        self._locks_stale = corrections is not None
        # An edit may have been the last thing before another layer was taken up.
        self._tracks_stale = (
            corrections is not None
            and self._drawn.get(corrections, 0) != corrections.revision
        )
        self._settle()

    def _keep(self) -> None:
        """Store the history with cells that are left, before it is time for that."""
        cells, corrections = self._cells, self._corrections
        if cells is None or corrections is None or not corrections.revision:
            return
        # A new result may have taken the place of what was corrected.
        if shows(cells, corrections) and not self.is_new(cells):
            self._store(cells, corrections.record())

    def is_new(self, layer: Labels) -> bool:
        """Tell whether a layer holds another lineage than was last stored here."""
        return (
            layer is not self._cells or ResultRecord.of(layer).tracks is not self.rows
        )

    @property
    def frame(self) -> int:
        """The frame in view."""
        if self._cells is None or "T" not in self._axes:
            return 0
        return frame_in_view(self._viewer, self._cells, self._axes.index("T"))

    def go(self, frame: int) -> None:
        """Go to a frame."""
        if self._cells is not None and "T" in self._axes:
            go_to_frame(self._viewer, self._cells, frame, self._axes.index("T"))

    def look_at(self, frame: int, row: float, column: float, width: float) -> None:
        """Go to a frame, put a place in the middle, and show so much around it.

        Parameters
        ----------
        frame : int
            Counted from 0.
        row, column : float
            In pixels of the labels.
        width : float
            Pixels of the labels from the middle to the nearest edge of the view.
        """
        cells = self._cells
        if cells is None:
            return
        self.go(frame)
        at = {"T": frame, "Y": row, "X": column}
        place = cells.data_to_world([at.get(axis, 0) for axis in self._axes])
        camera = self._viewer.scene.camera
        # How large the canvas is can be told from what fits into it.
        self._viewer.fit_to_view(layers=[cells], margin=0)
        sizes = [cells.data.shape[self._axes.index(axis)] for axis in "YX"]
        camera.zoom *= max(sizes) / (2 * width)
        camera.center = (0, *(place[self._axes.index(axis)] for axis in "YX"))

    def show(self, change: Change, *, follow: bool = True) -> None:
        """Draw what has changed.

        Parameters
        ----------
        change : Change
            What an edit, or taking one back, did.
        follow : bool
            Whether to go there and select the cell.
        """
        cells, corrections = self._cells, self._corrections
        if cells is None or corrections is None:
            return
        if follow and change.boxes and self.frame not in change.boxes:
            self.go(change.frame)
        if follow and change.tracks:
            cells.selected_label = change.tracks[0]
        if self.frame in change.boxes:
            cells.refresh(extent=False)
        if change.lineage_changed or change.boxes:
            # With other pixels alone, too: those who follow the layer are told by this.
            self._find_tracks(cells)
            self.rows = corrections.lineage.rows()
        made_by = corrections.replaced.get(change.entry)
        if made_by is not None:
            corrections.replaced[change.entry] = ResultRecord.of(cells)
        self._store(cells, made_by=made_by)
        if made_by is not None:
            self.replaced.emit()
        # All of them are drawn anew, which takes longer the more there are.
        self._locks_stale |= change.locks_changed
        self._tracks_stale = True
        self._rest.start()

    def rest(self) -> None:
        """Store the history with the cells, and draw what is stale, in a moment."""
        self._rest.start()

    def _store(
        self,
        cells: Labels,
        history: Mapping[str, Any] | None = None,
        made_by: ResultRecord | None = None,
    ) -> None:
        """Store lineage and history, so that napari saves and copies them, too.

        Until a history is written anew there is none: a former one does not fit labels
        that have changed.
        """
        known = made_by or ResultRecord.of(cells)
        if known.tracks is not self.rows or known.corrections is not history:
            replace(known, tracks=self.rows, corrections=history).store(cells)

    def _find_tracks(self, cells: Labels) -> Tracks | None:
        """Return the layer with the tracks of cells, whatever either is called."""
        known = self._tracks_of.get(cells)
        if known is not None and known in self._viewer.layers:
            return known
        # Those of other cells may not have been told yet of what these have become.
        others = [its for one, its in self._tracks_of.items() if one != cells]
        layers = [one for one in self._viewer.layers if one not in others]
        found = tracks_of(cells, layers)
        if found is not None:
            self._tracks_of[cells] = found
        return found

    def _settle(self) -> None:
        """Draw tracks and locks again, once all cells have been found."""
        corrections = self._corrections
        if corrections is None:
            return

        def steps() -> Iterator[tuple[_Positions, dict[str, Any] | None]]:
            for _ in corrections.cells.prepare():
                pass
            history = corrections.record() if corrections.revision else None
            yield corrections.cells.positions(), history

        def fail(error: Exception) -> None:
            show_error(describe_error(error))

        self._finds.start(Task(steps, partial(self._draw, corrections), fail))

    def _draw(
        self,
        corrections: Corrections,
        found: tuple[_Positions, dict[str, Any] | None],
    ) -> None:
        if self._cells is None or corrections is not self._corrections:
            return
        if self._rest.isActive():
            # An edit came in between; all is drawn once it rests.
            return
        positions, history = found
        if history is not None:
            self._store(self._cells, history)
        if self._locks_stale:
            self._locks_stale = False
            self._marks.show_locks(self._corrections.cells)
        if not self._tracks_stale:
            return
        self._tracks_stale = False
        self._drawn[corrections] = corrections.revision
        layer = self._find_tracks(self._cells)
        if layer is None or not len(positions):
            return
        # Tracks share the axes of their cells from time on; further ones have length 1.
        laid = self._axes[-layer.ndim :]
        rows = np.zeros((len(positions), 1 + layer.ndim))
        rows[:, [0, *(1 + laid.index(axis) for axis in "TYX")]] = positions
        known = set(positions[:, 0].astype(int).tolist())
        graph = {
            child: parents
            for child, parents in self._corrections.lineage.graph().items()
            if {child, *parents} <= known
        }
        # The graph last: new positions drop what no longer fits.
        layer.graph = {}
        layer.data = rows
        layer.graph = graph
        replace(ResultRecord.of(self._cells), corrections=None).store(layer)
