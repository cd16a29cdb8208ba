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
    settings, corrections = result.settings, result.corrections
    kept = {} if corrections is None else {"corrections": dict(corrections)}
    return kept | {
        "tracks": [[int(number) for number in track] for track in result.tracks],
        "settings": None if settings is None else settings.model_dump(mode="json"),
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
            settings_of(record.get("settings")),
            dict(record.get("provenance") or {}),
            record.get("corrections"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The tracks in {path} are damaged; copy the result again."
        ) from error


def settings_of(values: Mapping[str, Any] | None) -> Settings | None:
    """Read stored settings; None for those that no longer exist or are damaged."""
    try:
        return None if values is None else resolve_settings(user=values)
    except (InputError, AttributeError, TypeError):
        return None
