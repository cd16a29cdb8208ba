"""The two kinds of sentence a user can be told when something stops."""

__all__ = ["FastershiftError", "InputError", "is_shortage"]

# What errors about memory say.
_SHORTAGE = ("out of memory", "can't allocate memory", "not enough memory")


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
    return isinstance(error, RuntimeError) and any(one in text for one in _SHORTAGE)
