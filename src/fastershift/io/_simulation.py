"""Simulated movies in the layout of the Cell Tracking Challenge."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from fastershift.errors import InputError
from fastershift.io._atomic import replacing_folder
from fastershift.io._masks import write_masks, write_tracks
from fastershift.io._movie import as_movie
from fastershift.io._saved_result import SavedResult
from fastershift.io._zarr import holds_only, import_zarr, is_zarr, read_attributes
from fastershift.io.formats._ome_zarr import movie_metadata, write_label_image

if TYPE_CHECKING:
    from fastershift.simulate import SimulatedMovie, Simulation

__all__ = ["write_simulation", "write_simulation_zarr"]

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
    movie: "SimulatedMovie", out: str | Path, *, overwrite: bool = False
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
        note = "A simulated movie with exact ground truth, made by fastershift.\n"
        (folder / _NOTE).write_text(note, encoding="utf-8")
    return out


def _is_zarr_simulation(path: Path) -> bool:
    labels = path / "labels"
    if not (is_zarr(path) and is_zarr(labels)):
        return False
    try:
        made_here = _NOTE in read_attributes(path)
    except InputError:
        return False
    # Results may have been put beside the truth since.
    return (
        made_here
        and holds_only(path, ("0", "labels"))
        and holds_only(labels, ("truth",))
    )


def write_simulation_zarr(
    simulation: "Simulation", out: str | Path, *, overwrite: bool = False
) -> Path:
    """Make a movie straight into OME-Zarr; no more than a frame is ever in memory.

    Parameters
    ----------
    simulation : Simulation
        A movie that was not made yet.
    out : str or Path
        Folder that gets the frames, one chunk each, and the truth with its tracks as
        the label image ``labels/truth``.
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
    zarr, out = import_zarr(), Path(out)
    shape = (simulation.n_frames, *simulation.shape)
    with replacing_folder(out, overwrite, _is_zarr_simulation) as folder:
        attributes = {"ome": movie_metadata(simulation.shape), _NOTE: True}
        group = zarr.create_group(folder, attributes=attributes, overwrite=True)
        names = ["t", "y", "x"]
        chunks = (1, *simulation.shape)
        movie, truth = (
            group.create_array(
                name, shape=shape, chunks=chunks, dtype=dtype, dimension_names=names
            )
            for name, dtype in (("0", "uint16"), ("truth", "int32"))
        )
        for t, (frame, labels) in enumerate(simulation):
            movie[t], truth[t] = frame, labels
        listed = {"ome": {"version": "0.5", "labels": ["truth"]}}
        group.create_group("labels", attributes=listed)
        result = SavedResult(as_movie(truth), simulation.tracks)
        write_label_image(folder / "labels" / "truth", result)
        del group["truth"]
    return out
