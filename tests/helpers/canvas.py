"""The mouse over the canvas of napari."""


class Canvas:
    """Clicks and drags on pixels of a layer of a user's viewer."""

    def __init__(self, user, layer):
        self.user, self.layer = user, layer
        self.native = user.viewer.window._qt_viewer.canvas.native

    def place(self, row, column):
        from qtpy.QtCore import QPoint

        point = [0] * (self.layer.ndim - 2) + [row, column]
        y, x = self.layer.data_to_world(point)[-2:]
        camera = self.user.viewer.scene.camera
        middle, size = camera.center[-2:], self.native.size()
        return QPoint(
            round((x - middle[1]) * camera.zoom + size.width() / 2),
            round((y - middle[0]) * camera.zoom + size.height() / 2),
        )

    def click(self, row, column):
        from qtpy.QtCore import Qt

        qtbot, place = self.user.qtbot, self.place(row, column)
        qtbot.mouseMove(self.native, place)
        qtbot.mouseClick(self.native, Qt.MouseButton.LeftButton, pos=place)

    def drag(self, *points):
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        button, qtbot = Qt.MouseButton.LeftButton, self.user.qtbot
        places = [self.place(*point) for point in points]
        qtbot.mouseMove(self.native, places[0])
        qtbot.mousePress(self.native, button, pos=places[0])
        for place in places[1:]:
            moved = QMouseEvent(
                QEvent.Type.MouseMove,
                QPointF(place),
                QPointF(self.native.mapToGlobal(place)),
                Qt.MouseButton.NoButton,
                button,
                Qt.KeyboardModifier.NoModifier,
            )
            QApplication.sendEvent(self.native, moved)
            qtbot.wait(30)
        qtbot.mouseRelease(self.native, button, pos=places[-1])
