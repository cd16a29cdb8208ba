"""From cells to tracks and their lineage."""

from fastershift.tracking._alternatives import ChosenCells, choose_cells
from fastershift.tracking._cells import PlacedCells, place_cells
from fastershift.tracking._costs import VotedPlaces
from fastershift.tracking._finalize import Descent, Finalizer, FinalNames
from fastershift.tracking._keep_numbers import keep_numbers
from fastershift.tracking._lineage import Lineage, Track, centroids
from fastershift.tracking._linker import Linker
from fastershift.tracking._mask_frame import MaskFrame
from fastershift.tracking._mask_linker import CostLinker, MaskLinker, make_linker
from fastershift.tracking._mend import mend_masks
from fastershift.tracking._tree import (
    TreeLayout,
    branch,
    family,
    lay_out_tree,
    newick,
)

__all__ = [
    "ChosenCells",
    "CostLinker",
    "Descent",
    "FinalNames",
    "Finalizer",
    "Lineage",
    "Linker",
    "MaskFrame",
    "MaskLinker",
    "PlacedCells",
    "Track",
    "TreeLayout",
    "VotedPlaces",
    "branch",
    "centroids",
    "choose_cells",
    "family",
    "keep_numbers",
    "lay_out_tree",
    "make_linker",
    "mend_masks",
    "newick",
    "place_cells",
]
