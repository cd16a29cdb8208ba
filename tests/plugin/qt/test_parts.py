"""Parts of every panel: folds, keys, editors, lists of layers, work in threads."""

import threading
import time

import pytest

pytest.importorskip("napari")

from fastershift.config import find_setting

pytestmark = pytest.mark.gui


class TestFolds:
    def test_a_part_is_shown_by_its_title_or_the_space_bar(self, parent, qtbot):
        from qtpy.QtCore import Qt
        from qtpy.QtWidgets import QToolButton

        from fastershift.plugin.qt._fold import Fold

        fold = Fold("Frame table", "All frames.", parent)
        told = []
        fold.toggled.connect(told.append)
        button = fold.findChild(QToolButton, "show_frame_table")
        assert not fold.is_open
        assert fold.content.isHidden()
        qtbot.keyClick(button, Qt.Key.Key_Space)
        assert fold.is_open
        assert not fold.content.isHidden()
        fold.open(False)
        assert fold.content.isHidden()
        assert told == [True, False]
        assert button.toolTip() == "All frames."


class TestKeys:
    def test_each_key_does_one_thing(self):
        from fastershift.plugin.qt._keys import SHORTCUTS

        keys = [shortcut.key for shortcut in SHORTCUTS]
        actions = [shortcut.action for shortcut in SHORTCUTS]
        assert len(set(keys)) == len(keys)
        assert len(set(actions)) == len(actions)

    def test_a_button_shows_its_key_as_it_is_printed(self, qtbot):
        from fastershift.plugin.qt._keys import key_of, make_button

        button = make_button("redo", "Redo", "Make it again.")
        qtbot.addWidget(button)
        assert key_of("redo") == "Control-Shift-Z"
        assert button.text() == "Redo [Ctrl+Shift+Z]"
        assert button.toolTip() == "Make it again.\nKey: Ctrl+Shift+Z"
        assert button.accessibleName() == "Redo"
        button = make_button("save", "Save…", "Write it.")
        qtbot.addWidget(button)
        assert (button.text(), button.toolTip()) == ("Save…", "Write it.")
        assert (button.objectName(), button.accessibleName()) == ("save", "Save")

    def test_keys_are_taken_and_given_back(self):
        from napari.components import ViewerModel

        from fastershift.plugin.qt._keys import bind, unbind

        viewer, called = ViewerModel(), []
        before = dict(viewer.keymap)
        actions = {"merge": lambda: called.append("merge")}
        bind(viewer, actions)
        (taken,) = set(viewer.keymap) - set(before)
        assert str(taken) == "J"
        viewer.keymap[taken](viewer)
        assert called == ["merge"]
        unbind(viewer, actions)
        assert taken not in viewer.keymap

    def test_all_keys_are_listed(self, parent):
        from qtpy.QtWidgets import QLabel

        from fastershift.plugin.qt._keys import SHORTCUTS
        from fastershift.plugin.qt._keys_panel import KeysPanel

        texts = " ".join(one.text() for one in KeysPanel(parent).findChildren(QLabel))
        for shortcut in SHORTCUTS:
            assert f"<b>{shortcut.shown}</b>" in texts
            assert shortcut.what in texts


class TestEditors:
    @pytest.mark.parametrize("name", ["bandwidth", "gamma", "n_initial", "high"])
    def test_a_number_stays_within_its_range(self, parent, name):
        from fastershift.plugin.qt._editors import make_editor

        info = find_setting(name)
        editor = make_editor(info)
        for wanted, end in ((-1e9, max(info.low, -1e9)), (1e9, min(info.high, 1e9))):
            editor.set(wanted)
            assert editor.get() == pytest.approx(end, abs=2e-3)

    def test_an_open_end_is_not_reached(self, parent):
        from fastershift.plugin.qt._editors import make_editor

        info = find_setting("bandwidth")
        assert info.above_low
        editor = make_editor(info)
        editor.set(info.low)
        assert editor.get() > info.low

    def test_the_diameter_is_a_word_or_a_pixel_at_least(self, parent):
        from fastershift.plugin.qt._editors import make_editor

        editor = make_editor(find_setting("diameter"))
        editor.set("auto")
        assert editor.get() == "auto"
        assert editor.widget.text() == "auto"
        editor.set(23.44)
        assert editor.get() == 23.4
        editor.set(0.2)
        assert editor.get() == 1.0

    def test_a_switch_and_a_list_of_words(self, parent):
        from fastershift.plugin.qt._editors import choice, make_editor

        switch = make_editor(find_setting("reseed"))
        told = []
        switch.changed.connect(told.append)
        switch.set(True)
        switch.set(False)
        assert told[-1] is False
        words = choice([("one", 1), ("two", 2)])
        words.set(2)
        assert words.get() == 2
        # A value that is not offered, as of a file, is added.
        words.set(7)
        assert words.get() == 7
        assert words.widget.currentText() == "7"

    def test_the_wheel_is_for_the_panel_unless_a_control_has_the_focus(self, qtbot):
        from qtpy.QtCore import QPoint, QPointF, Qt
        from qtpy.QtGui import QWheelEvent
        from qtpy.QtWidgets import QApplication

        from fastershift.plugin.qt._editors import make_editor

        box = make_editor(find_setting("n_initial")).widget
        qtbot.addWidget(box)
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        before = box.value()
        QApplication.sendEvent(box, event)
        assert box.value() == before


class TestListsOfLayers:
    @pytest.fixture
    def box(self, parent):
        from napari.components import ViewerModel
        from napari.layers import Labels

        from fastershift.plugin.layers._box import LayerBox

        viewer = ViewerModel()
        box = LayerBox(viewer, Labels, "mask", parent, nothing="no mask")
        box.viewer = viewer
        box.told = []
        box.changed.connect(lambda: box.told.append(box.layer))
        return box

    def offered(self, box):
        return {box.widget.itemText(n) for n in range(box.widget.count())}

    def test_layers_of_the_kind_come_and_go(self, box):
        import numpy as np

        assert self.offered(box) == {"no mask"}
        assert box.layer is None
        first = box.viewer.add_labels(np.zeros((4, 4), int), name="first")
        box.viewer.add_image(np.zeros((4, 4)), name="image")
        box.viewer.add_labels(np.zeros((4, 4), int), name="second")
        assert self.offered(box) == {"no mask", "second", "first"}
        assert len(box) == 2
        first.name = "renamed"
        assert self.offered(box) == {"no mask", "second", "renamed"}
        box.viewer.layers.remove(first)
        assert self.offered(box) == {"no mask", "second"}

    def test_a_chosen_layer_that_is_removed_is_chosen_no_more(self, box):
        import numpy as np

        layer = box.viewer.add_labels(np.zeros((4, 4), int), name="first")
        box.widget.setCurrentText("first")
        assert box.layer is layer
        assert box.told[-1] is layer
        box.viewer.layers.remove(layer)
        assert box.layer is None
        assert box.told[-1] is None


class Steps:
    """Work that waits for its gate after the first step."""

    def __init__(self, runner, name, told):
        from fastershift.plugin.qt._tasks import Task

        self.gate = threading.Event()
        self.task = Task(
            self.steps,
            lambda step: told.append((name, step)),
            lambda error: told.append((name, str(error))),
            lambda: told.append((name, "end")),
        )

    def steps(self):
        yield 1
        assert self.gate.wait(60)
        yield 2


class TestTasks:
    @pytest.fixture
    def runner(self, parent):
        from fastershift.plugin.qt._tasks import TaskRunner

        return TaskRunner(parent)

    @pytest.fixture
    def told(self):
        return []

    def test_steps_are_told_in_this_thread_and_then_the_end(self, runner, told, qtbot):
        one = Steps(runner, "one", told)
        runner.start(one.task)
        assert runner.busy
        one.gate.set()
        qtbot.waitUntil(lambda: not runner.busy)
        assert told == [("one", 1), ("one", 2), ("one", "end")]

    def test_a_newer_task_waits_for_the_thread_and_the_older_is_not_heard(
        self, runner, told, qtbot
    ):
        one, two = (Steps(runner, name, told) for name in ("one", "two"))
        runner.start(one.task)
        qtbot.waitUntil(lambda: told == [("one", 1)])
        runner.start(two.task)
        assert runner.ending
        for each in (one, two):
            each.gate.set()
        qtbot.waitUntil(lambda: not runner.busy)
        assert told == [("one", 1), ("two", 1), ("two", 2), ("two", "end")]

    def test_of_those_that_follow_the_last_is_run_and_the_first_heard_to_its_end(
        self, runner, told, qtbot
    ):
        one, two, three = (Steps(runner, n, told) for n in ("one", "two", "three"))
        runner.start(one.task)
        runner.follow(two.task)
        runner.follow(three.task)
        for each in (one, two, three):
            each.gate.set()
        qtbot.waitUntil(lambda: ("three", "end") in told)
        assert ("one", "end") in told
        assert not any(name == "two" for name, _ in told)

    def test_what_is_dropped_is_not_heard_any_more(self, runner, told, qtbot):
        one = Steps(runner, "one", told)
        runner.start(one.task)
        qtbot.waitUntil(lambda: told == [("one", 1)])
        runner.drop()
        assert not runner.busy
        assert runner.ending
        one.gate.set()
        qtbot.waitUntil(lambda: not runner.ending)
        assert told == [("one", 1)]

    @pytest.mark.parametrize("error", [ValueError("odd"), RuntimeError("of torch")])
    def test_an_error_is_told_and_there_is_no_end(self, runner, told, qtbot, error):
        from fastershift.plugin.qt._tasks import Task

        def fail():
            yield 1
            raise error

        task = Task(fail, told.append, told.append, lambda: told.append("end"))
        runner.start(task)
        qtbot.waitUntil(lambda: not runner.busy)
        assert told == [1, error]

    def test_work_of_an_owner_that_is_gone_ends(self, qtbot, told):
        from qtpy.QtCore import QObject

        from fastershift.plugin.qt._tasks import Task, TaskRunner

        ended = threading.Event()

        def steps():
            try:
                while True:
                    yield time.sleep(0.01)
            finally:
                ended.set()

        owner = QObject()
        TaskRunner(owner).start(Task(steps, lambda _: None, told.append))
        owner.deleteLater()
        qtbot.waitUntil(ended.is_set)
        assert not told


def test_what_is_to_be_done_at_the_end_of_an_object_is_done(qtbot):
    from qtpy.QtCore import QObject

    from fastershift.plugin.qt._lifetime import on_destroyed

    owner, called = QObject(), []
    on_destroyed(owner, called.append, "gone")
    assert not called
    owner.deleteLater()
    qtbot.waitUntil(lambda: called == ["gone"])


def test_preferences_are_those_of_napari_or_the_defaults(monkeypatch):
    from types import SimpleNamespace

    from fastershift.plugin.qt import _preferences

    monkeypatch.setattr(_preferences, "_computing", lambda: None)
    assert _preferences.preferences() == _preferences.Preferences()
    set_by_hand = SimpleNamespace(device="cpu", cache_folder=" ~/kept ", cache_size=2.5)
    monkeypatch.setattr(_preferences, "_computing", lambda: set_by_hand)
    found = _preferences.preferences()
    assert (found.device, found.cache_bytes) == ("cpu", 2_500_000_000)
    assert found.cache_folder.name == "kept"
    assert found.cache_folder.is_absolute()
    nothing = SimpleNamespace(device="auto", cache_folder="", cache_size=0)
    monkeypatch.setattr(_preferences, "_computing", lambda: nothing)
    assert _preferences.preferences() == _preferences.Preferences()
