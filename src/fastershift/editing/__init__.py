"""Corrections by hand: invertible edits of labels and lineage, and their history."""

from fastershift.editing._basin import basin, parts_by_clicks, reach_of
from fastershift.editing._cells import Cell, Cells, GivenLineage, Spans
from fastershift.editing._doubts import Doubt, DoubtKind, find_doubts
from fastershift.editing._draft import Draft, Edit
from fastershift.editing._editor import Change, Editor, Entry
from fastershift.editing._link_edits import (
    FillGaps,
    Link,
    Lock,
    MarkDivision,
    RemoveDivision,
    Swap,
    Unlink,
    Unlock,
)
from fastershift.editing._many_frames import DeleteMany, PaintMany
from fastershift.editing._numbering import numbers_of_parts, track_after, track_before
from fastershift.editing._pixel_edits import (
    HIGHEST_NUMBER,
    Add,
    Delete,
    FillHoles,
    Grow,
    Merge,
    Paint,
    Shrink,
    Split,
)
from fastershift.editing._propagate import Carried, PairVectors, propagate
from fastershift.editing._region import Box, Region
from fastershift.editing._rerun import Rerun
from fastershift.editing._scope import Scope, frames_in_scope
from fastershift.editing._vectors import FrameVectors

__all__ = [
    "HIGHEST_NUMBER",
    "Add",
    "Box",
    "Carried",
    "Cell",
    "Cells",
    "Change",
    "Delete",
    "DeleteMany",
    "Doubt",
    "DoubtKind",
    "Draft",
    "Edit",
    "Editor",
    "Entry",
    "FillGaps",
    "FillHoles",
    "FrameVectors",
    "GivenLineage",
    "Grow",
    "Link",
    "Lock",
    "MarkDivision",
    "Merge",
    "Paint",
    "PaintMany",
    "PairVectors",
    "Region",
    "RemoveDivision",
    "Rerun",
    "Scope",
    "Shrink",
    "Spans",
    "Split",
    "Swap",
    "Unlink",
    "Unlock",
    "basin",
    "find_doubts",
    "frames_in_scope",
    "numbers_of_parts",
    "parts_by_clicks",
    "propagate",
    "reach_of",
    "track_after",
    "track_before",
]
