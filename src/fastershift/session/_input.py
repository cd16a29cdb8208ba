"""What a session is given to work on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastershift.instances import Background
from fastershift.rshn import FrameSource

__all__ = ["SessionInput", "SingleFrame"]


@dataclass(frozen=True)
class SessionInput:
    """What is to be segmented and tracked.

    Attributes
    ----------
    movie : sequence of (Y, X) frames, or None
        Frames to embed.
    embeddings : array_like, optional
        (T, C, Y, X) embeddings of any network, instead of a movie.
    background, mask
        What is background in given embeddings.
    labels : array_like, optional
        (T, Y, X) cells of the movie that were segmented elsewhere.
    inside, outside : (Y, X) array, optional
        Regions: cells are looked for in the one, and not in the other.
    """

    movie: FrameSource | None = None
    embeddings: Any = None
    background: Background = "axis"
    mask: npt.NDArray[Any] | None = None
    labels: Any = None
    inside: npt.NDArray[np.bool_] | None = None
    outside: npt.NDArray[np.bool_] | None = None

    @property
    def is_bare_movie(self) -> bool:
        """Whether there is a movie and nothing else."""
        others = self.embeddings, self.labels, self.inside, self.outside
        return self.movie is not None and all(one is None for one in others)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, rows and columns of the labels."""
        if self.movie is None:
            frames, _, rows, columns = self.embeddings.shape
        else:
            shape = getattr(self.movie, "shape", None)
            frames, rows, columns = shape or (
                len(self.movie),
                *np.shape(self.movie[0]),
            )
        return int(frames), int(rows), int(columns)


class SingleFrame:
    """One frame of a movie as a movie of its own.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        The whole movie.
    frame : int
        Which one.
    """

    def __init__(self, movie: FrameSource, frame: int) -> None:
        self._movie = movie
        self._frame = frame

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _index: int, /) -> npt.ArrayLike:
        """Return the frame."""
        return np.asarray(self._movie[self._frame])
