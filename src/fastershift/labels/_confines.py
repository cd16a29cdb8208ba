"""Where in a frame cells may be: inside of a region, or outside of one."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastershift.errors import InputError
from fastershift.labels._noise import is_noisy
from fastershift.labels._regions import coded

__all__ = ["Confines", "keep_inside"]

#: A cell of which a smaller share lies in the region is left out.
_HALF = 0.5


class _Frames(Protocol):
    def __len__(self) -> int:
        """Tell the number of frames."""

    def __getitem__(self, index: int, /) -> Any:
        """Return a frame, (Y, X)."""


@dataclass(frozen=True, eq=False)
class Confines:
    """Regions in which cells are looked for, and those in which they are not.

    Attributes
    ----------
    inside, outside : sequence of (Y, X) frames, or None
        Masks, other than 0 in the region: one for each frame of the movie, or a single
        one for all. A cell may be where `inside` is set and `outside` is not.
    """

    inside: _Frames | None = None
    outside: _Frames | None = None

    def __post_init__(self) -> None:
        if self.inside is None and self.outside is None:
            raise InputError("A region needs a mask.")

    def check(self, n_frames: int, shape: tuple[int, int]) -> None:
        """Make sure that the masks fit a movie.

        Parameters
        ----------
        n_frames : int
            Frames of the movie.
        shape : (int, int)
            Rows and columns.

        Raises
        ------
        InputError
            When they do not, when they are plainly a movie, when they cover every
            pixel, and when they leave none.
        """
        for masks in (self.inside, self.outside):
            if masks is None:
                continue
            if len(masks) not in (1, n_frames):
                raise InputError(
                    f"The region has {len(masks)} frames, and the movie has {n_frames};"
                    " give one mask for all frames, or one for each."
                )
            size = np.shape(masks[0])
            if size != tuple(shape):
                raise InputError(
                    f"The region is {' × '.join(map(str, size))} pixels, and the movie "
                    f"is {shape[0]} × {shape[1]}; give a mask of the same pixels."
                )
        for masks in (self.inside, self.outside):
            if masks is not None:
                _check_mask(masks)
        if not any(self.at(frame).any() for frame in range(n_frames)):
            raise InputError(
                "The region leaves no pixel in which cells could be; give a mask that "
                "is other than 0 in the region."
            )

    def record(self) -> dict[str, str]:
        """Tell for the provenance of a result which regions there were."""
        masks = {"inside": self.inside, "outside": self.outside}
        return {name: "a region" for name, mask in masks.items() if mask is not None}

    def at(self, frame: int) -> npt.NDArray[np.bool_]:
        """Tell where cells may be in a frame, (Y, X)."""
        masks = self.inside if self.inside is not None else self.outside
        assert masks is not None  # noqa: S101 (one of them is there)
        allowed = np.ones(np.shape(masks[0]), bool)
        if self.inside is not None:
            allowed &= _mask(self.inside, frame)
        if self.outside is not None:
            allowed &= ~_mask(self.outside, frame)
        return allowed


def _check_mask(masks: _Frames) -> None:
    """Make sure that masks show a region, and leave the rest out."""
    covered = all(_mask(masks, frame).all() for frame in range(len(masks)))
    first = np.asarray(masks[0])
    # Probabilities and distances, too, differ from pixel to pixel, and are 0 outside.
    if is_noisy(first) and (covered or first.dtype.kind in "ui"):
        raise InputError(
            "The region is no mask: most pixels differ from those next to them, as in "
            "a movie. Give an image that is 0 outside of the region, and 1 in it."
        )
    # Where all pixels have one value it is clear that every pixel is meant.
    if covered and (first != first[:1, :1]).any():
        raise InputError(
            "The region covers every pixel, as its mask is 0 nowhere; give a mask that "
            "is 0 outside of the region (some programs write 1 in it and 2 outside)."
        )


def _mask(masks: _Frames, frame: int) -> npt.NDArray[np.bool_]:
    values = np.asarray(masks[frame if len(masks) > 1 else 0])
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise InputError(
            "The region holds pixels that are not numbers; give a mask that is 0 "
            "outside of it."
        )
    mask: npt.NDArray[np.bool_] = values != 0
    return mask


def keep_inside(
    labels: npt.NDArray[np.int32], allowed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    """Leave out the cells of which less than half lies where cells may be.

    Parameters
    ----------
    labels : (Y, X) int32
        Cells; 0 is background.
    allowed : (Y, X) bool
        Where cells may be.

    Returns
    -------
    (Y, X) int32
        Cells that are kept are whole.
    """
    ids, codes = coded(labels)
    every = np.bincount(codes.ravel(), minlength=len(ids))
    within = np.bincount(codes[allowed], minlength=len(ids))
    gone = within < _HALF * every
    gone[:1] = False
    if not gone.any():
        return labels
    return np.where(gone[codes], 0, labels).astype(np.int32)
