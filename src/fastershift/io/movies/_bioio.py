"""Movies in the files of microscopes, read by bioio (extra ``bioio``)."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastershift.config import InputSettings
from fastershift.errors import InputError, import_extra
from fastershift.io._axes import choose_position
from fastershift.io._movie import (
    Movie,
    Scale,
    Units,
    as_movie,
    known_scale,
    no_level,
)

__all__ = ["MICROSCOPE_SUFFIXES", "read_microscope_file"]

#: Suffixes of the files that the extra has readers for.
MICROSCOPE_SUFFIXES = (".nd2", ".czi", ".lif")


def read_microscope_file(path: Path, reading: InputSettings) -> Movie:
    """Open a file of Nikon, Zeiss or Leica; its scenes are positions.

    Raises
    ------
    InputError
        When bioio or its reader is missing, the file cannot be read, or something of
        it has to be chosen.
    """
    if reading.level:
        raise no_level(path, reading.level, 1)
    bioio = import_extra(
        "bioio",
        "bioio",
        f"{path.name} is a file of a microscope, which needs more packages; "
        "install them",
        ", or save the movie as OME-TIFF",
    )
    try:
        image = bioio.BioImage(path)
        position = choose_position(len(image.scenes), reading.position, str(path))
        # By its number: two positions may have the same name.
        image.set_scene(position)
        pixels, axes, (scale, units) = image.dask_data, image.dims.order, _scale(image)
    except (InputError, OSError):
        raise
    except Exception as error:  # readers of damaged files raise anything
        raise InputError(_unreadable(path)) from error
    return as_movie(
        pixels,
        str(axes) if reading.axes == "auto" else reading.axes,
        reading.channel,
        plane=reading.plane,
        name=path.name,
        source=path,
        scale=scale,
        units=units,
    )


def _unreadable(path: Path) -> str:
    """Say whether the reader of a kind of file is missing, or the file is damaged."""
    reader = f"bioio-{path.suffix.lower()[1:]}"
    if find_spec(reader.replace("-", "_")) is None:
        return f"{path.name} needs one more package: pip install {reader}."
    return (
        f"{path} is damaged, not whole, or of a kind that {reader} does not know; copy "
        "it again, or save the movie as OME-TIFF."
    )


def _scale(image: Any) -> tuple[Scale | None, Units | None]:
    """Take the size of a pixel, which bioio gives in micrometres, and the time step."""
    sizes = getattr(image, "physical_pixel_sizes", None)
    height, width = getattr(sizes, "Y", None), getattr(sizes, "X", None)
    if not height or not width:
        return None, None
    step: Any = getattr(image, "time_interval", None)
    seconds = step.total_seconds() if hasattr(step, "total_seconds") else step
    second = "second" if seconds else "pixel"
    micrometer = "micrometer"
    steps = (float(seconds or 1), float(height), float(width))
    return known_scale(steps, (second, micrometer, micrometer))
