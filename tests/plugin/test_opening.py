"""Docks open before what fills them is loaded, and loading does not hold the window."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.gui

# In a process of its own, where nothing has been loaded before: who imports what?
OPEN = """
import gc, os, sys, threading
os.environ.pop("OMP_WAIT_POLICY", None)
from napari.components import ViewerModel
from napari.qt import get_qapp
from qtpy.QtCore import QEventLoop, QObject, QTimer

class Watch:
    held = set()
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            self.held.add(name)
        if name == "torch":
            assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"

app = get_qapp()
sys.meta_path.insert(0, Watch())
from fastershift.plugin._opening import SegmentTrackDock
from npe2 import PluginManager
discover, readers = PluginManager.discover, []
def watched(*given, **more):
    readers.append(threading.current_thread() is threading.main_thread())
    return discover(*given, **more)
PluginManager.discover = watched
first = SegmentTrackDock(ViewerModel())
assert first.panel is None
life = QEventLoop()
timer = QTimer()
timer.timeout.connect(lambda: first.panel is None or life.quit())
timer.start(20)
QTimer.singleShot(200_000, life.quit)
life.exec()
assert first.panel is not None
assert first.panel.isVisibleTo(first)
# What is loaded already is there at once.
assert SegmentTrackDock(ViewerModel()).panel is not None
heavy = {"torch", "numba", "scipy", "pyqtgraph", "fastershift.session",
         "fastershift.plugin._widget"}
assert heavy <= set(sys.modules)
print("held by:", sorted(heavy & Watch.held))
# What nobody needs before the first preview.
late = {"sklearn", "fastershift.training", "fastershift.simulate", "fastershift.batch"}
print("manifests read by the window:", any(readers))
print("too early:", sorted(late & set(sys.modules)))
for one in threading.enumerate():
    if type(one) is threading.Thread:
        one.join()
assert gc.isenabled() and not gc.get_freeze_count()

def thread_of(one):
    try:
        return one.thread()
    except RuntimeError:  # Qt has deleted it
        return None

others = [one for one in gc.get_objects() if isinstance(one, QObject)
          and thread_of(one) not in (None, app.thread())]
print("of another thread:", others)
assert "OMP_WAIT_POLICY" not in os.environ
sys.stdout.flush()
os._exit(0)
"""


def test_the_window_loads_nothing_heavy_itself():
    done = subprocess.run(
        [sys.executable, "-c", OPEN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "held by: []" in done.stdout
    assert "too early: []" in done.stdout
    assert "manifests read by the window: False" in done.stdout
    # Objects of Qt belong to the thread that makes them.
    assert "of another thread: []" in done.stdout


def test_a_panel_that_cannot_be_loaded_says_so(qtbot, monkeypatch):
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QLabel

    from fastershift.plugin import _opening

    monkeypatch.setattr(_opening.TrainDock, "_home", "fastershift.plugin.nowhere")
    with qtbot.captureExceptions() as raised:
        dock = _opening.TrainDock(ViewerModel())
        qtbot.addWidget(dock)
        qtbot.waitUntil(lambda: bool(raised))
    assert "nowhere" in dock.findChild(QLabel).text()
    assert dock.panel is None


@pytest.mark.parametrize("open_first", [True, False])
def test_labels_are_prepared_once_there_is_a_layer(qtbot, monkeypatch, open_first):
    """Two threads must not make the first layer at once."""
    import numpy as np
    from napari.components import ViewerModel

    from fastershift.plugin import _opening

    class Dock(_opening._OpeningDock):
        """A panel that was not loaded before, and is so at once."""

        _home, _name = "fastershift.plugin.nowhere", "Panel"

        def _fill(self):
            self.panel = self

    prepared = []
    monkeypatch.setattr(_opening, "_load", lambda home: None)
    monkeypatch.setattr(_opening, "_colour_labels", lambda: prepared.append(1))
    viewer = ViewerModel()
    if not open_first:
        viewer.add_image(np.zeros((4, 4)))
    dock = Dock(viewer)
    qtbot.addWidget(dock)
    qtbot.waitUntil(lambda: dock.panel is not None)
    if open_first:
        qtbot.wait(100)
        assert not prepared
        viewer.add_image(np.zeros((4, 4)))
    qtbot.waitUntil(lambda: prepared == [1])
    viewer.add_image(np.zeros((4, 4)))
    qtbot.wait(100)
    assert prepared == [1]


def test_docks_are_tabs_of_each_other(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    panel, tree, table = (
        viewer.window.add_plugin_dock_widget("fastershift", name)[0]
        for name in ("Segment and track", "Lineage", "Measurements")
    )
    window = panel.parentWidget()
    qtbot.waitUntil(lambda: {*window.tabifiedDockWidgets(panel)} == {tree, table})
    # The one that was opened last is seen.
    qtbot.waitUntil(lambda: not table.visibleRegion().isEmpty())
    assert panel.visibleRegion().isEmpty()


def test_a_panel_fills_its_dock_each_time_it_is_opened(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    for _ in range(3):
        dock, opened = viewer.window.add_plugin_dock_widget("fastershift", "Lineage")
        qtbot.waitUntil(lambda own=opened: own.panel is not None)
        qtbot.waitUntil(
            lambda own=opened: own.panel.height() > 0.95 * own.height() > 200
        )
        viewer.window.remove_dock_widget(dock)
