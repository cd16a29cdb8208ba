"""From embeddings to cells, from cells to tracks and their lineage."""

from fastershift.tracking._codes import strips
from fastershift.tracking._finalize import Finalizer, FinalNames, finalize
from fastershift.tracking._foreground import (
    Background,
    foreground_mask,
    foreground_pixels,
)
from fastershift.tracking._instances import (
    PairCodes,
    PairInstances,
    find_instances,
    pair_codes,
)
from fastershift.tracking._lineage import Lineage, Track, centroids, ctc_problems
from fastershift.tracking._linker import Linker
from fastershift.tracking._numbers import keep_numbers
from fastershift.tracking._pieces import cells_of_pieces
from fastershift.tracking._regions import label_ids
from fastershift.tracking._resize import nearest_pixels, resize_labels
from fastershift.tracking._room import label_room
from fastershift.tracking._tiles import merge_tiles
from fastershift.tracking._tree import (
    TreeLayout,
    branch,
    family,
    lay_out_tree,
    newick,
)

__all__ = [
    "Background",
    "FinalNames",
    "Finalizer",
    "Lineage",
    "Linker",
    "PairCodes",
    "PairInstances",
    "Track",
    "TreeLayout",
    "branch",
    "cells_of_pieces",
    "centroids",
    "ctc_problems",
    "family",
    "finalize",
    "find_instances",
    "foreground_mask",
    "foreground_pixels",
    "keep_numbers",
    "label_ids",
    "label_room",
    "lay_out_tree",
    "merge_tiles",
    "nearest_pixels",
    "newick",
    "pair_codes",
    "resize_labels",
    "strips",
]
