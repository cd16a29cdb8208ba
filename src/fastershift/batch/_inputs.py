"""From what was typed to movies: patterns, nested folders, plates."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import escape, glob, has_magic
from pathlib import Path, PurePosixPath

from fastershift.batch._summary import SUMMARY_NAMES
from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io import (
    IMAGE_SUFFIXES,
    MICROSCOPE_SUFFIXES,
    TIFF_SUFFIXES,
    VIDEO_SUFFIXES,
    count_positions,
    find_images,
    holds_masks,
    is_result,
    is_zarr,
    movie_parts,
    read_movie,
    without_derived,
)

__all__ = ["NamedMovie", "list_movies", "plain_path"]

_FILES = (*IMAGE_SUFFIXES, *MICROSCOPE_SUFFIXES, *VIDEO_SUFFIXES)
#: Files of a folder that are movies; the last ones only where there are no others.
_MOVIES = ((*TIFF_SUFFIXES, *MICROSCOPE_SUFFIXES), VIDEO_SUFFIXES)
#: Files that often hold several positions.
_SEVERAL = (*MICROSCOPE_SUFFIXES, *(f".ome{suffix}" for suffix in TIFF_SUFFIXES))


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
    position : int, optional
        Which of several positions of it, counted from 0.
    """

    name: str
    source: Path
    position: int | None = None


def list_movies(
    inputs: Iterable[str | Path],
    output: Path | None = None,
    reading: InputSettings | None = None,
) -> list[NamedMovie]:
    """Find all movies of a batch.

    Opened are only what may hold several positions, see `_may_hold_several`, and the
    first file of a folder.

    Parameters
    ----------
    inputs : iterable of str or Path
        Movies, patterns such as ``plate/*.tif`` or ``data/**/*.zarr``, folders that
        hold movies at any depth, and OME-Zarr plates, whose fields are movies.
        Results of former runs, and masks, are left out; videos, too, where other
        movies lie beside them.
    output : Path, optional
        Folder of the results; where it lies in an input, nothing in it is a movie.
    reading : InputSettings, optional
        How movies are read. Where it chooses no position, each of several positions of
        a file is a movie.

    Returns
    -------
    list of NamedMovie
        In the order of their names; no name twice, not even in other letters.

    Raises
    ------
    InputError
        When an input names nothing, or no movie is found.
    """
    found: dict[Path, Path] = {}
    for given in inputs:
        for source, base in _expand(str(given)):
            masks = is_result(source) or holds_masks(source)
            if not masks and not _in_results(source, base, output):
                found.setdefault(source, base)
    if not found:
        raise InputError(
            "No movie was given (results do not count); name files or folders."
        )
    try:
        base = Path(os.path.commonpath({str(base) for base in found.values()}))
    except ValueError as error:  # C: and D: have nothing in common
        raise InputError(
            "The movies lie on several disks; run those of one disk at a time."
        ) from error
    places = {source: source.relative_to(base) for source in found}
    short = {source: _without_suffix(path) for source, path in places.items()}
    # Many disks do not tell a from A in a name.
    taken = Counter(name.casefold() for name in short.values())
    # A result is a folder that holds nothing else, so none may lie in another.
    taken.update({above for name in taken for above in _above(name)})
    names = {
        source: short[source]
        if taken[short[source].casefold()] == 1
        else places[source].as_posix()
        for source in found
    }
    reading = reading or InputSettings()
    several = (one for path in found for one in _positions(path, names[path], reading))
    return sorted(_told_apart(several), key=lambda movie: movie.name)


def plain_path(path: str | Path) -> Path:
    """Spell a path from the top, so that no ``..`` is left in it.

    Parameters
    ----------
    path : str or Path
        It need not exist.

    Returns
    -------
    Path
        Links are followed only where the way up begins at one.
    """
    plain, real = Path(os.path.abspath(path)), os.path.realpath(path)
    return plain if os.path.realpath(plain) == real else Path(real)


def _above(name: str) -> list[str]:
    """List the folders that a name lies in."""
    return [one.as_posix() for one in PurePosixPath(name).parents][:-1]


def _positions(path: Path, name: str, reading: InputSettings) -> Iterator[NamedMovie]:
    """Yield each position of a file or folder; most have only one, without a number."""
    count = count_positions(path, reading) if _may_hold_several(path, reading) else 1
    if count == 1:
        yield NamedMovie(name, path)
        return
    digits = len(str(count - 1))
    for number in range(count):
        yield NamedMovie(f"{name}_position{number:0{digits}}", path, number)


def _may_hold_several(path: Path, reading: InputSettings) -> bool:
    """Tell whether a movie is worth opening for its positions, which takes time."""
    if reading.position is not None:
        return False
    name = path.name.lower()
    return "P" in reading.axes or path.is_dir() or name.endswith(_SEVERAL)


def _told_apart(movies: Iterable[NamedMovie]) -> Iterator[NamedMovie]:
    """Name movies so that a disk on which A and a are the same can hold all of them."""
    taken = set[str]()
    apart = (replace(movie, name=_apart(movie.name)) for movie in movies)
    for movie in sorted(apart, key=lambda one: (one.name, one.source)):
        name = movie.name
        while name.casefold() in taken:
            name += "-2"
        taken.add(name.casefold())
        yield replace(movie, name=name)


def _apart(name: str) -> str:
    """Keep a movie apart from the files of the summary."""
    first, slash, rest = name.partition("/")
    if first.casefold() in SUMMARY_NAMES:
        first += " movie"
    return first + slash + rest


def _in_results(source: Path, base: Path, output: Path | None) -> bool:
    """Tell whether a file lies in a folder of results below what was given."""
    if output is None:
        return False
    folder = plain_path(output)
    return folder != base and folder.is_relative_to(base) and folder in source.parents


def _without_suffix(path: Path) -> str:
    name = path.name
    for suffix in (*_FILES, ".zarr", ".ome"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return path.with_name(name or path.name).as_posix()


def _expand(given: str) -> Iterator[tuple[Path, Path]]:
    """Yield every movie, and the folder that its name starts from."""
    path = plain_path(os.path.expanduser(given))
    if path.exists():
        yield from _inside(path, path.parent if _is_movie(path) else path)
        return
    if not has_magic(given):
        raise InputError(f"There is nothing at {given}; check the name.")
    fixed = Path(*_before_magic(path))
    pattern = Path(escape(str(fixed))) / path.relative_to(fixed)
    matches = sorted(glob(str(pattern), recursive=True))
    if not matches:
        raise InputError(f"Nothing matches {given}; check the pattern.")
    for match in matches:
        yield from _inside(Path(match), fixed)


def _before_magic(path: Path) -> list[str]:
    """List the folders before the pattern; one that is there under its name is none."""
    parts: list[str] = []
    for part in path.parts:
        if has_magic(part) and not Path(*parts, part).exists():
            break
        parts.append(part)
    return parts


def _is_movie(path: Path) -> bool:
    """Tell a movie from a folder of movies and a plate."""
    if is_zarr(path):
        try:
            return movie_parts(path) is None
        except InputError:
            return True  # one that cannot be run, and says why
    if path.is_dir():
        return _are_frames(find_images(path))
    return path.suffix.lower() in _FILES


def _are_frames(images: list[Path]) -> bool:
    """Tell frames of one movie from movies; the first that can be read decides."""
    for image in images:
        with suppress(InputError):
            return len(read_movie(image)) == 1
    return False


def _movies_of(folder: Path) -> list[Path]:
    """List the files of a folder that are movies, links that lead nowhere included."""
    files = [one for one in folder.iterdir() if not one.is_dir()]
    for kinds in _MOVIES:
        found = {one.name: one for one in files if one.suffix.lower() in kinds}
        if found:
            return [found[name] for name in without_derived(list(found))]
    return []


def _inside(
    path: Path, base: Path, above: tuple[Path, ...] = ()
) -> Iterator[tuple[Path, Path]]:
    if _is_movie(path):
        yield path, base
    elif is_zarr(path):
        yield from ((part, base) for part in movie_parts(path) or ())
    elif path.is_dir() and (real := path.resolve()) not in above:
        folders = [one for one in path.iterdir() if one.is_dir()]
        for entry in sorted([*folders, *_movies_of(path)]):
            if not entry.name.startswith("."):
                yield from _inside(entry, base, (*above, real))
