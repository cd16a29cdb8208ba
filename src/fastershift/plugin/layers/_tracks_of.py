"""Which layer of tracks belongs to which cells."""

from collections.abc import Iterable

from napari.layers import Labels, Layer, Tracks

from fastershift.plugin.layers._record import ResultRecord

__all__ = ["tracks_of"]


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
