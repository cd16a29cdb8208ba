"""The second part of the widget: the settings of clustering and tracking."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from fastershift.config import PRESETS
from fastershift.plugin.qt import SettingControl, add_row, choice, make_button, named
from fastershift.rshn import list_models

__all__ = ["TuneSection"]

# What serves the models for every kind of cell comes first.
_BASIC = (
    "bandwidth",
    "smallest_cell",
    "least_certainty",
    "gamma",
    "low",
    "high",
    "n_initial",
)
_ADVANCED = (
    "coverage",
    "coordinate_weight",
    "local_modes",
    "join_alike",
    "split_large",
    "linking_overlap",
    "farthest_move",
    "remove_drift",
    "size_cost",
    "overlap_cost",
    "vote_weight",
    "division_cost",
    "gap_cost",
    "longest_gap",
    "mend_masks",
    "division_search",
    "shortest_track",
    "random_seed",
    "profile",
)
_PRESET_TIP = (
    "Replace the current settings by known ones.\n"
    "A model: its recommendations.\n"
    "A data set: the values of its authors; with the profile 'published' (under "
    "Advanced) also their method."
)


class TuneSection(QGroupBox):
    """Basic settings in view, the others folded away.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    forgotten = Signal()
    model_preset_chosen = Signal(str)
    data_preset_chosen = Signal(str)
    layer_settings_asked = Signal()
    reset_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Tune", parent)
        self.controls = [SettingControl(name, self) for name in (*_BASIC, *_ADVANCED)]
        basic, rare, advanced = QWidget(), QWidget(), QWidget()
        self._preset = self._make_preset()
        for widget, names in ((basic, _BASIC), (rare, _ADVANCED)):
            grid = QGridLayout(widget)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setVerticalSpacing(2)
            grid.setColumnStretch(1, 1)
            if widget is rare:
                self._add_preset(grid)
            for control in self.controls:
                if control.name in names:
                    control.add_to(grid)
        self._fold = QCollapsible("Advanced")
        self._fold.setObjectName("advanced")
        self._fold.setDuration(0)
        self._fold.toggleButton().setObjectName("show_advanced")
        self._fold.toggleButton().setToolTip(
            "Show or hide settings that are rarely needed."
        )
        self._fold.toggleButton().setAccessibleName("Advanced")
        self._fold.addWidget(advanced)
        self._hidden = QLabel()
        self._hidden.setObjectName("from_file")
        self._hidden.setWordWrap(True)
        self._forget = make_button(
            "forget",
            "Forget these",
            "Discard the settings of the file that have no control.",
        )
        use = make_button(
            "use_layer_settings",
            "Use settings of layer",
            "Use the settings with which the selected result layer was made.",
        )
        reset = make_button(
            "reset_all", "Reset all", "Restore all values that the model recommends."
        )
        self._forget.clicked.connect(self.forgotten)
        use.clicked.connect(self.layer_settings_asked)
        reset.clicked.connect(self.reset_asked)
        line = QHBoxLayout()
        line.addWidget(use)
        line.addWidget(reset)
        folded = QVBoxLayout(advanced)
        folded.setContentsMargins(0, 0, 0, 0)
        folded.addWidget(rare)
        folded.addLayout(line)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.setSpacing(3)
        for part in (basic, self._hidden, self._forget, self._fold):
            layout.addWidget(part)
        self.show_hidden("")

    def _make_preset(self) -> QComboBox:
        box = choice(_presets).widget
        assert isinstance(box, QComboBox)  # noqa: S101 (made as one)
        box.currentIndexChanged.connect(self._on_preset)
        return named(box, "preset", "Preset", _PRESET_TIP)

    def _add_preset(self, grid: QGridLayout) -> None:
        label = QLabel("Preset")
        label.setToolTip(_PRESET_TIP)
        label.setBuddy(self._preset)
        add_row(grid, label, self._preset)

    def _on_preset(self) -> None:
        kind, name = str(self._preset.currentData())[:1], self._preset.currentData()[1:]
        if kind == "m":
            self.model_preset_chosen.emit(name)
        elif kind == "d":
            self.data_preset_chosen.emit(name)

    def show_no_preset(self) -> None:
        """Tell that the settings come from elsewhere now."""
        self._preset.blockSignals(True)
        self._preset.setCurrentIndex(0)
        self._preset.blockSignals(False)

    def add(self, part: QWidget) -> None:
        """Put another part below the settings in view."""
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)  # noqa: S101 (made as one)
        layout.insertWidget(1, part)

    def show_hidden(self, text: str) -> None:
        """Tell which settings are in force without a control."""
        self._hidden.setText(f"Also set: {text}")
        self._hidden.setVisible(bool(text))
        self._forget.setVisible(bool(text))


def _presets() -> list[tuple[str, str]]:
    models = [(f"model {card.name}", f"m{card.name}") for card in list_models()]
    data = [(name, f"d{name}") for name in PRESETS]
    return [("choose…", ""), *models, *data]
