"""Panels that scroll up and down, and are never cut at their side."""

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QScrollArea, QWidget

__all__ = ["PanelScroll"]


class PanelScroll(QScrollArea):
    """Scrolls a panel up and down, and is as wide as its contents need at least.

    A scroll area would cut what is wider than itself, as when a button appears.

    Parameters
    ----------
    inner : QWidget
        The panel.
    """

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidget(inner)
        inner.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        """Tell the least size, which is as wide as all that is in the panel."""
        inner = self.widget()
        bar = self.verticalScrollBar()
        if inner is None or bar is None:
            return super().minimumSizeHint()
        width = inner.minimumSizeHint().width() + bar.sizeHint().width()
        return super().minimumSizeHint().expandedTo(QSize(width, 0))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow contents that become wider or narrower."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))
