"""From embeddings to cells, from cells to tracks and their lineage."""

from fastershift.tracking._finalize import finalize
from fastershift.tracking._instances import (
    Background,
    PairInstances,
    find_instances,
    foreground_mask,
)
from fastershift.tracking._lineage import Lineage, Track, centroids, ctc_problems
from fastershift.tracking._linker import Linker
from fastershift.tracking._resize import resize_labels
from fastershift.tracking._tiles import merge_tiles

__all__ = [
    "Background",
    "Lineage",
    "Linker",
    "PairInstances",
    "Track",
    "centroids",
    "ctc_problems",
    "finalize",
    "find_instances",
    "foreground_mask",
    "merge_tiles",
    "resize_labels",
]
