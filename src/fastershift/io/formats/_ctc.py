"""A result as a folder of the Cell Tracking Challenge: masks and a list of tracks."""

import re
from pathlib import Path

from fastershift.io._atomic import replacing_folder
from fastershift.io._masks import read_masks, write_masks, write_tracks
from fastershift.io._saved_result import SavedResult
from fastershift.io._zarr import is_zarr
from fastershift.io.formats._extras import read_extras, write_extras

__all__ = ["CtcFormat"]

_TRACKS = "res_track.txt"
#: What a result folder holds, and what file managers leave there.
_FILES = re.compile(
    r"mask\d{3,}\.tif|res_track\.txt|settings\.toml|report\.csv"
    r"|corrections\.json"
    r"|\.DS_Store|Thumbs\.db|desktop\.ini"
)


class CtcFormat:
    """``mask000.tif`` …, ``res_track.txt`` and the text files, in one folder."""

    def target(self, path: Path) -> Path:
        """Return ``path``: folders have no suffix."""
        return path

    def is_result(self, path: Path) -> bool:
        """Tell a former result from a folder that holds anything else."""
        names = [entry.name for entry in path.iterdir()] if path.is_dir() else []
        return _TRACKS in names and all(map(_FILES.fullmatch, names))

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
        labels, tracks = read_masks(path)
        return SavedResult(labels, tracks, **read_extras(path, ""))
