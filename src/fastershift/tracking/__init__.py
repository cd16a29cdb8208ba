"""From embeddings to cells, from cells to tracks and their lineage."""

from fastershift.tracking._finalize import finalize
from fastershift.tracking._lineage import Lineage, Track, centroids, ctc_problems
from fastershift.tracking._linker import Linker

__all__ = [
    "Lineage",
    "Linker",
    "Track",
    "centroids",
    "ctc_problems",
    "finalize",
]
