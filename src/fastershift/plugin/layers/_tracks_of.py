"""Which layer of tracks belongs to which cells, and which tracks can be drawn."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from napari.layers import Labels, Layer, Tracks

from fastershift.editing import HIGHEST_NUMBER
from fastershift.plugin.layers._record import ResultRecord, TrackRows

__all__ = ["are_drawn", "describe_undrawn", "tracks_of"]


def are_drawn(positions: npt.NDArray[np.float64]) -> bool:
    """Tell whether a layer of tracks is made of positions.

    napari takes gigabytes for track numbers such as those of Imaris.

    Parameters
    ----------
    positions : (n, 4 or more) float64
        The number of the track first.

    Returns
    -------
    bool
        False where there are none, too.
    """
    return bool(0 < positions[:, 0].max(initial=0) <= HIGHEST_NUMBER)


def describe_undrawn(tracks: TrackRows) -> str:
    """Tell that the tracks of a result are not drawn; empty where they may be.

    Parameters
    ----------
    tracks : sequence of (id, first, last, parent)
        Of the result.

    Returns
    -------
    str
        A sentence.
    """
    if max((track[0] for track in tracks), default=0) <= HIGHEST_NUMBER:
        return ""
    return f"Tracks are not drawn: their numbers go beyond {HIGHEST_NUMBER:,}."


def tracks_of(cells: Labels, layers: Iterable[Layer]) -> Tracks | None:
    """Find the layer with the tracks of cells, whatever either is called.

    Layers of one result hold the same lineage, and so do copies that napari's
    *Duplicate Layer* makes of them. Each of several cells then has tracks of its own:
    those with a name like theirs, otherwise the next in the list of layers.

    Parameters
    ----------
    cells : Labels
        A result.
    layers : iterable of Layer
        Where to look.

    Returns
    -------
    Tracks or None
        None where there are none, or all of them belong to other cells.
    """
    rows = ResultRecord.of(cells).tracks
    if rows is None:
        return None
    same = [one for one in layers if ResultRecord.of(one).tracks is rows]
    tracks = [one for one in same if isinstance(one, Tracks)]
    rest = []
    for one in same:
        if not isinstance(one, Labels):
            continue
        name = one.name.replace("[cells]", "[tracks]")
        like = [its for its in tracks if its.name == name]
        if not like:
            rest.append(one)
            continue
        if one == cells:
            return like[0]
        tracks.remove(like[0])
    place = next((n for n, one in enumerate(rest) if one == cells), len(rest))
    return tracks[place] if place < len(tracks) else None
