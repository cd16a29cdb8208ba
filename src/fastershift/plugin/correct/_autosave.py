"""Keeps unsaved corrections on disk, and offers them after a crash."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeAlias
from weakref import WeakKeyDictionary

from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from fastershift.errors import FastershiftError
from fastershift.io import SavedResult
from fastershift.plugin.correct._corrector import Corrector
from fastershift.plugin.files._layer_files import saved_result
from fastershift.plugin.files._open_result import add_layers
from fastershift.plugin.files._readers import saved_layers
from fastershift.plugin.layers._snapshot import LayerSnapshot, shows
from fastershift.plugin.qt import (
    Task,
    TaskRunner,
    make_button,
    make_timer,
    on_destroyed,
)
from fastershift.session import Autosave, Autosaves, Corrections, describe_error

__all__ = ["AutosaveOffer"]

#: A layer and what was written of it.
_Written: TypeAlias = tuple[Labels, LayerSnapshot]

# Milliseconds without an edit after which corrections are written.
_REST = 5000


class AutosaveOffer(QFrame):
    """A line that is there only when there is something to bring back.

    Parameters
    ----------
    viewer : ViewerModel
        Where it is brought back to.
    corrector : Corrector
        Whose edits are written.
    cache : callable
        Gives the cache folder, None for the usual one.
    parent : QWidget
        The widget this is a part of.
    """

    message = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        corrector: Corrector,
        cache: Callable[[], Path | None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._corrector = corrector
        self._cache = cache
        self._writes = TaskRunner(self)
        self._reads = TaskRunner(self)
        self._rest = make_timer(self, _REST, self.write)
        self._text = QLabel()
        self._text.setObjectName("autosave")
        self._text.setWordWrap(True)
        restore = make_button("restore", "Restore", "Open these corrections again.")
        discard = make_button("discard", "Discard", "Delete these corrections.")
        row = QHBoxLayout()
        row.addWidget(restore)
        row.addWidget(discard)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._text)
        column.addLayout(row)
        restore.clicked.connect(self._restore)
        discard.clicked.connect(self._discard)
        corrector.edited.connect(self._on_edited)
        self._offered: Autosave | None = None
        self._left: tuple[Autosave, Layer] | None = None
        # The revision of each that is on disk, here or where it was saved.
        self._kept: WeakKeyDictionary[Corrections, int] = WeakKeyDictionary()
        # Layers that were edited since: the viewer may let go of them.
        self._edited: set[Labels] = set()
        self._place = self._autosaves
        self._writing = Lock()
        self._last: set[int] | None = None
        on_destroyed(self, self._write_last)
        self.look()

    @property
    def _autosaves(self) -> Autosaves:
        return Autosaves(self._cache())

    @property
    def offers(self) -> bool:
        """Whether there is something to bring back."""
        return self._offered is not None

    def look(self) -> None:
        """Offer the newest corrections that were not saved."""
        pending = self._autosaves.pending()
        self._offered = pending[0] if pending else None
        self.setVisible(bool(pending))
        if self._offered is not None:
            when = f"{self._offered.saved:%d %b, %H:%M}"
            self._text.setText(
                f"Corrections of {self._offered.name} from {when} were not saved."
            )

    def _on_edited(self) -> None:
        if self._corrector.layer is not None:
            self._edited.add(self._corrector.layer)
        # Nobody can be asked for it any more when the window is closed.
        self._place = self._autosaves
        self._rest.start()

    def write(self) -> None:
        """Write in another thread what has changed since it was written or saved."""
        if self._corrector.follower.busy:
            self._rest.start()
            return
        autosaves, changed = self._autosaves, self._changed()
        self._edited.intersection_update(changed)
        jobs = [
            (layer, _name_of(layer), self._corrector.known.snapshot(layer))
            for layer in changed
        ]

        def steps() -> Iterator[_Written]:
            for layer, name, take in jobs:
                taken = take()
                result = saved_result(taken.data, taken.attributes)
                with self._writing:
                    if self._last is not None:
                        return
                    autosaves.write(id(layer), name, result)
                yield layer, taken

        if jobs:
            self._writes.start(
                Task(steps, self._on_written, self._tell_error, self._go_on)
            )

    def _write_last(self) -> None:
        """Write what was edited just before the window was closed."""
        with self._writing:
            self._last = set()
            for layer in self._changed() if self._edited else ():
                with suppress(FastershiftError, OSError):
                    taken = self._corrector.known.snapshot(layer)()
                    result = saved_result(taken.data, taken.attributes)
                    self._place.write(id(layer), _name_of(layer), result)
                    self._last.add(id(layer))
                    self._on_written((layer, taken))

    def _changed(self) -> list[Labels]:
        """Return the layers whose corrections are kept nowhere as they are now."""
        return [
            layer
            for layer, corrections in self._corrector.known.all.items()
            if (
                corrections.revision != self._kept.get(corrections, 0)
                or (self._left is not None and layer is self._left[1])
            )
            # Where other data have taken their place, there is nothing to keep.
            and (not layer.editable or shows(layer, corrections))
        ]

    def _on_written(self, written: _Written) -> None:
        layer, taken = written
        if taken.corrections is not None:
            self._kept[taken.corrections] = taken.revision
        if self._left is not None and self._left[1] is layer:
            left, self._left = self._left[0], None
            self._place.discard(left)
        if layer not in self._changed():
            self._edited.discard(layer)

    def _go_on(self) -> None:
        """Write soon what was changed, or passed over, while something was written."""
        if self._changed():
            self._rest.start()

    def forget(self, layer: Labels, saved: LayerSnapshot) -> None:
        """Remove the autosave of a layer that was saved as it is.

        Parameters
        ----------
        layer : Labels
            The layer.
        saved : LayerSnapshot
            What was saved of it; edits made since then are still to be kept.
        """
        self._on_written((layer, saved))
        if layer in self._changed():
            self._rest.start()
            return
        autosaves, key = self._autosaves, id(layer)

        def steps() -> Iterator[None]:
            with self._writing:
                if key not in (self._last or ()):
                    autosaves.forget(key)
            yield

        # After a write that goes on, which would put back what is removed.
        self._writes.start(Task(steps, _nothing, self._tell_error, self._go_on))

    def _restore(self) -> None:
        offered = self._offered
        if offered is not None:
            self._text.setText(f"Opening {offered.name} …")
            self._reads.start(
                Task(lambda: iter([offered.read()]), self._open, self._tell_error)
            )

    def _open(self, found: SavedResult) -> None:
        offered = self._offered
        if offered is None:
            return
        cells = add_layers(self._viewer, saved_layers(found, offered.name))
        self._left = offered, cells
        # It stays on disk until this sitting has written it, too.
        self._offered = None
        self.setVisible(False)
        self._rest.start()

    def _discard(self) -> None:
        if self._offered is not None:
            try:
                self._autosaves.discard(self._offered)
            except FastershiftError as error:
                self.message.emit(describe_error(error))
            self.look()

    def _tell_error(self, error: Exception) -> None:
        self.message.emit(f"The corrections were not saved: {describe_error(error)}")


def _name_of(layer: Labels) -> str:
    return str(layer.name).removesuffix(" [cells]")


def _nothing(_item: None) -> None:
    return
