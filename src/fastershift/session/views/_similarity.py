"""How similar every pixel is to one of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fastershift.pipeline import Plan
from fastershift.session.views._frame import (
    Pixel,
    embedded_run,
    network_pixel,
    pair_foreground,
    to_pixels,
    unit_codes,
)

__all__ = ["SimilarityFrame", "similarity_to"]

# Frames after the one that was clicked; fewer where the recurrent state restarts,
# since vectors of different states have nothing to do with each other.
_AHEAD = 4


@dataclass(frozen=True)
class SimilarityFrame:
    """The similarity of the pixels of a frame to one pixel.

    Attributes
    ----------
    frame : int
        Number of the frame.
    similarity : (Y, X) float32
        Cosine, -1 to 1.
    foreground : (Y, X) bool
        Pixels that are clustered.
    """

    frame: int
    similarity: npt.NDArray[np.float32]
    foreground: npt.NDArray[np.bool_]

    def within(self, bandwidth: float) -> npt.NDArray[np.bool_]:
        """Tell which clustered pixels lie within the bandwidth h of the pixel.

        It is the cluster whose mode the pixel would be.
        """
        return self.foreground & (self.similarity >= 1 - bandwidth)


def similarity_to(plan: Plan, pixel: Pixel) -> Iterator[SimilarityFrame | None]:
    """Compare every pixel with one, in its frame and in those that follow.

    Parameters
    ----------
    plan : Plan
        The run.
    pixel : Pixel
        In image pixels.

    Yields
    ------
    SimilarityFrame or None
        None at places to stop; the frames in order.

    Raises
    ------
    InputError
        For a pixel that is not there, and as `embedded_pair`.
    """
    row, column = network_pixel(plan, pixel)
    target = None
    for found in embedded_run(plan, pixel.frame, _AHEAD):
        yield None
        if found is None:
            continue
        frame, embedding = found
        codes = unit_codes(plan, embedding)
        if target is None:
            target = codes[:, row, column].clone()
        similarity = torch.einsum("c,cyx->yx", target, codes).clamp(-1, 1)
        foreground = pair_foreground(plan, frame, embedding[None])[0]
        yield SimilarityFrame(
            frame,
            to_pixels(plan, similarity.cpu().numpy()),
            to_pixels(plan, foreground, False),
        )
