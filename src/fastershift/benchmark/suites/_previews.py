"""Previews as a session makes them, without the window that shows them."""

import time
from collections.abc import Iterator

import numpy as np

from fastershift.errors import FastershiftError
from fastershift.session import PreviewRequest, Session, SessionInput, spare_core
from fastershift.simulate import simulate_movie

__all__ = ["TimedPreviews"]

# What the shipped models see cells at, so that they see the whole frame.
_DIAMETER = 24.0
# What is simulated; larger frames are laid with it.
_SIDE, _CELLS = 512, 60


class TimedPreviews:
    """A simulated movie whose first frames are embedded; every preview is a new one.

    Parameters
    ----------
    side : int
        Rows and columns of a frame: 512, or a multiple of it.
    device : str
        Where to compute.
    seed : int
        Of the movie.
    """

    def __init__(self, side: int, device: str, seed: int) -> None:
        movie = simulate_movie(2, (_SIDE, _SIDE), _CELLS, diameter=_DIAMETER, seed=seed)
        tiles = side // _SIDE
        self._session = Session()
        self._session.open(SessionInput(np.tile(movie.frames, (1, tiles, tiles))))
        self._device = device
        self._bandwidths = _golden()
        # The network runs, and all is compiled and loaded.
        self._seconds()

    def seconds(self, count: int) -> list[float]:
        """Time previews, each of a bandwidth of its own: clustering, cells, labels."""
        return [self._seconds() for _ in range(count)]

    def _seconds(self) -> float:
        settings = {
            "embed": {"diameter": _DIAMETER, "model": "generalist"},
            "cluster": {"bandwidth": next(self._bandwidths)},
        }
        request = PreviewRequest(1, clusters=False)
        started = time.perf_counter()
        with spare_core():
            steps = self._session.preview(request, settings, device=self._device)
            shown = [step for step in steps if step is not None]
        if not shown or not shown[0].cells.any():
            raise FastershiftError("The preview that was to be timed shows no cells.")
        return time.perf_counter() - started


def _golden() -> Iterator[float]:
    """Go through bandwidths as a slider does that is moved; none comes twice."""
    step = 0
    while True:
        yield 0.005 + 0.02 * (step * 0.618 % 1)
        step += 1
