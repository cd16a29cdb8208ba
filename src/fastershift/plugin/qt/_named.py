"""How a control is known: to tests, to screen readers and under the mouse."""

from typing import TypeVar

from qtpy.QtWidgets import QWidget

__all__ = ["named"]

_Widget = TypeVar("_Widget", bound=QWidget)


def named(widget: _Widget, name: str, called: str, tip: str) -> _Widget:
    """Give a control its object name, its accessible name and its tooltip."""
    widget.setObjectName(name)
    widget.setAccessibleName(called)
    widget.setToolTip(tip)
    return widget
