"""Segment and track cells: pixel embeddings clustered by Faster Mean-shift.

Importing the package loads neither torch nor napari; the names below are fetched when
they are first used.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastershift.config import Settings, load_settings
    from fastershift.meanshift import FasterMeanShift
    from fastershift.pipeline import FrameReport, TrackedMovie, segment_movie, track
    from fastershift.rshn import list_models, load_model
    from fastershift.training import learn

__version__ = version("fastershift")

_HOMES = {
    "FasterMeanShift": "fastershift.meanshift",
    "FrameReport": "fastershift.pipeline",
    "Settings": "fastershift.config",
    "TrackedMovie": "fastershift.pipeline",
    "learn": "fastershift.training",
    "list_models": "fastershift.rshn",
    "load_model": "fastershift.rshn",
    "load_settings": "fastershift.config",
    "segment_movie": "fastershift.pipeline",
    "track": "fastershift.pipeline",
}

__all__ = [
    "FasterMeanShift",
    "FrameReport",
    "Settings",
    "TrackedMovie",
    "__version__",
    "learn",
    "list_models",
    "load_model",
    "load_settings",
    "segment_movie",
    "track",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'fastershift' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
