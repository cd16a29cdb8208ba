"""A result as it is at one moment, to be written in another thread."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from napari.layers import Labels

from fastershift.plugin.layers._placement import Placement, labels_axes
from fastershift.plugin.layers._record import ResultRecord
from fastershift.session import Corrections, take_snapshot

__all__ = ["LayerSnapshot", "prepare_snapshot", "shows"]


@dataclass(frozen=True)
class LayerSnapshot:
    """What a labels layer held, with what belongs to it.

    Attributes
    ----------
    data : array
        Its labels.
    attributes : dict
        Scale, units and metadata, history and tracks included.
    corrections : Corrections or None
        What was made on it.
    revision : int
        Of the corrections, 0 without.
    """

    data: Any
    attributes: dict[str, Any]
    corrections: Corrections | None = None
    revision: int = 0


def shows(layer: Labels, corrections: Corrections) -> bool:
    """Tell whether corrections are made in the array that a layer shows.

    Parameters
    ----------
    layer : Labels
        Its data may be replaced at any time, also by other plugins.
    corrections : Corrections
        Made on it once.
    """
    data = layer.data
    return isinstance(data, np.ndarray) and np.may_share_memory(
        data, corrections.labels
    )


def prepare_snapshot(
    layer: Labels, corrections: Corrections | None
) -> Callable[[], LayerSnapshot]:
    """Take what is cheap of a layer now, and the rest when it is called.

    Parameters
    ----------
    layer : Labels
        A result.
    corrections : Corrections or None
        What was made on it; passed over where the layer has other data by now, unless
        these are only the frames of a run.

    Returns
    -------
    callable
        For another thread.
    """
    data, placed = layer.data, {"scale": layer.scale, "units": layer.units}
    metadata, record = dict(layer.metadata), ResultRecord.of(layer)
    axes = labels_axes(layer)
    # A run that shows its frames may still end without a result.
    in_a_run = not layer.editable
    if corrections is not None and not (in_a_run or shows(layer, corrections)):
        metadata |= replace(record, corrections=None).metadata()
        corrections = None

    def take() -> LayerSnapshot:
        if corrections is None:
            return LayerSnapshot(data, {**placed, "metadata": metadata})
        taken = take_snapshot(corrections)
        now = replace(
            record, corrections=taken.record(), tracks=taken.lineage.rows()
        ).metadata()
        attributes = {**placed, "metadata": {**metadata, **now}}
        labels = Placement(axes, {}).lay(taken.labels)
        return LayerSnapshot(labels, attributes, corrections, taken.revision)

    return take
