"""Make the pictures of the tutorial "Put it right by hand".

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1600x1000x24" python scripts/screenshots_correct.py

and look at what it writes to docs/images. With ``--theme light`` the same in napari's
light theme, as files named ``*-light.png``.
"""

import math
from itertools import combinations

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QScrollArea, QWidget
from screenshots import Tour, rest, take_pictures, wait
from skimage.measure import regionprops

SIZE = (1500, 960)
FRAME = 9


class CorrectTour(Tour):
    """Someone who puts a result right, with a picture at each step."""

    def start(self) -> None:
        """Track a movie and show the part of the widget for corrections."""
        self._window.resize(*SIZE)
        self._viewer.open_sample("fastershift", "nuclei")
        _, truth, tracks = self._viewer.layers
        self._truth = truth.data
        for layer in (truth, tracks):
            self._viewer.layers.remove(layer)
        self.dock()
        _, lineage = self._window.add_plugin_dock_widget("fastershift", "Lineage")
        self._lineage_dock = lineage.parent()
        self._lineage_dock.setVisible(False)
        wait(lambda: lineage.panel is not None)
        self.lineage = lineage.panel
        self.press("run")
        self.wait_idle()
        self._cells = self._viewer.layers["simulated nuclei [cells]"]
        self._viewer.layers["simulated nuclei [tracks]"].visible = False
        self._corrector = self._widget._correct.corrector
        wait(lambda: not self._corrector.preparing)
        self._viewer.layers.selection.active = self._cells
        self._viewer.dims.set_current_step(0, FRAME)
        self.find(QWidget, "show_correct").setChecked(True)
        rest(1)
        self._scroll("merge")

    def _scroll(self, name: str) -> None:
        area = self._widget.findChild(QScrollArea)
        area.ensureWidgetVisible(self.find(QWidget, "looked_at"))
        area.ensureWidgetVisible(self.find(QWidget, name), 0, 40)
        rest(0.2)

    def _settle(self) -> None:
        busy = (self._corrector.tools, self._corrector.follower)
        wait(lambda: not any(one.busy for one in busy))

    def _place(self, row: float, column: float) -> QPoint:
        canvas = self._window._qt_viewer.canvas.native
        camera = self._viewer.scene.camera
        y, x = self._cells.data_to_world([0, row, column])[-2:]
        size = canvas.size()
        return QPoint(
            round((x - camera.center[-1]) * camera.zoom + size.width() / 2),
            round((y - camera.center[-2]) * camera.zoom + size.height() / 2),
        )

    def click(self, row: float, column: float) -> None:
        """Click on the movie."""
        canvas = self._window._qt_viewer.canvas.native
        place = self._place(row, column)
        QTest.mouseMove(canvas, place)
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
        rest(0.2)

    def joined(self) -> tuple[int, list[tuple[float, float]]]:
        """Find two cells of the truth that the result takes for one, for some frames.

        Returns the first of these frames, and where the two cells are in it.
        """
        labels = self._corrector.corrections.labels
        size = labels.shape[1]
        runs: dict[tuple[int, int], int] = {}
        best, found = 0, (FRAME, [])
        for frame in reversed(range(len(labels))):
            covered: dict[int, list] = {}
            for cell in regionprops(self._truth[frame], labels[frame]):
                inside = cell.image_intensity[cell.image]
                label = np.bincount(inside).argmax()
                central = min(cell.centroid) > 20 and max(cell.centroid) < size - 20
                if label and central and np.mean(inside == label) > 0.8:
                    covered.setdefault(label, []).append(cell.centroid)
            pairs = {one: cells for one, cells in covered.items() if len(cells) == 2}
            runs = {one: runs.get(one, 0) + 1 for one in pairs}
            for label, length in runs.items():
                if length > best:
                    best, found = length, (frame, pairs[label])
        return found

    def split_and_merge(self) -> None:
        """Take two cells apart that were taken for one, and join them again."""
        frame, places = self.joined()
        if not places:
            frame, places = FRAME, self._join_neighbours()
        middle = np.mean(places, axis=0)
        self._corrector.layers.look_at(frame, *middle, 50)
        self.press("split")
        for place in places:
            self.click(*place)
        self.picture("correct-split")
        self.press("from_here_on")
        self._settle()
        self._viewer.dims.set_current_step(0, frame + 2)
        self.picture("correct-followed")
        self._viewer.dims.set_current_step(0, frame)
        self.press("merge")
        for place in places:
            self.click(*place)
        self.picture("correct-merge")
        self.press("stop_tool")
        self._viewer.reset_view()

    def _join_neighbours(self) -> list[tuple[float, float]]:
        """Join the two cells nearest to each other, as a run might have done."""
        cells = self._corrector.corrections.cells.frame(FRAME)
        at = {track: (one.y, one.x) for track, one in cells.items()}
        inside = [place for place in at.values() if 40 < min(place) < max(place) < 216]
        places = min(combinations(inside, 2), key=lambda pair: math.dist(*pair))
        self.press("merge")
        for place in places:
            self.click(*place)
        self.press("from_here_on")
        self._settle()
        # What was corrected is locked, and would not be split.
        self.press("unlock_all")
        return list(places)

    def add(self) -> None:
        """Delete a cell from here on, and add it again by a click."""
        cells = self._corrector.corrections.cells
        shown = {
            track: cell
            for track, cell in cells.frame(FRAME).items()
            if min(cell.y, cell.x) > 40 and max(cell.y, cell.x) < 216
        }
        track = max(shown, key=lambda one: cells.tracks[one].last)
        place = shown[track].y, shown[track].x
        self._corrector.layers.look_at(FRAME, *place, 60)
        self.press("delete")
        self.click(*place)
        self.press("from_here_on")
        self.press("unlock_all")
        self.press("add_by_click")
        self.click(*place)
        self._settle()
        self.picture("correct-add")
        self.press("from_here_on")
        self._settle()
        self.press("stop_tool")
        self._viewer.reset_view()

    def places(self) -> None:
        """Look for doubtful places and go to the first ones."""
        self.press("find_places")
        wait(lambda: self.find(QWidget, "next").isEnabled())
        self.press("next")
        self.press("next")
        self._scroll("looked_at")
        self.picture("correct-places")
        self._viewer.reset_view()

    def tree(self) -> None:
        """Show the lineage beside the movie."""
        for dock in self._window._qt_window.findChildren(QDockWidget):
            if dock.isAncestorOf(self._widget):
                dock.setVisible(False)
        self._lineage_dock.setVisible(True)
        self._viewer.dims.set_current_step(0, FRAME)
        rest(1)
        layout = self.lineage._plot.tree.layout
        parents = layout.ids[layout.parents[layout.parents >= 0]]
        chosen = int(parents[0]) if parents.size else int(layout.ids[0])
        self._cells.selected_label = chosen
        self.picture("correct-lineage")

    def keys(self) -> None:
        """Show the panel of keys."""
        self.press("keys")
        rest(0.5)
        panel = next(
            one
            for one in QApplication.topLevelWidgets()
            if one.objectName() == "keys_panel"
        )
        path = self._folder / f"correct-keys{self._suffix}.png"
        panel.grab().save(str(path))
        panel.close()
        print(path)


if __name__ == "__main__":
    take_pictures(
        __doc__,
        CorrectTour,
        "start",
        "split_and_merge",
        "add",
        "places",
        "keys",
        "tree",
    )
