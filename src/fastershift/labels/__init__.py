"""Label images: their components, regions, sizes, and memory for large ones."""

from fastershift.labels._components import (
    connect,
    contacts,
    count_pixels,
    measure_labels,
    renumber,
    sum_directions,
)
from fastershift.labels._confines import Confines, keep_inside
from fastershift.labels._matches import Matches, match_cells
from fastershift.labels._noise import is_noisy
from fastershift.labels._painted import LabelImages, PaintedLabels
from fastershift.labels._regions import (
    Box,
    Labels,
    as_labels,
    coded,
    compact,
    label_areas,
    label_boxes,
    label_ids,
    overlaps,
    overlaps_and_unions,
    relabel,
)
from fastershift.labels._resize import nearest_pixels, resize_labels
from fastershift.labels._scratch import copy_labels, empty_labels, reserve
from fastershift.labels._strips import Strip, strips

__all__ = [
    "Box",
    "Confines",
    "LabelImages",
    "Labels",
    "Matches",
    "PaintedLabels",
    "Strip",
    "as_labels",
    "coded",
    "compact",
    "connect",
    "contacts",
    "copy_labels",
    "count_pixels",
    "empty_labels",
    "is_noisy",
    "keep_inside",
    "label_areas",
    "label_boxes",
    "label_ids",
    "match_cells",
    "measure_labels",
    "nearest_pixels",
    "overlaps",
    "overlaps_and_unions",
    "relabel",
    "renumber",
    "reserve",
    "resize_labels",
    "strips",
    "sum_directions",
]
