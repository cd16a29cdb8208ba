"""Sentences and numbers about a job."""

import time

from fastershift.config import find_setting
from fastershift.errors import FastershiftError, explain

__all__ = ["describe_error", "remaining"]


def describe_error(error: BaseException) -> str:
    """Say in one sentence what went wrong, and which control of the panel can help.

    Parameters
    ----------
    error : BaseException
        Any error of a job.

    Returns
    -------
    str
    """
    sentence = explain(error)
    options = error.options if isinstance(error, FastershiftError) else {}
    controls = [
        info.label for name in options if (info := find_setting(name)) is not None
    ]
    if not controls:
        return sentence
    return f"{sentence.removesuffix('.')} (see {' or '.join(controls)})."


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
