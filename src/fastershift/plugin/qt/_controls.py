"""A setting on the screen: label, editor, whether it was touched, and the way back."""

from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QToolButton, QWidget

from fastershift.config import SettingInfo, explain_value, find_setting
from fastershift.plugin.qt._editors import Editor, make_editor

__all__ = ["SettingControl", "add_row", "describe"]

# Names that other things rely on; a control not named here goes by its label.
_NAMED = {"model", "diameter", "bandwidth", "gamma", "low", "high", "n_initial"}


def _number(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def describe(info: SettingInfo) -> str:
    """Write the tooltip of a setting: what it does, range, unit and default."""
    unit = f" {info.unit}" if info.unit else ""
    ends = []
    if info.low > float("-inf"):
        ends.append(
            f"{'above' if info.above_low else 'from'} {_number(info.low)}{unit}"
        )
    if info.high < float("inf"):
        ends.append(
            f"{'below' if info.below_high else 'to'} {_number(info.high)}{unit}"
        )
    lines = [info.help_text]
    if ends:
        lines.append(f"Range: {' '.join(ends)}.")
    elif unit:
        lines.append(f"Unit:{unit}.")
    if info.usual:
        low, high = _number(info.usual.low), _number(info.usual.high)
        lines.append(f"Usual: {low} to {high}{unit}.")
    lines.append(f"Default: {info.default_text}.")
    return "\n".join(lines)


def _title(info: SettingInfo) -> str:
    if not info.symbol:
        return info.label
    letter, _, index = info.symbol.partition("_")
    symbol = f"{letter}<sub>{index}</sub>" if index else letter
    return f"{symbol}\N{NO-BREAK SPACE} {info.label.lower()}"


def _object_name(info: SettingInfo) -> str:
    if info.name in _NAMED:
        return info.name
    return (info.symbol or info.label).lower().replace(" ", "_")


class SettingControl(QObject):
    """One setting: follows the recommended value until it is touched.

    Parameters
    ----------
    name : str
        Name of the setting in `config`.
    parent : QObject
        Lives as long as this.
    editor : Editor, optional
        Its control, where the one for its type does not serve.

    Attributes
    ----------
    stage, name : str
        Where its value belongs in the settings.
    touched : bool
        Whether the user chose the value.
    """

    changed = Signal()

    def __init__(
        self, name: str, parent: QObject, editor: Editor | None = None
    ) -> None:
        super().__init__(parent)
        self.name = name
        info = find_setting(name)
        if info is None:
            raise KeyError(name)
        self.stage = info.stage
        self.touched = False
        self.editor = editor or make_editor(info)
        self._recommended: Any = info.default
        self._value: Any = info.default
        self._quiet = False
        self.label = QLabel(_title(info))
        self.label.setBuddy(self.editor.widget)
        self._tip, self._excuse = describe(info), ""
        self.widget = self.editor.widget
        self.widget.setObjectName(_object_name(info))
        for part in (self.label, self.widget):
            part.setToolTip(self._tip)
        self.widget.setAccessibleName(info.label)
        self.reset_button = QToolButton()
        self.reset_button.setText("↺")
        self.reset_button.setAutoRaise(True)
        self.reset_button.setObjectName(f"reset_{self.widget.objectName()}")
        self.reset_button.setAccessibleName(f"Reset {info.label.lower()}")
        self.reset_button.clicked.connect(self.reset)
        self.note = QLabel()
        self.note.setObjectName(f"{self.widget.objectName()}_note")
        self.note.setAccessibleName(f"Note on {info.label.lower()}")
        self.note.setWordWrap(True)
        slanted = self.note.font()
        slanted.setItalic(True)
        self.note.setFont(slanted)
        self._shown = True
        self._keep_room(True)
        self._show_value(self._recommended)
        self._mark()
        self.editor.changed.connect(self._on_editor)

    @property
    def value(self) -> Any:
        """The value in use, to the last digit even where the editor shows fewer."""
        return self._value

    def touch(self, value: Any) -> None:
        """Set a value on the user's behalf."""
        self._show_value(value)
        self._edited()

    def recommend(self, value: Any) -> None:
        """Set the value to return to; shown unless another was chosen."""
        self._recommended = value
        if not self.touched:
            self._show_value(value)
        self._mark()

    def reset(self) -> None:
        """Return to the recommended value."""
        self.touched = False
        self._show_value(self._recommended)
        self._mark()
        self.changed.emit()

    def add_to(self, grid: QGridLayout) -> None:
        """Add the setting as the last rows of a grid."""
        add_row(grid, self.label, self.widget, self.reset_button)
        grid.addWidget(self.note, grid.rowCount(), 0, 1, 3)

    def show_again(self) -> None:
        """Show the value in use in an editor that offers other choices now."""
        self._show_value(self._value)

    def show(self, shown: bool) -> None:
        """Show or hide label, editor, note and reset button."""
        self._shown = shown
        self._keep_room(shown)
        self.label.setVisible(shown)
        self.widget.setVisible(shown)
        self._mark()

    def excuse(self, why: str) -> None:
        """Tell that the setting has no effect, and why; empty brings it back.

        Its label is grey. It can be changed all the same, for another model.
        """
        self._excuse = why
        self.label.setEnabled(not why)
        for part in (self.label, self.widget):
            part.setToolTip(f"{self._tip}\n{why}".rstrip())
        self._mark()

    def _keep_room(self, wanted: bool) -> None:
        """Let the editor keep its width while there is nothing to reset."""
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(wanted)
        self.reset_button.setSizePolicy(policy)

    def _show_value(self, value: Any) -> None:
        self._quiet = True
        self.editor.set(value)
        self._quiet = False
        self._value = value
        self._in_editor = self.editor.get()

    def _on_editor(self, *_value: Any) -> None:
        # Qt tells of a change when Enter is pressed, even if nothing was typed.
        if not self._quiet and self.editor.get() != self._in_editor:
            self._value = self._in_editor = self.editor.get()
            self._edited()

    def _edited(self) -> None:
        self.touched = True
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        note = self._excuse if self.touched else ""
        note = (note or explain_value(self.name, self._value)) * self._shown
        self.note.setText(note)
        self.note.setVisible(bool(note))
        font = self.label.font()
        font.setBold(self.touched)
        self.label.setFont(font)
        self.reset_button.setVisible(self.touched and self._shown)
        self.reset_button.setToolTip(f"Back to {_plain(self._recommended)}.")


def _plain(value: Any) -> str:
    """Write a value as a person says it."""
    if value is None:
        return "no choice"
    if isinstance(value, bool):
        return "on" if value else "off"
    return _number(value) if isinstance(value, int | float) else str(value)


def add_row(
    grid: QGridLayout, label: QWidget, editor: QWidget, after: QWidget | None = None
) -> None:
    """Add a labelled control as the last row of a grid."""
    row = grid.rowCount()
    grid.addWidget(label, row, 0)
    grid.addWidget(editor, row, 1)
    if after is not None:
        grid.addWidget(after, row, 2)
