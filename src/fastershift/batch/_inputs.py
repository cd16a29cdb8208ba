"""From what was typed to movies: patterns, nested folders, plates."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from fastershift.errors import InputError
from fastershift.io import is_result, is_zarr, movie_parts, read_movie

__all__ = ["NamedMovie", "list_movies"]

_TIFF = (".tif", ".tiff")


@dataclass(frozen=True)
class NamedMovie:
    """A movie of a batch.

    Attributes
    ----------
    name : str
        Its place below the folder of the results, with slashes: nested inputs keep
        their structure.
    source : Path
        Where it is.
    """

    name: str
    source: Path


def list_movies(
    inputs: Iterable[str | Path], output: Path | None = None
) -> list[NamedMovie]:
    """Find all movies of a batch; none is opened but the first file of a folder.

    Parameters
    ----------
    inputs : iterable of str or Path
        Movies, patterns such as ``plate/*.tif`` or ``data/**/*.zarr``, folders that
        hold movies at any depth, and OME-Zarr plates, whose fields are movies.
        Results of former runs among them are left out.
    output : Path, optional
        Folder of the results; where it lies in an input, nothing in it is a movie.

    Returns
    -------
    list of NamedMovie
        In the order of their names; no name twice.

    Raises
    ------
    InputError
        When an input names nothing, or no movie is found.
    """
    found: dict[Path, Path] = {}
    for given in inputs:
        for source, base in _expand(str(given)):
            full, start = source.absolute(), base.absolute()
            if not _in_results(full, start, output) and not is_result(full):
                found.setdefault(full, start)
    if not found:
        raise InputError(
            "No movie was given (results do not count); name files or folders."
        )
    base = Path(os.path.commonpath({str(base) for base in found.values()}))
    places = {source: source.relative_to(base) for source in found}
    short = {source: _without_suffix(path) for source, path in places.items()}
    taken = Counter(short.values())
    names = {
        source: short[source]
        if taken[short[source]] == 1
        else places[source].as_posix()
        for source in found
    }
    return sorted(
        (NamedMovie(name, source) for source, name in names.items()),
        key=lambda movie: movie.name,
    )


def _in_results(source: Path, base: Path, output: Path | None) -> bool:
    """Tell whether a file lies in a folder of results below what was given."""
    if output is None:
        return False
    folder = output.absolute()
    return folder != base and folder.is_relative_to(base) and folder in source.parents


def _without_suffix(path: Path) -> str:
    name = path.name
    for suffix in (*_TIFF, ".zarr", ".ome"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return path.with_name(name or path.name).as_posix()


def _expand(given: str) -> Iterator[tuple[Path, Path]]:
    """Yield every movie, and the folder that its name starts from."""
    path = Path(given).expanduser()
    if path.exists():
        yield from _inside(path, path.parent if _is_movie(path) else path)
        return
    if not has_magic(given):
        raise InputError(f"There is nothing at {given}; check the name.")
    fixed = Path(*_before_magic(path))
    matches = sorted(glob(str(path), recursive=True))
    if not matches:
        raise InputError(f"Nothing matches {given}; check the pattern.")
    for match in matches:
        yield from _inside(Path(match), fixed)


def _before_magic(path: Path) -> list[str]:
    parts = []
    for part in path.parts:
        if has_magic(part):
            break
        parts.append(part)
    return parts


def _is_movie(path: Path) -> bool:
    """Tell a movie from a folder of movies and a plate."""
    if is_zarr(path):
        return movie_parts(path) is None
    if path.is_dir():
        tiffs = sorted(one for one in path.iterdir() if _is_tiff(one))
        # In a folder of frames every file is one frame.
        return bool(tiffs) and _is_single_frame(tiffs[0])
    return _is_tiff(path)


def _is_tiff(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.is_file() and path.suffix.lower() in _TIFF and not hidden


def _is_single_frame(path: Path) -> bool:
    try:
        return len(read_movie(path)) == 1
    except InputError:
        return False


def _inside(path: Path, base: Path) -> Iterator[tuple[Path, Path]]:
    if _is_movie(path):
        yield path, base
    elif is_zarr(path):
        yield from ((field, base) for field in movie_parts(path) or ())
    elif path.is_dir():
        for entry in sorted(path.iterdir()):
            if not entry.name.startswith(".") and (entry.is_dir() or _is_tiff(entry)):
                yield from _inside(entry, base)
