"""Corrections that are followed through time by the embeddings of frame pairs."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from fastershift.editing._carried import Carried
from fastershift.editing._cells import Cells
from fastershift.editing._next_frame import FoundCells, Scene, find_in_next_frame
from fastershift.editing._vectors import FrameVectors
from fastershift.errors import InputError

__all__ = ["PairVectors", "propagate"]

#: Gives the embeddings of frames t and t + 1 from one recurrent state, after any number
#: of None, each a place to stop.
PairVectors: TypeAlias = Callable[
    [int], Iterator[tuple[FrameVectors, FrameVectors] | None]
]


def propagate(
    cells: Cells,
    pairs: PairVectors,
    frame: int,
    ids: Sequence[int],
    *,
    bandwidth: float,
    limit: float = 0.3,
    backwards: bool = False,
    until: int | None = None,
) -> Iterator[Carried | None]:
    """Carry corrected cells from frame to frame.

    In each following frame the mode of a corrected cell claims the pixels that are
    nearer to it than to the modes of the cells around. Automatic cells that lie in what
    is claimed are taken with their outline, merged or divided as the correction asks.
    It ends where the automatic result agrees again, where it divides a cell, where the
    confidence falls below the limit, or where a cell is lost.

    Nothing is changed here: what is yielded is to be made with `Editor.extend`.

    Parameters
    ----------
    cells : Cells
        Labels and tracks, the correction included.
    pairs : callable
        Embeddings of frames t and t + 1.
    frame : int
        Where the correction was made.
    ids : sequence of int
        The corrected cells of this frame.
    bandwidth : float
        Cosine distance h.
    limit : float
        Least confidence, 0 to 1: how far the embedding agrees (IoU) with the outline
        that would be written, times the root of the ratio of areas.
    backwards : bool
        Towards the first frame.
    until : int, optional
        Last frame to be corrected, included.

    Yields
    ------
    Carried or None
        None at places to stop; an edit for every frame; the last one says why it ends.

    Raises
    ------
    InputError
        When a cell is not there.
    """
    step = -1 if backwards else 1
    end = (0 if backwards else len(cells) - 1) if until is None else until
    total = max(0, (end - frame) * step)
    with cells.guard:
        for label in ids:
            if label not in cells.frame(frame):
                raise InputError(f"There is no cell {label} in frame {frame}.")
        regions = [cells.region(frame, label) for label in ids]
    for done in range(1, total + 1):
        now, then = frame + (done - 1) * step, frame + done * step
        vectors = None
        for vectors in pairs(min(now, then)):
            if vectors is None:
                yield None
        if vectors is None:
            raise InputError(f"There are no embeddings of frame {then}.")
        source, target = vectors[::step]
        with cells.guard:
            divided = _division(cells, ids, now, then)
            scene = Scene.of(cells, now, then, ids, regions)
        found = find_in_next_frame(scene, source, target, bandwidth)
        ending = divided or _reason_to_stop(found, limit)
        stopped = ""
        if ending:
            stopped = f"Stopped at frame {then}: {ending}"
        elif done == total:
            reached = "the movie ends" if until is None else "as you said"
            stopped = f"Continued to frame {then}: {reached}."
        yield Carried(
            then,
            tuple(ids),
            () if ending else found.regions,
            () if divided else found.agreeing,
            backwards,
            found.confidence,
            done,
            total,
            stopped,
        )
        if ending:
            return
        regions = list(found.regions)


def _reason_to_stop(found: FoundCells, limit: float) -> str:
    """Say why a correction goes no further, if it does not."""
    if found.agreeing:
        return "the automatic result agrees."
    if found.confidence < limit and not found.problem:
        return f"the confidence of {found.confidence:.2f} is below {limit:.2f}."
    return found.problem


def _division(cells: Cells, ids: Sequence[int], now: int, then: int) -> str:
    """Say where the automatic result divides a corrected cell."""
    for label in ids:
        track = cells.tracks.get(label)
        if track is None:
            continue
        if then > now:
            born = [
                child
                for child in cells.children(label)
                if cells.tracks[child].first == then
            ]
            if len(born) > 1:
                return f"the automatic result divides {label} there."
        elif track.first == now and len(cells.children(track.parent)) > 1:
            return f"{label} was born there."
    return ""
