"""Voxel size and time step from the metadata of a TIFF file."""

from collections.abc import Mapping
from itertools import pairwise
from statistics import median
from typing import Any

import tifffile

from fastershift.io._movie import Scale, Units
from fastershift.io._units import unit_named

__all__ = ["tiff_scale"]

#: By how much a time between two frames may differ from the others.
_UNEVEN = 0.1


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None


def _combined(
    time: float | None, height: float | None, width: float | None, units: Units
) -> tuple[Scale | None, Units | None]:
    if time is None and height is None and width is None:
        return None, None
    known = (time is not None, height is not None, width is not None)
    named = tuple(u if k else "pixel" for u, k in zip(units, known, strict=True))
    return (time or 1.0, height or 1.0, width or 1.0), (named[0], named[1], named[2])


def _step_of_planes(pixels: Mapping[str, Any]) -> tuple[float | None, str]:
    """Tell the time between frames from the time of each, if it is always the same.

    Most microscopes write when every plane was taken, and nothing else.
    """
    planes = pixels.get("Plane", [])
    taken = {
        plane.get("TheT", 0): (_time(plane), plane.get("DeltaTUnit", "s"))
        for plane in (planes if isinstance(planes, list) else [planes])
        if isinstance(plane, Mapping)
        and plane.get("TheC", 0) == plane.get("TheZ", 0) == 0
    }
    times = [taken[frame][0] for frame in sorted(taken)]
    steps = [after - before for before, after in pairwise(times)]
    units = {unit for _, unit in taken.values()}
    whole = len(taken) == pixels.get("SizeT") and len(units) == 1
    if not (steps and whole):
        return None, "s"
    step = median(steps)
    even = all(abs(one - step) <= _UNEVEN * step for one in steps)
    return _positive(step) if even else None, units.pop()


def _time(plane: Mapping[str, Any]) -> float:
    try:
        return float(plane["DeltaT"])
    except (KeyError, TypeError, ValueError):
        return float("nan")


def _ome_scale(pixels: Mapping[str, Any]) -> tuple[Scale | None, Units | None]:
    step = _positive(pixels.get("TimeIncrement"))
    time_unit = pixels.get("TimeIncrementUnit", "s")
    if step is None:
        step, time_unit = _step_of_planes(pixels)
    # The OME schema gives micrometres and seconds where no unit is named.
    return _combined(
        step,
        _positive(pixels.get("PhysicalSizeY")),
        _positive(pixels.get("PhysicalSizeX")),
        (
            unit_named(time_unit),
            unit_named(pixels.get("PhysicalSizeYUnit", "µm")),
            unit_named(pixels.get("PhysicalSizeXUnit", "µm")),
        ),
    )


def _imagej_scale(
    metadata: Mapping[str, Any], page: Any
) -> tuple[Scale | None, Units | None]:
    unit = unit_named(metadata.get("unit", ""))
    sizes: list[float | None] = []
    for name in ("YResolution", "XResolution"):
        tag = page.tags.get(name)
        numerator, denominator = tag.value if tag is not None else (0, 1)
        known = unit != "pixel" and numerator
        sizes.append(_positive(denominator / numerator) if known else None)
    interval = _positive(metadata.get("finterval"))
    time_unit = unit_named(metadata.get("tunit", "s"))
    return _combined(interval, sizes[0], sizes[1], (time_unit, unit, unit))


def tiff_scale(
    file: tifffile.TiffFile, number: int
) -> tuple[Scale | None, Units | None]:
    """Read the voxel size that OME or ImageJ has left in a file.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.
    number : int
        Which of its images is meant.

    Returns
    -------
    scale : (float, float, float) or None
        Time step, height and width of a pixel; 1 where one of them is not known.
    units : (str, str, str) or None
        Their units; ``"pixel"`` where one of them is not known.
    """
    if file.is_ome and file.ome_metadata:
        images = tifffile.xml2dict(file.ome_metadata).get("OME", {}).get("Image", {})
        images = images if isinstance(images, list) else [images]
        # Images without pixels are not counted.
        image = images[number if 0 <= number < len(images) == len(file.series) else 0]
        return _ome_scale(image.get("Pixels", {}))
    if file.is_imagej and file.imagej_metadata:
        return _imagej_scale(file.imagej_metadata, file.pages[0])
    return None, None
