"""The second part of the widget: the settings of clustering and tracking."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QGroupBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from fastershift.plugin._controls import SettingControl

__all__ = ["TuneSection"]

_BASIC = ("bandwidth", "gamma", "low", "high", "n_initial")
_ADVANCED = (
    "coverage",
    "coordinate_weight",
    "smallest_cell",
    "linking_overlap",
    "division_search",
    "shortest_track",
    "random_seed",
)


class TuneSection(QGroupBox):
    """Basic settings in view, the others folded away.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    forgotten = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Tune", parent)
        self.controls = [SettingControl(name, self) for name in (*_BASIC, *_ADVANCED)]
        basic, advanced = QWidget(), QWidget()
        for widget, names in ((basic, _BASIC), (advanced, _ADVANCED)):
            grid = QGridLayout(widget)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setColumnStretch(1, 1)
            for control in self.controls:
                if control.name in names:
                    control.add_to(grid)
        self._fold = QCollapsible("Advanced")
        self._fold.setObjectName("advanced")
        self._fold.setDuration(0)
        self._fold.toggleButton().setObjectName("show_advanced")
        self._fold.toggleButton().setToolTip("Show or hide the rarely needed settings.")
        self._fold.toggleButton().setAccessibleName("Advanced")
        self._fold.addWidget(advanced)
        self._unseen = QLabel()
        self._unseen.setObjectName("from_file")
        self._unseen.setWordWrap(True)
        self._forget = QPushButton("forget these")
        self._forget.setObjectName("forget")
        self._forget.setAccessibleName("Forget settings of the file")
        self._forget.setToolTip("Drop the settings of the file that have no control.")
        self._forget.clicked.connect(self.forgotten)
        layout = QVBoxLayout(self)
        for part in (basic, self._fold, self._unseen, self._forget):
            layout.addWidget(part)
        self.show_unseen("")

    def show_unseen(self, text: str) -> None:
        """Tell which settings of a file are in force without a control."""
        self._unseen.setText(f"Also set by the file: {text}")
        self._unseen.setVisible(bool(text))
        self._forget.setVisible(bool(text))
