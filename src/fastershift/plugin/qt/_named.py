"""How a control is known: to tests, to screen readers and under the mouse."""

from typing import TypeVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

__all__ = ["make_text", "named"]

_Widget = TypeVar("_Widget", bound=QWidget)


def named(widget: _Widget, name: str, called: str, tip: str) -> _Widget:
    """Give a control its object name, its accessible name and its tooltip."""
    widget.setObjectName(name)
    widget.setAccessibleName(called)
    widget.setToolTip(tip)
    return widget


def make_text(name: str, called: str = "", tip: str = "") -> QLabel:
    """Make a label for sentences, which can be marked and copied."""
    label = named(QLabel(), name, called, tip)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
