"""Make the pictures of the tutorials.

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1400x900x24" python scripts/screenshots.py

and look at what it writes to docs/images.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
# A home of its own, so that nobody's settings are seen or changed.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp()
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()

import napari
from napari.settings import get_settings
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QGroupBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1360, 860)
PATIENCE = 600.0


def wait(ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Let the window live until something is the case."""
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def rest(seconds: float) -> None:
    """Let the window settle."""
    wait(lambda: False, seconds)


class Tour:
    """A user's first steps, with a picture at each of them."""

    def __init__(self, theme: str, folder: Path) -> None:
        self._folder = folder
        self._suffix = "" if theme == "dark" else f"-{theme}"
        get_settings().appearance.theme = theme
        self._viewer = napari.Viewer(show=True)
        self._window = self._viewer.window
        self._window.resize(*SIZE)
        self._widget: QWidget | None = None

    def picture(self, name: str) -> None:
        """Save the whole window."""
        rest(1)
        path = self._folder / f"{name}{self._suffix}.png"
        self._window.screenshot(str(path), canvas_only=False, flash=False)
        print(path)

    def find(self, kind: type, name: str) -> QWidget:
        """Return a control of the widget by its object name."""
        assert self._widget is not None
        return self._widget.findChild(kind, name)

    def part(self, control: str, name: str) -> None:
        """Save the part of the widget that a control belongs to."""
        rest(0.5)
        part = self.find(QWidget, control)
        while not isinstance(part, QGroupBox):
            part = part.parentWidget()
        path = self._folder / f"{name}{self._suffix}.png"
        part.grab().save(str(path))
        print(path)

    def dock(self) -> None:
        """Open the widget and wait until it knows what a run needs."""
        rest(1)
        _, dock = self._window.add_plugin_dock_widget(
            "fastershift", "Segment and track"
        )
        wait(lambda: dock.panel is not None)
        self._widget = dock.panel
        needs = self.find(QWidget, "needs")
        wait(lambda: "pixels" in needs.text() or "." in needs.text())

    def open(self) -> None:
        """Open a sample and the widget."""
        self._viewer.open_sample("fastershift", "nuclei")
        self.dock()
        self.picture("open-movie")
        self.part("layer", "input")

    def preview(self) -> None:
        """Preview a frame."""
        self._viewer.dims.set_current_step(0, 3)
        self.press("preview")
        self.wait_idle()
        self.picture("preview")
        for layer in list(self._viewer.layers):
            if layer.name.endswith(("[preview]", "[clusters]")):
                self._viewer.layers.remove(layer)

    def run(self) -> None:
        """Run the whole movie, with a picture half-way and one in the end."""
        self.press("run")
        bar = self.find(QWidget, "progress")
        wait(lambda: bar.value() >= 8 or not self.busy())
        self._viewer.dims.set_current_step(0, 5)
        self.picture("running")
        self.wait_idle()
        self._viewer.dims.set_current_step(0, 14)
        self.picture("segment-and-track")
        self.part("readout", "readout")
        self.find(QLineEdit, "folder").setText("results/movie-1")
        self.part("folder", "export")

    def press(self, name: str) -> None:
        """Click any kind of button."""
        self.find(QAbstractButton, name).click()

    def scroll_to(self, name: str) -> None:
        """Bring a control into view."""
        assert self._widget is not None
        area = self._widget.findChild(QScrollArea)
        area.ensureWidgetVisible(self.find(QWidget, name), 0, 20)

    def busy(self) -> bool:
        """Whether a job is running."""
        return self.find(QPushButton, "cancel").isEnabled()

    def wait_idle(self) -> None:
        """Wait for the end of a job."""
        wait(lambda: not self.busy())

    def close(self) -> None:
        """Close the window."""
        self._viewer.close()


def take_pictures(description: str | None, kind: type[Tour], *steps: str) -> None:
    """Go through the steps of a tour, as the command line says."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--out", type=Path, default=IMAGES)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tour = kind(options.theme, options.out)
    for step in steps:
        getattr(tour, step)()
    tour.close()


if __name__ == "__main__":
    take_pictures(__doc__, Tour, "open", "preview", "run")
