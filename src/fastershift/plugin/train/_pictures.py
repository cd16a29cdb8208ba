"""A validation frame before and after training."""

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QImage, QPixmap, QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

__all__ = ["BeforeAndAfter"]


class _Picture(QLabel):
    """A picture as wide as there is room."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._full = QPixmap()

    def show_pixels(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Show (Y, X, 3) bytes."""
        height, width, _ = pixels.shape
        data = np.ascontiguousarray(pixels)
        image = QImage(
            data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
        )
        # The bytes are gone when this returns; a pixmap has its own.
        self._full = QPixmap.fromImage(image)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the proportions."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._full.isNull() or self.width() < 2:
            return
        scaled = self._full.scaledToWidth(
            self.width(), Qt.TransformationMode.SmoothTransformation
        )
        self.setPixmap(scaled)
        if self.height() != scaled.height():
            self.setFixedHeight(scaled.height())

    def minimumSizeHint(self) -> QSize:
        """Let the panel be as narrow as it likes."""
        return QSize(0, 0)


class BeforeAndAfter(QWidget):
    """Two pictures with headings; hidden until there is something to show.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.

    Attributes
    ----------
    is_empty : bool
        Whether there is nothing to show yet.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        tip = "A validation frame, its ground truth, and the result of the model."
        self._before_text, self._after_text = QLabel("Before"), QLabel("After")
        self._before = _Picture("picture_before", tip)
        self._after = _Picture("picture_after", tip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._before_text, self._before, self._after_text, self._after):
            column.addWidget(part)
        self.clear()

    def clear(self) -> None:
        """Hide both."""
        self.is_empty = True
        self.hide()

    def show_result(self, pixels: npt.NDArray[np.uint8], text: str) -> None:
        """Show the first result as before, every later one as after.

        Parameters
        ----------
        pixels : (Y, X, 3) uint8
            A frame, its truth and the result.
        text : str
            How well it does.
        """
        picture = self._before if self.is_empty else self._after
        heading = self._before_text if self.is_empty else self._after_text
        heading.setText(f"{'Before' if self.is_empty else 'After'}: {text}")
        self._after_text.setVisible(not self.is_empty)
        self._after.setVisible(not self.is_empty)
        picture.show_pixels(pixels)
        self.is_empty = False
        self.show()
