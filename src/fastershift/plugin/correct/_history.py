"""Edits of the corrected layer: made, shown, taken back; cells locked and unlocked."""

from typing import Literal

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Change, Edit, Lock, PaintMany, Unlock
from fastershift.errors import InputError
from fastershift.plugin.correct._layers import CorrectedLayers
from fastershift.plugin.correct._paint import PaintCapture, Painted
from fastershift.session import Corrections, describe_error

__all__ = ["EditHistory"]


class EditHistory(QObject):
    """Makes edits and takes them back, and shows what has changed.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    layers : CorrectedLayers
        Draws what has changed.
    parent : QObject
        Lives as long as this.
    """

    edited = Signal()
    message = Signal(str)

    def __init__(
        self, viewer: ViewerModel, layers: CorrectedLayers, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._layer: Labels | None = None
        self._corrections: Corrections | None = None
        self._layers = layers
        self._paint = PaintCapture(viewer, self)
        self._paint.painted.connect(self._on_painted)
        self._paint.message.connect(self.message)

    def watch(self, layer: Labels | None, corrections: Corrections | None) -> None:
        """Work on another layer."""
        self._layer, self._corrections = layer, corrections
        cells = None if corrections is None else corrections.cells
        self._paint.watch(layer, cells, lambda: self._layers.frame)

    def make(self, edit: Edit) -> Change | None:
        """Make an edit, to be shown with `show`; None when it cannot be made."""
        if self._corrections is None:
            return None
        try:
            return self._corrections.do(edit)
        except InputError as error:
            self.message.emit(describe_error(error))
            return None

    def show(self, change: Change, *, follow: bool = True) -> None:
        """Draw what an edit has changed.

        Parameters
        ----------
        change : Change
            What it did.
        follow : bool
            Whether to go there, and say it.
        """
        # First: a layer that is drawn again is looked at for what was painted.
        self._paint.skip(change)
        self._layers.show(change, follow=follow)
        if follow:
            self.message.emit(change.text)
        self.edited.emit()

    def undo(self) -> None:
        """Undo the last edit."""
        if self._corrections is not None:
            self._show_step(self._corrections.undo(), "There is nothing to undo.")

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        if self._corrections is not None:
            self._show_step(self._corrections.redo(), "There is nothing to redo.")

    def _show_step(self, change: Change | None, nothing: str) -> None:
        if change is None:
            self.message.emit(nothing)
        else:
            self.show(change)

    def lock(self) -> None:
        """Lock the selected cell in the frame in view."""
        if self._layer is not None:
            self._do(Lock(self._layers.frame, int(self._layer.selected_label)))

    def unlock(self, what: Literal["cell", "track", "all"]) -> None:
        """Unlock the selected ``"cell"`` here, its ``"track"``, or ``"all"``."""
        if what == "all":
            self._do(Unlock(what="all"))
        elif self._layer is not None:
            track = int(self._layer.selected_label)
            self._do(Unlock(self._layers.frame, track, what))

    def _do(self, edit: Edit) -> None:
        change = self.make(edit)
        if change is not None:
            self.show(change)

    def _on_painted(self, painted: Painted) -> None:
        """Make one edit of a stroke, also when it went through several frames."""
        frames = [stroke.frame for stroke in painted]
        seen = self._layers.frame if self._layers.frame in frames else frames[0]
        change = self.make(PaintMany(seen, tuple(painted)))
        if change is not None:
            self.show(change)
        elif self._layer is not None:
            # The pixels are those before the stroke again.
            self._layer.refresh(extent=False)
