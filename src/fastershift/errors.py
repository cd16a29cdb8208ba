"""The two kinds of sentence a user can be told when something stops."""

__all__ = ["FastershiftError", "InputError"]


class FastershiftError(Exception):
    """A failure of a job, told as one plain sentence that says what to do.

    The command line ends with exit code 1, the widget shows the sentence.
    """


class InputError(FastershiftError, ValueError):
    """Input that cannot be used, told as one plain sentence that says what to do.

    The command line ends with exit code 2, the widget shows the sentence.
    """
