"""Cells that were segmented elsewhere: read, understood, and finished."""

from fastershift.pipeline.masks._finish import (
    drift_notice,
    finish_masks,
    mending_notices,
    taken_notice,
)
from fastershift.pipeline.masks._read import open_masks, read_masks
from fastershift.pipeline.masks._source import MaskSource
from fastershift.pipeline.masks._votes import voted_by_masks

__all__ = [
    "MaskSource",
    "drift_notice",
    "finish_masks",
    "mending_notices",
    "open_masks",
    "read_masks",
    "taken_notice",
    "voted_by_masks",
]
