"""Live preview: every change shows its effect on the frame in view."""

from collections.abc import Callable, Mapping
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QObject, Qt, Signal

from fastershift.errors import InputError
from fastershift.plugin.layers._frame_in_view import region_in_view
from fastershift.plugin.layers._input import InputChoice
from fastershift.plugin.qt import follow
from fastershift.plugin.run._controller import RunController
from fastershift.plugin.run._live_row import LiveRow
from fastershift.plugin.tune import SettingsForm
from fastershift.session import Preview, describe_error

__all__ = ["Comparison", "LivePreview"]

Prepared = tuple[InputChoice, Mapping[str, Any], str]


class Comparison(QObject):
    """Two settings: those in the form, and those it is flipped to.

    How a layer is read belongs to that layer, and stays as it is.

    Parameters
    ----------
    form : SettingsForm
        Shows one of them.
    parent : QObject
        Lives as long as this.
    """

    #: Why one of them cannot be used; the form stays as it is.
    refused = Signal(str)

    def __init__(self, form: SettingsForm, parent: QObject) -> None:
        super().__init__(parent)
        self._form = form
        self._other: dict[str, Any] | None = None

    def flip(self) -> None:
        """Show the other settings; the first time, they are a copy of these."""
        shown = self._form.chosen()
        reading = {"input": shown.pop("input", {})}
        try:
            # What cannot be used could not be shown again.
            self._form.resolved()
            other = shown if self._other is None else self._other
            self._form.load(other | reading)
        except InputError as error:
            self.refused.emit(describe_error(error))
        else:
            self._other = shown


class LivePreview(QObject):
    """Asks for a preview whenever one would look different.

    Changes that come in one go count as one. Of many in a row, those are shown that
    there is time for, and always the last.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders and view are followed.
    runs : RunController
        Makes the previews.
    row : LiveRow
        Where it is switched on.
    prepare : callable
        Gives layer, settings and device; None while there is nothing to preview.
    parent : QObject
        Lives as long as this.
    """

    _soon = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        runs: RunController,
        row: LiveRow,
        prepare: Callable[[], Prepared | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._runs = runs
        self._row = row
        self._prepare = prepare
        self._asked = False
        # As soon as this turn of the event loop is over, and before the controls are
        # drawn: drawing a window takes longer than many a preview.
        self._soon.connect(self._submit, Qt.ConnectionType.QueuedConnection)
        row.live_switched.connect(self._switch)
        row.region_switched.connect(self.ask)
        runs.painted.connect(self.ask)
        runs.previewed.connect(self._tell)
        runs.state_changed.connect(self._on_state)
        camera = viewer.scene.camera.events
        follow(self, viewer.dims.events.current_step, self.ask)
        follow(self, camera.zoom, self._on_view)
        follow(self, camera.center, self._on_view)

    @property
    def follows(self) -> bool:
        """Whether a change of a value leads to a preview."""
        return self._row.live and not self._runs.busy

    def ask(self, _event: Any = None) -> None:
        """Preview the frame in view soon, if that is wanted at all."""
        if self._row.live and not self._asked:
            self._asked = True
            self._soon.emit()

    def _on_view(self, _event: Any = None) -> None:
        if self._row.visible_only:
            self.ask()

    def _tell(self, preview: Preview) -> None:
        links = preview.links
        self._row.tell("" if links is None else links.sentence)

    def _on_state(self) -> None:
        if self._runs.busy:
            self._row.tell("")

    def _switch(self, live: bool) -> None:
        if live:
            self.ask()
        else:
            self._runs.stop_live()

    def _submit(self) -> None:
        self._asked = False
        prepared = self._prepare() if self._row.live else None
        if prepared is None:
            return
        choice = prepared[0]
        region = region_in_view(choice) if self._row.visible_only else None
        try:
            self._runs.preview_live(*prepared, region)
        except InputError as error:
            self._runs.message.emit(describe_error(error))
