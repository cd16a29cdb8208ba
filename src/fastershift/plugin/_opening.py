"""Dock widgets that open at once, and fill when what they need has been loaded."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QLabel,
    QMainWindow,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    import napari

__all__ = ["LineageDock", "MeasurementsDock", "SegmentTrackDock", "TrainDock"]

_WIDTH = 360
_LOOK_MS = 20

# Seconds after which a thread of Python lets another one go on that waits; by default
# five times as many. A window that is drawn while something is loaded or computed waits
# for its turn some dozen times, and so does what is computed.
_TURN = 0.001

# What the panel needs first, and what does not wait for the libraries below.
_MEANWHILE = "fastershift.io"

# Libraries that take long to load, by the package and the folder they lie in.
_LIBRARIES = (
    ("torch", "lib", ("libtorch_global_deps", "libtorch")),
    ("llvmlite", "binding", ("libllvmlite",)),
)


class _OpeningDock(QWidget):
    """A dock with a line of text, in which a panel appears once it can.

    Importing torch and compiled loops takes seconds. That is done in another thread;
    if it was done before, the panel is there at once.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.

    Attributes
    ----------
    panel : QWidget or None
        What it was opened for; None while it is being loaded.
    """

    _home: ClassVar[str]
    _name: ClassVar[str]

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.panel: QWidget | None = None
        self._joined = False
        self._viewer = napari_viewer
        # Where nothing expands, napari adds empty room below, more for each dock.
        wide = QSizePolicy.Policy.Preferred
        self.setSizePolicy(wide, QSizePolicy.Policy.Expanding)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._said = QLabel("Loading …")
        self._said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._said.setWordWrap(True)
        self._column.addWidget(self._said)
        # For the whole process and for good: it only changes who waits how long.
        sys.setswitchinterval(min(sys.getswitchinterval(), _TURN))
        # A class is there only when its module has been loaded to the end.
        if hasattr(sys.modules.get(self._home), self._name):
            self._fill()
            return
        self._loading = Thread(target=_load, args=(self._home,), daemon=True)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._loading.start()
        self._timer.start()

    def sizeHint(self) -> QSize:
        """Ask from the start for the room that the panel takes."""
        return super().sizeHint().expandedTo(QSize(_WIDTH, 0))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Become a tab of the dock that is there: one below the other, none has room.

        Only once: the user may arrange them otherwise.
        """
        super().showEvent(event)
        if not self._joined:
            QTimer.singleShot(0, self._join)

    def _join(self) -> None:
        window, own = self.window(), _dock_of(self)
        if self._joined or own is None or not isinstance(window, QMainWindow):
            return
        self._joined = True
        for other in window.findChildren(_OpeningDock):
            dock = _dock_of(other)
            if not other._joined or dock in (None, own) or dock.isFloating():
                continue
            if window.dockWidgetArea(dock) == window.dockWidgetArea(own):
                window.tabifyDockWidget(dock, own)
                own.raise_()
                return

    def _look(self) -> None:
        if not self._loading.is_alive():
            self._timer.stop()
            self._fill()
            if self._viewer.layers:
                self._prepare_labels()
            else:
                self._viewer.layers.events.inserted.connect(self._prepare_labels)

    def _prepare_labels(self) -> None:
        """Load in a thread what the panel does not need, but the first preview does.

        napari reads its table of units for the first layer. Two threads that do so at
        once find no pixel in it, so there must be a layer already.
        """
        self._viewer.layers.events.inserted.disconnect(self._prepare_labels)
        Thread(target=_colour_labels, daemon=True).start()

    def _fill(self) -> None:
        try:
            # An import that failed in the other thread fails here again, and is told.
            made = getattr(import_module(self._home), self._name)
        except ImportError as error:
            self._said.setText(f"fastershift could not be loaded: {error}.")
            raise
        self.panel = made(self._viewer)
        self._said.hide()
        self._column.addWidget(self.panel)


class SegmentTrackDock(_OpeningDock):
    """The dock "Segment and track"."""

    _home, _name = "fastershift.plugin._widget", "SegmentTrackWidget"


class LineageDock(_OpeningDock):
    """The dock "Lineage"."""

    _home, _name = "fastershift.plugin.lineage", "LineageWidget"


class MeasurementsDock(_OpeningDock):
    """The dock "Measurements"."""

    _home, _name = "fastershift.plugin.measurements", "MeasurementsWidget"


class TrainDock(_OpeningDock):
    """The dock "Train a model"."""

    _home, _name = "fastershift.plugin.train", "TrainWidget"


def _dock_of(widget: QWidget) -> QDockWidget | None:
    """Find the frame that the window puts around a docked widget."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QDockWidget):
        around = around.parentWidget()
    return around


def _load(home: str) -> None:
    """Load in this thread what would hold the window."""
    # Whatever fails here is tried again, and told, in the thread of the window.
    with suppress(Exception), _uncollected(), _passive_waiting():
        libraries = Thread(target=_load_libraries, daemon=True)
        libraries.start()
        import_module(_MEANWHILE)
        libraries.join()
        import_module(home)
        # For the first who asks, napari reads the manifests of all plugins again.
        import_module("fastershift.plugin.qt").preferences()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python look for garbage later: modules are none, and it holds the window.

    What was made meanwhile counts as old from then on, as it would otherwise.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()


@contextmanager
def _passive_waiting() -> Iterator[None]:
    """Let threads that torch loads now give their core away while they wait.

    It is read once, when torch is loaded, and is nothing that other programs which are
    started from this process should find.
    """
    name = "OMP_WAIT_POLICY"
    if "torch" in sys.modules or name in os.environ:
        yield
        return
    os.environ[name] = "PASSIVE"
    try:
        yield
    finally:
        os.environ.pop(name, None)


def _load_libraries() -> None:
    """Load large libraries of C code while other threads go on.

    Python holds all of its threads while it loads a library for an import; not while it
    calls a function of the C library that does the same.
    """
    if os.name != "posix":
        return
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    suffix = "dylib" if sys.platform == "darwin" else "so"
    for package, folder, names in _LIBRARIES:
        spec = find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            for name in names:
                path = Path(place) / folder / f"{name}.{suffix}"
                if path.is_file():
                    # Those that torch offers to all others it would load so, too.
                    shared = os.RTLD_GLOBAL if name.endswith("deps") else 0
                    load(os.fsencode(path), os.RTLD_NOW | shared)


def _colour_labels() -> None:
    """Let napari load the code that it colours labels with.

    It takes a second or two, when the first layer of labels is made.
    """
    with suppress(Exception), _uncollected():
        import numpy as np
        from napari.layers import Labels

        Labels(np.zeros((1, 1, 1), np.int32))
