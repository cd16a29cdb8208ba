"""The embedding as colours: its principal axes as red, green and blue."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fastershift.pipeline import Plan
from fastershift.session.views._frame import embedded_pair, pair_foreground, to_pixels

__all__ = ["ColourAxes", "ColourFrame", "colour_frame"]

# Pixels from which the axes are computed.
_SAMPLE = 20_000
# Vectors that are enough to keep the axes for other frames.
_ENOUGH = 100
# Standard deviations about the mean that the colours span.
_SPREAD = 2.0
# Brightness of what is background.
_DIMMED = 0.3


@dataclass(frozen=True)
class ColourAxes:
    """Directions of the embedding that are shown as red, green and blue.

    Attributes
    ----------
    mean : (C,) float32
        Shown as grey.
    axes : (3, C) float32
        One for each colour.
    spread : (3,) float32
        Standard deviation along each of them.
    settled : bool
        Whether they came from enough vectors to be kept for other frames.
    """

    mean: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]
    spread: npt.NDArray[np.float32]
    settled: bool

    @classmethod
    def of(cls, vectors: npt.NDArray[np.float32]) -> "ColourAxes":
        """Compute the principal axes of (n, C) vectors; the first is red."""
        n_channels = vectors.shape[1]
        step = max(1, len(vectors) // _SAMPLE)
        sample = vectors[::step]
        mean = sample.mean(axis=0) if len(sample) else np.zeros(n_channels, np.float32)
        _, lengths, found = np.linalg.svd(sample - mean, full_matrices=False)
        axes = np.zeros((3, n_channels), dtype=np.float32)
        spread = np.ones(3, dtype=np.float32)
        n_axes = min(3, len(found))
        # An axis may point either way: settled, so that colours are the same each time.
        signs = np.sign(found[np.arange(n_axes), np.abs(found[:n_axes]).argmax(axis=1)])
        axes[:n_axes] = found[:n_axes] * signs[:, None]
        spread[:n_axes] = lengths[:n_axes] / np.sqrt(max(1, len(sample)))
        spread = np.maximum(spread, 1e-3)
        return cls(mean, axes, spread, len(vectors) >= _ENOUGH)

    def colours(self, codes: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Give (C, Y, X) vectors (Y, X, 3) colours."""
        along = np.tensordot(self.axes, codes, axes=1)
        along -= (self.axes @ self.mean)[:, None, None]
        shown = 0.5 + along / (2 * _SPREAD * self.spread[:, None, None])
        return np.moveaxis((255 * shown.clip(0, 1)).astype(np.uint8), 0, -1)


@dataclass(frozen=True)
class ColourFrame:
    """The embedding of a frame as colours.

    Attributes
    ----------
    frame : int
        Its number.
    colours : (Y, X, 3) uint8
        Background is dimmed.
    axes : ColourAxes
        For the frames to come.
    """

    frame: int
    colours: npt.NDArray[np.uint8]
    axes: ColourAxes


def colour_frame(
    plan: Plan, frame: int, axes: ColourAxes | None = None
) -> Iterator[ColourFrame | None]:
    """Show the embedding of a frame as colours.

    Parameters
    ----------
    plan : Plan
        The run.
    frame : int
        Counted from 0.
    axes : ColourAxes, optional
        Of a frame before, so that a cell keeps its colour; by default computed from the
        cells of this one.

    Yields
    ------
    ColourFrame or None
        None any number of times, each a place to stop; then the colours.

    Raises
    ------
    InputError
        As `embedded_pair`.
    """
    for pair in embedded_pair(plan, frame):
        yield None
        if pair is None:
            continue
        foreground = pair_foreground(plan, pair.frame, pair.embeddings)
        codes = torch.nn.functional.normalize(pair.embeddings.float(), dim=1)
        vectors = codes.nan_to_num(0.0).cpu().numpy()
        if axes is None or axes.mean.shape[0] != vectors.shape[1]:
            inside = np.moveaxis(vectors, 1, -1)[foreground]
            axes = ColourAxes.of(inside)
        place = frame - pair.frame
        colours = axes.colours(vectors[place])
        dark = ~foreground[place]
        colours[dark] = (colours[dark] * _DIMMED).astype(np.uint8)
        yield ColourFrame(frame, to_pixels(plan, colours), axes)
