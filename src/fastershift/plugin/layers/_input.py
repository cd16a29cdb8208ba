"""What a layer holds, and how it is handed to a session."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Labels

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.instances import Background
from fastershift.io import as_movie, stored_axes
from fastershift.plugin.layers._region import DrawnRegion
from fastershift.session import SessionInput

__all__ = [
    "InputChoice",
    "InputKind",
    "frame_axis",
    "guess_axes",
    "levels",
    "likely_axes",
    "pixels",
    "region_masks",
    "session_input",
]

InputKind: TypeAlias = Literal["image", "embedding", "labels"]

#: Orders of axes to choose from, by kind and number of axes; the likeliest first.
_AXES = {
    ("image", 2): ("YX",),
    ("image", 3): ("TYX", "ZYX", "CYX", "PYX", "YXT"),
    ("image", 4): ("TCYX", "TZYX", "CTYX", "PTYX", "ZCYX", "TYXC"),
    ("image", 5): ("TCZYX", "TZCYX", "CTZYX", "PTCYX", "PTZYX"),
    ("image", 6): ("PTCZYX", "PTZCYX", "TPCZYX"),
    ("embedding", 3): ("CYX", "YXC"),
    ("embedding", 4): ("TCYX", "TYXC", "CTYX"),
    ("embedding", 5): ("PTCYX", "TPCYX"),
}

# Sizes that an axis of embedding channels has, and one of colour channels.
_CHANNELS = range(3, 65)
_FEW = 5

_WORDS = {
    "time": "T",
    "frame": "T",
    "channel": "C",
    "plane": "Z",
    "depth": "Z",
    "position": "P",
    "field": "P",
    "scene": "P",
    "row": "Y",
    "column": "X",
}


@dataclass(frozen=True)
class InputChoice:
    """A layer and how it is to be read.

    Attributes
    ----------
    layer : Image
        The layer.
    kind : {"image", "embedding", "labels"}
        Whether its pixels are intensities or vectors, or the cells of the image are
        known and lie in a labels layer.
    axes : str
        One letter per axis of its data.
    background : {"axis", "largest", "mask", "none"}
        What is background in an embedding.
    mask : Labels, optional
        Where cells may be, for ``background="mask"``; for ``kind="labels"`` the cells.
    reading : InputSettings
        What is taken of channels, planes, positions and levels.
    region : DrawnRegion, optional
        Where cells are looked for.
    alternatives : tuple of Labels
        Further segmentations, for ``kind="labels"``.
    """

    layer: Image
    kind: InputKind
    axes: str
    background: Background = "axis"
    mask: Labels | None = None
    reading: InputSettings = field(default_factory=InputSettings)
    region: DrawnRegion | None = None
    alternatives: tuple[Labels, ...] = ()

    @property
    def masks(self) -> tuple[Labels, ...]:
        """Return the layers that hold the cells, where cells are known."""
        if self.kind != "labels" or self.mask is None:
            return ()
        return self.mask, *self.alternatives

    @property
    def painted(self) -> tuple[Labels, ...]:
        """Return all labels that are read: they may be painted at any time."""
        marks = self.kind == "embedding" and self.background == "mask"
        return (self.mask,) if marks and self.mask is not None else self.masks

    def arrays(self) -> tuple[Any, ...]:
        """Return the pixels of the layer and of the masks, as they are now."""
        level = min(self.reading.level, levels(self.layer) - 1)
        return pixels(self.layer, level), *map(pixels, self.painted)


def levels(layer: Any) -> int:
    """Tell how many resolution levels a layer has."""
    return len(layer.data) if layer.multiscale else 1


def pixels(layer: Any, level: int = 0) -> Any:
    """Return the array of a layer, of a pyramid that of a level."""
    return layer.data[level] if layer.multiscale else layer.data


def likely_axes(kind: InputKind, layer: Image) -> tuple[str, ...]:
    """List orders of axes that a layer may have."""
    ndim = pixels(layer).ndim
    known = "embedding" if kind == "embedding" else "image"
    if layer.rgb:
        return tuple(axes + "S" for axes in _AXES.get((known, ndim - 1), ()))
    return _AXES.get((known, ndim), ())


def _labelled(layer: Image) -> str:
    """Read the axes from the layer's own labels; empty when they do not say."""
    names = [str(label).strip().lower() for label in layer.axis_labels]
    letters = [_WORDS.get(name, name.upper()) for name in names]
    complete = all(letter in set("TPCZYX") for letter in letters)
    if (
        not complete
        or len(set(letters)) < len(letters)
        or not {"Y", "X"} <= set(letters)
    ):
        return ""
    return "".join(letters) + "S" * bool(layer.rgb)


def _stored(layer: Image) -> str:
    """Read the axes from the file that the layer shows; empty if they do not fit."""
    path = layer.source.path
    found = None if path is None else stored_axes(Path(path))
    if found is None:
        return ""
    axes, shape = found
    # Readers leave axes of length 1 out.
    both = [(a, n) for a, n in zip(axes, shape, strict=True) if n > 1]
    for kept in (list(zip(axes, shape, strict=True)), both):
        if tuple(n for _, n in kept) == tuple(pixels(layer).shape):
            letters = "".join(a for a, _ in kept)
            return letters if {"Y", "X"} <= set(letters) else ""
    return ""


def guess_axes(layer: Image) -> tuple[Literal["image", "embedding"], str]:
    """Guess from labels, file, shape and type what a layer holds.

    Parameters
    ----------
    layer : Image
        Any image layer.

    Returns
    -------
    kind : {"image", "embedding"}
    axes : str
        One letter per axis.
    """
    array = pixels(layer)
    ndim = array.ndim - bool(layer.rgb)
    known = _labelled(layer) or _stored(layer)
    real = np.dtype(array.dtype).kind == "f" and not layer.rgb
    if known:
        vectors = "C" in known and array.shape[known.index("C")] in _CHANNELS
        embedding = real and vectors and known in _AXES.get(("embedding", ndim), ())
        return ("embedding" if embedding else "image"), known
    if ndim == 4 and real:
        # Small frames may look like channels; channels are the fewer.
        places = sorted((1, 3), key=lambda place: int(array.shape[place]))
        if array.shape[places[0]] in _CHANNELS:
            return "embedding", "TCYX" if places[0] == 1 else "TYXC"
    axes = _AXES.get(("image", ndim), ("",))[0]
    if ndim == 4 and array.shape[1] > _FEW:
        axes = "TZYX"
    elif ndim == 5 and array.shape[1] > _FEW >= array.shape[2]:
        axes = "TZCYX"
    return "image", axes + "S" * bool(layer.rgb)


def frame_axis(axes: str) -> int | None:
    """Tell which axis is time, counted from 0; None for a single frame."""
    return axes.index("T") if "T" in axes else None


class _EmbeddingFrames:
    """Embeddings in any order of axes, read as (T, C, Y, X) frame by frame."""

    def __init__(self, array: Any, axes: str, position: int) -> None:
        self._array = array
        self._axes = axes
        self._position = position
        size = dict(zip(axes, array.shape, strict=True))
        self.shape = (size.get("T", 1), size["C"], size["Y"], size["X"])

    def __getitem__(self, frame: int) -> npt.NDArray[Any]:
        taken = {"T": frame, "P": self._position}
        index = tuple(taken.get(axis, slice(None)) for axis in self._axes)
        left = [axis for axis in self._axes if axis not in taken]
        values = np.asarray(self._array[index])
        return values.transpose([left.index(axis) for axis in "CYX"])


def region_masks(
    choice: InputChoice, given: SessionInput
) -> tuple[npt.NDArray[np.bool_] | None, npt.NDArray[np.bool_] | None]:
    """Fill the region of a choice, as a session takes it.

    Parameters
    ----------
    choice : InputChoice
        The layer and its region.
    given : SessionInput
        The same layer for a session.

    Returns
    -------
    inside, outside : (Y, X) bool or None

    Raises
    ------
    InputError
        When nothing closed was drawn.
    """
    if choice.region is None:
        return None, None
    sizes = pixels(choice.layer).shape
    rows, columns = (int(sizes[choice.axes.index(axis)]) for axis in "YX")
    return choice.region.masks(given.shape[1:], (rows, columns))


def _confined(choice: InputChoice, given: SessionInput) -> SessionInput:
    inside, outside = region_masks(choice, given)
    return replace(given, inside=inside, outside=outside)


def session_input(choice: InputChoice) -> SessionInput:
    """Wrap a layer for a session without reading its pixels.

    Parameters
    ----------
    choice : InputChoice
        The layer and how to read it.

    Returns
    -------
    SessionInput

    Raises
    ------
    InputError
        Where a channel, plane or position has to be chosen, and for axes or a mask
        that do not fit.
    """
    reading, name = choice.reading, choice.layer.name
    if reading.level >= levels(choice.layer):
        raise InputError(f"{name} has no resolution level {reading.level}.")
    array = choice.arrays()[0]
    if choice.kind != "embedding":
        movie = as_movie(
            array,
            choice.axes or None,
            reading.channel,
            plane=reading.plane,
            position=reading.position,
            name=name,
        )
        labels = _cells(choice) if choice.kind == "labels" else None
        given = SessionInput(movie, labels=labels)
        return _confined(choice, given)
    # Refuses axes that do not fit, for embeddings as well.
    as_movie(array, choice.axes or None, 0, position=reading.position, name=name)
    axes = choice.axes
    if "C" not in axes or set(axes) - set("TPCYX"):
        raise InputError(
            f"The axes {axes} are not those of an embedding: it has channels, and "
            "neither depth nor colours; for example TCYX."
        )
    frames = _EmbeddingFrames(array, axes, reading.position or 0)
    if frames.shape[1] < 2:
        raise InputError(
            f"{name} has a single channel, and embeddings need two or "
            "more; choose other axes, or image under Holds."
        )
    mask = None
    if choice.background == "mask":
        mask = _mask(choice.mask, frames.shape)
    given = SessionInput(embeddings=frames, background=choice.background, mask=mask)
    return _confined(choice, given)


def _cells(choice: InputChoice) -> Any:
    """Return the cells of a layer, (T, Y, X), without reading them; or of several."""
    if choice.mask is None:
        raise InputError("Choose the labels layer that holds the cells.")
    if not choice.alternatives:
        return _cells_of(choice.mask, choice)
    layers = choice.mask, *choice.alternatives
    return {layer.name: _cells_of(layer, choice) for layer in layers}


def _cells_of(layer: Labels, choice: InputChoice) -> Any:
    """Return the cells of a layer.

    A labels layer with as many axes as the image has the same ones.
    """
    labels, axes = pixels(layer), choice.axes.replace("S", "")
    if labels.ndim != len(axes) or axes == "TYX":
        return labels
    # Along a channel or a plane, labels may be there once, or once for each.
    taken = [a not in "TYX" and n == 1 for a, n in zip(axes, labels.shape, strict=True)]
    labels = labels[tuple(0 if one else slice(None) for one in taken)]
    left = "".join(a for a, one in zip(axes, taken, strict=True) if not one)
    channel = choice.reading.channel if "C" in left else None
    plane = choice.reading.plane if "Z" in left else None
    if isinstance(plane, str):
        raise InputError(
            f"{layer.name} has several planes, and labels cannot be projected; "
            "choose a plane, or labels of the projection."
        )
    position = choice.reading.position if "P" in left else None
    return as_movie(
        labels, left, channel, plane=plane, position=position, name=layer.name
    )


def _mask(layer: Labels | None, shape: tuple[int, ...]) -> Any:
    if layer is None:
        raise InputError("Choose the labels layer that marks where cells may be.")
    mask = pixels(layer)
    if mask.shape not in ((shape[0], *shape[2:]), shape[2:]):
        raise InputError(
            f"The mask {layer.name} has the sizes {mask.shape}; for these embeddings "
            f"it must have {(shape[0], *shape[2:])} or {shape[2:]}."
        )
    return mask
