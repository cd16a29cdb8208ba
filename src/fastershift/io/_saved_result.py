"""A tracked movie as it is saved: one record from the pipeline to a file and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastershift.config import Settings, resolve_settings
from fastershift.errors import InputError
from fastershift.io._labels import LabelFrames, Numbers, adopt_labels
from fastershift.io._movie import Scale, Units, known_scale

__all__ = [
    "REPORT_COLUMNS",
    "WHOLE_FORMATS",
    "ResultFormat",
    "SavedResult",
    "Tracks",
    "describe_lost_settings",
    "from_record",
    "settings_of",
    "to_record",
]

ResultFormat: TypeAlias = Literal[
    "ctc", "tiff", "zarr", "geff", "trackmate", "csv", "acdc", "rois", "newick"
]
#: Formats that give back labels and corrections as they were.
WHOLE_FORMATS: tuple[ResultFormat, ...] = ("ctc", "tiff", "zarr", "geff")
Tracks: TypeAlias = Sequence[tuple[int, int, int, int]]

#: Columns of report.csv, one row per frame.
REPORT_COLUMNS = (
    "frame",
    "cells",
    "clusters",
    "seeds",
    "n_min",
    "rounds",
    "iterations",
    "converged",
    "foreground",
    "network_ms",
    "clustering_ms",
    "linking_ms",
    "expected_f1",
)


@dataclass(frozen=True, eq=False)
class SavedResult:
    """Tracked labels with all that is kept of them.

    Attributes
    ----------
    labels : LabelFrames
        Track number of every pixel, frame by frame; 0 is background.
    tracks : sequence of (id, first, last, parent)
        Frames counted from 0, the last one included; parent 0 = none.
    scale : (float, float, float) or None
        Time step, height and width of a pixel; None where they are not known.
    units : (str, str, str) or None
        Their units.
    reports : sequence of mapping
        One row per frame with at least the columns `REPORT_COLUMNS`; empty where they
        are not known.
    settings : Settings or None
        What made the result.
    provenance : mapping
        Versions, model and input; plain values.
    corrections : mapping or None
        History, locks and ticks, as `fastershift.editing.Editor.record` gives them.
    numbers : (n + 1,) array of int, or None
        What each track is called in a file of another program, see `AdoptedLabels`.
        It is read, and never written.
    lost_settings : mapping
        What made the result, where it cannot be used: settings of another version, or
        such that were changed. They are written again as they are.
    """

    labels: LabelFrames
    tracks: Tracks
    scale: Scale | None = None
    units: Units | None = None
    reports: Sequence[Mapping[str, Any]] = ()
    settings: Settings | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    corrections: Mapping[str, Any] | None = None
    numbers: Numbers | None = None
    lost_settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        scale, units = known_scale(self.scale, self.units)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "units", units)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        height, width = np.shape(self.labels[0])
        return (len(self.labels), height, width)

    def stack(self) -> NDArray[np.int32]:
        """Read all frames; an array of shape (T, Y, X)."""
        return adopt_labels(self.labels).stack()


def _plain(value: Any) -> Any:
    """Turn a numpy number into a Python number."""
    return value.item() if isinstance(value, np.generic) else value


def to_record(result: SavedResult) -> dict[str, Any]:
    """Gather all but labels and scale, as JSON can hold it."""
    corrections = result.corrections
    kept = {} if corrections is None else {"corrections": dict(corrections)}
    settings: Any = dict(result.lost_settings) or None
    if result.settings is not None:
        settings = result.settings.model_dump(mode="json")
    return kept | {
        "tracks": [[int(number) for number in track] for track in result.tracks],
        "settings": settings,
        "provenance": dict(result.provenance),
        "reports": [{k: _plain(v) for k, v in row.items()} for row in result.reports],
    }


def from_record(
    record: Mapping[str, Any],
    labels: LabelFrames,
    scale: Scale | None,
    units: Units | None,
    path: Path,
) -> SavedResult:
    """Rebuild what `to_record` has taken apart.

    Parameters
    ----------
    record : mapping
        From `to_record`, by way of JSON.
    labels, scale, units
        As in `SavedResult`.
    path : Path
        Where it was read, for the sentence.

    Raises
    ------
    InputError
        When the record holds no tracks.
    """
    try:
        rows = [tuple(int(number) for number in row) for row in record["tracks"]]
        tracks = [(track, first, last, parent) for track, first, last, parent in rows]
        return SavedResult(
            labels,
            tracks,
            scale,
            units,
            [dict(row) for row in record.get("reports") or ()],
            provenance=dict(record.get("provenance") or {}),
            corrections=record.get("corrections"),
            **settings_of(record.get("settings")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The tracks in {path} are damaged; copy the result again."
        ) from error


def settings_of(values: Any) -> dict[str, Any]:
    """Read stored settings.

    Parameters
    ----------
    values : mapping or None
        Nested, as they were stored; anything else is damaged, and taken as none.

    Returns
    -------
    dict
        Arguments of `SavedResult`: ``settings``, or ``lost_settings``.
    """
    if not isinstance(values, Mapping):
        return {}
    try:
        return {"settings": resolve_settings(user=values)}
    except InputError:
        return {"lost_settings": dict(values)}


def describe_lost_settings(lost: Mapping[str, Any]) -> str:
    """Say why the settings of a result cannot be used.

    Parameters
    ----------
    lost : mapping
        As in `SavedResult`.

    Returns
    -------
    str
        Empty where none are lost.
    """
    try:
        resolve_settings(user=lost)
    except InputError as error:
        return f"The settings of the result are left as they are, and not used. {error}"
    return ""
