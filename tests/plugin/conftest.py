"""A docked widget, movies small enough for one core, and hands to use them."""

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partialmethod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastershift.simulate import SimulatedMovie, simulate_movie

# Ten times as long as it takes on two cores with nothing else to do: the machines that
# run tests are shared.
PATIENCE_MS = 120_000


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Wait longer than the five seconds of pytest-qt for what must come."""
    from pytestqt.qtbot import QtBot

    with pytest.MonkeyPatch.context() as patch:
        waiting = partialmethod(QtBot.waitUntil, timeout=PATIENCE_MS)
        patch.setattr(QtBot, "waitUntil", waiting)
        yield


@pytest.fixture(scope="session", autouse=True)
def workers_are_traced() -> Iterator[None]:
    """Let coverage follow work into threads of Qt, which Python does not begin."""
    from superqt.utils import WorkerBase

    trace, run = threading.gettrace(), WorkerBase.run

    def traced(worker: WorkerBase) -> None:
        sys.settrace(trace)
        run(worker)

    with pytest.MonkeyPatch.context() as patch:
        if trace is not None:
            patch.setattr(WorkerBase, "run", traced)
        yield


@pytest.fixture(scope="session", autouse=True)
def manifests_are_read_once() -> Iterator[None]:
    """Read the manifests of all plugins once, not again for every viewer."""
    from npe2 import PluginManifest

    found = cache(lambda *paths: tuple(discover(paths)))
    discover = PluginManifest.discover
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda paths=(): found(*paths))
        yield


@pytest.fixture(autouse=True)
def few_objects_to_collect() -> Iterator[None]:
    """Leave modules out of the garbage collections that napari asks for.

    Two or more for every viewer, each as long as opening our panel. Set up first, this
    ends last: no viewer is there any more.
    """
    yield
    if not gc.get_freeze_count() and "fastershift.plugin._widget" in sys.modules:
        gc.collect()
        gc.freeze()


@pytest.fixture
def parent(qtbot: Any) -> Any:
    """A widget for parts to lie in."""
    from qtpy.QtWidgets import QWidget

    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture(scope="session")
def movie() -> SimulatedMovie:
    movie = simulate_movie(8, (64, 64), 4, diameter=18, seed=1, cell_cycle=5)
    for array in (movie.frames, movie.labels):
        # Layers share the memory they are given: a test that paints would change the
        # truth of those after it.
        array.flags.writeable = False
    return movie


def embed(labels: np.ndarray) -> np.ndarray:
    """One direction per track, the first axis for background: (T, C, Y, X)."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(int(labels.max()) + 1, 16)).astype(np.float32)
    vectors[:, 0] = 0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0] = 0
    vectors[0, 0] = 1
    return np.moveaxis(vectors[labels], -1, 1)


@pytest.fixture(scope="session")
def embeddings(movie: SimulatedMovie) -> np.ndarray:
    return embed(movie.labels)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network: it finds no cells worth having, but quickly."""
    import torch

    from fastershift.rshn import RSHN, ModelCard, save_model

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    card = ModelCard(
        name="tiny",
        summary="For tests.",
        filters=2,
        levels=2,
        channels=4,
        diameter=18,
        settings={"cluster": {"bandwidth": 0.25}},
    )
    save_model(RSHN(2, 2, 4), card, path)
    return path


@dataclass
class User:
    """Finds controls by their object name and waits as a person does."""

    viewer: Any
    widget: Any
    qtbot: Any

    def find(self, name: str) -> Any:
        from qtpy.QtWidgets import QWidget

        found = self.widget.findChild(QWidget, name)
        assert found is not None, f"there is no control {name}"
        return found

    def click(self, name: str) -> None:
        from qtpy.QtCore import Qt

        control = self.find(name)
        # Qt passes over clicks on a control that is not enabled yet.
        self.wait(control.isEnabled)
        self.qtbot.mouseClick(control, Qt.MouseButton.LeftButton)

    def choose(self, name: str, text: str) -> None:
        box = self.find(name)
        assert box.findText(text) >= 0, f"{name} does not offer {text}"
        box.setCurrentText(text)

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition)

    def wait_idle(self) -> None:
        self.wait(lambda: not self.find("cancel").isEnabled())

    def wait_threads(self) -> None:
        from qtpy.QtCore import QThreadPool

        self.wait(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)

    def run(self) -> None:
        self.click("run")
        assert self.find("cancel").isEnabled()
        self.wait_idle()

    def stack(self, name: str) -> Any:
        """Labels as (T, Y, X), whatever axes their layer has beside these."""
        return self.widget._runs.outputs.stack(self.viewer.layers[name])

    @property
    def status(self) -> str:
        return self.find("status").text()

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]


@pytest.fixture(autouse=True)
def main_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let napari refuse what another thread does to a viewer."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")


@pytest.fixture(autouse=True)
def last_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the widget remembers settings: another place for every test."""
    path = tmp_path / "home" / "last-used.toml"
    memory = pytest.importorskip("fastershift.plugin.tune._last_used")
    monkeypatch.setattr(memory, "last_used_path", lambda: path)
    return path


@pytest.fixture(autouse=True)
def unsaved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep unsaved corrections away from those of the user."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(
        "fastershift.session._autosave.user_cache_path", lambda *_: folder
    )
    return folder


@pytest.fixture(autouse=True)
def no_question_stays_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close a box that nobody answers: no time limit of a test reaches into it."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QMessageBox

    since: dict[int, float] = {}
    asked: list[str] = []

    def look() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            since.clear()
        elif time.monotonic() - since.setdefault(id(box), time.monotonic()) > 20:
            asked.append(box.text())
            box.reject()

    request.getfixturevalue("qapp")
    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(1000)
    yield
    timer.stop()
    assert not asked, "nobody answered"


@pytest.fixture
def user(make_napari_viewer: Callable[..., Any], qtbot: Any) -> User:
    return dock(make_napari_viewer(), qtbot)


def open_panel(viewer: Any, name: str, qtbot: Any) -> Any:
    """Open a dock widget, and wait for what fills it."""
    _, opened = viewer.window.add_plugin_dock_widget("fastershift", name)
    qtbot.waitUntil(lambda: opened.panel is not None)
    return opened.panel


def dock(viewer: Any, qtbot: Any) -> User:
    return User(viewer, open_panel(viewer, "Segment and track", qtbot), qtbot)


@pytest.fixture
def docked() -> Callable[[Any, Any], User]:
    return dock


@pytest.fixture
def opened(qtbot: Any) -> Callable[[Any, str], User]:
    """A user of any widget, by its name in the menu."""

    def use(viewer: Any, name: str) -> User:
        return User(viewer, open_panel(viewer, name, qtbot), qtbot)

    return use


class GatedArray:
    """A lazy array whose frames from `gate` on wait until the gate is opened."""

    def __init__(self, array: np.ndarray, gate: int = 4) -> None:
        self._array = array
        self.gate = gate
        self.open = threading.Event()
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.failing: set[int] = set()
        self.reads: list[int] = []

    def __len__(self) -> int:
        return len(self._array)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise AssertionError("the whole stack was read at once")

    def __getitem__(self, index: Any) -> np.ndarray:
        if threading.current_thread() is threading.main_thread():
            return self._array[index]
        frame = index[0] if isinstance(index, tuple) else index
        self.reads.append(frame)
        if frame >= self.gate:
            assert self.open.wait(PATIENCE_MS / 1000)
        if frame in self.failing:
            raise RuntimeError("the disk went away")
        return self._array[index]


@pytest.fixture
def gated(embeddings: np.ndarray) -> Iterator[GatedArray]:
    array = GatedArray(embeddings)
    yield array
    array.open.set()


@pytest.fixture
def in_a_position():
    """Add a result in the last of three positions, and look at it."""
    from fastershift.plugin.layers._record import ResultRecord

    def add(viewer, labels, tracks):
        viewer.add_image(np.zeros((3, *labels.shape)), name="positions")
        cells = viewer.add_labels(
            labels[None],
            translate=(2, 0, 0, 0),
            metadata=ResultRecord(tracks=tracks).metadata(),
        )
        viewer.layers.selection.active = cells
        viewer.dims.set_point((0, 1), (2, 0))
        return cells

    return add
