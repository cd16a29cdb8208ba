"""Training data from its description: movies, and parts kept for validation."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fastershift.config import PRESETS
from fastershift.errors import InputError
from fastershift.io import (
    Movie,
    check_exact,
    check_no_movie,
    check_other_than,
    read_movie,
)
from fastershift.rshn import EmbeddingKind
from fastershift.simulate import Kind, simulate_movie
from fastershift.training._augment import TrainingMovie
from fastershift.training._movies import from_simulation, prepare_movie
from fastershift.training._truth import (
    UNKNOWN,
    TruthSequence,
    cell_diameters,
    check_numbers,
    ignore_border,
    load_ctc_truth,
)
from fastershift.training._validation import ValidationPart, choose_part

__all__ = [
    "LabelledMovie",
    "TrainingData",
    "TruthOptions",
    "load_pair_truth",
    "read_training_data",
]

_SIMULATE = "simulate:"
_STILLS = "stills:"

# Files that are looked for in a folder of stills.
_IMAGES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")

# Simulated movies: how many, their frames, side in pixels, cells and cell diameter.
_SIMULATED = 4
_SIMULATED_FRAMES = 12
_SIMULATED_SIDE = 256
_SIMULATED_CELLS = 30
_SIMULATED_DIAMETER = 24.0
_VALIDATED_FRAMES = 3

# Least frames kept out of a movie, and left to learn from.
_LEAST = 2

# Frames on either side of one with truth that are shown to the network with it.
_REACH = 8

# Movies and stills whose cell diameters lie within this ratio have one diameter.
_ALIKE = 1.3


@dataclass(frozen=True)
class TruthOptions:
    """How incomplete truth is understood.

    Attributes
    ----------
    border : int or None
        Width in pixels of the strip without truth; None takes what is known of a
        published data set, and 0 otherwise.
    reach : float
        Unknown surrounding of a cell that has only a marker, in cell diameters.
    grow : bool
        Grow such markers by their brightness, see `complete_markers`.
    diameter : float or None
        Cell diameter in pixels; None measures it in the truth.
    """

    border: int | None = None
    reach: float = 1.0
    grow: bool = False
    diameter: float | None = None

    def __post_init__(self) -> None:
        if (self.border or 0) < 0 or not self.reach >= 0:
            raise InputError("Border and reach must not be negative.")
        if self.diameter is not None and not 1 <= self.diameter <= 2000:
            raise InputError("The cell diameter must lie between 1 and 2000 pixels.")


@dataclass(frozen=True, eq=False)
class LabelledMovie:
    """A movie in memory or on disk together with its cells.

    Attributes
    ----------
    name : str
        What it is called.
    images : Movie
        Frames.
    labels : Movie
        Whole numbers of the same shape: track id, 0 background, negative unknown.
    """

    name: str
    images: Movie
    labels: Movie


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Movies to learn from and parts to validate on.

    Attributes
    ----------
    movies : tuple of TrainingMovie
        Each thing that was named has the same weight.
    parts : tuple of ValidationPart
        Kept out of the training; may be empty.
    sources : tuple of str
        For each thing that was named: which truth was used and what is kept out.
    names : tuple of str
        Short names of what was named.
    diameter : float or None
        Cell diameter in pixels if all real movies and stills have about the same.
    simulated : bool
        Whether all movies are simulated.
    """

    movies: tuple[TrainingMovie, ...]
    parts: tuple[ValidationPart, ...]
    sources: tuple[str, ...]
    names: tuple[str, ...]
    diameter: float | None
    simulated: bool


@dataclass(frozen=True, eq=False)
class _Source:
    name: str
    learned: tuple[TruthSequence, ...]
    kept_out: TruthSequence | None
    description: str
    simulated: bool = False


def load_pair_truth(
    images: Movie, labels: Movie, *, border: int = 0, diameter: float | None = None
) -> TruthSequence:
    """Take a movie and its tracked labels as truth.

    Parameters
    ----------
    images : Movie
        Frames.
    labels : Movie
        Whole numbers of the same shape: track id, 0 background, negative unknown.
    border : int
        Width in pixels of the border strip without ground truth.
    diameter : float, optional
        Cell diameter in pixels; by default the median of the labels.

    Returns
    -------
    TruthSequence

    Raises
    ------
    InputError
        When labels and frames do not belong together, the labels are plainly a movie,
        no cell is labelled, or all cells have one number.
    """
    if labels.dtype.kind not in "ui":
        raise InputError(
            f"{labels.name} holds {labels.dtype} pixels, but labels are whole numbers."
        )
    if images.shape != labels.shape:
        raise InputError(
            f"{images.name} has the shape {images.shape} (frames, rows, columns) and "
            f"its labels {labels.name} have {labels.shape}; they must be the same."
        )
    for frame in labels:
        check_no_movie(frame, labels.name)
    check_numbers(labels, labels.name)
    cells = np.unique(np.concatenate([np.unique(frame) for frame in labels]))
    cells = cells[cells > 0]
    truth = [_numbered(frame, cells) for frame in labels]
    sizes = np.concatenate([cell_diameters(frame) for frame in truth])
    if not sizes.size:
        raise InputError(f"There is no labelled cell in {labels.name}.")
    outlines = tuple(np.maximum(frame, 0) for frame in truth)
    labelled = sum(bool((frame != UNKNOWN).any()) for frame in truth)
    of_all = "" if labelled == len(truth) else f" of {len(truth)}"
    for frame in truth:
        ignore_border(frame, border)
    return TruthSequence(
        tuple(images),
        tuple(truth),
        float(np.median(sizes)) if diameter is None else diameter,
        f"{images.source or images.name}: {labelled}{of_all} frames labelled",
        outlines,
        outlines,
    )


def _numbered(
    labels: NDArray[np.integer], cells: NDArray[np.integer]
) -> NDArray[np.int32]:
    """Give cells the numbers from 1 on, in the order of `cells`."""
    numbers = np.searchsorted(cells, labels) + 1
    background = np.where(labels < 0, UNKNOWN, 0)
    return np.where(labels > 0, numbers, background).astype(np.int32)


def _simulated(kind: str, seed: int) -> _Source:
    shape = (_SIMULATED_SIDE, _SIMULATED_SIDE)

    def made(number: int, n_frames: int) -> TruthSequence:
        movie = simulate_movie(
            n_frames,
            shape,
            _SIMULATED_CELLS,
            diameter=_SIMULATED_DIAMETER,
            kind=cast("Kind", kind),
            seed=(_SIMULATED + 1) * seed + number,
        )
        return from_simulation(movie, _SIMULATED_DIAMETER)

    return _Source(
        f"simulated {kind}",
        tuple(made(number, _SIMULATED_FRAMES) for number in range(_SIMULATED)),
        made(_SIMULATED, _VALIDATED_FRAMES),
        f"simulated {kind}: {_SIMULATED} movies of "
        f"{_SIMULATED_FRAMES} frames with exact ground truth, one "
        "more is kept out",
        simulated=True,
    )


def _split(name: str, truth: TruthSequence) -> _Source:
    """Keep the last fifth out, of what is known."""
    count = len(truth.frames)
    known = truth.known
    measured = f"{truth.source}; cell diameter {truth.diameter:.1f} px"
    partial = len(known) < count
    least = 1 if partial else _LEAST
    left = len(known) - max(least, len(known) // 5)
    if left < least:
        learned, kept_out = truth, None
        described = f"{measured}; too short for validation"
    elif partial:
        learned, kept_out = truth.only(known[:left]), truth.only(known[left:])
        numbers = ", ".join(map(str, known[left:]))
        described = f"{measured}; of these, {numbers} kept out"
    else:
        learned, kept_out = truth.cut(0, left), truth.cut(left, count)
        described = f"{measured}; frames {left}:{count} are kept out"
    return _Source(name, _around_known(learned), kept_out, described)


def _around_known(truth: TruthSequence) -> tuple[TruthSequence, ...]:
    """Cut out the frames that a clip with some truth can hold."""
    count = len(truth.frames)
    ranges: list[tuple[int, int]] = []
    for frame in truth.known:
        first, stop = max(frame - _REACH, 0), min(frame + _REACH + 1, count)
        if ranges and first <= ranges[-1][1]:
            first = ranges.pop()[0]
        ranges.append((first, stop))
    return tuple(truth.cut(first, stop) for first, stop in ranges)


def _read(argument: str | LabelledMovie, options: TruthOptions, seed: int) -> _Source:
    if isinstance(argument, LabelledMovie):
        truth = _pair_truth(argument, options)
        return _split(argument.name, truth)
    if argument.startswith(_SIMULATE):
        return _simulated(argument.removeprefix(_SIMULATE), seed)
    if argument.startswith(_STILLS):
        return _stills(argument.removeprefix(_STILLS), options)
    path = Path(argument)
    if path.is_dir():
        known = PRESETS.get(path.resolve().parent.name, {}).get("track", {})
        border = known.get("border", 0) if options.border is None else options.border
        truth = load_ctc_truth(
            path,
            border=border,
            reach=options.reach,
            grow=options.grow,
            diameter=options.diameter,
        )
        return _split(f"{path.resolve().parent.name}/{path.name}", truth)
    images, equals, labels = argument.partition("=")
    if not equals:
        raise InputError(
            f"'{argument}' is not training data; give a folder such as 01 with its "
            "ground truth 01_GT beside it, IMAGE=LABELS, stills:IMAGES=MASKS, or "
            "simulate:KIND."
        )
    check_other_than(images, labels)
    check_exact(labels)
    movie = LabelledMovie(Path(images).stem, read_movie(images), read_movie(labels))
    return _split(movie.name, _pair_truth(movie, options))


def _stills(argument: str, options: TruthOptions) -> _Source:
    """Read two folders of images and their masks; of the last fifth one is judged."""
    images, equals, masks = argument.partition("=")
    if not equals:
        raise InputError(
            f"'stills:{argument}' must be stills:IMAGES=MASKS, two folders with files "
            "of the same names."
        )
    check_other_than(images, masks)
    paths, found = _files(Path(images)), _files(Path(masks))
    missing = [name for name in paths if name not in found]
    if missing:
        raise InputError(
            f"There is no mask for {missing[0]} in {masks}; images and their masks "
            "must have the same names."
        )
    truths = []
    for name, path in paths.items():
        check_exact(found[name])
        movie = LabelledMovie(name, read_movie(path), read_movie(found[name]))
        if len(movie.images) != 1:
            raise InputError(f"{path} holds a movie; stills are single images.")
        if np.any(movie.labels[0] > 0):
            truths.append(_pair_truth(movie, options))
    if len(truths) < _LEAST:
        raise InputError(f"{images} needs {_LEAST} images with cells at least.")
    left = len(truths) - max(1, len(truths) // 5)
    judged = max(truths[left:], key=lambda truth: len(np.unique(truth.labels[0])))
    return _Source(
        Path(images).resolve().parent.name,
        tuple(truths[:left]),
        judged,
        f"{images}: {len(truths)} stills; the last {len(truths) - left} kept out",
    )


def _files(folder: Path) -> dict[str, Path]:
    """Map names without suffix to the images of a folder, in order."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.")
    files = sorted(one for one in folder.iterdir() if one.suffix.lower() in _IMAGES)
    if not files:
        raise InputError(f"There is no image in {folder}.")
    return {one.stem: one for one in files}


def _pair_truth(movie: LabelledMovie, options: TruthOptions) -> TruthSequence:
    return load_pair_truth(
        movie.images,
        movie.labels,
        border=options.border or 0,
        diameter=options.diameter,
    )


def _common_diameter(sources: Sequence[_Source]) -> float | None:
    real = [
        truth.diameter for one in sources if not one.simulated for truth in one.learned
    ]
    if not real or max(real) > _ALIKE * min(real):
        return None
    return round(math.exp(sum(map(math.log, real)) / len(real)), 1)


def _prepared(
    sources: Sequence[_Source], network_diameter: float, embedding: EmbeddingKind
) -> Iterator[TrainingMovie]:
    for source in sources:
        known = [len(truth.known) for truth in source.learned]
        for truth, count in zip(source.learned, known, strict=True):
            yield prepare_movie(
                truth,
                network_diameter,
                weight=count / sum(known),
                embedding=embedding,
            )


def read_training_data(
    arguments: Sequence[str | LabelledMovie],
    network_diameter: float,
    *,
    options: TruthOptions | None = None,
    seed: int = 0,
    embedding: EmbeddingKind = "votes",
) -> TrainingData:
    """Read everything a network is to learn from.

    Parameters
    ----------
    arguments : sequence of str or LabelledMovie
        Each an image folder of the Cell Tracking Challenge such as ``01`` with its
        truth beside it, ``IMAGE=LABELS`` (two TIFF or Zarr movies),
        ``stills:IMAGES=MASKS`` (two folders of single images, whose cells are moved and
        bent to make clips), ``simulate:KIND``, or a movie with its labels. Of each
        movie the last fifth, and at least two frames, is kept out; where frames are
        unknown, the last fifth of the others, and at least one.
    network_diameter : float
        Cell diameter in network pixels.
    options : TruthOptions, optional
        How incomplete truth is understood.
    seed : int
        Of the simulated movies.
    embedding : {"cosine", "votes"}
        What is trained; it decides how frames are normalised.

    Returns
    -------
    TrainingData

    Raises
    ------
    InputError
        For anything that cannot be read or holds no truth.
    """
    if not arguments:
        raise InputError("There is nothing to train on: give at least one movie.")
    options = options or TruthOptions()
    sources = [_read(argument, options, seed) for argument in arguments]
    parts = [
        choose_part(source.kept_out, source.name, network_diameter)
        for source in sources
        if source.kept_out is not None
    ]
    return TrainingData(
        tuple(_prepared(sources, network_diameter, embedding)),
        tuple(part for part in parts if part is not None),
        tuple(source.description for source in sources),
        tuple(source.name for source in sources),
        _common_diameter(sources),
        all(one.simulated for one in sources),
    )
