"""The layers that results go to, and what they held before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Tracks

from fastershift.pipeline import TrackedMovie
from fastershift.plugin.layers._colours import track_colormap
from fastershift.plugin.layers._placement import Placement, as_stack, placement
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._take_away import take_away
from fastershift.plugin.layers._tracks_of import are_drawn

__all__ = [
    "Outputs",
    "Role",
    "RunLayers",
]

Role: TypeAlias = Literal["cells", "tracks", "preview", "clusters", "links"]
#: Layers of tracks, and the labels that they lie over.
_OVER: dict[Role, Role] = {"tracks": "cells", "links": "preview"}
LabelImage: TypeAlias = npt.NDArray[np.int32]

# Results by the layer itself, as either may be renamed at any time. They are known
# longer than the panel is open: it may be closed and opened again. Those that were
# removed are let go.
_Made: TypeAlias = WeakValueDictionary[tuple[Role, int], Layer]
_MADE: WeakKeyDictionary[Layer, _Made] = WeakKeyDictionary()
# Those made in this sitting, also for layers that are gone.
_OWN: WeakSet[Layer] = WeakSet()


class Outputs:
    """Finds and makes the layers that belong to an input layer.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._positions: WeakKeyDictionary[Layer, int] = WeakKeyDictionary()

    def work_on(self, source: Layer, position: int | None) -> None:
        """Find and make the layers of one position of a multi-position layer."""
        self._positions[source] = position or 0

    def find(self, source: Layer, role: Role) -> Layer | None:
        """Return the layer of a role, if it is in the viewer."""
        position = self._positions.get(source, 0)
        layer = _MADE.get(source, _Made()).get((role, position))
        if layer is not None and self.shows(layer):
            return layer
        # One of another sitting is known by its name once, and then by itself. One that
        # was made here belongs to another movie, whatever that is called.
        name = _name(source, role, position)
        kind: Any = Tracks if role in _OVER else Labels
        for layer in self._viewer.layers:
            named = layer.name == name and isinstance(layer, kind)
            if named and ResultRecord.has(layer) and layer not in _OWN:
                _MADE.setdefault(source, _Made())[role, position] = layer
                return layer
        return None

    def belongs(self, cells: Layer, source: Layer) -> bool:
        """Tell whether cells may be those of a layer, at the position worked on.

        Cells from a file may be those of any layer, unless they are called after
        another.
        """
        if self.find(source, "cells") == cells:
            return True
        images = [one for one in self._viewer.layers if isinstance(one, Image)]
        for image in images:
            self.find(image, "cells")
        if any(cells in made.values() for made in _MADE.values()):
            return False
        return ResultRecord.of(cells).input in ("", source.name)

    def axes(self, layer: Layer) -> str:
        """Return one letter per axis of labels made here; empty for others."""
        return ResultRecord.of(layer).axes

    def stack(self, layer: Layer) -> Any:
        """Return the labels of a layer as (T, Y, X); the same memory.

        Where time and channels share a layer, its labels have more axes than three.
        """
        return as_stack(layer.data, self.axes(layer))

    def shows(self, layer: Layer) -> bool:
        """Tell whether a layer is in the viewer."""
        return layer in self._viewer.layers

    def remove(self, layer: Layer, source: Layer) -> None:
        """Take a layer out of the viewer that was made of another one."""
        take_away(self._viewer, layer, source)

    def forget_previews(self, source: Layer) -> None:
        """Take the previews of a layer that is gone away, at all its positions."""
        for (role, _), layer in _MADE.get(source, {}).items():
            if role in ("preview", "clusters"):
                self.remove(layer, source)

    def show_labels(
        self, source: Layer, axes: str, role: Role, labels: LabelImage
    ) -> Labels:
        """Show (T, Y, X) labels over the layer they come from."""
        place = self._place(source, axes, labels.shape[-2:])
        data = place.lay(labels)
        layer = self.find(source, role)
        if isinstance(layer, Labels) and layer.ndim == data.ndim:
            # napari lets any new data be edited, and tells so, before their lineage is
            # stored beside them.
            with layer.events.editable.blocker():
                editable = layer.editable
                layer.data = data
                layer.editable = editable
            place.put(layer)
        else:
            layer = self._add(
                source,
                role,
                Labels(
                    data,
                    name=self._name(source, role),
                    colormap=track_colormap(),
                    metadata=ResultRecord().metadata(),
                    **place.arguments,
                ),
            )
        if self.axes(layer) != place.axes:
            replace(ResultRecord.of(layer), axes=place.axes).store(layer)
        return layer

    def put(self, source: Layer, axes: str, layer: Labels) -> None:
        """Lay labels over their layer, which may have been moved meanwhile."""
        place = self._place(source, axes, self.stack(layer).shape[-2:])
        if self.axes(layer) == place.axes:
            place.put(layer)

    def _place(
        self, source: Layer, axes: str, shape: tuple[int, ...], placed: str = ""
    ) -> Placement:
        position = self._positions.get(source, 0)
        rows, columns = shape
        return placement(source, axes, placed, position=position, shape=(rows, columns))

    def _name(self, source: Layer, role: Role) -> str:
        return _name(source, role, self._positions.get(source, 0))

    def show_tracks(
        self,
        source: Layer,
        axes: str,
        positions: npt.NDArray[np.float64],
        graph: Mapping[int, list[int]],
        role: Role = "tracks",
    ) -> Tracks | None:
        """Show where cells go; None where there is nothing to show."""
        layer = self.find(source, role)
        cells = self.find(source, _OVER[role])
        # The first axis of tracks is time for napari, so that position goes.
        laid = "" if cells is None else (self.axes(cells) or "TYX").removeprefix("P")
        if not laid.startswith("T") or not are_drawn(positions):
            if layer is not None:
                self._viewer.layers.remove(layer)
            return None
        data = np.zeros((len(positions), 1 + len(laid)))
        data[:, _columns(laid)] = positions
        positions = data
        place = self._place(source, axes, self.stack(cells).shape[-2:], laid)
        if isinstance(layer, Tracks):
            # New data drops the former graph, so data come first.
            layer.data = positions
            layer.graph = dict(graph)
            place.put(layer)
            return layer
        return self._add(
            source,
            role,
            Tracks(
                positions,
                graph=dict(graph),
                name=self._name(source, role),
                colormaps_dict={"track_id": track_colormap()},
                metadata=ResultRecord().metadata(),
                **place.arguments,
            ),
        )

    def _add(self, source: Layer, role: Role, layer: Any) -> Any:
        selected = set(self._viewer.layers.selection)
        self._viewer.add_layer(layer)
        _OWN.add(layer)
        # The layer that is worked on stays the selected one.
        self._viewer.layers.selection = selected or {source}
        position = self._positions.get(source, 0)
        _MADE.setdefault(source, _Made())[role, position] = layer
        return layer


def _name(source: Layer, role: Role, position: int) -> str:
    of = f" position {position}" if position else ""
    return f"{source.name}{of} [{role}]"


def _columns(axes: str) -> list[int]:
    """Tell where id, time, row and column stand in the positions of tracks."""
    laid = axes.removeprefix("P") or "TYX"
    return [0, *(1 + laid.index(letter) for letter in "TYX")]


@dataclass(frozen=True)
class _Former:
    """What a layer held before a run."""

    labels: Any
    axes: str
    tracks: Any
    graph: dict[int, list[int]]
    record: ResultRecord


class RunLayers:
    """What one run does to layers; it can be undone as long as it has no result.

    Parameters
    ----------
    outputs : Outputs
        Finds the layers.
    source : Layer
        The layer that is run.
    axes : str
        One letter per axis of it.
    """

    def __init__(self, outputs: Outputs, source: Layer, axes: str) -> None:
        self.source = source
        self._outputs = outputs
        self._axes = axes
        self._former = self._remember()
        self._cells: Labels | None = None
        self._has_frames = False

    def begin(self, shape: tuple[int, int, int]) -> None:
        """Make an empty layer where there is none: a click is when that is felt least.

        Parameters
        ----------
        shape : (int, int, int)
            Frames, rows and columns of the labels to come.
        """
        if self._outputs.find(self.source, "cells") is None:
            self._cells = self._outputs.show_labels(
                self.source, self._axes, "cells", np.zeros(shape, dtype=np.int32)
            )
            self._cells.editable = False

    def _remember(self) -> _Former | None:
        cells = self._outputs.find(self.source, "cells")
        tracks = self._outputs.find(self.source, "tracks")
        record = ResultRecord.of(cells)
        if not isinstance(cells, Labels) or record == ResultRecord(axes=record.axes):
            return None
        positions, graph = np.empty((0, 4)), {}
        axes = self._outputs.axes(cells)
        if isinstance(tracks, Tracks):
            positions = tracks.data[:, _columns(axes)]
            graph = dict(tracks.graph)
        return _Former(cells.data, axes, positions, graph, record)

    @property
    def has_former(self) -> bool:
        """Whether there is an earlier result to go back to."""
        return self._former is not None

    def holds(self, layer: Layer) -> bool:
        """Tell whether the run needs a layer."""
        return layer is self.source or (layer is not None and layer is self._cells)

    def show_frame(self, labels: LabelImage, changed: bool) -> None:
        """Show the frames that are ready.

        Parameters
        ----------
        labels : (T, Y, X) int32
            Filled frame by frame by the run.
        changed : bool
            Whether the frame in view is among the new ones.
        """
        if not self._has_frames:
            self._has_frames = True
            # Until now the former result could be corrected.
            self._former = self._remember()
            self._cells = self._outputs.show_labels(
                self.source, self._axes, "cells", labels
            )
            self._cells.editable = False
        elif changed and self._cells is not None:
            self._cells.refresh(extent=False)

    def show_result(
        self, result: TrackedMovie, positions: npt.NDArray[np.float64]
    ) -> None:
        """Show the result and what made it."""
        self._show(
            result.labels,
            positions,
            result.lineage.graph(),
            ResultRecord.of_result(result, self.source.name),
        )

    def end_early(self) -> None:
        """Put back the former result; without one, finished frames stay."""
        former = self._former
        if self._cells is None or not self._outputs.shows(self._cells):
            return
        if not self._has_frames:
            self._outputs.remove(self._cells, self.source)
        elif former is not None:
            labels = as_stack(former.labels, former.axes)
            self._show(labels, former.tracks, former.graph, former.record)
        else:
            self._cells.editable = True

    def _show(
        self,
        labels: Any,
        positions: npt.NDArray[np.float64],
        graph: Mapping[int, list[int]],
        record: ResultRecord,
    ) -> None:
        cells = self._outputs.show_labels(self.source, self._axes, "cells", labels)
        # Last, so that nobody edits labels beside the lineage of others.
        record.store(cells)
        cells.editable = True
        tracks = self._outputs.show_tracks(self.source, self._axes, positions, graph)
        if tracks is not None:
            record.store(tracks)
