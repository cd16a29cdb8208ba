"""Errors whose message is one plain sentence for the user."""

__all__ = ["FastershiftError", "InputError", "is_shortage"]

# What errors about memory say, those of libraries that are being loaded included.
_SHORTAGE = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "failed to map segment",
    "can't start new thread",
)


class FastershiftError(Exception):
    """A failure of a job, told as one plain sentence that says what to do.

    The command line ends with exit code 1, the widget shows the sentence.
    """


class InputError(FastershiftError, ValueError):
    """Input that cannot be used, told as one plain sentence that says what to do.

    The command line ends with exit code 2, the widget shows the sentence.
    """


def is_shortage(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out; torch has many ways to say so.

    Parameters
    ----------
    error : BaseException
        Any error.

    Returns
    -------
    bool
    """
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    kinds = (RuntimeError, OSError, ImportError)
    return isinstance(error, kinds) and any(one in text for one in _SHORTAGE)
