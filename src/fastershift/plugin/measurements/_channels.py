"""The image layers of a viewer that show the movie of a result."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from fastershift.config import COLOURS
from fastershift.plugin.layers._record import ResultRecord

#: Which axis, counted from the last, tells positions, and where in space one lies.
Position: TypeAlias = tuple[int, NDArray[np.float64]]

__all__ = ["LayerFrames", "Position", "channels_of", "position_of"]

_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class LayerFrames:
    """Frames (Y, X) of one channel of a layer, each read when it is asked for.

    Attributes
    ----------
    data : array_like
        Of the layer.
    index : tuple of int, slice or None
        What is taken of it; None is where the frame stands.
    count : int
        Frames.
    """

    data: Any
    index: tuple[int | slice | None, ...]
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, t: int) -> Any:
        """Return frame ``t``."""
        return np.asarray(self.data[tuple(t if i is None else i for i in self.index)])


def position_of(cells: Labels) -> Position | None:
    """Tell which position of a layer of several ones a result belongs to."""
    axes = ResultRecord.of(cells).axes
    if "P" not in axes:
        return None
    corner = np.array(cells.data_to_world(np.zeros(cells.ndim)))
    return axes.index("P") - len(axes), corner


def channels_of(
    layers: Iterable[Layer],
    shape: tuple[int, int, int],
    position: Position | None = None,
) -> dict[str, LayerFrames]:
    """Find the channels that fit a result, by their names.

    Parameters
    ----------
    layers : iterable of Layer
        All layers.
    shape : (int, int, int)
        Frames, height and width of the result.
    position : Position, optional
        Of layers with several positions, only that of the result is taken.

    Returns
    -------
    dict
        Of every image layer with as many frames of the same size; of a layer of
        several channels, or of an RGB image, each one. Images that were computed, such
        as the views of the panel, are left out.
    """
    found = {}
    for layer in layers:
        if isinstance(layer, Image) and not ResultRecord.has(layer):
            data = layer.data[0] if layer.multiscale else layer.data
            given, kept = tuple(data.shape), None
            if position is not None and layer.ndim >= len(position[1]):
                axis = layer.ndim + position[0]
                kept = round(layer.world_to_data(position[1])[axis])
                if not 0 <= kept < given[axis]:
                    continue
                given = given[:axis] + given[axis + 1 :]
            for name, index in _channels(layer.name, given, shape, layer.rgb):
                if kept is not None:
                    index = (*index[:axis], kept, *index[axis:])
                found[name] = LayerFrames(data, index, shape[0])
    return found


def _channels(
    name: str, given: tuple[int, ...], shape: tuple[int, ...], rgb: bool
) -> Iterable[tuple[str, tuple[int | slice | None, ...]]]:
    if len(given) - rgb == 2 and shape[0] == 1:
        for whole, index in _channels(name, (1, *given), shape, rgb):
            yield whole, index[1:]
    elif rgb and given[:-1] == shape:
        for number, colour in enumerate(COLOURS):
            yield f"{name} {colour}", (None, _ALL, _ALL, number)
    elif given == shape:
        yield name, (None, _ALL, _ALL)
    elif not rgb and len(given) == 4 and given[2:] == shape[1:]:
        if given[0] == shape[0]:
            for number in range(given[1]):
                yield f"{name} {number}", (None, number, _ALL, _ALL)
        elif given[1] == shape[0]:
            for number in range(given[0]):
                yield f"{name} {number}", (number, None, _ALL, _ALL)
