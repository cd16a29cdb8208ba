"""What software leaves in pictures: time stamps, scale bars, the blocks of JPEG."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from fastershift.simulate._draws import Floats

__all__ = ["Stamp", "blocky"]

# Seven rows of five pixels from top to bottom, as bits.
_GLYPHS = {
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (31, 2, 4, 2, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    ":": (0, 4, 4, 0, 4, 4, 0),
    "h": (16, 16, 22, 25, 17, 17, 17),
    "m": (0, 0, 26, 21, 21, 21, 21),
    "u": (0, 0, 17, 17, 17, 19, 29),
    "t": (8, 8, 28, 8, 8, 9, 6),
    "=": (0, 0, 31, 0, 31, 0, 0),
    " ": (0, 0, 0, 0, 0, 0, 0),
}
_WEIGHTS = 2 ** np.arange(4, -1, -1)


def _written(text: str) -> NDArray[np.bool_]:
    """Draw text, 7 rows high, each letter 6 columns wide."""
    letters = []
    for letter in text:
        bits = (np.array(_GLYPHS[letter])[:, None] & _WEIGHTS) > 0
        letters.append(np.pad(bits, ((0, 0), (0, 1))))
    return np.concatenate(letters, axis=1)


class Stamp:
    """A time stamp or a scale bar in a corner, or both.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where draws come from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._scale = int(rng.integers(1, 4))
        self._timed, self._barred = [(True, False), (False, True), (True, True)][
            rng.integers(3)
        ]
        self._minutes = int(rng.integers(1, 61))
        self._form = str(rng.choice(["{h:02d}:{m:02d}", "t={t}", "{t:03d} m", "{h} h"]))
        self._length = int(rng.integers(20, 80))
        self._corners = rng.permutation(4)[:2]
        self._bright = rng.random() < 0.8

    def press(self, picture: NDArray[np.float64] | Floats, t: int, top: float) -> None:
        """Write onto a picture.

        Parameters
        ----------
        picture : (Y, X) array
            Changed in place.
        t : int
            Number of the frame.
        top : float
            What bright text is as bright as; dark text is 0.
        """
        value = top if self._bright else 0
        minutes = t * self._minutes
        if self._timed:
            text = self._form.format(h=minutes // 60, m=minutes % 60, t=minutes)
            drawn = np.kron(_written(text), np.ones((self._scale, self._scale), bool))
            self._put(picture, drawn, self._corners[0], value)
        if self._barred:
            bar = np.ones((2 * self._scale, self._length), bool)
            self._put(picture, bar, self._corners[1], value)

    def _put(
        self, picture: Floats, drawn: NDArray[np.bool_], corner: int, value: float
    ) -> None:
        gap = 3 * self._scale
        height, width = picture.shape
        rows = min(drawn.shape[0], height - gap)
        columns = min(drawn.shape[1], width - gap)
        y = gap if corner < 2 else height - gap - rows
        x = gap if corner % 2 else width - gap - columns
        part = picture[max(y, 0) : y + rows, max(x, 0) : x + columns]
        part[drawn[: part.shape[0], : part.shape[1]]] = value


def blocky(picture: Floats, coarse: float) -> Floats:
    """Lose what JPEG loses: small waves in blocks of 8 × 8 pixels.

    Parameters
    ----------
    picture : (Y, X) array
        Values from 0 to 255.
    coarse : float
        Step of the finest waves in grey levels; that of the widest is a quarter.
    """
    height, width = picture.shape
    padded = np.pad(picture, ((0, -height % 8), (0, -width % 8)), mode="edge")
    tiles = padded.reshape(padded.shape[0] // 8, 8, -1, 8)
    waves = fft.dctn(tiles, axes=(1, 3), norm="ortho")
    order = np.add.outer(np.arange(8), np.arange(8))
    step = (coarse * (0.25 + 0.75 * order / 14)).reshape(1, 8, 1, 8)
    kept = fft.idctn(np.round(waves / step) * step, axes=(1, 3), norm="ortho")
    return np.asarray(kept.reshape(padded.shape)[:height, :width])
