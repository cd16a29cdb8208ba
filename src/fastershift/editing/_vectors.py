"""Embeddings of a frame under the pixels of the image."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.editing._region import Box, Mask, Region
from fastershift.errors import InputError
from fastershift.meanshift import ClusterOptions, cluster

__all__ = ["FrameVectors", "mode_of"]

Vectors = npt.NDArray[np.float32]
_Reals = npt.NDArray[np.float64]


class FrameVectors:
    """The embedding of one frame, asked for in pixels of the image.

    Parameters
    ----------
    embedding : (C, y, x) Tensor
        One vector per network pixel, of any length.
    frame_shape : (int, int)
        Rows and columns of the image.
    zoom : float
        Share of the image that the embedding covers, about its centre.
    background_axis : bool
        Whether background points along the first axis of the vectors.
    threshold : float
        Foreground lies below this squared cosine with the first axis, 0 to 1.
    empty : bool
        Whether the frame shows nothing, so that no cell is to be found in it: the
        embedding is then that of another frame.

    Raises
    ------
    InputError
        For embeddings of separate tiles.
    """

    def __init__(
        self,
        embedding: Tensor,
        frame_shape: tuple[int, int],
        *,
        zoom: float = 1.0,
        background_axis: bool = True,
        threshold: float = 0.5,
        empty: bool = False,
    ) -> None:
        if embedding.ndim != 3:
            raise InputError(
                "Tiles that are clustered separately cannot be followed by "
                "their embeddings; choose the profile 'default' for that."
            )
        self.empty = empty
        self._embedding = embedding
        self._shape = frame_shape
        self._zoom = zoom
        self._background_axis = background_axis
        self._threshold = threshold

    def _places(self, pixels: npt.ArrayLike, axis: int) -> _Reals:
        """Return where rows or columns of the image lie in the embedding."""
        length, full = self._embedding.shape[1 + axis], self._shape[axis]
        centred = np.asarray(pixels, np.float64) - (full - 1) / 2
        places: _Reals = centred * (length / full / self._zoom) + (length - 1) / 2
        return places.clip(0, length - 1)

    def _unit(self, rows: slice, columns: slice) -> Vectors:
        """Return (C, h, w) unit vectors of a part of it; 0 where unusable."""
        window = self._embedding[:, rows, columns].float().cpu().numpy()
        length = np.sqrt(np.einsum("chw,chw->hw", window, window))
        usable = np.isfinite(length) & (length > 0)
        unit: Vectors = np.where(usable, window / np.where(usable, length, 1), 0)
        return unit

    def _window(self, box: Box) -> tuple[Vectors, _Reals, _Reals]:
        """Return the unit vectors around a box, and where its pixels lie in them."""
        places = [
            self._places(np.arange(side.start, side.stop), axis)
            for axis, side in enumerate(box)
        ]
        sides = [slice(int(place[0]), int(np.ceil(place[-1])) + 1) for place in places]
        unit = self._unit(*sides)
        rows, columns = (p - s.start for p, s in zip(places, sides, strict=True))
        return unit, rows, columns

    def under(self, region: Region) -> Vectors:
        """Return the unit vectors under a region.

        Returns
        -------
        (n, C) float32
            One for each pixel, the nearest in the embedding.
        """
        unit, rows, columns = self._window(region.box)
        y, x = region.mask.nonzero()
        nearest = rows.round().astype(int)[y], columns.round().astype(int)[x]
        found: Vectors = unit[:, nearest[0], nearest[1]].T
        return found

    def probability(self, vectors: Vectors) -> float:
        """Tell how sure the network is that pixels belong to cells.

        Parameters
        ----------
        vectors : (n, C) float32
            As `under` gives them.

        Returns
        -------
        float
            Mean probability, 0 to 1; 1 where background has no direction.
        """
        if not self._background_axis or not len(vectors):
            return 1.0
        return 1 - float(np.square(vectors[:, 0]).mean())

    def at(self, y: int, x: int) -> Vectors:
        """Return the (C,) unit vector under one pixel."""
        vector: Vectors = self.under(Region(y, x, 1, 1, b"\x80"))[0]
        return vector

    def cosines(self, box: Box, modes: Vectors) -> Vectors:
        """Compare every pixel of a rectangle with some modes.

        Parameters
        ----------
        box : (slice, slice)
            In pixels of the image.
        modes : (k, C) float32
            Unit vectors.

        Returns
        -------
        (k, h, w) float32
            Cosines, interpolated between the vectors of the embedding.
        """
        unit, rows, columns = self._window(box)
        return _interpolated(np.tensordot(modes, unit, axes=1), rows, columns)

    def foreground(self, box: Box) -> Mask:
        """Tell which pixels of a rectangle the embedding takes for cells."""
        unit, rows, columns = self._window(box)
        usable = np.square(unit).sum(axis=0, keepdims=True)
        along = np.square(unit[:1]) if self._background_axis else np.zeros_like(usable)
        values = np.where(usable > 0, along, 1)
        mask: Mask = _interpolated(values, rows, columns)[0] < self._threshold
        return mask


def _interpolated(maps: Vectors, rows: _Reals, columns: _Reals) -> Vectors:
    """Interpolate (k, y, x) maps linearly at a grid of places."""
    along_y, along_x = (
        _weights(places, length)
        for places, length in zip((rows, columns), maps.shape[1:], strict=True)
    )
    found: Vectors = along_y @ maps.astype(np.float32) @ along_x.T
    return found


def _weights(places: _Reals, length: int) -> Vectors:
    """Return (n, length) weights of the pixels on both sides of each place."""
    pixels = np.arange(length)
    weights = (1 - np.abs(places[:, None] - pixels)).clip(0)
    return weights.astype(np.float32)


def mode_of(vectors: Vectors, bandwidth: float, seed: Vectors | None = None) -> Vectors:
    """Shift a seed to the mode it belongs to.

    Parameters
    ----------
    vectors : (n, C) float32
        Unit vectors of the pixels that count.
    bandwidth : float
        Cosine distance h.
    seed : (C,) float32, optional
        Where to start; by default the mean of the vectors. The vector nearest to it
        is shifted (Zhao et al. 2021, Algorithm 2).

    Returns
    -------
    (C,) float32
        Unit vector.

    Raises
    ------
    InputError
        When there is no vector to start from.
    """
    vectors = vectors[vectors.any(axis=1)]
    if not len(vectors):
        raise InputError("There is no embedding here; choose another pixel.")
    start = vectors.mean(axis=0) if seed is None else seed
    found = cluster(
        torch.from_numpy(np.ascontiguousarray(vectors)),
        ClusterOptions(bandwidth=bandwidth, reseed=False),
        seeds=torch.tensor([int((vectors @ start).argmax())]),
    )
    mode: Vectors = found.centers[0].cpu().numpy()
    return mode
