"""From cells to tracks and their lineage."""

from fastershift.tracking._finalize import Finalizer, FinalNames, finalize
from fastershift.tracking._keep_numbers import keep_numbers
from fastershift.tracking._lineage import Lineage, Track, centroids
from fastershift.tracking._linker import Linker
from fastershift.tracking._tree import (
    TreeLayout,
    branch,
    family,
    lay_out_tree,
    newick,
)

__all__ = [
    "FinalNames",
    "Finalizer",
    "Lineage",
    "Linker",
    "Track",
    "TreeLayout",
    "branch",
    "centroids",
    "family",
    "finalize",
    "keep_numbers",
    "lay_out_tree",
    "newick",
]
