"""A program that is timed from its start on, in a process of its own.

``python -m fastershift.benchmark.suites._timed_start ORDER``, with an order as suite
``start`` gives it: when the process was started, the file of the movie, the device, and
the file that the answer goes to.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QWidget

from fastershift.benchmark.suites._living import Heart, rest, wait

__all__ = ["main"]

# What the shipped models see cells at, so that they see the whole frame.
_DIAMETER = 24.0


def main() -> None:
    """Open a window, the widget, a preview and a run, and write when each was there."""
    order = json.loads(sys.argv[1])
    found: dict[str, Any] = {}
    viewer = napari.Viewer(show=True)
    viewer.add_image(np.load(order["movie"], allow_pickle=False), name="movie")
    # Once the window has been drawn.
    rest(0)
    found["window_seconds"] = time.time() - order["started"]
    heart = Heart()
    rest(1)
    gaps: dict[str, list[float]] = {}
    gaps["nothing"] = heart.listen(lambda: rest(3))
    opened = time.perf_counter()
    dock: Any = None

    def find(name: str) -> Any:
        return dock.panel.findChild(QWidget, name)

    def open_widget() -> None:
        nonlocal dock
        _, dock = viewer.window.add_plugin_dock_widget(
            "fastershift", "Segment and track"
        )
        wait(lambda: dock.panel is not None)
        rest(0.5)

    def preview() -> None:
        find("diameter").setValue(_DIAMETER)
        find("device").setCurrentText(order["device"])
        find("live_preview").setChecked(True)
        wait(lambda: any(one.name.endswith("[preview]") for one in viewer.layers))
        found["first_preview_seconds"] = time.perf_counter() - opened
        # What is shown while the model is being chosen gives way to what a run finds.
        wait(lambda: "before linking" in find("status").text())
        found["chosen_preview_seconds"] = time.perf_counter() - opened
        rest(1)

    def run() -> None:
        find("live_preview").setChecked(False)
        find("run").click()
        wait(lambda: not find("cancel").isEnabled())
        rest(0.5)

    for name, live in (
        ("opening the widget", open_widget),
        ("first preview", preview),
        ("first run", run),
    ):
        gaps[name] = heart.listen(live)
    found["gaps_ms"] = gaps
    Path(order["answer"]).write_text(json.dumps(found), encoding="utf-8")
    viewer.close()


if __name__ == "__main__":
    main()
