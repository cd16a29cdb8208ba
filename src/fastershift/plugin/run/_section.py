"""The third part of the widget: start, stop, and how far it is."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QGroupBox,
    QProgressBar,
    QWidget,
)

from fastershift.plugin.layers._units import in_words
from fastershift.plugin.qt import make_button, make_text, named

__all__ = ["RunSection"]


class RunSection(QGroupBox):
    """Preview, run and cancel, a progress bar and a line of plain words.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    preview_asked = Signal()
    run_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Run", parent)
        self._preview = make_button(
            "preview", "Preview frame", "Find the cells of the current frame."
        )
        self._run = make_button(
            "run", "Run stack", "Segment and track the whole movie."
        )
        self._cancel = make_button(
            "cancel",
            "Cancel",
            "Stop, and keep the finished frames; if there was a result before, it is "
            "shown again.",
        )
        told = "Finished frames, and the time left."
        self._progress = named(QProgressBar(), "progress", "Progress", told)
        self._status = make_text("status", "Status")
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 2, 6, 2)
        grid.setVerticalSpacing(3)
        for column, button in enumerate((self._preview, self._run, self._cancel)):
            grid.addWidget(button, 0, column)
            grid.setColumnStretch(column, 1)
        grid.addWidget(self._progress, 1, 0, 1, 3)
        grid.addWidget(self._status, 2, 0, 1, 3)
        self._preview.clicked.connect(self.preview_asked)
        self._run.clicked.connect(self.run_asked)
        self._cancel.clicked.connect(self.cancel_asked)
        self.show_state(usable=False, busy=False, ending=False)

    def show_state(self, *, usable: bool, busy: bool, ending: bool) -> None:
        """Enable what can be done now.

        Parameters
        ----------
        usable : bool
            Whether there is something that can be run.
        busy : bool
            Whether a run or a preview is on its way.
        ending : bool
            Whether the last step of a cancelled one still goes on.
        """
        self._preview.setEnabled(usable and not busy)
        self._run.setEnabled(usable and not busy)
        self._cancel.setEnabled(busy)
        if not busy:
            self._progress.setRange(0, 1)
            self._progress.setValue(0)
            self._progress.setFormat("stopping…" if ending else "")
        elif not self._progress.format() or ending:
            self._progress.setRange(0, 0 if not ending else 1)
            self._progress.setFormat(
                "waiting for the last step…" if ending else "starting…"
            )

    def show_progress(self, done: int, total: int, seconds: float | None) -> None:
        """Show how many frames are ready and how long the others will take."""
        # A bar draws itself, and the window with it, at every new value, unless it is
        # told to wait for the next drawing.
        self._progress.setUpdatesEnabled(False)
        self._progress.setRange(0, max(total, 1))
        self._progress.setValue(done)
        left = "" if seconds is None else f", {in_words(seconds)} left"
        self._progress.setFormat(f"%v of %m frames{left}")
        self._progress.setUpdatesEnabled(True)

    def say(self, sentence: str) -> None:
        """Show one sentence."""
        self._status.setText(sentence)
