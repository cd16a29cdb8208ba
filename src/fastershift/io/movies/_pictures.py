"""Pictures in PNG, JPEG and BMP."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._movie import Movie, as_movie, no_level

__all__ = ["JPEG_SUFFIXES", "PICTURE_SUFFIXES", "Picture", "read_picture"]

JPEG_SUFFIXES = (".jpg", ".jpeg")
PICTURE_SUFFIXES = (".png", *JPEG_SUFFIXES, ".bmp")

#: Modes of Pillow that hold one number for each pixel.
_GREY = {
    "1": np.bool_,
    "L": np.uint8,
    "I;16": np.uint16,
    "I;16B": np.uint16,
    "I": np.int32,
    "F": np.float32,
}


@dataclass(frozen=True)
class Picture:
    """One picture as an array; its pixels are read when asked for.

    Attributes
    ----------
    path : Path
        The file.
    axes : {"YX", "YXS"}
        Whether it has colours.
    shape : tuple of int
        Rows, columns, and 3 colours where it has some.
    dtype : dtype
        Of a pixel.
    """

    path: Path
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def open(cls, path: Path) -> "Picture":
        """Read the head of the file.

        Raises
        ------
        InputError
            When it is not a picture, or holds several.
        """
        try:
            with Image.open(path) as image:
                size, mode = (image.height, image.width), image.mode
                # Cameras put a small copy behind a picture.
                frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        except (
            UnidentifiedImageError,
            Image.DecompressionBombError,
            OSError,
            ValueError,
            SyntaxError,
        ) as error:
            raise InputError(
                f"{path} cannot be read as a picture ({error})."
            ) from error
        if frames > 1:
            raise InputError(
                f"{path} holds {frames} pictures, of which only the first could be "
                "taken; save them as a TIFF, or one by one."
            )
        if mode in _GREY:
            return cls(path, "YX", size, np.dtype(_GREY[mode]))
        return cls(path, "YXS", (*size, 3), np.dtype(np.uint8))

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        with Image.open(self.path) as image:
            grey = image if self.axes == "YX" else image.convert("RGB")
            pixels = np.asarray(grey)
        return pixels.astype(self.dtype, copy=False)[index]


def read_picture(path: Path, reading: InputSettings) -> Movie:
    """Open a picture as a movie of one frame."""
    if reading.level:
        raise no_level(path, reading.level, 1)
    picture = Picture.open(path)
    return as_movie(
        picture,
        picture.axes,
        reading.channel,
        plane=reading.plane,
        position=reading.position,
        name=path.name,
        source=path,
    )
