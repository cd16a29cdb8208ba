"""Sentences and numbers about a job."""

import time

from fastershift.errors import FastershiftError

__all__ = ["describe_error", "remaining"]


def describe_error(error: BaseException) -> str:
    """Say what went wrong in one sentence.

    Parameters
    ----------
    error : BaseException
        Any error of a job.

    Returns
    -------
    str
    """
    if isinstance(error, FastershiftError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory ran out; use a smaller region or a larger cell diameter."
    return f"Something unexpected went wrong ({type(error).__name__}: {error})."


def remaining(started: float, done: int, total: int) -> float | None:
    """Estimate the seconds left of a job.

    Parameters
    ----------
    started : float
        `time.monotonic` when it began.
    done, total : int
        Steps.

    Returns
    -------
    float or None
        None before the first step.
    """
    if not done:
        return None
    return (time.monotonic() - started) / done * (total - done)
