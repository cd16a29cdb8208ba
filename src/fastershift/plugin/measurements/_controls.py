"""What is plotted, what cells are coloured by, and which are kept."""

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from fastershift.measure import Column, WorldUnits
from fastershift.plugin.measurements._filters import CellFilter
from fastershift.plugin.qt import WholeNumberBox, named

__all__ = ["ColourRow", "FilterRow", "PlotRow"]

_OWN = "track"
_ANY = "any measure"
_SQUARES = "mean squared displacement"


def _box(name: str, title: str, tip: str) -> QComboBox:
    box = named(QComboBox(), name, title, tip)
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(10)
    return box


def _fill(box: QComboBox, entries: Sequence[tuple[str, str]], wanted: str) -> None:
    """Offer other entries; what was chosen stays chosen where it is still there."""
    former = box.currentData() if box.count() else wanted
    box.blockSignals(True)
    box.clear()
    for text, value in entries:
        box.addItem(text, value)
    place = box.findData(former)
    box.setCurrentIndex(place if place >= 0 else max(box.findData(wanted), 0))
    box.blockSignals(False)


def _named(columns: Sequence[Column]) -> list[tuple[str, str]]:
    return [(column.name.replace("_", " "), column.name) for column in columns]


class PlotRow(QWidget):
    """Which measure is plotted, and against what."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._up = _box(
            "plot_measure", "Plot", "What is plotted of the tracks that are selected."
        )
        self._across = _box(
            "plot_against", "against", "What it is plotted against: time, or a measure."
        )
        self._titles: dict[str, str] = {}
        self._lag = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for text, box in (("Plot", self._up), ("against", self._across)):
            label = QLabel(text)
            label.setBuddy(box)
            row.addWidget(label)
            row.addWidget(box, 1)
            box.currentIndexChanged.connect(self.changed)

    def show_columns(self, columns: Sequence[Column], units: WorldUnits) -> None:
        """Offer these measures."""
        names = _named(columns)
        self._titles = {
            column.name: f"{text} {units.unit(column.quantity)}"
            for column, (text, _) in zip(columns, names, strict=True)
        }
        self._titles[_SQUARES] = f"{_SQUARES} {units.length}²"
        self._lag = f"lag {units.time}"
        _fill(self._up, [*names, (_SQUARES, _SQUARES)], "area")
        _fill(self._across, names, "time")

    @property
    def over_lag(self) -> bool:
        """Whether squares of displacements are plotted against their lag."""
        return bool(self._up.currentData() == _SQUARES)

    @property
    def over_time(self) -> bool:
        """Whether the x axis is time."""
        return self._across.currentData() == "time" and not self.over_lag

    @property
    def measures(self) -> tuple[str, str]:
        """Names of the columns along x and y."""
        return str(self._across.currentData()), str(self._up.currentData())

    @property
    def titles(self) -> tuple[str, str]:
        """Titles of the axes."""
        across, up = self.measures
        below = self._lag if self.over_lag else self._titles.get(across, "")
        return below, self._titles.get(up, "")


class ColourRow(QWidget):
    """The measure that cells are coloured by."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._box = _box(
            "colour_by",
            "Colour by",
            "Colour the cells of each frame by a measure, dark to bright, or by track.",
        )
        self._ends = QLabel()
        self._ends.setObjectName("colour_scale")
        label = QLabel("Colour by")
        label.setBuddy(self._box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(self._box, 1)
        row.addWidget(self._ends, 1)
        self._box.currentIndexChanged.connect(self.changed)

    def show_columns(self, columns: Sequence[Column], _units: WorldUnits) -> None:
        """Offer these measures."""
        names = [(text, name) for text, name in _named(columns) if name != "track"]
        _fill(self._box, [(_OWN, ""), *names], "")

    def tell(self, text: str) -> None:
        """Say what the colours mean."""
        self._ends.setText(text)

    @property
    def measure(self) -> str:
        """The column; empty for colours of their own."""
        return str(self._box.currentData() or "")

    @property
    def is_on(self) -> bool:
        """Whether cells are coloured by a measure."""
        return bool(self.measure)


class FilterRow(QWidget):
    """Which cells are kept in the table, and whether the others are hidden."""

    changed = Signal()
    delete_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shortest = WholeNumberBox()
        self._shortest.setObjectName("shortest_shown")
        self._shortest.setAccessibleName("Shortest track")
        self._shortest.setRange(1, 100_000)
        self._shortest.setToolTip(
            "Keep tracks that are seen in at least this number of frames."
        )
        self._inside = self._check(
            "leave_border",
            "not at the border",
            "Leave out tracks that touch the edge of the image in any frame.",
        )
        self._measure = _box(
            "filter_measure", "Keep cells by", "Keep cells by the value of a measure."
        )
        self._least, self._most = (
            self._bound(f"filter_{name}", name) for name in ("least", "most")
        )
        self._hide = self._check(
            "hide_others", "hide others", "Show only the cells that are kept."
        )
        self._count = QLabel()
        self._count.setObjectName("filter_count")
        self._delete = QPushButton("Delete others")
        self._delete.setObjectName("delete_others")
        self._delete.setToolTip(
            "Delete the cells that the filter leaves out. This is one edit under "
            "Correct, and can be undone there."
        )
        self._delete.clicked.connect(self.delete_asked)
        label = QLabel("Shortest track (frames)")
        label.setBuddy(self._shortest)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for column, part in enumerate((label, self._shortest, self._inside)):
            grid.addWidget(part, 0, column)
        grid.addWidget(self._hide, 0, 3)
        for column, part in enumerate((self._measure, self._least, self._most)):
            grid.addWidget(part, 1, column)
        grid.addWidget(self._delete, 1, 3)
        grid.addWidget(self._count, 2, 0, 1, 4)
        for box in (self._shortest.valueChanged, self._measure.currentIndexChanged):
            box.connect(self.changed)

    def _check(self, name: str, text: str, tip: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setObjectName(name)
        box.setToolTip(tip)
        box.toggled.connect(self.changed)
        return box

    def _bound(self, name: str, text: str) -> QLineEdit:
        tip = f"The {text} value that a cell may have; empty for no bound."
        line = named(QLineEdit(), name, text, tip)
        line.setPlaceholderText(text)
        line.editingFinished.connect(self.changed)
        return line

    def show_columns(self, columns: Sequence[Column], _units: WorldUnits) -> None:
        """Offer these measures."""
        _fill(self._measure, [(_ANY, ""), *_named(columns)], "")

    def tell(self, text: str) -> None:
        """Say how many are kept."""
        self._count.setText(text)

    def offer_delete(self, cells: int) -> None:
        """Let so many cells be deleted, or none."""
        self._delete.setEnabled(cells > 0)
        self._delete.setText(f"Delete {cells:,} others" if cells else "Delete others")

    @property
    def hides(self) -> bool:
        """Whether cells that are not kept are hidden in the image."""
        return bool(self._hide.isChecked())

    @property
    def chosen(self) -> CellFilter:
        """What is asked for; a bound that is not a number is none."""
        return CellFilter(
            self._shortest.value(),
            self._inside.isChecked(),
            str(self._measure.currentData() or ""),
            _number(self._least, -float("inf")),
            _number(self._most, float("inf")),
        )


def _number(line: QLineEdit, otherwise: float) -> float:
    try:
        return float(line.text().replace(",", "."))
    except ValueError:
        return otherwise
