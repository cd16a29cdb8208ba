"""Results that appear whole or not at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastershift.errors import FastershiftError, InputError

__all__ = ["replacing_files", "replacing_folder"]


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if not overwrite:
        raise InputError(
            f"{path} already holds a result; choose another name or ask for it to be "
            "replaced (--overwrite)."
        )
    raise InputError(
        f"{path} holds files that are not a result of fastershift, so it is not "
        "replaced; choose another name."
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
    overwrite : bool
        Whether a former result may be replaced.
    is_result : callable
        Tells of a folder whether it is a former result and nothing else.

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
    taken = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    if taken and not (overwrite and path.is_dir() and is_result(path)):
        _refuse_existing(path, overwrite)
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
    if path.exists() and not (overwrite and path.is_file() and is_result(path)):
        _refuse_existing(path, overwrite)
    with _sibling(path) as partial:
        yield partial
        for written in sorted(partial.iterdir(), key=lambda one: one.name == path.name):
            os.replace(written, path.with_name(written.name))
