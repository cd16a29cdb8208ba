"""A result as a folder of the Cell Tracking Challenge: masks and a list of tracks."""

import re
from pathlib import Path

from fastershift.io._atomic import replacing_folder
from fastershift.io._masks import is_made_here, read_masks, write_masks, write_tracks
from fastershift.io._saved_result import SavedResult
from fastershift.io._zarr import is_zarr
from fastershift.io.formats._extras import EXTRAS, is_extra, read_extras, write_extras
from fastershift.io.formats._format import Format

__all__ = ["CtcFormat"]

_TRACKS = "res_track.txt"
_SETTINGS = "settings.toml"
#: Seconds by which times of files written at once may differ.
_CLOCK = 2
#: What a result folder holds, and what file managers leave there.
_FILES = re.compile(
    "|".join(
        (
            r"mask\d{3,}\.tif",
            *map(re.escape, (_TRACKS, *EXTRAS)),
            r"\.DS_Store|Thumbs\.db|desktop\.ini",
        )
    )
)


class CtcFormat(Format):
    """``mask000.tif`` …, ``res_track.txt`` and the text files, in one folder."""

    def is_result(self, path: Path) -> bool:
        """Tell a former result from a folder that holds anything else."""
        if not (path / _TRACKS).is_file():
            return False
        entries = list(path.iterdir())
        return (
            all(_FILES.fullmatch(entry.name) for entry in entries)
            and all(is_extra(one) for one in entries if one.name in EXTRAS)
            and (
                all(is_made_here(one) for one in entries if one.suffix == ".tif")
                or _of_first_version(path)
            )
        )

    def recognises(self, path: Path) -> bool:
        """Tell any folder, truth folders included, from a Zarr."""
        return path.is_dir() and not is_zarr(path)

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the folder; see `Format.write`."""
        with replacing_folder(path, overwrite, self.is_result) as folder:
            write_masks(folder, "mask", result.labels)
            write_tracks(folder / _TRACKS, result.tracks)
            write_extras(folder, "", result)

    def read(self, path: Path) -> SavedResult:
        """Read a result folder or a truth folder; see `Format.read`."""
        return _read(path, on_disk=False)

    def open(self, path: Path) -> SavedResult:
        """Leave the masks on disk; see `Openable.open`."""
        return _read(path, on_disk=True)


def _read(path: Path, *, on_disk: bool) -> SavedResult:
    labels, tracks, numbers = read_masks(path, on_disk=on_disk)
    return SavedResult(labels, tracks, numbers=numbers, **read_extras(path, ""))


def _of_first_version(path: Path) -> bool:
    """Tell a result of the first version, whose masks did not say who has written them.

    Its settings do. They were written last: masks that are younger were edited by
    another program since, and are the user's.
    """
    settings = path / _SETTINGS
    if not settings.is_file():
        return False
    written = settings.stat().st_mtime + _CLOCK
    return all(mask.stat().st_mtime <= written for mask in path.glob("mask*.tif"))
