"""Corrections by hand: invertible edits of labels and lineage, and their history."""

from fastershift.editing._cells import Cell, Cells
from fastershift.editing._draft import Draft, Edit
from fastershift.editing._editor import Change, Editor, Entry
from fastershift.editing._link_edits import (
    Link,
    Lock,
    MarkDivision,
    RemoveDivision,
    Swap,
    Unlink,
    Unlock,
)
from fastershift.editing._pixel_edits import (
    Add,
    Delete,
    FillHoles,
    Grow,
    Merge,
    Paint,
    Shrink,
    Split,
)
from fastershift.editing._region import Box, Region
from fastershift.editing._scope import Scope, frames_in_scope

__all__ = [
    "Add",
    "Box",
    "Cell",
    "Cells",
    "Change",
    "Delete",
    "Draft",
    "Edit",
    "Editor",
    "Entry",
    "FillHoles",
    "Grow",
    "Link",
    "Lock",
    "MarkDivision",
    "Merge",
    "Paint",
    "Region",
    "RemoveDivision",
    "Scope",
    "Shrink",
    "Split",
    "Swap",
    "Unlink",
    "Unlock",
    "frames_in_scope",
]
