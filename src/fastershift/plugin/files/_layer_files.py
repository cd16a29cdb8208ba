"""From a labels layer to the record that files are written from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastershift.errors import InputError
from fastershift.io import (
    Numbers,
    SavedResult,
    Scale,
    Units,
    adopt_labels,
    parents_that_fit,
    rename_tracks,
    settings_of,
    tracks_from_labels,
)
from fastershift.plugin.layers._placement import as_stack, stack_axes
from fastershift.plugin.layers._record import ResultRecord

__all__ = ["describe_lost_parents", "former_numbers", "saved_result"]

#: Tracks that are named; all are counted.
_NAMED = 5


def saved_result(
    data: Any,
    attributes: Mapping[str, Any],
    graph: Mapping[int, Sequence[int]] | None = None,
) -> SavedResult:
    """Gather what is known of a labels layer.

    Tracks begin and end where the labels do, painted ones included; parents are those
    of the graph, or of the result that the layer was made from, where they still fit.

    Parameters
    ----------
    data : array_like of int
        (T, Y, X) or (Y, X) track ids.
    attributes : mapping
        Of the layer: scale, units, metadata.
    graph : mapping, optional
        Parents of each track, as a Tracks layer has them.

    Returns
    -------
    SavedResult

    Raises
    ------
    InputError
        For labels with further axes, and such that are not whole numbers from 0.
    """
    record = ResultRecord.within(attributes.get("metadata"))
    axes = stack_axes(data.shape, record.axes)
    longer = "".join(axis for axis, n in zip(axes, data.shape, strict=False) if n > 1)
    if data.ndim < 2 or set(longer) - set("TYX"):
        raise InputError(
            f"Labels with {data.ndim} axes cannot be saved as a tracked movie; it has "
            "the axes time, row and column."
        )
    labels = adopt_labels(as_stack(data, axes))
    scale, units = _scale(attributes, [axes.index(a) for a in "TYX" if a in axes])
    parents = _parents(attributes, graph, labels.numbers)
    return SavedResult(
        labels,
        parents_that_fit(tracks_from_labels(labels), parents),
        scale,
        units,
        record.reports,
        provenance=record.provenance,
        corrections=record.corrections,
        **settings_of(record.settings or record.lost_settings or None),
    )


def _parents(
    attributes: Mapping[str, Any],
    graph: Mapping[int, Sequence[int]] | None,
    numbers: Numbers | None,
) -> dict[int, int]:
    """Tell the parents that a layer, or the graph of its tracks, speaks of."""
    record = ResultRecord.within(attributes.get("metadata"))
    parents = {track: parent for track, _, _, parent in record.tracks or ()}
    parents |= {track: found[0] for track, found in (graph or {}).items()}
    known = [(track, 0, 0, parent) for track, parent in parents.items()]
    return {track: parent for track, _, _, parent in rename_tracks(known, numbers)}


def describe_lost_parents(
    saved: SavedResult,
    attributes: Mapping[str, Any],
    graph: Mapping[int, Sequence[int]] | None = None,
) -> str:
    """Say which tracks have lost their parents, because of what was painted.

    Parameters
    ----------
    saved : SavedResult
        From `saved_result`.
    attributes, graph
        What it was made of.

    Returns
    -------
    str
        Empty where all parents still fit.
    """
    numbers = getattr(saved.labels, "numbers", None)
    known = _parents(attributes, graph, numbers)
    lost = [track for track, *_, up in saved.tracks if not up and known.get(track)]
    if not lost:
        return ""
    named = ", ".join(map(str, lost[:_NAMED])) + (", …" if lost[_NAMED:] else "")
    whose = (
        f"Track {named} has lost its parent, which is"
        if len(lost) == 1
        else f"{len(lost)} tracks ({named}) have lost their parents, which are"
    )
    return (
        f"{whose} not seen before any more. Painting in the layer does not change who "
        "descends from whom; the tools under Correct do."
    )


def former_numbers(numbers: Numbers | None) -> dict[str, Any]:
    """Make the table with which a labels layer tells what its cells were called.

    Parameters
    ----------
    numbers : (n + 1,) array of int, or None
        See `fastershift.io.AdoptedLabels`.

    Returns
    -------
    dict
        Features of the layer: the number that a cell was given, and its former one.
    """
    if numbers is None:
        return {}
    return {"index": np.arange(len(numbers)), "former number": numbers}


def _scale(
    attributes: Mapping[str, Any], axes: Sequence[int]
) -> tuple[Scale | None, Units | None]:
    """Take scale and units of the axes of time, if there is one, rows and columns."""
    given, named = attributes.get("scale"), attributes.get("units")
    scale = [1.0 if given is None else abs(float(given[axis])) for axis in axes]
    units = ["pixel" if not named else str(named[axis]) for axis in axes]
    if all(step == 1 for step in scale) and all(unit == "pixel" for unit in units):
        return None, None
    if len(axes) == 2:
        scale, units = [1.0, *scale], ["pixel", *units]
    (time, height, width), (second, row, column) = scale, units
    return (time, height, width), (second, row, column)
