"""Parts of a movie on which a model is tried."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.rshn import FrameSource, normalise_robustly

__all__ = ["Sample", "take_samples"]

# Frames that are looked at: cells that divide at once change a movie's sizes quickly.
_FRAMES = 5


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame on which models are tried.

    Attributes
    ----------
    number : int
        Of the frame in the movie.
    frame : (Y, X) array
        As it is in the movie.
    seen : (Y, X) float32
        The same with intensities as a network that votes sees them.
    """

    number: int
    frame: npt.NDArray[np.generic]
    seen: npt.NDArray[np.float32]

    def richest(self, side: int) -> tuple[slice, slice]:
        """Find the square in which intensities vary most.

        Parameters
        ----------
        side : int
            In pixels.

        Returns
        -------
        rows, columns : slice
            All of them where the frame is smaller.
        """
        return self._stretch(0, side), self._stretch(1, side)

    def _stretch(self, axis: int, side: int) -> slice:
        length = self.seen.shape[axis]
        if side >= length:
            return slice(0, length)
        variation = np.clip(self.seen, -1, 1).std(axis=1 - axis)
        sums = np.convolve(variation, np.ones(side), "valid")
        first = int(sums.argmax())
        return slice(first, first + side)


def take_samples(movie: FrameSource, most: int = _FRAMES) -> tuple[Sample, ...]:
    """Take a few frames with contrast, spread evenly over a movie.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        The whole movie.
    most : int
        How many at most.

    Returns
    -------
    tuple of Sample
        None where no frame has any contrast.
    """
    count = min(most, len(movie))
    places = (round((i + 0.5) * len(movie) / count - 0.5) for i in range(count))
    samples = []
    for number in sorted(set(places)):
        frame = np.asarray(movie[number])
        seen, usable = normalise_robustly(frame, 0.0)
        if usable.any():
            samples.append(Sample(number, frame, seen))
    return tuple(samples)
