"""Corrections that were not saved yet, kept on disk in case of a crash."""

import os
import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from platformdirs import user_cache_path

from fastershift.errors import FastershiftError, refusal
from fastershift.io import (
    SavedResult,
    fitting_name,
    machine_name,
    read_saved,
    write_saved,
)

__all__ = ["Autosave", "Autosaves"]

_FOLDER = "autosave"
#: Seconds by which the clocks of a disk and of a machine may differ.
_CLOCK = 60.0
#: Seconds without an edit after which a sitting on another machine has ended.
_AWAY = 86400.0
#: The longest of what follows the name in the files of a result.
_ENDING = "_corrections.json"
_UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))


@dataclass(frozen=True)
class Autosave:
    """Corrections that an earlier sitting did not save.

    Attributes
    ----------
    path : Path
        File of the labels; what belongs to them lies beside it.
    name : str
        Name of the movie.
    saved : datetime
        When it was written.
    """

    path: Path
    name: str
    saved: datetime

    def read(self) -> SavedResult:
        """Read it.

        Returns
        -------
        SavedResult

        Raises
        ------
        InputError
            When it cannot be read.
        """
        return read_saved(self.path)


class Autosaves:
    """Writes the corrections of this sitting, and finds those of ended ones.

    Parameters
    ----------
    cache : Path, optional
        The cache folder; by default that of the user.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._folder = (cache or user_cache_path("fastershift", False)) / _FOLDER

    def _own(self, key: int) -> Path:
        return self._folder / f"{os.getpid()}@{machine_name()}-{key}"

    def write(self, key: int, name: str, result: SavedResult) -> None:
        """Write corrections; what was there appears replaced whole or not at all.

        Parameters
        ----------
        key : int
            Tells results of one sitting apart.
        name : str
            Name of the movie.
        result : SavedResult
            The labels, with their corrections.

        Raises
        ------
        FastershiftError
            When the disk is full or writing fails otherwise.
        """
        safe = name.translate(_UNSAFE).strip() or "movie"
        stem = fitting_name(safe, _ENDING).removesuffix(_ENDING)
        file = self._own(key) / f"{stem}.tif"
        write_saved(file, result, format="tiff", overwrite=True)

    def forget(self, key: int) -> None:
        """Remove what `write` has written: it is saved elsewhere."""
        shutil.rmtree(self._own(key), ignore_errors=True)

    def pending(self) -> tuple[Autosave, ...]:
        """Return what ended sittings have left, the newest first.

        Returns
        -------
        tuple of Autosave
        """
        found = []
        for folder in self._folder.glob("*-*"):
            # Folders of earlier versions do not name the machine.
            process, _, machine = folder.name.partition("-")[0].partition("@")
            for file in folder.glob("*.tif"):
                written = file.stat().st_mtime
                if process.isdecimal() and not _goes_on(int(process), machine, written):
                    when = datetime.fromtimestamp(written).astimezone()
                    found.append(Autosave(file, file.stem, when))
        return tuple(sorted(found, key=lambda one: one.saved, reverse=True))

    def discard(self, autosave: Autosave) -> None:
        """Remove what an ended sitting has left.

        Raises
        ------
        FastershiftError
            When it cannot be removed.
        """
        try:
            shutil.rmtree(autosave.path.parent)
        except OSError as error:
            raise FastershiftError(
                refusal(autosave.path.parent, error, "removed")
            ) from error


def _goes_on(process: int, machine: str, written: float) -> bool:
    """Tell whether the sitting that has written something goes on, this one included.

    The number of a process that has ended is given to another one, sooner or later; in
    a container, to the very next. Processes of another machine cannot be seen.
    """
    if machine not in ("", machine_name()):
        return time.time() < written + _AWAY
    try:
        return bool(psutil.Process(process).create_time() < written + _CLOCK)
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
