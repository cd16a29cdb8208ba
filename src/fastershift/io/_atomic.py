"""Results that appear completely or not at all, and never replace anything else."""

import hashlib
import os
import platform
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from fastershift.errors import FastershiftError, InputError, refusal

__all__ = [
    "MADE_BY",
    "check_apart",
    "check_free",
    "check_writable",
    "finish_files",
    "fitting_name",
    "machine_name",
    "real_path",
    "replacing_files",
    "replacing_folder",
]

#: Ends the name of what stands for a file that is to be removed.
_GONE = ".gone"

#: What was in the place of a new folder, until that is there.
_FORMER = "old"

#: Bytes of a name that disks take.
_LONGEST = 255

#: What files say about who has written them.
MADE_BY = f"fastershift {version('fastershift')}"


def real_path(path: Path) -> Path:
    """Follow links, so that what they lead to is replaced and not the link.

    Raises
    ------
    InputError
        For links that lead to one another.
    """
    real = Path(os.path.realpath(path))
    if os.path.islink(real):
        raise InputError(
            f"{path} is a link that leads to itself; remove it, or choose another name."
        )
    return real


def check_free(
    paths: Sequence[Path], overwrite: bool, is_result: Callable[[Path], bool]
) -> None:
    """Refuse a place that is taken; an empty folder is not.

    Parameters
    ----------
    paths : sequence of Path
        All that a result is to replace.
    overwrite : bool
        Whether a former result may be replaced.
    is_result : callable
        Tells of one of the paths whether it belongs to a former result and holds
        nothing else.

    Raises
    ------
    InputError
        When one of them holds a result that may not be replaced, or anything else, or
        is a disk.
    """
    for path in map(real_path, paths):
        if os.path.ismount(path):  # what is put in its place is a folder beside it
            raise InputError(f"{path} is a disk of its own; name a folder in it.")
    taken = [path for path in map(real_path, paths) if _holds_something(path)]
    for path in taken:
        # Whoever reads a pipe or a device may wait, or read, without end.
        if not (path.is_file() or path.is_dir()) or not is_result(path):
            raise InputError(
                f"{path} holds something other than a result of fastershift, "
                "so it is not replaced; choose another name."
            )
    if taken and not overwrite:
        raise InputError(
            f"{taken[0]} already holds a result; choose another name or ask for it to "
            "be replaced.",
            overwrite=True,
        )


def _holds_something(path: Path) -> bool:
    try:
        return any(path.iterdir()) if path.is_dir() else path.exists()
    except OSError as error:
        raise FastershiftError(refusal(path, error, "written")) from error


def check_apart(path: Path, source: Path, called: str = "the movie") -> None:
    """Refuse a place that is, or lies in, what is read.

    Parameters
    ----------
    path : Path
        What is to be written.
    source : Path
        File or folder of what is read.
    called : str
        What that is called in a sentence.

    Raises
    ------
    InputError
        When the movie would be replaced, or what is written become a part of it.
    """
    place, movie = real_path(path), real_path(source)
    if _same(place, movie):
        raise InputError(
            f"{path} is {called} itself, and it is not replaced; choose another name."
        )
    if any(_same(above, movie) for above in place.parents):
        raise InputError(
            f"{path} lies inside {called} {source}; choose a place outside of it."
        )


def _same(one: Path, other: Path) -> bool:
    """Compare what lies there; many disks do not tell a from A in a name."""
    if one == other:
        return True
    with suppress(OSError):
        return one.samefile(other)
    return False


def check_writable(path: Path) -> None:
    """Try whether something can be written, and leave nothing behind.

    Parameters
    ----------
    path : Path
        A file or folder to be; folders above it may be missing, too.

    Raises
    ------
    FastershiftError
        When it cannot be made: the place is read-only, a file is in the way, or the
        name is too long.
    """
    path = real_path(path)
    try:
        missing = [path.name]
        above = path.parent
        while not above.exists():
            missing.insert(0, above.name)
            above = above.parent
        trial = _beside(above / path.name)
        trial.mkdir()
        try:
            trial.joinpath(*missing).mkdir(parents=True)
        finally:
            shutil.rmtree(trial, ignore_errors=True)
    except OSError as error:
        raise FastershiftError(refusal(path, error, "written")) from error


def fitting_name(name: str, ending: str = "") -> str:
    """Shorten a name that no disk takes; a hash keeps it apart from others.

    Parameters
    ----------
    name : str
        Any name.
    ending : str
        What is to follow, and is always kept.

    Returns
    -------
    str
        The name and its ending, of at most 255 bytes.
    """
    if len(os.fsencode(name + ending)) <= _LONGEST:
        return name + ending
    return f"{name[:40]}.{_mark(name)}{ending}"


def machine_name() -> str:
    """Tell the name of this machine, as a part of names on disks that others share."""
    return re.sub(r"\W", "_", platform.node())


def _mark(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _beside(path: Path) -> Path:
    """Name a folder beside ``path`` that nobody else uses, and that nobody sees."""
    return path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.part")


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``path`` that is gone afterwards.

    It stays where it holds what was at ``path``, and nothing is there now.
    """
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
    except OSError as error:
        raise FastershiftError(refusal(path, error, "written")) from error
    finally:
        if path.exists() or not (partial / _FORMER).exists():
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def replacing_folder(
    path: Path, overwrite: bool, is_result: Callable[[Path], bool]
) -> Iterator[Path]:
    """Fill a folder that takes the place of ``path`` when the block ends well.

    Parameters
    ----------
    path : Path
        Where the result goes; missing parents are made, and links are followed.
    overwrite, is_result
        As in `check_free`.

    Yields
    ------
    Path
        An empty folder beside ``path``.

    Raises
    ------
    InputError
        When ``path`` is taken, before the block or in the meantime.
    FastershiftError
        When writing fails, for example on a full disk; ``path`` is then as before.
    """
    path = real_path(path)
    check_free([path], overwrite, is_result)
    with _sibling(path) as partial:
        fresh, former = partial / "new", partial / _FORMER
        fresh.mkdir()
        yield fresh
        check_free([path], overwrite, is_result)
        try:
            with suppress(FileNotFoundError):
                path.rename(former)
            fresh.rename(path)
        except BaseException as error:
            if former.exists() and not path.exists():
                _put_back(former, path, error)
            raise


def _put_back(former: Path, path: Path, error: BaseException) -> None:
    """Undo the first of two steps; where that fails, tell where both results are."""
    try:
        former.rename(path)
    except OSError:
        raise FastershiftError(
            f"{path} cannot be replaced ({error}). What was there is now in {former}, "
            f"and the new one lies beside it; move one of them to {path.name}."
        ) from error


@contextmanager
def replacing_files(
    paths: Sequence[Path], overwrite: bool, is_result: Callable[[Path], bool]
) -> Iterator[Path]:
    """Write files that belong together; they appear when the block ends well.

    Parameters
    ----------
    paths : sequence of Path
        All the files, the main one first; links are followed. Those that the block
        does not write are removed, since they belong to the former result.
    overwrite, is_result
        As in `check_free`.

    Yields
    ------
    Path
        An empty folder; the files go there under the names that they have.

    Raises
    ------
    InputError, FastershiftError
        As `replacing_folder`.
    """
    main = real_path(paths[0])
    finish_files(paths)
    check_free(paths, overwrite, is_result)
    with _sibling(main) as partial:
        yield partial
        check_free(paths, overwrite, is_result)
        for path in paths:
            if not (partial / path.name).exists():
                (partial / fitting_name(path.name, _GONE)).touch()
        settled = partial.rename(_settled(main))
        try:
            _put_in_place(settled, paths)
        except OSError:
            # This is told, so none of them may come later over what is saved there.
            if len(os.listdir(settled)) == len(paths):
                shutil.rmtree(settled, ignore_errors=True)
            raise


def finish_files(paths: Sequence[Path]) -> None:
    """Put files in their places that were written, but not put there to the end.

    Several files cannot be replaced at once. Where a program was ended in between, the
    new ones still lie in a hidden folder, all of them, and take their places now,
    unless something was saved there since.

    Parameters
    ----------
    paths : sequence of Path
        As in `replacing_files`.
    """
    settled = _settled(real_path(paths[0]))
    if not settled.is_dir():
        return
    for path in paths:
        for fresh in (settled / path.name, settled / fitting_name(path.name, _GONE)):
            with suppress(FileNotFoundError):
                if real_path(path).stat().st_mtime > fresh.stat().st_mtime:
                    fresh.unlink()
    _put_in_place(settled, paths)


def _put_in_place(settled: Path, paths: Sequence[Path]) -> None:
    for path in reversed(paths):  # the main one last: it tells of a whole result
        target = real_path(path)
        # Another process may do the same.
        with suppress(FileNotFoundError):
            os.replace(settled / path.name, target)
        with suppress(FileNotFoundError):
            (settled / fitting_name(path.name, _GONE)).unlink()
            target.unlink()
    with suppress(OSError):
        settled.rmdir()


def _settled(main: Path) -> Path:
    """Name the folder of files that only have to be put in their places."""
    return main.with_name(f".{main.name[:40]}.{_mark(main.name)}.written")
