"""A movie of a batch whose cells are given: it is linked in one step."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from glob import escape
from pathlib import Path

from fastershift.batch._inputs import NamedMovie, plain_path
from fastershift.batch._join import Joined, tracks_at_edge
from fastershift.batch._measuring import measure_result, remove_tables
from fastershift.batch._model_file import ModelFiles
from fastershift.batch._movie import MovieTask, fingerprint
from fastershift.batch._outcome import Outcome, outcome_of
from fastershift.batch._work import WorkFolder, hash_of
from fastershift.errors import InputError
from fastershift.io import check_output, holds_cells, write_saved
from fastershift.pipeline import TrackingRun, open_masks

__all__ = ["find_masks", "find_region", "link_movie", "without_masks"]

_NAME = "{name}"


def find_masks(given: str, name: str) -> Path:
    """Find the masks of a movie.

    Parameters
    ----------
    given : str
        A folder that holds masks under the names of the movies, or a pattern in which
        ``{name}`` stands for the name of the movie.
    name : str
        Of the movie, with slashes where movies are nested.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When there are none, or several.
    """
    path = Path(os.path.expanduser(given.replace(_NAME, name)))
    if _NAME in given:
        if not path.exists():
            raise InputError(f"There are no masks at {path}; check the pattern.")
        return path
    if path.is_file():
        raise InputError(
            f"{path} is a file, and every movie needs masks of its own; give their "
            f"folder, or a pattern such as '{path.parent / _NAME}_masks.tif', where "
            f"{_NAME} stands for the movie."
        )
    place = path / name
    alike = sorted(place.parent.glob(f"{escape(place.name)}.*"))
    same = [one for one in alike if one.stem == place.name]
    masks = sorted(place.parent.glob(f"{escape(place.name)}_masks.*"))
    found = [place] if place.exists() else same or alike or masks
    if not found:
        raise InputError(
            f"There are no masks called {name} in {path}; write for example "
            f"'{given}/{_NAME}_masks.tif', where {_NAME} stands for the movie."
        )
    if len(found) > 1:
        several = ", ".join(one.name for one in found)
        raise InputError(
            f"There are several masks called {name} in {path}: {several}; write for "
            f"example '{given}/{_NAME}.tif'."
        )
    return found[0]


def find_region(given: str | Path | None, name: str) -> Path | None:
    """Find the mask of the region of a movie.

    Parameters
    ----------
    given : str or Path or None
        A file for all movies, or as for `find_masks`.
    name : str
        Of the movie.

    Returns
    -------
    Path or None
        It need not exist.
    """
    if given is None:
        return None
    path = plain_path(os.path.expanduser(str(given).replace(_NAME, name)))
    if not path.is_dir() or _NAME in str(given):
        return path
    with suppress(InputError):
        return find_masks(str(path), name)
    return path / name


def without_masks(
    movies: Iterable[NamedMovie], labels: str | None, regions: Iterable[str | None]
) -> list[NamedMovie]:
    """Leave out what is the masks, or a region, of a movie.

    Parameters
    ----------
    movies : iterable of NamedMovie
        What was found.
    labels : str or None
        As for `find_masks`.
    regions : iterable of str or None
        As for `find_region`.

    Returns
    -------
    list of NamedMovie

    Raises
    ------
    InputError
        When nothing is left.
    """
    movies, regions = list(movies), list(regions)
    masks = set[Path | None]()
    for movie in movies:
        masks.update(find_region(region, movie.name) for region in regions)
        if labels is not None:
            with suppress(InputError):
                found = plain_path(find_masks(labels, movie.name))
                # Masks of Cellpose lie beside the images, in the folder of the movie.
                if found != movie.source or not holds_cells(found):
                    masks.add(found)
    left = [movie for movie in movies if movie.source not in masks]
    if not left:
        raise InputError(
            "All that was given are masks or regions, and no movie; give the movies, "
            "too."
        )
    return left


def link_movie(
    task: MovieTask, masks: Path, models: ModelFiles, name: str
) -> Iterator[Joined | Outcome]:
    """Track the masks of a movie, and write the result.

    Parameters
    ----------
    task : MovieTask
        The movie.
    masks : Path
        One label image for each of its frames.
    models : mapping of str to ModelFile
        Networks that may be asked where the cells were.
    name : str
        Of the movie within the batch.

    Yields
    ------
    Joined
        What was linked.
    Outcome
        What became of the movie; once it is recorded, the generator is to be ended.

    Raises
    ------
    InputError
        For masks or settings that cannot be used, and a place that is taken.
    """
    output = task.check(overwrite=True, masks=[masks])
    work = WorkFolder(output)
    asked = (task.settings, task.file, task.preset, task.regions, str(masks))
    signature = {"settings": hash_of(asked), "input": fingerprint(masks)}
    # A worker that ended before its result was recorded has left that, too.
    if not work.matches(signature):
        work.check(signature, anew=task.overwrite)
        check_output(output, task.format, overwrite=task.overwrite)
    movie = task.open()
    given = open_masks(masks, task.frames, movie)
    run = TrackingRun(task.plan(movie, models, given))
    for _ in run:
        pass
    result = run.result
    joined = Joined(
        result.labels, result.lineage, result.reports, tracks_at_edge(result.labels)
    )
    yield joined
    saved = result.saved(
        movie.scale,
        movie.units,
        frames="",
        input=str(task.source),
        labels=str(masks),
        **task.regions,
    )
    measured = measure_result(task, saved)
    work.begin(signature, anew=task.overwrite)
    write_saved(output, saved, format=task.format, overwrite=True)
    remove_tables(task)
    outcome = outcome_of(
        joined, result.settings, output, name, float(result.provenance["seconds"])
    )
    yield replace(
        outcome,
        model=str(result.provenance["model"]),
        notes=(*result.provenance.get("notices", ()), *measured[1:]),
        measured=measured,
    )
    work.remove()
