"""The fifth part of the widget: corrections by hand."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from napari.components import ViewerModel
from napari.layers import Layer, Tracks
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fastershift.editing import Scope
from fastershift.plugin.correct._autosave import AutosaveOffer
from fastershift.plugin.correct._corrector import Corrector, PlanSource
from fastershift.plugin.correct._review import Review
from fastershift.plugin.correct._tools import TOOLS
from fastershift.plugin.layers._cells_in_view import CellsInView
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._snapshot import shows
from fastershift.plugin.qt import (
    KeysPanel,
    NumberBox,
    WholeNumberBox,
    bind,
    follow,
    keep_wheel_away,
    make_button,
    named,
    on_destroyed,
    unbind,
)

__all__ = ["CorrectSection"]

_COLUMNS = 2

_SCOPES: tuple[tuple[str, str, Scope, str], ...] = (
    ("this_frame", "This frame", "frame", "Apply it in the current frame only."),
    (
        "from_here_on",
        "From here on",
        "onwards",
        "Apply it here and follow the cells through the next frames "
        "while their embedding recognises them, until the automatic "
        "result agrees again.",
    ),
    (
        "until_frame",
        "Until frame",
        "until",
        "Apply it up to the frame that is set here, forwards or backwards.",
    ),
    (
        "whole_track",
        "Whole track",
        "track",
        "Apply it here and follow it forwards and backwards.",
    ),
)


class CorrectSection(QGroupBox):
    """Tools, how far they reach, history, locks, and places to look at.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    plan_source : callable
        Finds the run that a layer comes from.
    cache : callable
        Gives the cache folder, None for the usual one.
    parent : QWidget
        The widget this is a part of.
    """

    #: A tool was taken, so its prompts should be in view.
    wanted = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        plan_source: PlanSource,
        cache: Callable[[], Path | None],
        parent: QWidget,
    ) -> None:
        super().__init__("Correct", parent)
        self.setObjectName("correct_section")
        self._viewer = viewer
        self._cells = CellsInView(viewer, self)
        self.corrector = Corrector(viewer, plan_source, self)
        self._review = Review(self.corrector, self)
        self.autosave = AutosaveOffer(viewer, self.corrector, cache, self)
        self._tools = {
            tool.name: make_button(tool.name, tool.title, tool.tip, checkable=True)
            for tool in TOOLS.values()
        }
        self._scopes = {name: make_button(name, t, tip) for name, t, _, tip in _SCOPES}
        self._until = WholeNumberBox()
        self._until.setObjectName("until")
        self._until.setAccessibleName("Until frame")
        self._until.setToolTip(
            "Last frame to correct; a frame before the current one means backwards."
        )
        keep_wheel_away(self._until)
        self._limit = NumberBox()
        self._limit.setObjectName("stop_below_confidence")
        self._limit.setAccessibleName("Stop below confidence")
        self._limit.setRange(0, 1)
        self._limit.setSingleStep(0.05)
        self._limit.setValue(self.corrector.limit)
        self._limit.setToolTip(
            "A correction is followed until its confidence falls below this, 0 to 1."
        )
        keep_wheel_away(self._limit)
        self._undo = make_button("undo", "Undo", "Undo the last edit.")
        self._redo = make_button("redo", "Redo", "Redo the edit that was undone last.")
        self._lock = make_button(
            "lock",
            "Lock",
            "Keep the selected cell of this frame unchanged in a new run.",
        )
        self._unlocks = {
            what: make_button(f"unlock_{what}", f"Unlock {what}", tip)
            for what, tip in (
                ("cell", "Let a new run change the selected cell of this frame."),
                ("track", "Let a new run change the selected cell in every frame."),
                ("all", "Let a new run change every cell."),
            )
        }
        self._help = named(QPushButton("Keys…"), "keys", "Keys…", "Show all keys.")
        self._bar = QProgressBar()
        self._bar.setObjectName("following")
        self._bar.setAccessibleName("Following")
        self._bar.setToolTip("Frames through which the correction was followed.")
        self._stop = make_button(
            "stop_tool", "Stop", "Deselect the tool, or stop following a correction."
        )
        self._status = QLabel()
        self._status.setObjectName("correct_status")
        self._status.setAccessibleName("Corrections")
        self._status.setWordWrap(True)
        self._status.setMinimumHeight(3 * self._status.fontMetrics().lineSpacing())
        self._status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._panel: KeysPanel | None = None
        self._bound: WeakSet[Layer] = WeakSet()
        self._watched: Layer | None = None
        self._lay_out()
        self._connect()
        self._bind()
        self._take()
        on_destroyed(self, _unwatch, self)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(self.autosave)
        grid = QGridLayout()
        for number, button in enumerate(self._tools.values()):
            grid.addWidget(button, number // _COLUMNS, number % _COLUMNS)
        column.addLayout(grid)
        far = QGridLayout()
        for number, name in enumerate(("this_frame", "from_here_on", "until_frame")):
            far.addWidget(self._scopes[name], number // 2, number % 2)
        far.addWidget(self._until, 1, 1)
        far.addWidget(self._scopes["whole_track"], 2, 0, 1, 2)
        column.addLayout(far)
        column.addWidget(self._status)
        row = QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(self._stop)
        column.addLayout(row)
        named = QLabel("Stop below confidence")
        named.setBuddy(self._limit)
        column.addLayout(_row(named, self._limit, self._help))
        column.addLayout(_row(self._undo, self._redo))
        locks = QGridLayout()
        for number, button in enumerate((self._lock, *self._unlocks.values())):
            locks.addWidget(button, number // 2, number % 2)
        column.addLayout(locks)
        column.addWidget(self._review.places)

    @property
    def actions(self) -> dict[str, Callable[[], None]]:
        """What every key does, by the name of its button."""
        corrector = self.corrector
        tools: dict[str, Callable[[], None]] = {
            name: partial(corrector.tools.select, name) for name in TOOLS
        }
        scopes = {name: partial(self._accept, scope) for name, _, scope, _ in _SCOPES}
        return {
            **tools,
            **scopes,
            "stop_tool": corrector.stop,
            "lock": corrector.history.lock,
            "unlock_cell": partial(corrector.history.unlock, "cell"),
            "unlock_track": partial(corrector.history.unlock, "track"),
            "unlock_all": partial(corrector.history.unlock, "all"),
            "undo": corrector.undo,
            "redo": corrector.redo,
            "next": self._review.next,
            "back": self._review.back,
        }

    def _connect(self) -> None:
        for name, act in self.actions.items():
            button = self.findChild(QPushButton, name)
            if button is not None and name not in ("next", "back"):
                button.clicked.connect(partial(_press, act))
        self._help.clicked.connect(self._show_keys)
        self._limit.valueChanged.connect(self._on_limit)
        self._cells.layer_changed.connect(self._take)
        self._cells.tracks_changed.connect(self._on_tracks)
        self.corrector.message.connect(self._status.setText)
        self.autosave.message.connect(self._status.setText)
        self.corrector.state_changed.connect(self._show_state)
        self.corrector.follower.progressed.connect(self._show_progress)

    def _accept(self, scope: Scope) -> None:
        self.corrector.tools.until = self._until.value()
        self.corrector.tools.accept(scope)

    def _on_limit(self, limit: float) -> None:
        self.corrector.limit = limit

    # Keys

    def _bind(self) -> None:
        actions = self.actions
        bind(self._viewer, actions)
        on_destroyed(self, unbind, self._viewer, actions)
        follow(self, self._viewer.layers.events.inserted, self._on_inserted)
        self.corrector.marks.added.connect(self._bind_layer)

    def _bind_layer(self, layer: Layer | None) -> None:
        # A layer's own keys go before those of the viewer: undo is one of them.
        if layer is not None and layer not in self._bound:
            bind(layer, self.actions)
            self._bound.add(layer)

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        if isinstance(layer, Tracks) and ResultRecord.has(layer):
            self._bind_layer(layer)

    def _show_keys(self) -> None:
        if self._panel is None:
            self._panel = KeysPanel(self)
        self._panel.show()
        self._panel.raise_()

    # What is corrected

    def _take(self, _event: Any = None) -> None:
        layer = self._cells.layer
        self._watch(layer)
        usable = layer if layer is not None and layer.editable else None
        self.corrector.edit(usable)
        self._bind_layer(usable)
        frames = (
            0
            if self.corrector.corrections is None
            else len(self.corrector.corrections.labels)
        )
        self._until.setRange(0, max(frames - 1, 0))
        self._until.setValue(frames - 1)

    def _watch(self, layer: Layer | None) -> None:
        """Notice when a run takes the layer or gives it back, and other data."""
        if layer is self._watched:
            return
        if self._watched is not None:
            self._watched.events.editable.disconnect(self._take)
            self._watched.events.data.disconnect(self._on_data)
        self._watched = layer
        if layer is not None:
            layer.events.editable.connect(self._take)
            layer.events.data.connect(self._on_data)

    def _on_data(self, _event: Any) -> None:
        # Later: a run that gives a layer new data takes it only then.
        QTimer.singleShot(0, self._take_data)

    def _take_data(self) -> None:
        """Take up data that came from elsewhere, such as another type of pixel."""
        layer, corrections = self.corrector.layer, self.corrector.corrections
        if layer is None or not layer.editable or layer != self._watched:
            return
        if corrections is None or not shows(layer, corrections):
            self._take()

    def _on_tracks(self) -> None:
        # Rows that our own edits stored are no new result.
        layer = self._cells.layer
        if layer is None or self.corrector.layers.is_new(layer):
            self._take()

    def _show_state(self) -> None:
        corrector = self.corrector
        usable = corrector.corrections is not None
        if corrector.tools.state.tool is not None:
            self.wanted.emit()
        for name, button in self._tools.items():
            tool = corrector.tools.state.tool
            button.setChecked(tool is not None and tool.name == name)
            button.setEnabled(usable)
        waiting = usable and corrector.tools.state.complete
        for button in self._scopes.values():
            button.setEnabled(waiting)
        history = corrector.corrections
        self._undo.setEnabled(history is not None and bool(history.undo_text))
        self._redo.setEnabled(history is not None and bool(history.redo_text))
        for button in (self._lock, *self._unlocks.values()):
            button.setEnabled(usable)
        busy = corrector.follower.busy
        self._bar.setVisible(busy)
        self._stop.setEnabled(busy or corrector.tools.state.tool is not None)
        if not busy:
            self._bar.setValue(0)
        self._review.show_state()

    def _show_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
        self._bar.setFormat("%v of %m frames")


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _unwatch(section: CorrectSection) -> None:
    section._watch(None)
    for layer in section._bound:
        unbind(layer, section.actions)


def _press(act: Callable[[], None], _checked: bool = False) -> None:
    act()
