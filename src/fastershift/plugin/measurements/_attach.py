"""Measurements where other plugins look for them: in the layers themselves."""

from collections.abc import Iterable

import numpy as np
import pandas
from napari.layers import Labels, Layer
from numpy.typing import NDArray

from fastershift.measure import FrameTable
from fastershift.plugin.layers._tracks_of import tracks_of

__all__ = ["attach"]


def attach(table: FrameTable, cells: Labels, layers: Iterable[Layer]) -> None:
    """Put a table into `features` of the labels, and into those of their tracks.

    Parameters
    ----------
    table : dict
        Columns with a value for each cell of each frame.
    cells : Labels
        The layer that was measured.
    layers : iterable of Layer
        Among them that of its tracks.
    """
    features = pandas.DataFrame(dict(table))
    # Plugins find cells by "label" and "frame". napari has one row for a label, the
    # one with its number as "index", and would show that of another frame.
    features.insert(0, "label", table["track"])
    features.insert(0, "index", -1)
    cells.features = features
    tracks = tracks_of(cells, layers)
    if tracks is not None:
        tracks.properties = _at(table, tracks.data[:, 0], tracks.data[:, 1])


def _at(
    table: FrameTable, tracks: NDArray[np.float64], frames: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Look up the numbers of the cells that a layer of tracks holds."""
    span = int(max(table["frame"].max(initial=0), frames.max(initial=0))) + 1
    # The last row is not a cell: there may be none.
    known = np.append(table["track"] * span + table["frame"], -1)
    wanted = (tracks * span + frames).astype(np.int64)
    order = np.argsort(known)
    place = np.searchsorted(known, wanted, sorter=order).clip(0, len(known) - 1)
    row = order[place]
    found = known[row] == wanted
    properties = {
        name: np.where(found, np.append(values, 0).astype(np.float64)[row], np.nan)
        for name, values in table.items()
        if values.dtype.kind in "if"
    }
    # napari colours by it, and counts on it.
    return properties | {"track_id": tracks}
