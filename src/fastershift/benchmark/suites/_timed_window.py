"""The window that is timed, as the benchmark runs it: in a process of its own.

``python -m fastershift.benchmark.suites._timed_window ORDER``, with an order as suite
``preview`` gives it: task, side, quick, device, seed, and the file that the answer goes
to.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import napari
import numpy as np
from napari.utils.interactions import (
    mouse_press_callbacks,
    mouse_release_callbacks,
)
from numpy.typing import NDArray
from qtpy.QtWidgets import QWidget

from fastershift.benchmark.suites._living import Heart, rest, wait
from fastershift.simulate import simulate_movie

__all__ = ["main"]

# What the shipped models see cells at, so that they see the whole frame.
_DIAMETER = 24.0
_CELLS_PER_PIXEL = 60 / 512**2

# Cells that are corrected are more.
_CORRECTED_CELLS = 500
_KINDS = ("merge", "split", "delete", "paint")

_SCROLL_MS = 100

# Cells that are shown to the model, by discs of this diameter.
_SHOWN_CELLS, _BRUSH = 10, 16


class _Sitting:
    """A viewer with a movie and the widget."""

    def __init__(
        self, order: Mapping[str, Any], n_frames: int, n_cells: int = 0
    ) -> None:
        side = order["side"]
        movie = simulate_movie(
            n_frames,
            (side, side),
            n_cells or round(_CELLS_PER_PIXEL * side**2),
            diameter=_DIAMETER,
            seed=order["seed"],
        )
        self.cells = movie.labels[0]
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1360, 860)
        self.viewer.add_image(movie.frames, name="movie")
        _, dock = self.viewer.window.add_plugin_dock_widget(
            "fastershift", "Segment and track"
        )
        wait(lambda: dock.panel is not None)
        self._widget = dock.panel
        self.find("diameter").setValue(_DIAMETER)
        # Whatever is chosen by itself differs between sizes of a frame.
        self.find("model").setCurrentText("generalist")
        self.find("device").setCurrentText(order["device"])
        needs = self.find("needs")
        wait(lambda: "pixels" in needs.text())

    def find(self, name: str) -> Any:
        """Return a control by its object name."""
        return self._widget.findChild(QWidget, name)

    @property
    def corrector(self) -> Any:
        """What takes clicks for corrections."""
        return self.find("correct_section").corrector

    def click(self, place: tuple[float, ...]) -> None:
        """Press and release the left button over a place of the world."""
        event = SimpleNamespace(
            type="mouse_press", button=1, pos=(0, 0), position=place, modifiers=()
        )
        mouse_press_callbacks(self.viewer, event)
        event.type = "mouse_release"
        mouse_release_callbacks(self.viewer, event)

    @property
    def preview(self) -> Any:
        """The layer with the preview, once there is one."""
        return self.layer("[preview]")

    def layer(self, ending: str) -> Any:
        """Return the first layer whose name ends so, or None."""
        return next(
            (one for one in self.viewer.layers if one.name.endswith(ending)), None
        )

    def switch_on(self) -> None:
        """Preview live, and wait for the first one."""
        self.find("live_preview").setChecked(True)
        wait(lambda: self.preview is not None)
        rest(1)


def _latency(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Time changes one by one, each after the window has come to rest."""
    sitting = _Sitting(order, n_frames=2)
    sitting.switch_on()
    layer = sitting.preview
    shown: list[float] = []
    layer.events.set_data.connect(lambda _event: shown.append(time.perf_counter()))
    times, clustering = [], []
    for name, value in _changes(12 if order["quick"] else 60):
        rest(0.1)
        shown.clear()
        started = time.perf_counter()
        sitting.find(name).setValue(value)
        wait(lambda: bool(shown))
        times.append(1e3 * (shown[0] - started))
        clustering.append(layer.metadata["fastershift"]["reports"][0]["clustering_ms"])
    cells = len(np.unique(layer.data[0])) - 1
    sitting.viewer.close()
    # The first one also pays for what is done once.
    return {"ms": times[1:], "clustering_ms": clustering[1:], "cells": cells}


def _changes(count: int) -> Iterator[tuple[str, float]]:
    """Go through values as a person would; none comes twice."""
    for step in range(count):
        if step % 6 == 4:
            yield "gamma", 0.9 - 0.005 * step / 6
        elif step % 6 == 5:
            yield "n_initial", 128 + 4 * (step // 6 + 1)
        else:
            yield "bandwidth", 0.005 + 0.02 * (step * 0.618 % 1)


def _stalls(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Listen while frames are scrolled: without a job, with previews, with a run."""
    n_frames = 24 if order["quick"] else 80
    seconds = 5.0 if order["quick"] else 20.0
    sitting = _Sitting(order, n_frames)
    heart = Heart()
    rest(1)
    gaps = {"idle": heart.listen(lambda: _scroll(sitting, n_frames, seconds))}
    sitting.switch_on()
    gaps["preview"] = heart.listen(
        lambda: _scroll(sitting, n_frames, seconds, slider=True)
    )
    sitting.find("live_preview").setChecked(False)
    sitting.find("run").click()
    gaps["run"] = heart.listen(lambda: _scroll(sitting, n_frames, seconds))
    if not sitting.find("cancel").isEnabled():
        raise RuntimeError("the run ended before it was measured")
    sitting.find("cancel").click()
    rest(1)
    sitting.viewer.close()
    return gaps


def _learning(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Listen while frames are scrolled and a model learns; then stop it."""
    n_frames = 16
    sitting = _Sitting(order, n_frames)
    heart = Heart()
    sitting.switch_on()
    sitting.find("learn_cell").click()
    marks = sitting.layer(" marks")
    marks.brush_size = _BRUSH
    started = time.perf_counter()
    with marks.block_history():
        for number, (y, x) in enumerate(_centres(sitting.cells)[:_SHOWN_CELLS], 2):
            marks.paint((0, y, x), number)
    states = sitting.find("learn_states")
    wait(lambda: states.count() > 0)
    first = 1e3 * (time.perf_counter() - started)
    seconds = 5.0 if order["quick"] else 20.0
    gaps = heart.listen(lambda: _scroll(sitting, n_frames, seconds))
    rest(1)
    started = time.perf_counter()
    sitting.find("learn_pause").setChecked(True)
    section = sitting.find("learn_section")
    if not section.ending:
        raise RuntimeError("the model had learned all before it was stopped")
    wait(lambda: not section.ending)
    stopped = 1e3 * (time.perf_counter() - started)
    sitting.viewer.close()
    cells = _SHOWN_CELLS
    return {"gaps": gaps, "first_ms": first, "stop_ms": stopped, "cells": cells}


def _centres(labels: NDArray[np.int32]) -> list[tuple[float, float]]:
    """Return the row and column of the centre of each cell."""
    places = [np.argwhere(labels == cell) for cell in np.unique(labels)[1:]]
    return [(float(y), float(x)) for y, x in (one.mean(axis=0) for one in places)]


def _scroll(
    sitting: _Sitting, n_frames: int, seconds: float, *, slider: bool = False
) -> None:
    """Go to and fro through a few frames; now and then a slider moves, too."""
    started = time.perf_counter()
    step = 0
    while time.perf_counter() < started + seconds:
        step += 1
        sitting.viewer.dims.set_current_step(0, abs(step % 16 - 8) % n_frames)
        if slider:
            sitting.find("bandwidth").setValue(0.005 + 0.0001 * (step % 200))
        due = started + step * _SCROLL_MS / 1e3
        rest(max(0.0, due - time.perf_counter()))


def _edits(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Time corrections one by one, and taking each back, from the last click on."""
    sitting = _Sitting(order, 4 if order["quick"] else 12, _CORRECTED_CELLS)
    sitting.find("run").click()
    wait(lambda: not sitting.find("cancel").isEnabled())
    rest(3)
    corrector = sitting.corrector
    sitting.viewer.layers.selection.active = corrector.layer
    cells = corrector.corrections.cells
    shown: list[float] = []
    # Told after the layer has announced its new data.
    corrector.edited.connect(lambda: shown.append(time.perf_counter()))
    times: dict[str, list[float]] = {kind: [] for kind in (*_KINDS, "undo")}

    def take(kind: str, act: Callable[[], None]) -> None:
        rest(0.1)
        shown.clear()
        started = time.perf_counter()
        act()
        wait(lambda: bool(shown))
        times[kind].append(1e3 * (shown[0] - started))
        # Tracks and locks are drawn when the hand rests.
        rest(1)

    for step in range(5 if order["quick"] else 20):
        frame = step % len(cells)
        sitting.viewer.dims.set_current_step(0, frame)
        for kind in _KINDS:
            take(kind, _correction(sitting, kind, frame, step))
            take("undo", corrector.undo)
    sitting.viewer.close()
    many = len(cells.frame(0))
    return {"ms": times, "cells": many, "frames": len(cells)}


def _correction(
    sitting: _Sitting, kind: str, frame: int, step: int
) -> Callable[[], None]:
    """Prepare a correction; what is returned is the last click."""
    corrector = sitting.corrector
    layer, known = corrector.layer, corrector.corrections.cells.frame(frame)
    # Another cell each time, and the one nearest to it.
    track = sorted(known)[7 * step % len(known)]
    at = known[track]
    other = min(
        known.keys() - {track},
        key=lambda one: (known[one].y - at.y) ** 2 + (known[one].x - at.x) ** 2,
    )
    if kind == "paint":
        layer.mode = "paint"
        layer.selected_label = track

        def paint() -> None:
            with layer.block_history():
                layer.paint((frame, at.y, at.x), track)
                layer.paint((frame, at.y, at.x + at.area**0.5), track)

        return paint
    layer.mode = "pan_zoom"
    corrector.tools.select("")
    corrector.tools.select(kind)
    for number, picked in enumerate(
        {"merge": (track, other), "split": (track, track)}.get(kind, (track,))
    ):
        rows, columns = np.nonzero(layer.data[frame] == picked)
        if kind == "split":
            pixel = columns.argmax() if number else columns.argmin()
        else:
            # The centre of a bent cell may lie outside of it.
            y, x = known[picked].y, known[picked].x
            pixel = ((rows - y) ** 2 + (columns - x) ** 2).argmin()
        sitting.click((frame, rows[pixel], columns[pixel]))
    accept: Callable[[], None] = sitting.find("this_frame").click
    return accept


def main() -> None:
    """Carry out the order and write the answer."""
    order = json.loads(sys.argv[1])
    tasks = {
        "latency": _latency,
        "stalls": _stalls,
        "learning": _learning,
        "edits": _edits,
    }
    found = tasks[order["task"]](order)
    Path(order["answer"]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
