"""Measures every cell of a movie, frame by frame; no more than a frame is in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from skimage.measure import regionprops_table
from skimage.segmentation import expand_labels

from fastershift.errors import InputError
from fastershift.io import LabelFrames, SavedResult, counted_from_1
from fastershift.labels import Confines, compact, keep_inside
from fastershift.measure._columns import WorldUnits, columns_for
from fastershift.measure._flicker import with_flicker
from fastershift.measure._lineage import TrackFacts, track_facts

__all__ = ["FrameTable", "MeasureOptions", "measure_frames"]

#: One array for each column, a value for each cell of a frame.
FrameTable: TypeAlias = dict[str, NDArray[Any]]

#: A move that fewer cells share is their own.
_FEWEST = 6
#: Column of the rows that lie in the region; it is not written.
_KEPT = "kept"
_STATISTICS = ("mean", "min", "max", "std")


@dataclass(frozen=True)
class MeasureOptions:
    """What may be asked for besides.

    Attributes
    ----------
    ring : float
        Width of the ring around each cell, in µm, or pixels where their size is not
        known; 0 for no ring.
    neighbour_distance : float
        Cells nearer than this are neighbours, in the same unit; 0 for those that
        touch.
    without_drift : bool
        Take the move that all cells share, the drift of the stage, out of
        displacements and speeds, and tell how far it went.
    without_flicker : bool
        Take out of the grey values by how much a frame is brighter or darker than
        those around it.
    """

    ring: float = 0.0
    neighbour_distance: float = 0.0
    without_drift: bool = False
    without_flicker: bool = False

    def __post_init__(self) -> None:
        for name, value in (
            ("width of the ring", self.ring),
            ("neighbour distance", self.neighbour_distance),
        ):
            if not 0 <= value < np.inf:
                raise InputError(f"The {name} must be a number from 0, not {value:g}.")


def measure_frames(
    result: SavedResult,
    channels: Mapping[str, LabelFrames] | None = None,
    options: MeasureOptions | None = None,
    confines: Confines | None = None,
) -> Iterator[FrameTable]:
    """Measure the cells of each frame.

    Parameters
    ----------
    result : SavedResult
        Labels, tracks, and the scale that lengths and times are told in.
    channels : mapping, optional
        Frames (Y, X) of each channel by its name; each is read once.
    options : MeasureOptions, optional
        Rings and neighbours.
    confines : Confines, optional
        Where cells may be: those of which less than half lies there get no row. What is
        told of the others, such as their neighbours and their speed, is as without.

    Yields
    ------
    dict of str to (n,) array
        The columns `columns_of` lists, a row for each of the n cells of the frame, in
        the order of their tracks. Values that are not known are NaN.

    Raises
    ------
    InputError
        When a channel, or a region, has other frames than the labels.
    """
    channels, options = channels or {}, options or MeasureOptions()
    _check(result, channels)
    if confines is not None:
        confines.check(len(result.labels), result.shape[1:])
    units = WorldUnits.of(result)
    tables = with_flicker(
        _measured(result, channels, options, confines),
        tuple(channels),
        pixel_area=units.height * units.width,
        take_out=options.without_flicker,
    )
    names = columns_for(
        result, channels, ring=options.ring > 0, drift=options.without_drift
    )
    for table in tables:
        kept = table[_KEPT]
        yield {column.name: table[column.name][kept] for column in names}


def _measured(
    result: SavedResult,
    channels: Mapping[str, LabelFrames],
    options: MeasureOptions,
    confines: Confines | None,
) -> Iterator[FrameTable]:
    """Measure all cells, and tell which are kept."""
    meter = _Meter(result, tuple(channels), options)
    for t in range(len(result.labels)):
        frame = np.asarray(result.labels[t])
        images = [np.asarray(channel[t]) for channel in channels.values()]
        table = meter.measure(t, frame, images)
        table[_KEPT] = np.ones(len(table["track"]), bool)
        if confines is not None:
            inside = keep_inside(frame, confines.at(t))
            table[_KEPT] = np.isin(table["track"], inside)
        yield table


def _check(result: SavedResult, channels: Mapping[str, LabelFrames]) -> None:
    length, height, width = result.shape
    for name, channel in channels.items():
        if counted_from_1(result.labels, len(channel)):
            raise InputError(
                f"The result has {length} frames, the first of them without cells, and "
                f"the movie has {len(channel)}; count the frames of the result from 0, "
                "not from 1."
            )
        if len(channel) != length:
            raise InputError(
                f"The result has {length} frames and the movie has {len(channel)}; "
                "give the frames that were tracked.",
                frames="A:B",
            )
        shape = np.shape(channel[0])
        if shape != (height, width):
            raise InputError(
                f"The labels have {height} × {width} pixels and channel {name} has "
                f"{' × '.join(map(str, shape))}; give the movie that was tracked."
            )


class _Meter:
    """Remembers of past frames only where each track was seen last."""

    def __init__(
        self, result: SavedResult, channels: tuple[str, ...], options: MeasureOptions
    ) -> None:
        self._units = WorldUnits.of(result)
        self._channels = channels
        self._options = options
        self._facts = track_facts(result.tracks)
        self._doubts = _doubts(result.corrections)
        self._seen: dict[int, tuple[int, NDArray[np.float64]]] = {}
        self._drift = np.zeros(2)
        self._filled = _filled(result)

    def measure(
        self, t: int, frame: NDArray[Any], images: list[NDArray[Any]]
    ) -> FrameTable:
        """Measure one frame; frames come in their order."""
        spacing = (self._units.height, self._units.width)
        table = _shapes(frame, images, self._channels, spacing)
        tracks = table["track"]
        count = len(tracks)
        table |= {
            "frame": np.full(count, t),
            "time": np.full(count, t * self._units.step),
            "touches_border": _at_border(table, frame.shape),
            "neighbours": _neighbours(
                frame, tracks, self._options.neighbour_distance, spacing
            ),
            "length_unit": np.full(count, self._units.length, object),
            "time_unit": np.full(count, self._units.time, object),
        }
        if self._options.ring:
            table |= _rings(
                frame, images, self._channels, tracks, self._options.ring, spacing
            )
        table |= self._motion(t, table)
        table |= self._lineage(t, tracks)
        if self._doubts is not None:
            found = [self._doubts.get((t, track), 0.0) for track in tracks.tolist()]
            table["doubt"] = np.array(found, np.float64)
        put_in = [int((t, track) in self._filled) for track in tracks.tolist()]
        table["filled"] = np.array(put_in, np.int64)
        return table

    def _motion(self, t: int, table: FrameTable) -> FrameTable:
        tracks, places = table["track"].tolist(), np.stack([table["y"], table["x"]], -1)
        if self._options.without_drift:
            self._drift = self._drift + self._shared_move(tracks, places)
        moved = np.full((2, len(tracks)), np.nan)
        for row, (track, place) in enumerate(
            zip(tracks, places - self._drift, strict=True)
        ):
            if track in self._seen:
                then, before = self._seen[track]
                way = float(np.hypot(*(place - before)))
                moved[:, row] = way, way / ((t - then) * self._units.step)
            self._seen[track] = (t, place)
        drift = np.repeat(self._drift[:, None], len(tracks), axis=1)
        motion: FrameTable = {"displacement": moved[0], "speed": moved[1]}
        return motion | {"drift_y": drift[0], "drift_x": drift[1]}

    def _shared_move(
        self, tracks: list[int], places: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Tell how far most cells have moved since the last frame that had any.

        Of few cells a common move cannot be told from their own: then it is 0.
        """
        last = max((then for then, _ in self._seen.values()), default=-1)
        known = [self._seen.get(track, (-1, places[:0])) for track in tracks]
        moves = [
            place - self._drift - before
            for place, (then, before) in zip(places, known, strict=True)
            if then == last >= 0
        ]
        if len(moves) < _FEWEST:
            return np.zeros(2)
        return np.asarray(np.median(moves, axis=0), np.float64)

    def _lineage(self, t: int, tracks: NDArray[Any]) -> FrameTable:
        alone = TrackFacts(t, 0, (), 0, None)
        facts = [self._facts.get(track, alone) for track in tracks.tolist()]
        step, born = self._units.step, [one.born for one in facts]
        since = [np.nan if frame is None else (t - frame) * step for frame in born]
        daughters = [" ".join(map(str, one.daughters)) for one in facts]
        return {
            "age": np.array([(t - one.first) * step for one in facts], np.float64),
            "generation": np.array([one.generation for one in facts], np.int64),
            "parent": np.array([one.parent for one in facts], np.int64),
            "daughters": np.array(daughters, object),
            "time_since_division": np.array(since, np.float64),
        }


def _shapes(
    frame: NDArray[Any],
    images: list[NDArray[Any]],
    channels: tuple[str, ...],
    spacing: tuple[float, float],
) -> FrameTable:
    """Measure outlines and grey values, in units of the spacing."""
    height, width = spacing
    square = bool(np.isclose(height, width))
    properties = [
        "label",
        "num_pixels",
        "area",
        "bbox",
        "centroid",
        "axis_major_length",
        "axis_minor_length",
        "orientation",
        "eccentricity",
        "solidity",
        *(["perimeter"] if square else []),
        *([f"intensity_{name}" for name in _STATISTICS] if images else []),
    ]
    # Numbers may be very large, and memory is needed for each up to the largest.
    numbers, codes = compact(np.maximum(frame, 0))
    given = regionprops_table(
        codes,
        # Of one type, so that no channel loses digits.
        np.stack(images, -1).astype(np.float64) if images else None,
        properties=properties,
        spacing=(height, height) if square else spacing,
    )
    # Without cells even whole numbers come as real ones.
    whole = {"track": "label", "top": "bbox-0", "left": "bbox-1"}
    whole |= {"bottom": "bbox-2", "right": "bbox-3"}
    real = {"y": "centroid-0", "x": "centroid-1", "area": "area"}
    real |= {"major_axis": "axis_major_length", "minor_axis": "axis_minor_length"}
    real |= {name: name for name in ("eccentricity", "solidity")}
    table: FrameTable = {
        ours: given[its].astype(np.int64) for ours, its in whole.items()
    }
    table["track"] = numbers[table["track"]]
    table |= {ours: given[its].astype(np.float64) for ours, its in real.items()}
    count = len(table["track"])
    table["orientation"] = (90 + np.degrees(given["orientation"])) % 180
    table["perimeter"] = given["perimeter"] if square else np.full(count, np.nan)
    for number, channel in enumerate(channels):
        greys = {name: given[f"intensity_{name}-{number}"] for name in _STATISTICS}
        pixels = _leave_nan_out(greys, given, codes, images[number])
        table |= {f"{name}_{channel}": values for name, values in greys.items()}
        table[f"sum_{channel}"] = greys["mean"] * pixels
        around = images[number][frame == 0]
        around = around[~np.isnan(around)]
        background = np.median(around) if around.size else np.nan
        table[f"background_{channel}"] = np.full(count, background, np.float64)
    return table


def _leave_nan_out(
    greys: FrameTable, given: FrameTable, codes: NDArray[Any], image: NDArray[Any]
) -> NDArray[Any]:
    """Measure cells again in which pixels are not known; tell how many are in each."""
    pixels = given["num_pixels"].copy()
    for row in np.flatnonzero(np.isnan(greys["mean"])).tolist():
        top, left, bottom, right = (
            int(given[f"bbox-{side}"][row]) for side in range(4)
        )
        box = np.s_[top:bottom, left:right]
        values = image[box][codes[box] == given["label"][row]].astype(np.float64)
        values = values[~np.isnan(values)]
        pixels[row] = values.size
        for name in _STATISTICS if values.size else ():
            greys[name][row] = getattr(values, name)()
    return pixels


def _at_border(table: FrameTable, shape: tuple[int, ...]) -> NDArray[np.int64]:
    inside = (table["top"] > 0) & (table["left"] > 0)
    inside &= (table["bottom"] < shape[0]) & (table["right"] < shape[1])
    return (~inside).astype(np.int64)


def _neighbours(
    frame: NDArray[Any],
    tracks: NDArray[Any],
    distance: float,
    spacing: tuple[float, float],
) -> NDArray[np.int64]:
    """Count the cells that each cell touches, once both have grown towards another."""
    grown = expand_labels(frame, distance / 2, spacing=spacing) if distance else frame
    ahead = (
        (grown[:, :-1], grown[:, 1:]),
        (grown[:-1], grown[1:]),
        (grown[:-1, :-1], grown[1:, 1:]),
        (grown[:-1, 1:], grown[1:, :-1]),
    )
    touching = []
    for one, other in ahead:
        meet = (one != other) & (one > 0) & (other > 0)
        touching.append(np.stack([one[meet], other[meet]], -1))
    pairs = np.sort(np.concatenate(touching), axis=1)
    found = np.searchsorted(tracks, np.unique(pairs, axis=0))
    return np.bincount(found.ravel(), minlength=len(tracks)).astype(np.int64)


def _rings(
    frame: NDArray[Any],
    images: list[NDArray[Any]],
    channels: tuple[str, ...],
    tracks: NDArray[Any],
    width: float,
    spacing: tuple[float, float],
) -> FrameTable:
    """Measure the background around each cell."""
    ring = np.where(frame == 0, expand_labels(frame, width, spacing=spacing), 0)
    rows = np.searchsorted(tracks, ring[ring > 0])
    pixels = np.bincount(rows, minlength=len(tracks))
    table: FrameTable = {"ring_area": pixels * (spacing[0] * spacing[1])}
    for channel, image in zip(channels, images, strict=True):
        values = image[ring > 0].astype(np.float64)
        known = ~np.isnan(values)
        seen = np.bincount(rows[known], minlength=len(tracks))
        total = np.bincount(rows[known], values[known], minlength=len(tracks))
        with np.errstate(invalid="ignore"):
            table[f"ring_mean_{channel}"] = total / np.where(seen, seen, np.nan)
    return table


def _filled(result: SavedResult) -> set[tuple[int, int]]:
    """Tell in which frame the mask of which track was put in, by the run or by hand."""
    by_hand = (result.corrections or {}).get("filled", ())
    return {(int(t), int(one)) for t, one in result.provenance.get("filled", ())} | {
        (int(t), int(one)) for t, ids in by_hand for one in ids
    }


def _doubts(record: Mapping[str, Any] | None) -> dict[tuple[int, int], float] | None:
    """Look up the highest score of each cell; None where nobody has looked for any."""
    if not record or "doubts" not in record:
        return None
    scores: dict[tuple[int, int], float] = {}
    for doubt in record["doubts"]:
        for track in doubt["tracks"]:
            place = (int(doubt["frame"]), int(track))
            scores[place] = max(scores.get(place, 0.0), float(doubt["score"]))
    return scores
