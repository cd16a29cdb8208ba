"""What the user last used, for the next time the widget is opened."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from qtpy.QtCore import QObject

from fastershift.config import load_settings, save_settings
from fastershift.errors import InputError
from fastershift.plugin.qt import make_timer, on_destroyed

__all__ = ["Memory", "last_used_path", "recall"]

_WAIT_MS = 1000


def last_used_path() -> Path:
    """Return the file of the settings that were last used."""
    return user_config_path("fastershift") / "last-used.toml"


def recall() -> dict[str, Any]:
    """Return the settings that were last used; none where there are none."""
    try:
        values = load_settings(last_used_path())
    except InputError:
        # Nothing was kept yet, or by another version with other settings.
        return {}
    model = values.get("embed", {}).get("model", "auto")
    if Path(model).suffix and not os.path.exists(model):
        del values["embed"]["model"]
    return values


class Memory(QObject):
    """Keeps the settings once changes have come to rest.

    Parameters
    ----------
    chosen : callable
        Gives the settings in use, nested as in a settings file.
    parent : QObject
        Lives as long as this.
    """

    def __init__(
        self, chosen: Callable[[], Mapping[str, Any]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._chosen = chosen
        self._waiting: list[Mapping[str, Any]] = []
        self._timer = make_timer(self, _WAIT_MS, self._keep)
        on_destroyed(self, _write, self._waiting)

    def note(self) -> None:
        """Keep the settings soon."""
        # How a layer is read belongs to that layer.
        values = {k: v for k, v in self._chosen().items() if k != "input"}
        self._waiting[:] = [values]
        self._timer.start()

    def _keep(self) -> None:
        _write(self._waiting)


def _write(waiting: list[Mapping[str, Any]]) -> None:
    if not waiting:
        return
    path = last_used_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_settings(waiting.pop(), path)
    except OSError:
        # A full or read-only disk must not disturb the work.
        return
