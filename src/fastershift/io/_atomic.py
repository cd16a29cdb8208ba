"""Results that appear whole or not at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastershift.errors import FastershiftError, InputError

__all__ = ["check_free", "replacing_files", "replacing_folder"]


def check_free(path: Path, overwrite: bool, is_result: Callable[[Path], bool]) -> None:
    """Refuse a place that is taken; an empty folder is not.

    Parameters
    ----------
    path : Path
        Where a result is to go.
    overwrite : bool
        Whether a former result may be replaced.
    is_result : callable
        Tells of a path whether it is a former result and nothing else.

    Raises
    ------
    InputError
        When ``path`` holds a result that may not be replaced, or anything else.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not is_result(path):
        raise InputError(
            f"{path} holds something other than a result of fastershift, so it is not "
            "replaced; choose another name."
        )
    if not overwrite:
        raise InputError(
            f"{path} already holds a result; choose another name or ask for it to be "
            "replaced (--overwrite)."
        )


def _failure(path: Path, error: OSError) -> FastershiftError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FastershiftError(
            f"The disk is full, so {path} was not written; make room or choose another "
            "disk."
        )
    return FastershiftError(f"{path} cannot be written ({error.strerror or error}).")


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``path`` that is gone afterwards."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
    except OSError as error:
        raise _failure(path, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def replacing_folder(
    path: Path, overwrite: bool, is_result: Callable[[Path], bool]
) -> Iterator[Path]:
    """Fill a folder that takes the place of ``path`` when the block ends well.

    Parameters
    ----------
    path : Path
        Where the result goes; missing parents are made.
    overwrite, is_result
        As in `check_free`.

    Yields
    ------
    Path
        An empty folder beside ``path``.

    Raises
    ------
    InputError
        When ``path`` is taken.
    FastershiftError
        When writing fails, for example on a full disk; ``path`` is then as before.
    """
    path = path.absolute()
    check_free(path, overwrite, is_result)
    with _sibling(path) as partial:
        fresh, former = partial / "new", partial / "old"
        fresh.mkdir()
        yield fresh
        if path.exists():
            path.rename(former)
        try:
            fresh.rename(path)
        except OSError:
            if former.exists():
                former.rename(path)
            raise


@contextmanager
def replacing_files(
    path: Path, overwrite: bool, is_result: Callable[[Path], bool]
) -> Iterator[Path]:
    """Write ``path`` and files that belong to it; they appear when the block ends well.

    Parameters are as in `replacing_folder`; the files put into the yielded folder move
    beside ``path``, the one called like ``path`` last.
    """
    path = path.absolute()
    check_free(path, overwrite, is_result)
    with _sibling(path) as partial:
        yield partial
        for written in sorted(partial.iterdir(), key=lambda one: one.name == path.name):
            os.replace(written, path.with_name(written.name))
