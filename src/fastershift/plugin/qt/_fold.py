"""A part of the panel that can be folded away."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from fastershift.plugin.qt._named import named

__all__ = ["Fold"]


class Fold(QWidget):
    """A title that shows or hides what is below it, with the mouse or the space bar.

    What is below may change its size at any time.

    Parameters
    ----------
    title : str
        What the part is called; in snake_case its object name is ``show_<title>``.
    tip : str
        What it shows.
    parent : QWidget
        The widget this is a part of.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, tip: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        named(self.button, f"show_{title.lower().replace(' ', '_')}", title, tip)
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
        )
        self.content = QWidget()
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(0, 0, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.button)
        column.addWidget(self.content)
        self.button.toggled.connect(self._show)
        self._show(False)

    @property
    def is_open(self) -> bool:
        """Whether the part can be seen."""
        return bool(self.button.isChecked())

    def open(self, wanted: bool = True) -> None:
        """Show or hide the part."""
        self.button.setChecked(wanted)

    def _show(self, wanted: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if wanted else Qt.ArrowType.RightArrow
        self.button.setArrowType(arrow)
        self.content.setVisible(wanted)
        self.toggled.emit(wanted)
