"""Make the pictures of the tutorial "Learn from ten cells".

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1600x1000x24" python scripts/screenshots_learn.py

and look at what it writes to docs/images. All marks are strokes and clicks of the mouse
on the canvas. With ``--theme light`` the same in napari's light theme, as files named
``*-light.png``.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
)
from screenshots import Tour, rest, take_pictures, wait
from skimage.measure import find_contours

from fastershift.labels import match_cells
from fastershift.simulate import simulate_movie

SIZE = (1500, 960)
NAME = "bacteria"
FRAMES, SIDE, CELLS, DIAMETER = 4, 200, 40, 20.0
SEED = 6


class LearnTour(Tour):
    """Someone who shows a model a few cells, with a picture at each step."""

    def start(self) -> None:
        """Open a movie and preview a frame."""
        self._window.resize(*SIZE)
        movie = simulate_movie(
            FRAMES, (SIDE, SIDE), CELLS, kind="rods", diameter=DIAMETER, seed=SEED
        )
        self._truth = movie.labels
        # Speckle, as laser light makes it: the model does not know such images.
        speckle = np.random.default_rng(SEED).gamma(1.5, 1.0, movie.frames.shape)
        self._layer = self._viewer.add_image(speckle * movie.frames, name=NAME)
        self._viewer.dims.set_current_step(0, 0)
        self.dock()
        self.press("show_read-out")
        self.press("show_learn")
        self.press("live_preview")
        self._wait_preview()
        self.told("before")
        self.picture("learn-open")

    def mark(self, tool: str, path: Sequence[tuple[float, float]]) -> None:
        """Drag the mouse with a tool, or click with it."""
        button = self.find(QAbstractButton, tool)
        if not button.isChecked():
            button.click()
        rest(0.2)
        self._mouse(QEvent.Type.MouseMove, path[0], held=False)
        self._mouse(QEvent.Type.MouseButtonPress, path[0])
        for place in path[1:]:
            # Napari looks at the mouse now and then; a hand is slower than that.
            rest(0.02)
            self._mouse(QEvent.Type.MouseMove, place)
        rest(0.02)
        self._mouse(QEvent.Type.MouseButtonRelease, path[-1], held=False)
        rest(0.2)

    def _mouse(
        self, kind: QEvent.Type, place: tuple[float, float], *, held: bool = True
    ) -> None:
        canvas = self._window._qt_viewer.canvas.native
        camera = self._viewer.scene.camera
        y, x = self._layer.data_to_world([0, *place])[-2:]
        size = canvas.size()
        point = QPointF(
            (x - camera.center[-1]) * camera.zoom + size.width() / 2,
            (y - camera.center[-2]) * camera.zoom + size.height() / 2,
        )
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        changed = none if kind == QEvent.Type.MouseMove else left
        event = QMouseEvent(
            kind,
            point,
            QPointF(canvas.mapToGlobal(point.toPoint())),
            changed,
            left if held else none,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(canvas, event)
        QApplication.processEvents()

    def outline(self, cell: int) -> list[tuple[float, float]]:
        """Trace the outline of a cell of the truth, as a hand would."""
        padded = np.pad(self._truth[0] == cell, 1)
        longest = max(find_contours(padded.astype(float), 0.5), key=len) - 1
        inside = np.clip(longest, 0, SIDE - 1)
        return [(float(row), float(column)) for row, column in inside[::2]]

    def empty(self) -> list[list[tuple[float, float]]]:
        """Find the longest lines of background in three parts of the first frame."""
        strokes = []
        for row in (SIDE // 4, SIDE // 2, SIDE - 10):
            free = np.pad(self._truth[0][row] == 0, 1).astype(int)
            starts, stops = (np.flatnonzero(np.diff(free) == way) for way in (1, -1))
            longest = int((stops - starts).argmax())
            places = range(starts[longest] + 1, stops[longest] - 1, 2)
            strokes.append([(float(row), float(column)) for column in places])
        return [one for one in strokes if len(one) > 1]

    def worst(self) -> list[int]:
        """List cells of the first frame, those that the preview misses most first."""
        found = self._previewed()
        cells, areas = np.unique(self._truth[0], return_counts=True)
        shares = {}
        for cell, area in zip(cells[1:], areas[1:], strict=True):
            inside = np.bincount(found[self._truth[0] == cell])
            inside[0] = 0
            best = int(inside.argmax())
            union = area + np.count_nonzero(found == best) - inside[best]
            shares[int(cell)] = inside[best] / union if inside[best] else 0.0
        return sorted(shares, key=lambda one: shares[one])

    def learn(self) -> None:
        """Mark ten cells and some background, and wait for what is learned."""
        self.scroll_to("learn_keep")
        cells = self.worst()[:10]
        for cell in cells[:3]:
            self.mark("learn_cell", self.outline(cell))
        self.picture("learn-marked")
        for cell in cells[3:]:
            self.mark("learn_cell", self.outline(cell))
        for stroke in self.empty():
            self.mark("learn_background", stroke)
        section, before = self._widget._learn, self._previewed().copy()
        states = section._teacher.states
        known = len(states)
        wait(lambda: len(states) > known)
        # A head comes first, and the network learns on for a while.
        wait(lambda: states[-1].quality > states[-1].before, 120)
        wait(lambda: not np.array_equal(self._previewed(), before), 60)
        self._wait_preview()
        self.told("learned")
        self.scroll_to("learn_keep")
        self.picture("learn-learned")
        self.find(QAbstractButton, "learn_pause").setChecked(True)
        self.find(QAbstractButton, "learn_background").click()

    def run(self) -> None:
        """Run the movie with the learned model, and save the labels."""
        self.scroll_to("run")
        self.press("run")
        self.wait_idle()
        for name in ("marks", "[tracks]"):
            self._viewer.layers[f"{NAME} {name}"].visible = False
        with tempfile.TemporaryDirectory() as folder:
            self.find(QLineEdit, "folder").setText(f"{folder}/{NAME}")
            self.press("save")
            wait(lambda: any(Path(folder).iterdir()), 30)
            print(self.find(QLabel, "status").text())
            rest(2)
            print(*sorted(path.name for path in Path(folder).iterdir()))
            self.scroll_to("save")
            self.picture("learn-saved")

    def told(self, when: str) -> None:
        """Print how good the preview of the first frame is."""
        f1 = match_cells(self._truth[0], self._previewed()).f1
        print(f"{when}: F1 of the preview {f1:.2f}")

    def _previewed(self) -> np.ndarray:
        return np.asarray(self._viewer.layers[f"{NAME} [preview]"].data[0])

    def _wait_preview(self) -> None:
        wait(lambda: f"{NAME} [preview]" in self._viewer.layers)
        self.wait_idle()
        rest(3)


if __name__ == "__main__":
    take_pictures(__doc__, LearnTour, "start", "learn", "run")
