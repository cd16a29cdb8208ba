"""What is stored with a layer that shows a result."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from napari.layers import Labels, Layer

from fastershift.pipeline import TrackedMovie

__all__ = [
    "METADATA_KEY",
    "TrackRows",
    "result_metadata",
    "set_record",
    "tracks_of",
]

METADATA_KEY = "fastershift"

#: (id, first, last, parent) of every track.
TrackRows: TypeAlias = Sequence[tuple[int, int, int, int]]


def result_metadata(result: TrackedMovie, source: str) -> dict[str, Any]:
    """Tell what made a result, in plain values.

    Parameters
    ----------
    result : TrackedMovie
        The result.
    source : str
        Name of the layer it was made from.

    Returns
    -------
    dict
        Settings as they were resolved, provenance, the row of each frame, and tracks
        as (id, first, last, parent).
    """
    return {
        "input": source,
        "settings": result.settings.model_dump(mode="json"),
        "provenance": dict(result.provenance),
        "reports": [report.record() for report in result.reports],
        "tracks": result.lineage.rows(),
    }


def set_record(layer: Layer, record: Mapping[str, Any]) -> None:
    """Store with a layer what made it, and let those who follow the layer know.

    Parameters
    ----------
    layer : Layer
        A layer that shows a result.
    record : mapping
        See `result_metadata`.
    """
    layer.metadata = {**layer.metadata, METADATA_KEY: record}


def tracks_of(layer: Layer) -> TrackRows | None:
    """Return the tracks stored with a layer; None when it is no result.

    Parameters
    ----------
    layer : Layer
        Any layer.

    Returns
    -------
    sequence of (id, first, last, parent), or None
    """
    record = layer.metadata.get(METADATA_KEY) if isinstance(layer, Labels) else None
    found: TrackRows | None = record.get("tracks") if isinstance(record, dict) else None
    return found
