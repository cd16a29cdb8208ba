"""Graphs in the GEFF format that other programs have written."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._graph import (
    DrawnCell,
    can_be_drawn,
    check_flat,
    draw_result,
    frame_around,
    parents_that_fit,
    tracks_of_links,
)
from fastershift.io._labels import adopt_labels
from fastershift.io._listed import check_no_gap
from fastershift.io._masks import tracks_from_labels
from fastershift.io._movie import Scale, Units
from fastershift.io._saved_result import SavedResult
from fastershift.io.movies import read_zarr

__all__ = ["read_foreign_geff"]

#: Radius in pixels of a cell of which only the place is known.
_RADIUS = 5.0
#: What a time may be off, in steps, where frames are counted from time 0.
_UNEVEN = 0.1


class _Graph:
    """Cells and links, their axes told apart."""

    def __init__(self, path: Path, geff: ModuleType) -> None:
        self.path = path
        try:
            reader = geff.GeffReader(path)
            reader.read_node_props()
            stored = reader.build()
        except Exception as error:  # damaged files raise anything
            raise InputError(f"{path} cannot be read as GEFF ({error}).") from error
        self.metadata = stored["metadata"]
        self._values = stored["node_props"]
        self.ids = np.asarray(stored["node_ids"])
        axes = [axis for axis in self.metadata.axes or () if axis.name]
        time = [axis for axis in axes if axis.type == "time" or axis.name in ("t", "T")]
        space = [axis for axis in axes if axis.type != "time" and axis not in time]
        if len(time) != 1 or len(space) < 2:
            raise InputError(
                f"{path} does not say which of its properties are time, row and column."
            )
        # Some programs list x before y; where names do not tell, the last are meant.
        named = {axis.name[-1].lower(): axis for axis in space}
        flat = [named[letter] for letter in "yx" if letter in named]
        self.row, self.column = flat if len(flat) == 2 else space[-2:]
        self.time = time[0]
        deep = [axis for axis in space if axis not in (self.row, self.column)]
        for axis in deep:
            check_flat(self.values(axis.name), path)
        self.frames, self._step = self._counted()
        order = np.argsort(self.ids)
        edges = np.asarray(stored["edge_ids"]).reshape(-1, 2)
        self.links = order[np.searchsorted(self.ids, edges, sorter=order)]

    def values(self, name: str) -> NDArray[Any]:
        """Return a property of all cells."""
        if name not in self._values:
            raise InputError(f"{self.path} has no property {name}; copy it again.")
        return np.asarray(self._values[name]["values"])

    def has(self, name: str | None) -> bool:
        """Tell whether every cell has a property."""
        return name in self._values and not np.any(
            self._values[name].get("missing") or False
        )

    def _counted(self) -> tuple[NDArray[np.int64], float]:
        """Turn times into frames; tell the time from frame to frame, too."""
        times = self.values(self.time.name)
        steps = np.diff(np.unique(times))
        step = float(steps.min()) if len(steps) else 1.0
        counted = self.time.scale or self.time.unit in (None, "frame", "pixel")
        if np.all(times == np.round(times)) and (counted or step == 1):
            return times.astype(np.int64), 1.0
        frames = times / step
        off = np.abs(frames - np.round(frames))
        if np.any(off > _UNEVEN) or np.any(frames < 0):
            frames = (times - times.min()) / step
        return np.round(frames).astype(np.int64), step

    def scale(self) -> tuple[Scale | None, Units | None]:
        """Read size and units of a step; None where they are not known."""
        axes = (self.time, self.row, self.column)
        step, height, width = (float(axis.scale or 1) for axis in axes)
        time, row, column = (
            str(axis.scaled_unit or axis.unit or "pixel") for axis in axes
        )
        time, step = "pixel" if time == "frame" else time, step * self._step
        if (step, height, width) == (1, 1, 1) and {time, row, column} == {"pixel"}:
            return None, None
        return (step, height, width), (time, row, column)

    def labels(self) -> tuple[Path, str | None] | None:
        """Find the labels that the graph names, and the property that tells a cell."""
        for related in self.metadata.related_objects or ():
            if related.type == "labels":
                place = (self.path / related.path).resolve()
                return place, related.node_prop or dict(related).get("label_prop")
        return None


def read_foreign_geff(path: Path, geff: ModuleType) -> SavedResult:
    """Read a graph, with its labels where it names them, else with discs.

    Parameters
    ----------
    path : Path
        The GEFF.
    geff : module
        The package.

    Returns
    -------
    SavedResult

    Raises
    ------
    InputError
        For cells in three dimensions, and graphs that cannot be read.
    """
    graph = _Graph(path, geff)
    tracks, parents = tracks_of_links(graph.frames, graph.links)
    scale, units = graph.scale()
    named = graph.labels()
    if named is not None and named[0].exists():
        place, name = named
        movie = read_zarr(place, InputSettings())
        stack = adopt_labels(movie, str(place)).stack()
        labels = _renumbered(graph, stack, tracks, name)
        listed = tracks_from_labels(labels)
        check_no_gap(movie, listed)
        rows = parents_that_fit(listed, parents)
        return SavedResult(labels, rows, scale, units)
    return _discs(graph, tracks, parents, scale, units)


def _renumbered(
    graph: _Graph, stack: NDArray[np.int32], tracks: NDArray[np.int64], name: str | None
) -> NDArray[np.int32]:
    """Give every mask the number of its track; masks of no cell are left out."""
    labels = np.zeros_like(stack)
    frames = graph.frames
    if frames.max(initial=0) >= len(stack):
        frames = frames - frames.min()  # times of a clock
    if len(frames) and (frames.min() < 0 or frames.max() >= len(stack)):
        raise InputError(
            f"{graph.path} speaks of frame {graph.frames.max()}, and its labels have "
            f"{len(stack)} frames."
        )
    if graph.has(name):
        masks = graph.values(str(name)).astype(np.int64)
    else:
        # The mask that lies at the place of the cell.
        y = np.round(graph.values(graph.row.name)).astype(int)
        x = np.round(graph.values(graph.column.name)).astype(int)
        y, x = y.clip(0, stack.shape[1] - 1), x.clip(0, stack.shape[2] - 1)
        masks = stack[frames, y, x].astype(np.int64)
    for t in range(len(stack)):
        here = frames == t
        wanted = np.zeros(1 + max(int(stack[t].max(initial=0)), 0), np.int32)
        known = here & (masks > 0) & (masks < len(wanted))
        wanted[masks[known]] = tracks[known]
        labels[t] = wanted[stack[t]]
    return labels


def _discs(
    graph: _Graph,
    tracks: NDArray[np.int64],
    parents: dict[int, int],
    scale: Scale | None,
    units: Units | None,
) -> SavedResult:
    y, x = (graph.values(axis.name) for axis in (graph.row, graph.column))
    radii = np.full(len(y), _RADIUS)
    if graph.has(graph.metadata.sphere):
        radii = graph.values(graph.metadata.sphere)
    elif graph.has("radius"):
        radii = graph.values("radius")
    elif graph.has("area"):
        radii = np.sqrt(graph.values("area") / np.pi)
    columns = (graph.frames, tracks, y, x, radii)
    cells = [
        DrawnCell(int(frame), int(track), float(down), float(right), float(radius))
        for frame, track, down, right, radius in zip(*columns, strict=True)
    ]
    if not can_be_drawn(frame_around(cells)):
        # Times of a clock, such as seconds since 1970.
        first = int(graph.frames.min())
        cells = [replace(cell, frame=cell.frame - first) for cell in cells]
    return draw_result(cells, frame_around(cells), parents, graph.path, scale, units)
