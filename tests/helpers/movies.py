"""Embeddings made by hand, and the cells that are found in them."""

import torch

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances import find_instances, pair_codes


def find_cells(
    embeddings,
    cluster=None,
    *,
    track=None,
    background="axis",
    mask=None,
    smallest_cell=5,
    seed=0,
    **options,
):
    """Find the cells of a pair; draws depend on the seed alone."""
    cluster = cluster or ClusterSettings()
    pair = pair_codes(
        embeddings, cluster, track or TrackSettings(), background=background, mask=mask
    )
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator} | options
    return find_instances(pair, cluster, smallest_cell=smallest_cell, **options)
