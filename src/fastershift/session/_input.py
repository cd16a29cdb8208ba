"""What a session is given to work on."""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from fastershift.rshn import FrameSource
from fastershift.tracking import Background

__all__ = ["SessionInput"]


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
    """

    movie: FrameSource | None = None
    embeddings: Any = None
    background: Background = "axis"
    mask: npt.NDArray[Any] | None = None
