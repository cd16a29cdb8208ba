"""Errors in one plain sentence for the user, how it counts, and missing packages."""

import errno
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType

__all__ = [
    "FastershiftError",
    "InputError",
    "check_ordinary",
    "counted",
    "counted_tracks",
    "explain",
    "import_extra",
    "is_shortage",
    "refusal",
]

# What errors about memory say, those of libraries that are being loaded included.
_SHORTAGE = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "failed to map segment",
    "can't start new thread",
    "bad_alloc",
)


class FastershiftError(Exception):
    """A failure of a job, told as one plain sentence that says what to do.

    The command line ends with exit code 1, the widget shows the sentence. The sentence
    does not know which of them shows it: each names its own option or control.

    Parameters
    ----------
    sentence : str
        What is wrong, and what to do.
    **options
        What can be changed, by its name in Python, with a value that would do, such as
        ``channel=0``; True for a switch.

    Attributes
    ----------
    options : dict
        The same.

    Examples
    --------
    >>> error = FastershiftError("There are 3 channels; choose one.", channel=0)
    >>> str(error), error.options
    ('There are 3 channels; choose one.', {'channel': 0})
    """

    def __init__(self, sentence: str, **options: object) -> None:
        super().__init__(sentence)
        self.options = options


class InputError(FastershiftError, ValueError):
    """Input that cannot be used, told as one plain sentence that says what to do.

    The command line ends with exit code 2, the widget shows the sentence.
    """


def counted(number: int, noun: str) -> str:
    """Write a number of things as a person does.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        What, in the singular; the plural takes an s.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "track"), counted(0, "division")
    ('1 track', '0 divisions')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counted_tracks(frames: int, tracks: int, divisions: int) -> str:
    """Tell how much a result holds.

    Parameters
    ----------
    frames, tracks, divisions : int
        How many.

    Returns
    -------
    str
        A single image has cells instead of tracks.

    Examples
    --------
    >>> counted_tracks(12, 24, 1), counted_tracks(1, 6, 0)
    ('12 frames, 24 tracks and 1 division', '1 frame, 6 cells')
    """
    if frames == 1:
        return f"1 frame, {counted(tracks, 'cell')}"
    parts = counted(frames, "frame"), counted(tracks, "track")
    return f"{', '.join(parts)} and {counted(divisions, 'division')}"


def check_ordinary(path: Path) -> None:
    """Refuse pipes and devices: whoever reads them may wait, or read, without end.

    Parameters
    ----------
    path : Path
        What is to be read; it need not exist.

    Raises
    ------
    InputError
        When it is neither a file nor a folder.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is neither a file nor a folder; give a copy in one.")


def import_extra(module: str, extra: str, need: str, instead: str = "") -> ModuleType:
    """Import what only some need, or say how to get it.

    Parameters
    ----------
    module : str
        Name of the module.
    extra : str
        Which extra of fastershift brings it.
    need : str
        Beginning of the sentence, such as "Videos need one more package; install it".
    instead : str
        What to do otherwise, to go on in the sentence.

    Returns
    -------
    module

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"{need} with pip install 'fastershift[{extra}]'{instead}."
        ) from error


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


def refusal(place: str | PathLike[str], error: OSError, done: str = "used") -> str:
    """Say in one sentence what the file system refuses.

    Parameters
    ----------
    place : path
        File or folder.
    error : OSError
        What the system said.
    done : str
        What cannot be done with it: ``"read"``, ``"written"``, ...

    Returns
    -------
    str
    """
    # numpy counts pieces that it could not write, and does not say why.
    cut = " requested and " in str(error)
    if cut or error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full, so {place} was not {done}; make room or choose another "
            "disk."
        )
    if error.errno == errno.ENAMETOOLONG:
        return f"The name {place} is too long for this disk; choose a shorter one."
    elsewhere = "; choose another place" if done == "written" else ""
    return f"{place} cannot be {done} ({error.strerror or error}){elsewhere}."


def explain(error: BaseException) -> str:
    """Say in one sentence what any error means, foreseen or not.

    Parameters
    ----------
    error : BaseException
        Any error.

    Returns
    -------
    str
    """
    if isinstance(error, FastershiftError):
        return str(error)
    if is_shortage(error):
        return (
            "The memory of this machine, or what is allowed of it, is not enough; "
            "close other programs, take a smaller region or a larger cell diameter, or "
            "use a machine with more."
        )
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return refusal(str(error.filename), error)
    if isinstance(error, RuntimeError) and "cpuinfo" in str(error):
        return (
            "This machine does not say what processor it has; run where /proc can be "
            "read."
        )
    return f"Something unexpected went wrong ({type(error).__name__}: {error})."
