"""From frames to tracked cells, one event at a time."""

from fastershift.pipeline._bad_frames import (
    BridgedMovie,
    describe_bad,
    describe_empty,
    find_bad_frames,
)
from fastershift.pipeline._cache import FolderCache, RecentCache
from fastershift.pipeline._diameter import smallest_cell
from fastershift.pipeline._events import (
    Event,
    Finished,
    FrameDone,
    FrameReport,
    Notice,
    Progress,
    Started,
    TrackedMovie,
)
from fastershift.pipeline._expect import with_quality
from fastershift.pipeline._masks_of_plan import masks_at, votes_at
from fastershift.pipeline._pair import (
    LastPair,
    PairCells,
    cluster_pair,
    confine,
    frame_report,
    given_report,
    to_image,
)
from fastershift.pipeline._plan import MASKS_ADVICE, Plan, embedding_key, plan_run
from fastershift.pipeline._quality import Quality, expected_f1
from fastershift.pipeline._region import Region, read_confines
from fastershift.pipeline._samples import take_samples
from fastershift.pipeline._sources import (
    EmbeddedPair,
    EmbeddingCache,
    EmbeddingSource,
    GivenEmbeddings,
    NetworkEmbeddings,
    NetworkSource,
)
from fastershift.pipeline._track import (
    TrackingRun,
    run_plan,
    segment_movie,
    track,
)
from fastershift.pipeline._trials import Trial, try_diameters
from fastershift.pipeline.masks import MaskSource, open_masks

__all__ = [
    "MASKS_ADVICE",
    "BridgedMovie",
    "EmbeddedPair",
    "EmbeddingCache",
    "EmbeddingSource",
    "Event",
    "Finished",
    "FolderCache",
    "FrameDone",
    "FrameReport",
    "GivenEmbeddings",
    "LastPair",
    "MaskSource",
    "NetworkEmbeddings",
    "NetworkSource",
    "Notice",
    "PairCells",
    "Plan",
    "Progress",
    "Quality",
    "RecentCache",
    "Region",
    "Started",
    "TrackedMovie",
    "TrackingRun",
    "Trial",
    "cluster_pair",
    "confine",
    "describe_bad",
    "describe_empty",
    "embedding_key",
    "expected_f1",
    "find_bad_frames",
    "frame_report",
    "given_report",
    "masks_at",
    "open_masks",
    "plan_run",
    "read_confines",
    "run_plan",
    "segment_movie",
    "smallest_cell",
    "take_samples",
    "to_image",
    "track",
    "try_diameters",
    "votes_at",
    "with_quality",
]
