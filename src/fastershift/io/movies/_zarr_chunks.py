"""Pixels of a Zarr on disk: those that are lost are told, and never read as black."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from fastershift.errors import FastershiftError
from fastershift.io._movie import Lost

__all__ = ["StoredArray"]

_Key = tuple[int, ...]
#: Frames, spread over the movie, that are read to tell zeros from losses.
_MOST_READ = 16


class StoredArray:
    """A Zarr array of which it is known what was on disk when it was opened.

    Parameters
    ----------
    array : zarr.Array
        The array.
    place : Path
        Where it lies.
    """

    def __init__(self, array: Any, place: Path) -> None:
        self._array = array
        self._place = place
        self._outer = getattr(array, "shards", None) or array.chunks
        self._there: set[_Key] = set()
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read pixels.

        Raises
        ------
        FastershiftError
            When some were there before and are lost, as those of a disk that was taken
            out are: Zarr reads them as 0.
        """
        pixels = np.asarray(self._array[index])
        for key in self._chunks(index):
            if key in self._there and not self._is_there(key):
                raise FastershiftError(
                    f"Pixels of {self._place} are not there any more; check that its "
                    "disk is connected, and open it again."
                )
        return pixels

    def _chunks(self, index: Sequence[int | slice]) -> Iterator[_Key]:
        """List the chunks in which pixels lie."""
        axes = zip(index, self._outer, self.shape, strict=True)
        ranges = []
        for at, chunk, size in axes:
            if isinstance(at, slice):
                start, stop, _ = at.indices(size)
                ranges.append(range(start // chunk, -(-stop // chunk)))
            else:
                ranges.append(range(int(at) // chunk, int(at) // chunk + 1))
        return product(*ranges)

    def _is_there(self, key: _Key) -> bool:
        name = self._array.metadata.encode_chunk_key(key)
        return bool((self._place / name).is_file())

    def lost(self, index: Sequence[int | str]) -> Lost | None:
        """Find the frames whose chunks are not there, and remember which are.

        A chunk that holds nothing but zeros may be left out on purpose, so a frame
        counts as lost only where it has no chunk at all, or lacks one that most frames
        have and around which most pixels are not 0.

        Parameters
        ----------
        index : sequence of int or str
            How the movie lies in the array, see `AxesPlan`.
        """
        if "T" not in index:
            return None
        time = index.index("T")
        whole, length = self.shape[time], self._outer[time]
        there: dict[int, set[int]] = {}
        for step in range(-(-whole // length)):
            keys = dict(enumerate(self._chunks(_frame(index, step * length))))
            there[step] = {n for n, key in keys.items() if self._is_there(key)}
            self._there.update(keys[n] for n in there[step])
        usual = {
            number
            for number in set().union(*there.values())
            if 2 * sum(number in found for found in there.values()) > len(there)
        }
        gone = [step for step, found in there.items() if not found or usual - found]
        partly = [step for step in gone if there[step]]
        read = partly[:: -(-len(partly) // _MOST_READ) or 1]
        zeros = {step for step in read if self._has_zeros(_frame(index, step * length))}
        # Where all that were read are zeros that were left out, so are the others.
        zeros = {*partly} if len(zeros) == len(read) else zeros
        gone = [step for step in gone if step not in zeros]
        if not gone:
            return None

        def frames_of(steps: Iterable[int]) -> frozenset[int]:
            spans = (range(step * length, (step + 1) * length) for step in steps)
            return frozenset(t for span in spans for t in span if t < whole)

        frames = frames_of(gone)
        verb = "has" if len(frames) == 1 else "have"
        return Lost(
            frames,
            f"{len(frames)} of its {whole} frames {verb} lost pixels, the first is "
            f"frame {min(frames)} (or zarr has left out pixels that are all 0, which "
            "it keeps with write_empty_chunks)",
            frames_of(step for step in gone if there[step]),
        )

    def _has_zeros(self, at: list[int | slice]) -> bool:
        """Tell whether chunks that a frame lacks can be zeros that were left out.

        A chunk that is lost lies among pixels of the image, and one that was left out
        mostly among further zeros.
        """
        try:
            pixels = np.asarray(self._array[tuple(at)])
        except Exception:  # noqa: BLE001 (decoders of damaged chunks raise anything)
            return False
        open_axes = [axis for axis, one in enumerate(at) if isinstance(one, slice)]
        missing = np.zeros(pixels.shape, bool)
        for key in self._chunks(at):
            if not self._is_there(key):
                corner = [(key[a] * self._outer[a], self._outer[a]) for a in open_axes]
                missing[tuple(slice(low, low + size) for low, size in corner)] = True
        around = pixels[binary_dilation(missing) & ~missing]
        empty = self._array.fill_value or 0
        return bool(2 * np.count_nonzero(_equals(around, empty)) >= len(around))


def _frame(index: Sequence[int | str], t: int) -> list[int | slice]:
    """Index a frame whole, as far as channel, plane and position are chosen."""
    return [
        t if one == "T" else one if isinstance(one, int) else slice(None)
        for one in index
    ]


def _equals(values: NDArray[Any], one: Any) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (values == one) | ((values != values) & (one != one))
    return same
