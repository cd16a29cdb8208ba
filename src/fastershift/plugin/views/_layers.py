"""The layers of the views: they lie over the image and are filled frame by frame."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Points
from napari.utils.colormaps import DirectLabelColormap

from fastershift.pipeline import Plan
from fastershift.plugin.layers._colours import track_colormap
from fastershift.plugin.layers._input import InputChoice
from fastershift.plugin.layers._placement import Placement, placement
from fastershift.plugin.layers._record import ResultRecord
from fastershift.session import SeedMap

__all__ = ["FrameStack", "ViewLayers"]

_LINE = 2
_NO_CLUSTER = (0.6, 0.6, 0.6, 1.0)


@dataclass
class FrameStack:
    """A layer and the frames it shows.

    Attributes
    ----------
    layer : Layer
        An image or labels.
    frames : (T, Y, X) or (T, Y, X, 3) array
        The memory that the layer shows; empty frames are zero.
    filled : set of int
        Frames that hold something.
    """

    layer: Layer
    frames: npt.NDArray[Any]
    filled: set[int] = field(default_factory=set)

    def show(self, frame: int, values: npt.NDArray[Any]) -> None:
        """Fill a frame."""
        self.frames[frame] = values
        self.filled.add(frame)
        self.layer.refresh(extent=False)

    def clear(self) -> None:
        """Empty all frames."""
        for frame in self.filled:
            self.frames[frame] = 0
        self.filled.clear()
        self.layer.refresh(extent=False)


class ViewLayers:
    """Finds and makes the layers of the views of an input.

    Parameters
    ----------
    viewer : ViewerModel
        Where they are shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._made: WeakKeyDictionary[Layer, dict[str, tuple[Any, Any]]]
        self._made = WeakKeyDictionary()

    def place(self, choice: InputChoice, shape: tuple[int, int, int]) -> Placement:
        """Tell how frames of a shape lie over the layer they come from."""
        position = choice.reading.position or 0
        return placement(choice.layer, choice.axes, position=position, shape=shape[1:])

    def find(self, choice: InputChoice, view: str, shape: tuple[int, int, int]) -> Any:
        """Return what belongs to a view, if its layer is there and still fits.

        The layer is laid over the image: that may have been moved meanwhile.
        """
        key = (shape, choice.axes, choice.reading)
        former, made = self._made.get(choice.layer, {}).get(view, (None, None))
        layer = made.layer if isinstance(made, FrameStack) else made
        if former != key or layer not in self._viewer.layers:
            return None
        self.place(choice, shape).put(layer)
        return made

    def remove(self, choice: InputChoice, view: str) -> None:
        """Take the layer of a view away."""
        self._take_away(self._made.get(choice.layer, {}).pop(view, (None, None))[1])

    def has_lost(self, choice: InputChoice, view: str) -> bool:
        """Tell whether somebody else took the layer of a view away."""
        made = self._made.get(choice.layer, {}).get(view, (None, None))[1]
        layer = made.layer if isinstance(made, FrameStack) else made
        return layer is not None and layer not in self._viewer.layers

    def tell_origin(
        self, choice: InputChoice, views: Iterable[str], plan: Plan
    ) -> None:
        """Store with the layers of views what made them."""
        record = ResultRecord(
            choice.layer.name,
            plan.settings.model_dump(mode="json"),
            dict(plan.provenance),
        )
        for view in views:
            made = self._made.get(choice.layer, {}).get(view, (None, None))[1]
            layer = made.layer if isinstance(made, FrameStack) else made
            if layer is not None:
                record.store(layer)

    def colours(self, choice: InputChoice, shape: tuple[int, int, int]) -> FrameStack:
        """Return the layer of the embedding as colours."""
        found = self.find(choice, "embedding", shape)
        if found is None:
            frames = np.zeros((*shape, 3), dtype=np.uint8)
            place = self.place(choice, shape)
            layer = Image(place.lay(frames, trailing=1), rgb=True, **place.arguments)
            found = self._add(choice, "embedding", shape, FrameStack(layer, frames))
        return found  # type: ignore[no-any-return]

    def similarity(
        self, choice: InputChoice, shape: tuple[int, int, int]
    ) -> tuple[FrameStack, FrameStack]:
        """Return the layers of the heat map and of the line around the cluster."""
        heat = self.find(choice, "similarity", shape)
        line = self.find(choice, "within h", shape)
        place = self.place(choice, shape)
        if heat is None:
            frames: npt.NDArray[Any] = np.zeros(shape, dtype=np.float32)
            layer = Image(
                place.lay(frames),
                colormap="inferno",
                contrast_limits=(0, 1),
                opacity=0.7,
                **place.arguments,
            )
            heat = self._add(choice, "similarity", shape, FrameStack(layer, frames))
        if line is None:
            frames = np.zeros(shape, dtype=np.uint8)
            colours = {None: "transparent", 0: "transparent", 1: "cyan"}
            labels = Labels(
                place.lay(frames),
                colormap=DirectLabelColormap(color_dict=colours),
                opacity=1.0,
                **place.arguments,
            )
            labels.contour = _LINE
            labels.editable = False
            line = self._add(choice, "within h", shape, FrameStack(labels, frames))
        return heat, line

    def seeds(
        self, choice: InputChoice, shape: tuple[int, int, int], found: SeedMap
    ) -> Points:
        """Show where seeds started and the mode each ended in."""
        place = self.place(choice, shape)
        layer = self.find(choice, "seeds", shape)
        if layer is None:
            layer = Points(
                np.empty((0, len(place.axes))), border_width=0.1, **place.arguments
            )
            layer = self._add(choice, "seeds", shape, layer)
        numbers = np.concatenate([found.clusters, found.mode_clusters])
        modes = np.arange(len(numbers)) >= len(found.clusters)
        places = np.concatenate([found.seeds, found.modes])
        layer.data = _coordinates(place, places)
        layer.features = {
            "cluster": numbers,
            "kind": np.where(modes, "mode", np.where(numbers > 0, "seed", "discarded")),
        }
        colours = np.asarray(track_colormap().map(numbers), dtype=float)
        colours[numbers == 0] = _NO_CLUSTER
        side = max(3.0, max(shape[1:]) / 90)
        layer.face_color = colours
        layer.border_color = np.where(modes[:, None], 1.0, colours)
        layer.symbol = np.where(modes, "star", np.where(numbers > 0, "disc", "x"))
        layer.size = np.where(modes, 2.2 * side, side)
        layer.selected_data = set()
        return layer

    def marks(
        self,
        choice: InputChoice,
        shape: tuple[int, int, int],
        pixels: npt.NDArray[np.float64],
    ) -> Points:
        """Show the (n, 3) pixels that were clicked: frame, row and column."""
        place = self.place(choice, shape)
        layer = self.find(choice, "clicked", shape)
        if layer is None:
            layer = Points(
                np.empty((0, len(place.axes))),
                symbol="cross",
                face_color="yellow",
                border_color="black",
                size=max(5.0, max(shape[1:]) / 50),
                **place.arguments,
            )
            layer = self._add(choice, "clicked", shape, layer)
        layer.data = _coordinates(place, pixels)
        layer.selected_data = set()
        return layer

    def _add(
        self, choice: InputChoice, view: str, shape: tuple[int, int, int], made: Any
    ) -> Any:
        former = self._made.get(choice.layer, {}).get(view, (None, None))[1]
        layer = made.layer if isinstance(made, FrameStack) else made
        layer.name = f"{choice.layer.name} [{view}]"
        selected = set(self._viewer.layers.selection)
        self._viewer.add_layer(layer)
        self._viewer.layers.selection = selected or {choice.layer}
        key = (shape, choice.axes, choice.reading)
        self._made.setdefault(choice.layer, {})[view] = (key, made)
        self._take_away(former)
        return made

    def _take_away(self, made: Any) -> None:
        layer = made.layer if isinstance(made, FrameStack) else made
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def _coordinates(
    place: Placement, pixels: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Give (n, 3) pixels the axes of the layer."""
    columns = {"T": pixels[:, 0], "Y": pixels[:, 1], "X": pixels[:, 2]}
    nowhere = np.zeros(len(pixels))
    return np.column_stack([columns.get(axis, nowhere) for axis in place.axes])
