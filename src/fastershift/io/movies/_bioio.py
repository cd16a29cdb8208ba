"""Movies in the files of microscopes, read by bioio (extra ``bioio``)."""

from pathlib import Path
from typing import Any

from fastershift.config import InputSettings
from fastershift.errors import InputError, import_extra
from fastershift.io._axes import choose_position
from fastershift.io._movie import Movie, Scale, Units, as_movie, no_level

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
        scenes = list(image.scenes)
    except Exception as error:  # readers of damaged files raise anything
        raise InputError(f"{path} cannot be read by bioio ({error}).") from error
    image.set_scene(scenes[choose_position(len(scenes), reading.position, str(path))])
    scale, units = _scale(image)
    return as_movie(
        image.dask_data,
        str(image.dims.order) if reading.axes == "auto" else reading.axes,
        reading.channel,
        plane=reading.plane,
        name=path.name,
        source=path,
        scale=scale,
        units=units,
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
    return (float(seconds or 1), height, width), (second, micrometer, micrometer)
