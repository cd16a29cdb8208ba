"""What napari's Preferences dialog says about this plugin."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject

from fastershift.plugin.qt._lifetime import follow

__all__ = ["Preferences", "follow_device", "preferences"]


@dataclass(frozen=True)
class Preferences:
    """Where to compute, and where embeddings are kept.

    Attributes
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    cache_folder : Path or None
        Where embeddings go that do not fit in memory; None leaves it to the session.
    cache_bytes : int or None
        How much is kept; None leaves it to the session.
    """

    device: str = "auto"
    cache_folder: Path | None = None
    cache_bytes: int | None = None


def _computing() -> Any:
    """Return the part of napari's settings that is ours; None where there is none."""
    try:
        from napari.settings import get_plugin_settings

        return get_plugin_settings("fastershift").computing
    except (ImportError, KeyError, AttributeError):
        # napari before 0.9 knows no settings of plugins.
        return None


def preferences() -> Preferences:
    """Read what the user set under Preferences; defaults where napari has none."""
    found = _computing()
    if found is None:
        return Preferences()
    folder = str(found.cache_folder).strip()
    return Preferences(
        str(found.device),
        Path(os.path.expanduser(folder)) if folder else None,
        int(found.cache_size * 1e9) or None,
    )


def follow_device(owner: QObject, call: Callable[[str], None]) -> None:
    """Call a function with each device that is chosen under Preferences.

    Parameters
    ----------
    owner : QObject
        It is called as long as this lives.
    call : callable
        What to call.
    """
    found = _computing()
    if found is None:
        return

    def tell(event: Any) -> None:
        call(str(event.value))

    follow(owner, found.events.device, tell)
