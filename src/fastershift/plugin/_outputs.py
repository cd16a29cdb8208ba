"""The layers that results go to, and what they held before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels, Layer, Tracks

from fastershift.pipeline import TrackedMovie
from fastershift.plugin._colors import track_colormap
from fastershift.plugin._placement import placement

__all__ = ["METADATA_KEY", "Outputs", "Role", "RunLayers", "result_metadata"]

Role: TypeAlias = Literal["cells", "tracks", "preview", "clusters"]
LabelImage: TypeAlias = npt.NDArray[np.int32]

METADATA_KEY = "fastershift"


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
        "tracks": [(t.id, t.first, t.last, t.parent) for t in result.lineage.tracks],
    }


class Outputs:
    """Finds and makes the layers that belong to an input layer.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        # By the layer itself: either may be renamed at any time.
        self._made: WeakKeyDictionary[Layer, dict[Role, Layer]] = WeakKeyDictionary()

    def find(self, source: Layer, role: Role) -> Layer | None:
        """Return the layer of a role, if it is in the viewer."""
        layer = self._made.get(source, {}).get(role)
        if layer is not None and self.shows(layer):
            return layer
        for layer in self._viewer.layers:
            if layer.name == _name(source, role) and METADATA_KEY in layer.metadata:
                return layer
        return None

    def shows(self, layer: Layer) -> bool:
        """Tell whether a layer is in the viewer."""
        return layer in self._viewer.layers

    def show_labels(
        self, source: Layer, axes: str, role: Role, labels: LabelImage
    ) -> Labels:
        """Show (T, Y, X) labels over the layer they come from."""
        data = labels if "T" in axes else labels[0]
        layer = self.find(source, role)
        if isinstance(layer, Labels) and layer.ndim == data.ndim:
            layer.data = data
            return layer
        return self._add(
            source,
            role,
            Labels(
                data,
                name=_name(source, role),
                colormap=track_colormap(),
                metadata={METADATA_KEY: {}},
                **placement(source, axes),
            ),
        )

    def show_tracks(
        self,
        source: Layer,
        axes: str,
        positions: npt.NDArray[np.float64],
        graph: Mapping[int, list[int]],
    ) -> Tracks | None:
        """Show where cells go; None where there is nothing to show."""
        layer = self.find(source, "tracks")
        if "T" not in axes or not len(positions):
            if layer is not None:
                self._viewer.layers.remove(layer)
            return None
        if isinstance(layer, Tracks):
            # New data drops the former graph, so data come first.
            layer.data = positions
            layer.graph = dict(graph)
            return layer
        return self._add(
            source,
            "tracks",
            Tracks(
                positions,
                graph=dict(graph),
                name=_name(source, "tracks"),
                colormaps_dict={"track_id": track_colormap()},
                metadata={METADATA_KEY: {}},
                **placement(source, axes),
            ),
        )

    def _add(self, source: Layer, role: Role, layer: Any) -> Any:
        selected = set(self._viewer.layers.selection)
        self._viewer.add_layer(layer)
        # The layer that is worked on stays the selected one.
        self._viewer.layers.selection = selected or {source}
        self._made.setdefault(source, {})[role] = layer
        return layer


def _name(source: Layer, role: Role) -> str:
    return f"{source.name} [{role}]"


@dataclass(frozen=True)
class _Former:
    """What a layer held before a run."""

    labels: Any
    tracks: Any
    graph: dict[int, list[int]]
    metadata: dict[str, Any]


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

    def _remember(self) -> _Former | None:
        cells = self._outputs.find(self.source, "cells")
        tracks = self._outputs.find(self.source, "tracks")
        if not isinstance(cells, Labels) or not cells.metadata.get(METADATA_KEY):
            return None
        positions, graph = np.empty((0, 4)), {}
        if isinstance(tracks, Tracks):
            positions, graph = tracks.data.copy(), dict(tracks.graph)
        return _Former(cells.data, positions, graph, cells.metadata[METADATA_KEY])

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
        if self._cells is None:
            self._cells = self._outputs.show_labels(
                self.source, self._axes, "cells", labels
            )
            self._cells.editable = False
        elif changed:
            self._cells.refresh(extent=False)

    def show_result(
        self, result: TrackedMovie, positions: npt.NDArray[np.float64]
    ) -> None:
        """Show the result and what made it."""
        self._show(
            result.labels,
            positions,
            result.lineage.graph(),
            result_metadata(result, self.source.name),
        )

    def end_early(self) -> None:
        """Put back the former result; without one, finished frames stay."""
        former = self._former
        if self._cells is None or not self._outputs.shows(self._cells):
            return
        if former is not None:
            labels = former.labels if "T" in self._axes else former.labels[None]
            self._show(labels, former.tracks, former.graph, former.metadata)
        else:
            self._cells.editable = True

    def _show(
        self,
        labels: Any,
        positions: npt.NDArray[np.float64],
        graph: Mapping[int, list[int]],
        metadata: dict[str, Any],
    ) -> None:
        cells = self._outputs.show_labels(self.source, self._axes, "cells", labels)
        cells.editable = True
        cells.metadata[METADATA_KEY] = metadata
        tracks = self._outputs.show_tracks(self.source, self._axes, positions, graph)
        if tracks is not None:
            tracks.metadata[METADATA_KEY] = metadata
