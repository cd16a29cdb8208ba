"""Units of length and time, as files spell them."""

from typing import Any

__all__ = ["unit_named"]

_SPELLINGS = {
    "picometer": ("pm", "picometre"),
    "angstrom": ("å",),
    "nanometer": ("nm", "nanometre"),
    # The micro sign and the Greek letter look alike.
    "micrometer": ("µm", "μm", "um", "micron", "micrometre"),
    "millimeter": ("mm", "millimetre"),
    "centimeter": ("cm", "centimetre"),
    "meter": ("m", "metre"),
    "inch": ("in", "inches"),
    "kilometer": ("km", "kilometre"),
    "nanosecond": ("ns", "nsec"),
    "microsecond": ("µs", "μs", "us", "usec"),
    "millisecond": ("ms", "msec"),
    "second": ("s", "sec"),
    "minute": ("min",),
    "hour": ("h", "hr"),
    "day": ("d",),
}
_NAMES = {
    spelling: name
    for name, spellings in _SPELLINGS.items()
    for spelling in (name, *spellings)
}


def unit_named(spelling: Any) -> str:
    """Return the name of a unit as pint and napari know it.

    Parameters
    ----------
    spelling : object
        Its name or sign, of one or many; a text, or what a file has in its place.

    Returns
    -------
    str
        ``"pixel"`` for one that is not known.
    """
    # ImageJ writes its texts in ASCII.
    sign = str(spelling).strip().lower().replace("\\u00b5", "µ")
    return _NAMES.get(sign) or _NAMES.get(sign.removesuffix("s"), "pixel")
