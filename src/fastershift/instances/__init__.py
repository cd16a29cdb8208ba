"""From the embeddings of a pair of frames to cells."""

from fastershift.instances._codes import PairCodes, pair_codes
from fastershift.instances._find import PairInstances, find_instances
from fastershift.instances._foreground import (
    Background,
    foreground_mask,
    foreground_pixels,
    unsure_share,
)
from fastershift.instances._merge_tiles import merge_tiles
from fastershift.instances._pieces import cells_of_pieces
from fastershift.instances._voted import find_voted_instances
from fastershift.instances._voters import PairVoters, PairVotes, pair_voters

__all__ = [
    "Background",
    "PairCodes",
    "PairInstances",
    "PairVoters",
    "PairVotes",
    "cells_of_pieces",
    "find_instances",
    "find_voted_instances",
    "foreground_mask",
    "foreground_pixels",
    "merge_tiles",
    "pair_codes",
    "pair_voters",
    "unsure_share",
]
