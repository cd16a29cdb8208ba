"""Laying out what has changed before it is drawn."""

from qtpy.QtCore import QCoreApplication, QEvent

__all__ = ["lay_out"]


def lay_out() -> None:
    """Lay out at once, all the way up, what waits to be laid out.

    By itself Qt goes up one level for each turn of the event loop, and draws the whole
    window in between: once for every level.
    """
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
