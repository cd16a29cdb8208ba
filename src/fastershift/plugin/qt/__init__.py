"""What all parts of the window share and is Qt alone: tasks, keys, folds, controls."""

from fastershift.plugin.qt._controls import SettingControl, add_row
from fastershift.plugin.qt._editors import Editor, choice, keep_wheel_away
from fastershift.plugin.qt._fold import Fold
from fastershift.plugin.qt._keys import bind, key_of, make_button, unbind
from fastershift.plugin.qt._keys_panel import KeysPanel
from fastershift.plugin.qt._lifetime import Links, follow, make_timer, on_destroyed
from fastershift.plugin.qt._named import make_text, named
from fastershift.plugin.qt._numbers import NumberBox, WholeNumberBox
from fastershift.plugin.qt._panel_scroll import PanelScroll
from fastershift.plugin.qt._preferences import follow_device, preferences
from fastershift.plugin.qt._questions import may_replace
from fastershift.plugin.qt._tables import set_up_table
from fastershift.plugin.qt._tasks import Task, TaskRunner

__all__ = [
    "Editor",
    "Fold",
    "KeysPanel",
    "Links",
    "NumberBox",
    "PanelScroll",
    "SettingControl",
    "Task",
    "TaskRunner",
    "WholeNumberBox",
    "add_row",
    "bind",
    "choice",
    "follow",
    "follow_device",
    "keep_wheel_away",
    "key_of",
    "make_button",
    "make_text",
    "make_timer",
    "may_replace",
    "named",
    "on_destroyed",
    "preferences",
    "set_up_table",
    "unbind",
]
