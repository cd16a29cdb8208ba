"""The one map of keys: what is pressed, what it does, and where it is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qtpy.QtWidgets import QPushButton

from fastershift.plugin.qt._named import named

__all__ = ["SHORTCUTS", "Shortcut", "bind", "key_of", "make_button", "unbind"]


@dataclass(frozen=True)
class Shortcut:
    """A key and what it does.

    Attributes
    ----------
    action : str
        Object name of the button that does the same.
    key : str
        As napari writes it.
    what : str
        Half a sentence for the help panel.
    """

    action: str
    key: str
    what: str

    @property
    def shown(self) -> str:
        """The key as it is printed on a button."""
        return self.key.replace("Control", "Ctrl").replace("-", "+")


# Letters that neither the viewer nor a Labels layer of napari uses, nor an Image layer,
# so that they work whichever of the two is selected. Undo and redo are taken over.
SHORTCUTS = (
    Shortcut("merge", "J", "merge cells: click them or brush across them"),
    Shortcut("split", "S", "split a cell: click into each part"),
    Shortcut("delete", "D", "delete the clicked cells"),
    Shortcut("add_by_click", "A", "add the cell under a click; the wheel changes h"),
    Shortcut("grow", "G", "grow the clicked cell by a pixel"),
    Shortcut("shrink", "Shift-G", "shrink the clicked cell by a pixel"),
    Shortcut("fill_holes", "H", "fill the holes of the clicked cell"),
    Shortcut("link", "U", "link: two cells of different frames are the same cell"),
    Shortcut("unlink", "Shift-U", "unlink: from here on it is a different cell"),
    Shortcut("swap", "W", "swap two cells from here on"),
    Shortcut("mark_division", "T", "mark a division: parent, then two daughters"),
    Shortcut("remove_division", "Shift-T", "remove the division of the clicked cell"),
    Shortcut("fill_gaps", "Shift-H", "fill the gaps of the clicked cell"),
    Shortcut("this_frame", "8", "apply it in this frame"),
    Shortcut("from_here_on", "9", "apply it from here on"),
    Shortcut("until_frame", "I", "apply it until the frame that is set"),
    Shortcut("whole_track", "0", "apply it in the whole track"),
    Shortcut("stop_tool", "Q", "deselect the tool, or stop following"),
    Shortcut("lock", "R", "lock the selected cell in this frame"),
    Shortcut("unlock_cell", "Shift-R", "unlock the selected cell in this frame"),
    Shortcut("next", "N", "tick off this place and go to the next one"),
    Shortcut("back", "Shift-N", "go back to the previous place"),
    Shortcut("undo", "Control-Z", "undo the last edit"),
    Shortcut("redo", "Control-Shift-Z", "make it again"),
    Shortcut("flip", "K", "switch between the settings A and B of the live preview"),
)

_BY_ACTION = {shortcut.action: shortcut for shortcut in SHORTCUTS}


def key_of(action: str) -> str:
    """Return the key of an action, as napari writes it."""
    return _BY_ACTION[action].key


def make_button(
    name: str, text: str, tip: str, *, checkable: bool = False
) -> QPushButton:
    """Make a button on which stands what it does, and its key if it has one.

    Parameters
    ----------
    name : str
        Its object name, which is the action of a key.
    text, tip : str
        What is written on it, and its tooltip.
    checkable : bool
        Whether it stays pressed.
    """
    shortcut = _BY_ACTION.get(name)
    made = QPushButton(text if shortcut is None else f"{text} [{shortcut.shown}]")
    made.setCheckable(checkable)
    ending = "" if shortcut is None else f"\nKey: {shortcut.shown}"
    return named(made, name, text.rstrip("…"), tip + ending)


def bind(target: Any, actions: Mapping[str, Callable[[], None]]) -> None:
    """Let the keys of actions work in a viewer, or while a layer is selected.

    Parameters
    ----------
    target : ViewerModel or Layer
        Keys of the selected layer go before those of the viewer.
    actions : mapping
        What to call, by action.
    """
    for shortcut in SHORTCUTS:
        if shortcut.action in actions:
            call = actions[shortcut.action]
            target.bind_key(shortcut.key, _ignoring(call), overwrite=True)


def unbind(target: Any, actions: Mapping[str, Callable[[], None]]) -> None:
    """Take back what `bind` did."""
    for shortcut in SHORTCUTS:
        if shortcut.action in actions:
            target.bind_key(shortcut.key, None)


def _ignoring(call: Callable[[], None]) -> Callable[[Any], None]:
    def press(_target: Any) -> None:
        call()

    return press
