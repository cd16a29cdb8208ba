"""Frames that differ: without contrast, noise, out of focus, of another brightness."""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift.rshn import FrameSource

__all__ = [
    "BridgedMovie",
    "describe_bad",
    "describe_empty",
    "find_bad_frames",
    "good_frames",
]

# Side of the middle of a frame that is looked at, in pixels.
_SIDE = 320

# Frames of a movie that is too large to be read twice, and what is too large, in
# pixels: a fraction of a second to read, or a minute over a network.
_FEW = 32
_LARGE = 2**28

# Frames that are looked at where a model or a diameter is to be chosen.
_ACROSS = 9

# Widths of the Gaussians between which the detail of cells lies, in pixels: camera
# noise is finer.
_FINE, _COARSE = 2.0, 6.0

# A frame is out of focus where its detail is less than this share of what is usual in
# the movie.
_BLURRED = 0.35

# A frame is nothing but noise where its pixels are alike by less than this share of
# what is usual in the movie.
_NOISY = 0.35
_LAG = 4

# A frame whose range of values is so many times smaller or larger than is usual was
# saved in another way, such as with 8 bits among such of 16.
_OTHERWISE = 20.0

# Where pixels a little apart are less alike than this, as in DIC, noise is not told.
_ALIKE = 0.2

# Frames in a row across which cells are followed: they move on.
_BRIDGED = 3


@dataclass(frozen=True)
class _Look:
    """What was seen of a frame.

    Attributes
    ----------
    flat : bool
        Whether all pixels are the same, or none is a number.
    detail : float
        Share of the variation that is as fine as parts of cells.
    alike : float
        Correlation of pixels that lie a little apart.
    content : int
        Checksum of all pixels.
    span : float
        Nearly the whole range of its values.
    """

    flat: bool
    detail: float
    alike: float
    content: int
    span: float = 0.0


def _is_flat(pixels: npt.NDArray[np.generic]) -> bool:
    """Tell whether all pixels are the same, or none is a number."""
    if pixels.dtype.kind != "f":
        return bool(pixels.min() == pixels.max())
    numbers = pixels[np.isfinite(pixels)]
    return not numbers.size or bool(numbers.min() == numbers.max())


def _look(frame: npt.ArrayLike) -> _Look:
    pixels = np.asarray(frame)
    content = zlib.crc32(np.ascontiguousarray(pixels).tobytes())
    values = _middle(pixels)
    if values is None:
        return _Look(True, 0.0, 0.0, content)
    span = float(np.subtract(*np.percentile(values, (99.5, 0.5))))
    fine = ndimage.gaussian_filter(values, _FINE, mode="nearest")
    coarse = ndimage.gaussian_filter(values, _COARSE, mode="nearest")
    spread = fine.std()
    detail = float((fine - coarse).std() / spread) if spread > 0 else 0.0
    return _Look(False, detail, _correlated(values), content, span)


def _middle(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32] | None:
    """Cut out the middle of a frame; None for a frame without contrast."""
    if _is_flat(pixels):
        return None
    rows, columns = (
        slice(max(0, (length - _SIDE) // 2), (length + _SIDE) // 2)
        for length in pixels.shape
    )
    with np.errstate(over="ignore"):  # as the network is given them
        values: npt.NDArray[np.float32] = pixels[rows, columns].astype(np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        return None
    values[~finite] = np.median(values[finite])
    return values


def _correlated(values: npt.NDArray[np.float32]) -> float:
    """Tell how alike pixels are that lie a little apart: about 0 for noise."""
    apart = [(values[_LAG:], values[:-_LAG]), (values[:, _LAG:], values[:, :-_LAG])]
    return float(np.mean([_correlation(*pair) for pair in apart]))


def _correlation(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    if not one.size:
        return 1.0
    # Squares of large values are too large for 32 bits.
    wide = (pixels.astype(np.float64) for pixels in (one, other))
    first, second = (pixels - pixels.mean() for pixels in wide)
    both = math.sqrt(first.var() * second.var())
    together = (first * second).mean()
    return float(together / both) if both else 1.0


def _judge(looks: Mapping[int, _Look]) -> dict[int, str]:
    """Say what is wrong with frames, each beside what is usual in the movie."""
    some = [look for look in looks.values() if not look.flat]
    detail = float(np.median([look.detail for look in some])) if some else 0.0
    alike = float(np.median([look.alike for look in some])) if some else 0.0
    span = float(np.median([look.span for look in some])) if some else 0.0
    notes = {}
    former = None
    for frame, look in looks.items():
        if look.flat:
            notes[frame] = "without contrast"
        elif alike > _ALIKE and look.alike < _NOISY * alike:
            notes[frame] = "nothing but noise"
        elif look.detail < _BLURRED * detail:
            notes[frame] = "out of focus"
        elif span and not span / _OTHERWISE <= look.span <= span * _OTHERWISE:
            notes[frame] = "of another brightness"
        elif former == (frame - 1, look.content):
            notes[frame] = "the same as the frame before"
        former = (frame, look.content)
    return notes


def find_bad_frames(movie: FrameSource) -> Iterator[dict[int, str] | None]:
    """Find the frames on which cells cannot be found, and those that come twice.

    Of movies above 2²⁸ pixels, 32 frames are looked at, spread over the movie.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        Read one frame at a time.

    Yields
    ------
    dict of int to str, or None
        None after each frame, a place to cancel; at last what is wrong, by the number
        of the frame.
    """
    count = len(movie)
    numbers: Sequence[int] = range(count)
    if count and count * math.prod(np.shape(movie[0])) > _LARGE:
        numbers = sorted({round(i * (count - 1) / (_FEW - 1)) for i in range(_FEW)})
    looks = {}
    for number in numbers:
        looks[number] = _look(movie[number])
        yield None
    yield _judge(looks)


def describe_bad(notes: Mapping[int, str]) -> str:
    """Name frames in one sentence.

    Parameters
    ----------
    notes : mapping of int to str
        As `find_bad_frames` gives it.

    Returns
    -------
    str
        Empty where nothing is wrong.
    """
    if not notes:
        return ""
    parts = []
    for what in dict.fromkeys(notes.values()):
        frames = [frame for frame, found in notes.items() if found == what]
        parts.append(f"{_listed(frames)} ({what})")
    word = "frame" if len(notes) == 1 else "frames"
    return f"Check what was found in {word} {'; '.join(parts)}."


def good_frames(movie: FrameSource) -> FrameSource:
    """Leave frames out by which no model and no diameter can be chosen.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        The whole movie, of which a few frames are read.

    Returns
    -------
    sequence of (Y, X) frames
        The movie itself, where the frames that were looked at are good; otherwise the
        good ones among them, with the one nearest to the middle in their middle.
    """
    count = len(movie)
    middle = count // 2
    half = _ACROSS // 2
    steps = [round(k * count / _ACROSS) for k in range(-half, half + 1)]
    thirds = [round((i + 0.5) * count / 3 - 0.5) for i in range(3)]
    wanted = {0, middle, count - 1, *thirds, *(middle + step for step in steps)}
    numbers = sorted(number for number in wanted if 0 <= number < count)
    frames = {number: np.asarray(movie[number]) for number in numbers}
    bad = _judge({number: _look(frame) for number, frame in frames.items()})
    left = [number for number in numbers if number not in bad]
    if not bad or not left:
        return movie
    centre = min(range(len(left)), key=lambda place: abs(left[place] - middle))
    around = min(centre, len(left) - 1 - centre)
    return [frames[number] for number in left[centre - around : centre + around + 1]]


class BridgedMovie:
    """A movie as a network sees it: frames that show nothing look like one beside them.

    A shutter that did not open, a frame that was lost, or one of noise alone would
    otherwise end every track. So cells are followed across it.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        Read one frame at a time.
    """

    def __init__(self, movie: FrameSource) -> None:
        self._movie = movie
        # How alike pixels are in frames that were looked at; None without contrast.
        self._alike: dict[int, float | None] = {}

    def __len__(self) -> int:
        return len(self._movie)

    def __getitem__(self, index: int, /) -> npt.ArrayLike:
        """Return frame `index`, or the one that stands in for it."""
        # A lazy frame is computed here, and not again by whoever asks for it.
        frame = np.asarray(self._movie[index])
        self._look_at(index, frame)
        other = self.stand_in(index)
        return frame if other == index else self._movie[other]

    def stand_in(self, frame: int) -> int:
        """Tell which frame is shown instead of one that shows nothing.

        Parameters
        ----------
        frame : int
            Which one, from 0.

        Returns
        -------
        int
            The last of the three before it that shows something, or else the first of
            the three after it; the frame itself where it shows something, or none of
            them does.
        """
        if self._shows(frame):
            return frame
        return next(filter(self._shows, self._around(frame)), frame)

    def is_empty(self, frame: int) -> bool:
        """Tell whether a frame shows nothing, so that another one stands in for it."""
        return self.stand_in(frame) != frame

    def _around(self, frame: int) -> Iterator[int]:
        before = range(frame - 1, frame - 1 - _BRIDGED, -1)
        for other in chain(before, range(frame + 1, frame + 1 + _BRIDGED)):
            if 0 <= other < len(self._movie):
                yield other

    def _shows(self, frame: int) -> bool:
        """Tell whether a frame has contrast, and is not noise beside those before."""
        alike = self._alikeness_of(frame)
        if alike is None or alike >= _NOISY:
            return alike is not None
        # Of the first frame, those after it tell.
        near = range(frame - _BRIDGED, frame) if frame else range(1, 1 + _BRIDGED)
        looked = (self._alikeness_of(t) for t in near if 0 <= t < len(self._movie))
        usual = max((one for one in looked if one is not None), default=0.0)
        return usual <= _ALIKE or alike >= _NOISY * usual

    def _alikeness_of(self, frame: int) -> float | None:
        if frame not in self._alike:
            self._look_at(frame, np.asarray(self._movie[frame]))
        return self._alike[frame]

    def _look_at(self, number: int, pixels: npt.NDArray[np.generic]) -> None:
        alike: float | None = 1.0
        # Whoever is shown what is no grey image says so.
        if pixels.ndim == 2 and pixels.size and pixels.dtype.kind in "buif":
            values = _middle(pixels)
            alike = None if values is None else _correlated(values)
        self._alike[number] = alike


def describe_empty(frames: Sequence[int]) -> str:
    """Tell in one sentence which frames show nothing.

    Parameters
    ----------
    frames : sequence of int
        Frames for which others stood in.

    Returns
    -------
    str
        Empty where there are none.
    """
    if not frames:
        return ""
    show = "Frame {} shows" if len(frames) == 1 else "Frames {} show"
    return (
        f"{show.format(_listed(frames))} nothing: no cells there, but tracks continue."
    )


def _listed(frames: Sequence[int]) -> str:
    """Name the first eight frames, and count the others."""
    more = f" and {len(frames) - 8} more" if len(frames) > 8 else ""
    return ", ".join(map(str, frames[:8])) + more
