"""One movie to be run: where it is, what was asked for, and how it is cut."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fastershift.batch._measuring import Measuring, check_measuring
from fastershift.batch._model_file import ModelFile, ModelFiles, pack_models
from fastershift.batch._work import WorkFolder, hash_of
from fastershift.config import InputSettings, Settings, resolve_settings
from fastershift.io import (
    Movie,
    ResultFormat,
    Scale,
    Units,
    check_output,
    find_images,
    is_zarr,
    read_movie,
)
from fastershift.labels import Confines
from fastershift.pipeline import (
    Plan,
    Quality,
    describe_bad,
    find_bad_frames,
    plan_run,
    with_quality,
)
from fastershift.rshn import choose_model

__all__ = ["MovieTask", "PreparedMovie", "fingerprint", "prepare_movie"]

#: Pieces of a file that its fingerprint looks at, and bytes of each.
_PIECES, _PIECE = 16, 2**12
#: What systems leave in folders, beside hidden files.
_LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class MovieTask:
    """A movie and what is wanted of it.

    Attributes
    ----------
    source : Path or Movie
        A file, a folder, or an opened movie.
    output : Path
        Where the result goes.
    format : {"ctc", "tiff", "zarr"}
        How it is stored.
    settings, file : mapping
        What the user and the settings file set, nested by stage.
    preset : str or None
        Name of a published data set.
    frames : (int, int) or None
        First frame and the one after the last.
    device : str
        Where to compute.
    chunk : int
        About how many frames a chunk has; chunks end where blocks end.
    overwrite : bool
        Whether a former result, or an unfinished run, may be replaced.
    measuring : Measuring, optional
        How its cells are measured.
    table : Path, optional
        Where the measurements go, or those of a former result are.
    inside, outside : Path, optional
        Masks of the regions in which cells are looked for, and in which they are not.
    """

    source: Path | Movie
    output: Path
    format: ResultFormat = "zarr"
    settings: Mapping[str, Any] = field(default_factory=dict)
    file: Mapping[str, Any] | None = None
    preset: str | None = None
    frames: tuple[int, int] | None = None
    device: str = "auto"
    chunk: int = 64
    overwrite: bool = False
    measuring: Measuring | None = None
    table: Path | None = None
    inside: Path | None = None
    outside: Path | None = None

    def open(self) -> Movie:
        """Open the movie; no frame is read."""
        if isinstance(self.source, Movie):
            return self.source if self.frames is None else self.source.cut(*self.frames)
        reading = self.reading().model_dump()
        return read_movie(self.source, **reading, frames=self.frames)

    @property
    def regions(self) -> dict[str, str]:
        """Where the masks of its regions are, for the provenance."""
        masks = {"inside": self.inside, "outside": self.outside}
        return {name: str(path) for name, path in masks.items() if path is not None}

    def reading(self) -> InputSettings:
        """Tell how the movie is read."""
        return self._wanted().input

    def check(self, *, overwrite: bool, masks: Iterable[Path] = ()) -> Path:
        """Make sure, before long work, that all of it can be written.

        Parameters
        ----------
        overwrite : bool
            Whether a former result may be replaced.
        masks : iterable of Path
            Masks that are read beside those of the regions.

        Returns
        -------
        Path
            Where the result goes, with its suffix.
        """
        source = None if isinstance(self.source, Movie) else self.source
        read = [*masks, *(Path(one) for one in self.regions.values())]
        output = check_output(
            self.output, self.format, overwrite=overwrite, source=source, masks=read
        )
        check_measuring(self)
        return output

    def plan(self, movie: Movie, models: ModelFiles, labels: Any = None) -> Plan:
        """Decide everything about the run, on the opened movie."""
        return plan_run(
            movie,
            self.settings,
            file=self.file,
            preset=self.preset,
            labels=labels,
            inside=self.inside,
            outside=self.outside,
            device=self.device,
            read=lambda name: models[name].load(),
            choose=lambda look: choose_model(look, models),
        )

    def models(self) -> ModelFiles:
        """Read the model that is asked for, or all that may be chosen."""
        return pack_models(self._wanted().embed.model)

    def _wanted(self) -> Settings:
        return resolve_settings(user=self.settings, file=self.file, preset=self.preset)


@dataclass(frozen=True)
class PreparedMovie:
    """A movie of which everything is decided.

    Attributes
    ----------
    task : MovieTask
        What was asked for; its output has its suffix.
    settings : Settings
        Resolved: nothing in them is left open.
    provenance : mapping
        Model, versions and device.
    shape : (int, int, int)
        Frames, rows and columns.
    network_shape : (int, int)
        Rows and columns of the embeddings.
    chunks : tuple of (int, int)
        First pair of each chunk and the one after its last.
    scale, units
        As in `Movie`.
    signature : mapping
        Hashes of all that the result depends on.
    quality : Quality, optional
        How good the result is expected to be.
    """

    task: MovieTask
    settings: Settings
    provenance: Mapping[str, Any]
    shape: tuple[int, int, int]
    network_shape: tuple[int, int]
    chunks: tuple[tuple[int, int], ...]
    scale: Scale | None
    units: Units | None
    signature: Mapping[str, str]
    quality: Quality | None = None

    @property
    def model(self) -> str:
        """Hash of the weight file of the model that was chosen."""
        return self.signature["model"]

    @property
    def work(self) -> WorkFolder:
        """What is kept until the result is there."""
        return WorkFolder(self.task.output)

    def plan(self, model: ModelFile) -> Plan:
        """Decide the run as before, on whatever machine this is."""
        plan = plan_run(
            self.task.open(),
            self.settings.model_dump(),
            model=model.load(),
            inside=self.task.inside,
            outside=self.task.outside,
            device=self.task.device,
        )
        return replace(plan, quality=self.quality)


def prepare_movie(task: MovieTask, models: ModelFiles) -> PreparedMovie:
    """Decide everything about a movie, and begin or take up its run.

    Parameters
    ----------
    task : MovieTask
        The movie.
    models : mapping of str to ModelFile
        What `MovieTask.models` gave, on whatever machine that was.

    Returns
    -------
    PreparedMovie

    Raises
    ------
    InputError
        For a movie or settings that cannot be used, a place that is taken, and an
        unfinished run of something else.
    """
    output = task.check(overwrite=True)
    movie = task.open()
    plan = with_quality(task.plan(movie, models))
    chunks = cut_chunks(len(movie), task.chunk, plan.settings)
    prepared = PreparedMovie(
        replace(task, output=output),
        plan.settings,
        {**plan.provenance, **_doubts(movie, plan)},
        movie.shape,
        plan.source.shape,
        chunks,
        movie.scale,
        movie.units,
        {
            "settings": hash_of(plan.settings.model_dump(mode="json")),
            "model": plan.provenance["model_sha256"],
            "input": _fingerprint(movie, plan.confines, task.regions.values()),
            "version": str(plan.provenance["fastershift"]),
            "chunks": hash_of(chunks),
        },
        plan.quality,
    )
    # A run that ended while it put its result in place has left that, too.
    if not prepared.work.matches(prepared.signature):
        check_output(output, task.format, overwrite=task.overwrite)
    prepared.work.begin(prepared.signature, anew=task.overwrite)
    return prepared


def cut_chunks(
    n_frames: int, length: int, settings: Settings
) -> tuple[tuple[int, int], ...]:
    """Cut the pairs of a movie into chunks of whole blocks.

    Parameters
    ----------
    n_frames : int
        Frames of the movie.
    length : int
        Frames of a chunk, about.
    settings : Settings
        Where blocks begin; a movie through which the number of seeds is carried is not
        cut.

    Returns
    -------
    tuple of (int, int)
        First pair of each chunk and the one after its last.
    """
    n_pairs = max(1, n_frames - 1)
    if settings.cluster.carry_seeds:
        return ((0, n_pairs),)
    block = 1 if settings.embed.window else settings.embed.block
    step = max(1, round(length / block)) * block
    return tuple(
        (first, min(first + step, n_pairs)) for first in range(0, n_pairs, step)
    )


def _doubts(movie: Movie, plan: Plan) -> dict[str, Any]:
    """Doubt the model, and name the frames that are to be checked, for the report."""
    found = [notes for notes in find_bad_frames(movie) if notes]
    said = [] if plan.choice is None else [*plan.choice.warnings()]
    said += [describe_bad(notes) for notes in found[-1:]]
    return {"notices": said} if said else {}


def fingerprint(source: Path) -> str:
    """Tell a movie from another of the same name, without opening it.

    A copy of it has the same; of a file that was changed in a few places this is not
    sure to be noticed.

    Parameters
    ----------
    source : Path
        A file, or a folder, whose frames are told by their names and sizes.

    Returns
    -------
    str
        Empty where it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        files = _files_of(source)
        for file in files:
            size = file.stat().st_size
            name = file.name if source.is_dir() else ""
            digest.update(os.fsencode(f"{name} {size}"))
            if file in (files[0], files[-1]):
                with file.open("rb") as opened:
                    for piece in range(_PIECES):
                        opened.seek(max(0, size - _PIECE) * piece // (_PIECES - 1))
                        digest.update(opened.read(_PIECE))
    except OSError:
        return ""
    return digest.hexdigest()


def _files_of(source: Path) -> list[Path]:
    """List what is read of a movie, as far as that can be told by names."""
    if not source.is_dir():
        return [source]
    files = find_images(source) or [
        one for one in source.iterdir() if not _is_by_the_way(one.name)
    ]
    return sorted(one for one in files if one.is_file())


def _is_by_the_way(name: str) -> bool:
    """Tell what a system leaves in a folder; old Zarrs have hidden files, too."""
    hidden = name.startswith(".") and not name.startswith(".z")
    return hidden or name.lower() in _LEFT_BY_SYSTEMS


def _fingerprint(
    movie: Movie, confines: Confines | None, regions: Iterable[str]
) -> str:
    """Tell a movie and its regions from others by sizes, times and three frames."""
    digest = hashlib.sha256(f"{movie.shape} {movie.dtype}".encode())
    for number in sorted({0, len(movie) // 2, len(movie) - 1}):
        digest.update(np.ascontiguousarray(movie[number]).tobytes())
        if confines is not None:
            digest.update(np.packbits(confines.at(number)).tobytes())
    sources = [movie.source, *map(Path, regions)]
    for source in sources:
        for file in _files_of(source) if source and not is_zarr(source) else ():
            stat = file.stat()
            told = f"{file.name} {stat.st_size} {stat.st_mtime_ns}"
            digest.update(os.fsencode(told))
    return digest.hexdigest()
