"""What a plan on given masks takes of them, frame by frame."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fastershift.labels import keep_inside
from fastershift.pipeline._plan import Plan
from fastershift.pipeline.masks import MaskSource, voted_by_masks
from fastershift.tracking import MaskFrame, VotedPlaces

__all__ = ["masks_at", "votes_at"]


def masks_at(plan: Plan, number: int) -> npt.NDArray[np.int32]:
    """Give the masks of a frame that lie where cells may be, (Y, X).

    Parameters
    ----------
    plan : Plan
        Of given masks.
    number : int
        The frame.
    """
    masks = plan.source
    assert isinstance(masks, MaskSource)  # noqa: S101 (the plan is one of masks)
    frame = masks.frame(number)
    if plan.confines is not None:
        frame = keep_inside(frame, plan.confines.at(number))
    return frame


def votes_at(plan: Plan, number: int, frame: MaskFrame) -> Iterator[VotedPlaces | None]:
    """Ask the network of a plan where the cells of a frame were in the one before.

    Parameters
    ----------
    plan : Plan
        With a voter.
    number : int
        The frame, not the first one.
    frame : MaskFrame
        Its cells.

    Yields
    ------
    VotedPlaces or None
        None any number of times, each a place to stop; at last the places.
    """
    assert plan.voter is not None  # noqa: S101 (asked before)
    for pair in plan.voter.pair(number - 1):
        if pair is None or pair.votes is None:
            yield None
        else:
            yield voted_by_masks(pair.votes, frame.labels, frame.cells, plan.settings)
