"""The session of a user: the input, the cache, the running job, the result.

Nothing here knows a window. A job is an iterator of events; whoever drives it may do so
in any thread, and may cancel it at any time.
"""

from fastershift.session._autosave import Autosave, Autosaves
from fastershift.session._caches import CachePlace
from fastershift.session._corrections import CONFIDENCE_LIMIT, Corrections
from fastershift.session._estimate import Estimate
from fastershift.session._input import SessionInput
from fastershift.session._job import Job, JobState
from fastershift.session._methods import describe_methods
from fastershift.session._preview import Preview, PreviewLinks, PreviewRequest
from fastershift.session._sentences import describe_error, remaining
from fastershift.session._session import Session
from fastershift.session._snapshot import Snapshot, take_snapshot
from fastershift.session._threads import spare_core
from fastershift.session._truth import KnownLabels
from fastershift.session.views import (
    ColourFrame,
    Pixel,
    SeedMap,
    SimilarityFrame,
    Views,
)

__all__ = [
    "CONFIDENCE_LIMIT",
    "Autosave",
    "Autosaves",
    "CachePlace",
    "ColourFrame",
    "Corrections",
    "Estimate",
    "Job",
    "JobState",
    "KnownLabels",
    "Pixel",
    "Preview",
    "PreviewLinks",
    "PreviewRequest",
    "SeedMap",
    "Session",
    "SessionInput",
    "SimilarityFrame",
    "Snapshot",
    "Views",
    "describe_error",
    "describe_methods",
    "remaining",
    "spare_core",
    "take_snapshot",
]
