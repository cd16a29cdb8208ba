"""Simulated movies in the layout of the Cell Tracking Challenge."""

import re
from pathlib import Path

from fastershift.io._atomic import replacing_folder
from fastershift.io._ctc import write_masks, write_tracks
from fastershift.simulate import SimulatedMovie

__all__ = ["write_simulation"]

_NOTE = "simulated.txt"  # tells a simulation from a real data set when overwriting
_FILES = re.compile(
    rf"{re.escape(_NOTE)}|01|01/t\d+\.tif|01_GT|01_GT/TRA|01_GT/TRA/man_track\d*\.(tif|txt)"
    r"|01_GT/SEG|01_GT/SEG/man_seg\d+\.tif"
)


def _is_simulation(path: Path) -> bool:
    if not path.is_dir():
        return False
    names = [entry.relative_to(path).as_posix() for entry in path.rglob("*")]
    return _NOTE in names and all(map(_FILES.fullmatch, names))


def write_simulation(
    movie: SimulatedMovie, out: str | Path, *, overwrite: bool = False
) -> Path:
    """Save a simulated movie with its truth.

    Parameters
    ----------
    movie : SimulatedMovie
        What `simulate_movie` made.
    out : str or Path
        Folder that gets ``01/t000.tif`` …, ``01_GT/TRA/man_track000.tif`` …,
        ``01_GT/TRA/man_track.txt`` and ``01_GT/SEG/man_seg000.tif`` ….
    overwrite : bool
        Replace an earlier simulation; a folder with anything else is never replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the folder is taken.
    FastershiftError
        When writing fails.
    """
    out = Path(out)
    with replacing_folder(out, overwrite, _is_simulation) as folder:
        frames, tra, seg = folder / "01", folder / "01_GT/TRA", folder / "01_GT/SEG"
        for made in (frames, tra, seg):
            made.mkdir(parents=True)
        write_masks(frames, "t", movie.frames)
        write_masks(tra, "man_track", movie.labels)
        write_masks(seg, "man_seg", movie.labels)
        write_tracks(tra / "man_track.txt", movie.tracks)
        note = "A simulated movie with exact truth, made by fastershift.\n"
        (folder / _NOTE).write_text(note, encoding="utf-8")
    return out
