"""Units of length and time, as files spell them."""

__all__ = ["unit_named"]

_SPELLINGS = {
    "angstrom": ("å",),
    "nanometer": ("nm", "nanometre"),
    # The micro sign and the Greek letter look alike.
    "micrometer": ("µm", "μm", "um", "micron", "microns", "micrometre"),
    "millimeter": ("mm", "millimetre"),
    "centimeter": ("cm", "centimetre"),
    "meter": ("m", "metre"),
    "inch": ("in", "inches"),
    "millisecond": ("ms", "msec", "milliseconds"),
    "second": ("s", "sec", "seconds"),
    "minute": ("min", "minutes"),
    "hour": ("h", "hr", "hours"),
    "day": ("d", "days"),
}
_NAMES = {
    spelling: name
    for name, spellings in _SPELLINGS.items()
    for spelling in (name, *spellings)
}


def unit_named(spelling: str) -> str:
    """Return the name of a unit as pint and napari know it.

    Parameters
    ----------
    spelling : str
        Its name or sign.

    Returns
    -------
    str
        ``"pixel"`` for one that is not known.
    """
    return _NAMES.get(spelling.strip().lower(), "pixel")
