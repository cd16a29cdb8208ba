"""What an unfinished run leaves on disk, so that it can go on where it stopped."""

import errno
import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastershift.errors import FastershiftError, InputError, is_shortage, refusal
from fastershift.io import fitting_name, import_zarr, write_file
from fastershift.labels import empty_labels, strips

__all__ = [
    "LinkedFrames",
    "WorkFolder",
    "alone",
    "check_idle",
    "hash_of",
    "run_alone",
]

Labels = npt.NDArray[np.int32]

_NOTE = "signature.json"
_BATCH = ".running"
#: What a run must share with the one it resumes, and how a person calls it.
_PARTS = {
    "settings": "other settings",
    "model": "another model",
    "input": "another movie, or the movie has changed",
    "version": "another version of fastershift",
    "chunks": "chunks of another length",
}
#: What is read where nothing was written, or what was written is lost; no label is.
_NOTHING = -1


def hash_of(values: Any) -> str:
    """Hash plain values, for a signature."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed, or its process ends in whatever way."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network drives know no locks.
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


@contextmanager
def _held(mark: Path, output: Path) -> Iterator[None]:
    """Lock a file during the block; it is gone afterwards, and folders made for it."""
    made = [one for one in mark.parents if not one.exists()]
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        file = mark.open("ab")
    except OSError as error:
        raise FastershiftError(refusal(output, error, "written")) from error
    with file:
        if not _lock(file.fileno()):
            raise _is_written(output)
        try:
            yield
        finally:
            with suppress(OSError):
                mark.unlink()
            if sys.platform == "win32":  # which keeps what is open
                file.close()
                with suppress(OSError):
                    mark.unlink()
            with suppress(OSError):  # what has come to hold something stays
                for folder in made:
                    folder.rmdir()


def _is_held(mark: Path) -> bool:
    try:
        with mark.open("r+b") as file:
            return not _lock(file.fileno())
    except OSError:
        return False


def _is_written(output: Path) -> InputError:
    return InputError(
        f"Another run is writing {output} just now; wait for its end, or choose "
        "another name."
    )


def _check_no_batch(output: Path, folders: Iterable[Path]) -> None:
    for folder in folders:
        if _is_held(folder / _BATCH):
            raise InputError(
                f"A batch is filling {folder} just now, so {output} is not written; "
                "wait for its end, or choose a place outside of it."
            )


@contextmanager
def run_alone(output: Path) -> Iterator[None]:
    """Keep other runs, and batches, away from a result in the making.

    Parameters
    ----------
    output : Path
        Where it is to go.

    Raises
    ------
    InputError
        While another process is writing there.
    FastershiftError
        When nothing can be written there.
    """
    output = output.absolute()
    with _held(_run_mark(output), output):
        _check_no_batch(output, (output, *output.parents))
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other batches, and runs, away from a folder of results.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    InputError, FastershiftError
        As `run_alone`.
    """
    folder = folder.absolute()
    with _held(folder / _BATCH, folder):
        _check_no_batch(folder, folder.parents)
        yield


def check_idle(output: Path) -> None:
    """Refuse a place to which a run is writing.

    Parameters
    ----------
    output : Path
        Where a result is to go.

    Raises
    ------
    InputError
        While another process is writing there.
    """
    if _is_held(_run_mark(output.absolute())):
        raise _is_written(output)


def _run_mark(output: Path) -> Path:
    return output.with_name(fitting_name(f".{output.name}", ".running"))


class WorkFolder:
    """A hidden folder beside a result in the making.

    Chunks appear in it whole or not at all, whatever ends the process that writes
    them.

    Parameters
    ----------
    output : Path
        Where the result is to go.
    """

    def __init__(self, output: Path) -> None:
        output = output.absolute()
        self.path = output.with_name(fitting_name(f".{output.name}", ".unfinished"))

    def check(self, signature: Mapping[str, str], *, anew: bool = False) -> None:
        """Make sure that the run of this signature can begin.

        Parameters
        ----------
        signature : mapping
            Hashes of all that the result depends on.
        anew : bool
            Whether what another run left may be thrown away.

        Raises
        ------
        InputError
            When another run was left unfinished here.
        """
        if anew or not (self.path / _NOTE).exists():
            return
        if changed := self._changed(signature):
            raise InputError(
                f"The unfinished run in {self.path} was started with "
                f"{' and '.join(changed)}; run it as before to finish it, or start "
                "again.",
                overwrite=True,
            )

    def begin(self, signature: Mapping[str, str], *, anew: bool = False) -> None:
        """Take up the run of this signature, or begin it, as `check` allows."""
        self.check(signature, anew=anew)
        if not self.matches(signature):
            self.remove()
            text = json.dumps(dict(signature), indent=1)
            write_file(self.path / _NOTE, text.encode())

    def matches(self, signature: Mapping[str, str]) -> bool:
        """Tell whether the run of this signature was begun here and not finished."""
        return (self.path / _NOTE).exists() and not self._changed(signature)

    def _changed(self, signature: Mapping[str, str]) -> list[str]:
        try:
            former = dict(json.loads((self.path / _NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            former = {}  # nothing that can be taken up
        parts = _PARTS.items()
        return [words for key, words in parts if former.get(key) != signature.get(key)]

    def has(self, chunk: int) -> bool:
        """Tell whether a chunk is finished."""
        return self._chunk(chunk).exists()

    def write(
        self,
        chunk: int,
        shape: tuple[int, int, int, int],
        pairs: Iterable[tuple[Labels, Sequence[Mapping[str, Any]]] | None],
    ) -> Iterator[int]:
        """Write the labels and the reports of every pair of a chunk.

        Parameters
        ----------
        chunk : int
            Number of the chunk.
        shape : tuple of int
            Pairs, frames of a pair, rows and columns.
        pairs : iterable of (labels, reports) or None
            Labels (F, Y, X) int32 and, for each frame, values that JSON can hold; None
            at further places to stop.

        Yields
        ------
        int
            Pairs written so far, for each of `pairs`.
        """
        path = self._chunk(chunk)
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            array = _array(partial, shape)
            reports: list[list[dict[str, Any]]] = []
            for pair in pairs:
                if pair is not None:
                    labels, found = pair
                    for frame, rows in strips(labels.shape):
                        array[len(reports), frame, rows] = labels[frame, rows]
                    reports.append([dict(report) for report in found])
                yield len(reports)
            array.attrs["reports"] = reports
            # Two workers may have computed the same chunk; the second finds it there.
            with suppress(OSError):
                os.rename(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def read(self, chunk: int) -> Iterator[tuple[Labels, list[dict[str, Any]]]]:
        """Yield labels and reports of every pair of a finished chunk.

        Raises
        ------
        FastershiftError
            When a part of it is lost or damaged; the chunk is then to be computed anew.
        """
        path = self._chunk(chunk)
        try:
            array = import_zarr().open_array(path, mode="r")
            reports = array.attrs["reports"]
            for number in range(array.shape[0]):
                labels = empty_labels(array.shape[1:])
                for frame, rows in strips(labels.shape):
                    labels[frame, rows] = _written(array[number, frame, rows])
                yield labels, reports[number]
        except Exception as error:  # damaged files raise anything
            if _is_refused(error):
                raise
            shutil.rmtree(path, ignore_errors=True)
            raise FastershiftError(
                f"A part of what was computed so far is lost or damaged in {self.path};"
                " run the same again, and this part is computed again."
            ) from error

    def frames(self, shape: tuple[int, int, int]) -> "LinkedFrames":
        """Return empty (T, Y, X) int32 frames on disk."""
        return LinkedFrames(self.path / f"frames.{uuid.uuid4().hex[:8]}", shape)

    def remove(self) -> None:
        """Throw everything away, in such an order that no half of it is taken up."""
        (self.path / _NOTE).unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def _chunk(self, chunk: int) -> Path:
        return self.path / f"chunk-{chunk:05d}"


class LinkedFrames:
    """Frames of labels on disk, of which none is ever read that was not written.

    Parameters
    ----------
    path : Path
        A folder to be.
    shape : (int, int, int)
        Frames, rows and columns.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self._path = path
        self._array = _array(path, shape)
        self.shape = shape

    def __setitem__(self, t: int, labels: Labels) -> None:
        self._array[t] = labels

    def __getitem__(self, t: int) -> Labels:
        """Return frame ``t``, (Y, X) int32.

        Raises
        ------
        FastershiftError
            When it is lost or damaged.
        """
        frame = empty_labels(self.shape[1:])
        try:
            for _, rows in strips((1, *self.shape[1:])):
                frame[rows] = _written(self._array[t, rows])
        except Exception as error:  # damaged files raise anything
            if _is_refused(error):
                raise
            raise FastershiftError(
                f"Frame {t} of what was linked is lost or damaged in {self._path}; run "
                "the same again."
            ) from error
        return frame


def _array(path: Path, shape: tuple[int, ...]) -> Any:
    """Make an array of labels on disk, in strips of rows."""
    return import_zarr().create_array(
        path, shape=shape, chunks=_strips(shape), dtype="int32", fill_value=_NOTHING
    )


def _is_refused(error: Exception) -> bool:
    """Tell whether what lies there may be whole, and cannot be read just now."""
    if isinstance(error, OSError):
        return error.errno not in (None, errno.ENOENT)
    return is_shortage(error)


def _written(labels: Labels) -> Labels:
    """Refuse what was never written, or is not there any more."""
    if labels.min(initial=0) == _NOTHING:
        raise ValueError("a piece is missing")
    return labels


def _strips(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunks (1, …, y, X) of frames in strips of rows."""
    _, first = next(strips((1, *shape[-2:])))
    return (*(1 for _ in shape[:-2]), first.stop, shape[-1])
