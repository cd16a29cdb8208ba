"""What napari's Preferences dialog says about this plugin."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Preferences", "preferences"]


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


def preferences() -> Preferences:
    """Read what the user set under Preferences; defaults where napari has none."""
    try:
        from napari.settings import get_plugin_settings

        found = get_plugin_settings("fastershift").computing
    except (ImportError, KeyError, AttributeError):
        return Preferences()
    folder = str(found.cache_folder).strip()
    return Preferences(
        str(found.device),
        Path(folder).expanduser() if folder else None,
        int(found.cache_size * 1e9) or None,
    )
