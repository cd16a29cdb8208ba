"""Flicker: how much brighter a frame is than those around it, told by its cells."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["WatchedTables", "describe_flicker", "factor_of", "with_flicker"]

_Table: TypeAlias = dict[str, NDArray[Any]]
_Reals: TypeAlias = NDArray[np.float64]

#: A cell is compared with itself in so many frames before, and after.
REACH = 3
#: A change that fewer cells share is their own.
_FEWEST = 6
#: Cells that stand out less from the background, over the median of all, tell noise.
_DIM = 0.3
#: A common change of fewer standard errors is taken for none.
_SURE = 2.0
#: Flicker below this is not spoken of.
_NOTABLE = 0.03
#: Columns that are the same for all cells of a frame.
_OF_FRAME = ("flicker_", "background_")
#: A background that changes by a smaller part of what cells change by stays as it is.
_FOLLOWS = 0.05


def with_flicker(
    tables: Iterable[_Table],
    channels: Sequence[str],
    *,
    pixel_area: float,
    take_out: bool,
) -> Iterator[_Table]:
    """Tell the flicker of each frame, once those after it are known.

    Parameters
    ----------
    tables : iterable of dict
        Of the frames in their order, with all cells.
    channels : sequence of str
        Their names.
    pixel_area : float
        In the unit of the areas.
    take_out : bool
        Change the grey values to what they would be without it.

    Yields
    ------
    dict
        The tables with the columns ``flicker_{channel}``.
    """
    held: list[_Table] = []
    here = 0
    for table in tables:
        held.append(table)
        if len(held) - 1 - here == REACH:
            yield _told(held, here, channels, pixel_area, take_out)
            here += 1
        if here > REACH:
            held.pop(0)
            here -= 1
    for place in range(here, len(held)):
        window = held[max(0, place - REACH) :]
        yield _told(window, min(place, REACH), channels, pixel_area, take_out)


def _told(
    window: Sequence[_Table],
    here: int,
    channels: Sequence[str],
    pixel_area: float,
    take_out: bool,
) -> _Table:
    # As many frames before as after, so that fading is no flicker.
    reach = min(here, len(window) - 1 - here)
    window, here = window[here - reach : here + reach + 1], reach
    table = dict(window[here])
    pixels = np.rint(table["area"] / pixel_area)
    for channel in channels:
        factor = factor_of(_heights(window, here, channel), here)
        table[f"flicker_{channel}"] = np.full(len(pixels), factor)
        if take_out and np.isfinite(factor):
            _steady(table, channel, factor, _usual(window, channel), pixels)
    return table


def _heights(window: Sequence[_Table], here: int, channel: str) -> _Reals:
    """Return how far each cell stands out from the background, (frames, cells)."""
    tracks = window[here]["track"]
    heights = np.full((len(window), len(tracks)), np.nan)
    for row, table in zip(heights, window, strict=True):
        _, mine, its = np.intersect1d(tracks, table["track"], return_indices=True)
        row[mine] = (table[f"mean_{channel}"] - table[f"background_{channel}"])[its]
    return heights


def factor_of(heights: _Reals, here: int) -> float:
    """Estimate how much brighter a frame is than those around it.

    Parameters
    ----------
    heights : (frames, cells) float64
        How far each cell stands out from the background in frames that follow each
        other; NaN where it is not there.
    here : int
        The frame in question.

    Returns
    -------
    float
        What most cells share of their change against their own median; NaN where there
        are too few cells.
    """
    if len(heights) < 3 or np.isfinite(heights[here]).sum() < _FEWEST:
        return np.nan
    usual = np.nanmedian(np.abs(heights[here]))
    clear = np.abs(heights[here]) > _DIM * usual
    # Seen in most of the frames, on the same side of the background.
    beside = heights * heights[here] > 0
    logs = np.full(heights.shape, np.nan)
    np.log(np.abs(heights), where=beside, out=logs)
    clear &= 2 * np.isfinite(logs).sum(axis=0) > len(logs)
    if np.count_nonzero(clear) < _FEWEST:
        return np.nan
    own = logs[here, clear] - np.nanmedian(logs[:, clear], axis=0)
    shared = float(np.median(own))
    # Standard error of a median, from the median distance to it.
    error = 1.25 * 1.48 * float(np.median(np.abs(own - shared))) / np.sqrt(len(own))
    return float(np.exp(shared)) if abs(shared) > _SURE * error else 1.0


def _usual(window: Sequence[_Table], channel: str) -> float:
    """Return the background that frames next to each other have in the median."""
    name = f"background_{channel}"
    return float(np.nanmedian([table[name][0] for table in window if len(table[name])]))


def _steady(
    table: _Table, channel: str, factor: float, usual: float, pixels: _Reals
) -> None:
    """Take the flicker out of the grey values of a frame.

    What stands out from the background is divided by the factor, and the background
    set to what it is in the frames around: an offset of the camera does no harm so.
    """
    background = table[f"background_{channel}"]
    for name in ("mean", "min", "max", "ring_mean"):
        column = f"{name}_{channel}"
        if column in table:
            table[column] = usual + (table[column] - background) / factor
    total, spread = f"sum_{channel}", f"std_{channel}"
    table[total] = table[f"mean_{channel}"] * pixels
    table[spread] = table[spread] / factor


def describe_flicker(
    tables: Sequence[_Table], channels: Iterable[str], how: str | None
) -> list[str]:
    """Say which channels flicker.

    Parameters
    ----------
    tables : sequence of dict
        Measurements of each frame; the first cell of a frame will do.
    channels : iterable of str
        Their names.
    how : str or None
        What takes it out; None where it was.

    Returns
    -------
    list of str
        A sentence or two for each that does.
    """

    def of_frames(name: str) -> _Reals:
        return np.concatenate([table[name][:1] for table in tables])

    told = (
        _describe(
            channel,
            of_frames(f"flicker_{channel}"),
            of_frames(f"background_{channel}"),
            how,
        )
        for channel in channels
    )
    return [sentence for sentence in told if sentence]


class WatchedTables:
    """Tables that pass by one after the other, and what is told of them in the end.

    Parameters
    ----------
    tables : iterable of dict
        Measurements of each frame.

    Attributes
    ----------
    cells : int
        Rows so far.
    """

    def __init__(self, tables: Iterable[_Table]) -> None:
        self._tables = tables
        self._first: list[_Table] = []
        self.cells = 0

    def __iter__(self) -> Iterator[_Table]:
        """Hand on the tables; what is told of their frames is kept."""
        for table in self._tables:
            self.cells += len(table["track"])
            # Copied, because a part of a column keeps all of it in memory.
            self._first.append(
                {
                    name: column[:1].copy()
                    for name, column in table.items()
                    if name.startswith(_OF_FRAME)
                }
            )
            yield table

    def describe_flicker(self, channels: Iterable[str], how: str | None) -> list[str]:
        """Say which channels flicker; as `describe_flicker`."""
        return describe_flicker(self._first, channels, how)


def _describe(
    channel: str, factors: _Reals, backgrounds: _Reals, how: str | None
) -> str:
    changed = np.abs(factors - 1) > _NOTABLE
    if not changed.any():
        return ""
    frames, most = np.count_nonzero(changed), np.abs(factors[changed] - 1).max()
    done = "was taken out" if how is None else f"is left in; {how} takes it out"
    said = (
        f"Channel {channel} flickers: {frames} of {len(factors)} frames are up to "
        f"{most:.0%} brighter or darker than those around them. This {done}."
    )
    still = np.count_nonzero(changed & ~_follows(factors, backgrounds, changed))
    if still:
        said += (
            f" In {still} of them the background did not follow: there the cells "
            "themselves may have changed, all at once."
        )
    return said


def _follows(
    factors: _Reals, backgrounds: _Reals, changed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell in which frames the background became brighter or darker with the cells."""
    share = np.zeros(len(factors))
    for t in np.flatnonzero(changed):
        usual = np.nanmedian(backgrounds[max(0, t - REACH) : t + REACH + 1])
        if usual:
            share[t] = (backgrounds[t] / usual - 1) / (factors[t] - 1)
    # Of light on top of an offset of the camera, the share is the same in all frames.
    return share > max(_FOLLOWS, np.median(share[changed]) / 2)
