"""Make the picture of the widget "Measurements".

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1600x1000x24" python scripts/screenshots_measurements.py

and look at what it writes to docs/images. With ``--theme light`` the same in napari's
light theme, as ``measurements-light.png``.
"""

from qtpy.QtCore import QItemSelectionModel
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QTableView
from screenshots import Tour, rest, take_pictures, wait

SIZE = (1500, 950)
FRAME = 12
ROWS = 5


class MeasurementsTour(Tour):
    """Someone who measures cells, and looks at their areas."""

    def measure(self) -> None:
        """Measure the cells of a movie with a pixel size and a time step."""
        self._window.resize(*SIZE)
        self._viewer.open_sample("fastershift", "nuclei")
        image, cells, tracks = self._viewer.layers
        for layer in (image, cells):
            layer.scale, layer.units = (300, 0.5, 0.5), ("s", "um", "um")
        image.name, cells.name = "nuclei", "nuclei [cells]"
        self._viewer.layers.remove(tracks)
        cells.visible = True
        self._viewer.layers.selection = {cells}
        _, dock = self._window.add_plugin_dock_widget("fastershift", "Measurements")
        wait(lambda: dock.panel is not None)
        self._widget = dock.panel
        button = self.find(QPushButton, "measure")
        wait(button.isEnabled)
        button.click()
        said = self.find(QLabel, "measurements_status")
        wait(lambda: "cells in" in said.text())

    def look(self) -> None:
        """Colour the cells by area, and plot those of a few rows."""
        colours = self.find(QComboBox, "colour_by")
        colours.setCurrentText("area")
        self._viewer.dims.set_current_step(0, FRAME)
        table = self._widget.findChild(QTableView)
        frames = self._viewer.layers["nuclei [cells]"].features["frame"]
        first = int((frames == FRAME).argmax())
        whole = (
            QItemSelectionModel.SelectionFlag.Select
            | QItemSelectionModel.SelectionFlag.Rows
        )
        table.scrollTo(table.model().index(first, 0))
        for row in range(first, first + ROWS):
            table.selectionModel().select(table.model().index(row, 0), whole)
        rest(2)
        self._viewer.dims.set_current_step(0, FRAME)
        self._viewer.reset_view()
        self.picture("measurements")


if __name__ == "__main__":
    take_pictures(__doc__, MeasurementsTour, "measure", "look")
