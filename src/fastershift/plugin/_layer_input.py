"""What a layer holds, and how it is handed to a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Labels

from fastershift.errors import InputError
from fastershift.io import as_movie
from fastershift.session import SessionInput
from fastershift.tracking import Background

__all__ = [
    "AXES",
    "InputChoice",
    "InputKind",
    "frame_axis",
    "guess_axes",
    "pixels",
    "session_input",
]

InputKind: TypeAlias = Literal["image", "embedding"]

#: Orders of axes to choose from, by kind and number of axes; the likeliest first.
AXES: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("image", 2): ("YX",),
    ("image", 3): ("TYX", "YXT", "CYX", "ZYX"),
    ("image", 4): ("TCYX", "TZYX", "CTYX", "TYXC"),
    ("embedding", 3): ("CYX", "YXC"),
    ("embedding", 4): ("TCYX", "TYXC", "CTYX"),
}

# Sizes that an axis of embedding channels has.
_CHANNELS = range(3, 65)

_LETTERS = {"time": "T", "frame": "T", "channel": "C", "plane": "Z", "depth": "Z"}


@dataclass(frozen=True)
class InputChoice:
    """A layer and how it is to be read.

    Attributes
    ----------
    layer : Image
        The layer.
    kind : {"image", "embedding"}
        Whether its pixels are intensities or vectors.
    axes : str
        One letter per axis.
    background : {"axis", "largest", "mask", "none"}
        What is background in an embedding.
    mask : Labels, optional
        Where cells may be, for ``background="mask"``.
    """

    layer: Image
    kind: InputKind
    axes: str
    background: Background = "axis"
    mask: Labels | None = None

    def arrays(self) -> tuple[Any, Any]:
        """Return the pixels of the layer and of the mask, as they are now."""
        masked = self.background == "mask" and self.mask is not None
        return pixels(self.layer), pixels(self.mask) if masked else None


def pixels(layer: Any) -> Any:
    """Return the array of a layer, at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def _labelled(layer: Image) -> str:
    """Read the axes from the layer's own labels; empty when they do not say."""
    names = [str(label).strip().lower() for label in layer.axis_labels]
    letters = [_LETTERS.get(name, name.upper()) for name in names]
    complete = all(letter in {"T", "C", "Z", "Y", "X"} for letter in letters)
    return "".join(letters) if complete and len(set(letters)) == len(letters) else ""


def guess_axes(layer: Image) -> tuple[InputKind, str]:
    """Guess from labels, shape and type what a layer holds.

    Parameters
    ----------
    layer : Image
        Any image layer.

    Returns
    -------
    kind : {"image", "embedding"}
    axes : str
        One letter per axis; an entry of `AXES`, or longer for what cannot be used.
    """
    array = pixels(layer)
    real = np.dtype(array.dtype).kind == "f"
    if layer.rgb:
        return "image", "TZYXS"[-array.ndim :] if array.ndim != 4 else "TYXS"
    labelled = _labelled(layer)
    if labelled:
        vectors = "C" in labelled and array.shape[labelled.index("C")] in _CHANNELS
        embedding = (
            real and vectors and labelled in AXES.get(("embedding", array.ndim), ())
        )
        return ("embedding" if embedding else "image"), labelled
    if array.ndim == 4 and real:
        # Small frames may look like channels; channels are the fewer.
        places = sorted((1, 3), key=lambda place: int(array.shape[place]))
        if array.shape[places[0]] in _CHANNELS:
            return "embedding", "TCYX" if places[0] == 1 else "TYXC"
    known = AXES.get(("image", array.ndim), ("TZYX",))
    if array.ndim == 4 and array.shape[1] not in _CHANNELS:
        return "image", "TZYX"
    return "image", known[0]


def frame_axis(axes: str) -> int | None:
    """Tell which axis is time, counted from 0; None for a single frame."""
    return axes.index("T") if "T" in axes else None


class _EmbeddingFrames:
    """Embeddings in any order of axes, read as (T, C, Y, X) frame by frame."""

    def __init__(self, array: Any, axes: str) -> None:
        self._array = array
        self._axes = axes
        size = dict(zip(axes, array.shape, strict=True))
        self.shape = (size.get("T", 1), size["C"], size["Y"], size["X"])

    def __getitem__(self, frame: int) -> npt.NDArray[Any]:
        index = tuple(frame if axis == "T" else slice(None) for axis in self._axes)
        left = self._axes.replace("T", "")
        values = np.asarray(self._array[index])
        return values.transpose([left.index(axis) for axis in "CYX"])


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
        For colours, channels and depth, and for a mask that does not fit.
    """
    array = pixels(choice.layer)
    _refuse(choice, array.shape)
    if choice.kind == "image":
        return SessionInput(as_movie(array, choice.axes, name=choice.layer.name))
    frames = _EmbeddingFrames(array, choice.axes)
    if frames.shape[1] < 2:
        raise InputError(
            f"{choice.layer.name} has a single channel, and embeddings need two or "
            "more; choose other axes, or image as what it holds."
        )
    mask = None
    if choice.background == "mask":
        mask = _mask(choice.mask, frames.shape)
    return SessionInput(embeddings=frames, background=choice.background, mask=mask)


def _refuse(choice: InputChoice, shape: tuple[int, ...]) -> None:
    name = choice.layer.name
    if choice.layer.rgb:
        raise InputError(
            f"{name} is a colour (RGB) image and one channel is needed: right-click "
            "the layer, choose Split RGB, and take one of the three."
        )
    if len(choice.axes) != len(shape):
        raise InputError(
            f"{name} has {len(shape)} axes, which cannot be read as a flat movie; take "
            "out one channel and one plane first."
        )
    size = dict(zip(choice.axes, shape, strict=True))
    if choice.kind == "image" and size.get("C", 1) > 1:
        raise InputError(
            f"{name} has {size['C']} channels and one is needed: right-click the "
            "layer, choose Split Stack, and take one; or say that it holds an "
            "embedding."
        )
    if size.get("Z", 1) > 1:
        raise InputError(
            f"{name} has {size['Z']} planes in depth, and flat movies are tracked; "
            "take one plane or a projection (right-click, Projections), or choose TYX "
            "if the planes are frames."
        )


def _mask(layer: Labels | None, shape: tuple[int, ...]) -> Any:
    if layer is None:
        raise InputError("Choose the labels layer that tells where cells may be.")
    mask = pixels(layer)
    if mask.shape not in ((shape[0], *shape[2:]), shape[2:]):
        raise InputError(
            f"The mask {layer.name} has the sizes {mask.shape}; for these embeddings "
            f"it must have {(shape[0], *shape[2:])} or {shape[2:]}."
        )
    return mask
