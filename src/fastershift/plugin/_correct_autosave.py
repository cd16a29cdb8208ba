"""Keeps unsaved corrections on disk, and offers those that a crash has left."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fastershift.errors import FastershiftError
from fastershift.plugin._correct import Corrector
from fastershift.plugin._correct_layers import rows_of
from fastershift.plugin._layer_files import result_arguments
from fastershift.plugin._outputs import METADATA_KEY
from fastershift.plugin._readers import track_layers
from fastershift.plugin._tasks import Task, TaskRunner
from fastershift.session import Autosave, Autosaves, describe_error

__all__ = ["AutosaveOffer"]

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

    said = Signal(str)

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
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self.write)
        self._text = QLabel()
        self._text.setObjectName("autosave")
        self._text.setWordWrap(True)
        restore = self._button("restore", "Restore", "Open these corrections again.")
        discard = self._button("discard", "Discard", "Throw these corrections away.")
        row = QHBoxLayout()
        row.addWidget(restore)
        row.addWidget(discard)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._text)
        column.addLayout(row)
        restore.clicked.connect(self._restore)
        discard.clicked.connect(self._discard)
        corrector.edited.connect(self._rest.start)
        self._offered: Autosave | None = None
        self._left: tuple[Autosave, Layer] | None = None
        self.look()

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        return button

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

    def write(self) -> None:
        """Write the corrections in hand in another thread."""
        layer, corrections = self._corrector.layer, self._corrector.corrections
        if layer is None or corrections is None:
            return
        if self._corrector.follower.busy:
            self._rest.start()
            return
        record = dict(layer.metadata.get(METADATA_KEY, {}))
        name = layer.name.removesuffix(" [cells]")
        autosaves, data = self._autosaves, layer.data
        attributes = {"scale": layer.scale, "units": layer.units}

        def steps() -> Iterator[None]:
            # Labels are edited in place: all of it is of one moment.
            with corrections.cells.guard:
                kept = data.copy()
                record["corrections"] = corrections.record()
                record["tracks"] = rows_of(corrections.lineage)
            yield
            shown = {**attributes, "metadata": {METADATA_KEY: record}}
            autosaves.write(id(layer), name, result_arguments(kept, shown))

        dropped = partial(self._drop_left, layer)
        self._writes.start(Task(steps, _nothing, self._tell_error, dropped))

    def forget(self, layer: Labels) -> None:
        """Remove the autosave of a layer that was saved."""
        self._rest.stop()
        autosaves, key = self._autosaves, id(layer)

        def steps() -> Iterator[None]:
            autosaves.forget(key)
            yield

        # After a write that goes on, which would put back what is removed.
        dropped = partial(self._drop_left, layer)
        self._writes.start(Task(steps, _nothing, self._tell_error, dropped))

    def _restore(self) -> None:
        offered = self._offered
        if offered is not None:
            self._text.setText(f"Opening {offered.name} …")
            self._reads.start(
                Task(lambda: iter([offered.read()]), self._open, self._tell_error)
            )

    def _open(self, found: dict[str, Any]) -> None:
        offered = self._offered
        if offered is None:
            return
        known = ("corrections", "settings")
        record = {name: found[name] for name in known if found[name] is not None}
        placed = {
            name: found[name] for name in ("scale", "units") if found[name] is not None
        }
        for data, attributes, kind in track_layers(
            found["labels"], found["tracks"], offered.name, record=record
        ):
            made = Layer.create(data, {**attributes, **placed}, kind)
            self._viewer.add_layer(made)
            if kind == "labels":
                self._left = offered, made
                self._viewer.layers.selection.active = made
        # It stays on disk until this sitting has written it, too.
        self._offered = None
        self.setVisible(False)
        self._rest.start()

    def _drop_left(self, layer: Labels) -> None:
        if self._left is not None and self._left[1] is layer:
            left, self._left = self._left[0], None
            self._autosaves.discard(left)

    def _discard(self) -> None:
        if self._offered is not None:
            try:
                self._autosaves.discard(self._offered)
            except FastershiftError as error:
                self.said.emit(str(error))
            self.look()

    def _tell_error(self, error: Exception) -> None:
        self.said.emit(f"The corrections were not kept: {describe_error(error)}")


def _nothing(_item: None) -> None:
    return
