"""Suite ``learning``: what a few marked cells teach, on images never trained on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.benchmark.suites._kinds import SIMULATED, kept_out_stills, read_still
from fastershift.labels import Matches, label_areas, match_cells
from fastershift.pipeline import plan_run, segment_movie
from fastershift.rshn import (
    Model,
    PixelClass,
    describe_pixels,
    load_model,
    normalise_robustly,
)
from fastershift.simulate import simulate_movie
from fastershift.training import (
    Learned,
    Learner,
    grow_forest,
    pixel_classes,
    read_annotations,
)

__all__ = ["LearnedKind", "Outcome", "kinds_to_learn", "learn_kind", "run"]

_Labels = NDArray[np.int32]
_Frame = NDArray[np.generic]

# Simulated movies: never trained on, one of each kind.
_SEED = 2_500_000
_FRAMES = 3
_SHAPE = (256, 256)

# Stills are cut to this many pixels a side, so that a minute goes a long way.
_SIDE = 640

# Stills of varied images are cut in two, and small ones of one kind put side by side.
_VARIED = ("dsb2018-fluo", "omnipose-bacteria-phase")
_SMALL = 200
_MOSAIC = 4

# Images with fewer cells teach nothing.
_FEWEST = 3

# Cells of a few marks, and strokes of background with them.
_CELLS = 10
_STROKES = 3

# Images are stills: each is shown several times, and marked in the last of them.
_MARKED_FRAME = 3

# Smaller cells than this share of the median are not marked by a person, and smaller
# ones than this share of a disc are dropped by the pixel classifier, as by us.
_MARKED = 0.25
_SMALLEST = 0.1


class _Budget(NamedTuple):
    """How long is learned, and the name of the figure."""

    minutes: float
    figure: str


# By what is marked.
_BUDGETS = {
    "ten cells": _Budget(2.0, "f1_ten_cells_two_minutes"),
    "one frame": _Budget(5.0, "f1_one_frame_five_minutes"),
}
_TREES = 50


class LearnedKind(NamedTuple):
    """What is learned from, and other images of the kind, each with its cells.

    Attributes
    ----------
    name : str
        Of the kind.
    frame : (Y, X) array
        The image of which cells are marked.
    labels : (Y, X) int32
        Its cells.
    others : list of (frame, labels)
        What is scored.
    """

    name: str
    frame: _Frame
    labels: _Labels
    others: list[tuple[_Frame, _Labels]]

    @property
    def movie(self) -> _Frame:
        """All images of one size, each for as long as the network needs to settle."""
        images = (self.frame, *(image for image, _ in self.others))
        alike = [one for one in images if one.shape == self.frame.shape]
        return np.repeat(np.stack(alike), _MARKED_FRAME + 1, axis=0)


class Outcome(NamedTuple):
    """What marks of a kind have taught.

    Attributes
    ----------
    kind, marked, way : str
        The kind, what was marked, and which way to learn did best.
    before, learned, classifier : float
        F1 of the start, of what was learned, and of a pixel classifier.
    seconds : float
        To the first model.
    """

    kind: str
    marked: str
    way: str
    before: float
    learned: float
    classifier: float
    seconds: float


def run(options: BenchmarkOptions) -> SuiteResult:
    """Let a simulated user mark cells, learn, and score other images of the kind.

    Ten cells are marked worst first, with three strokes of background; or one frame.

    Parameters
    ----------
    options : BenchmarkOptions
        Its data hold a folder ``kinds``; without it only simulated movies are learned.
        The quick form leaves the network as it is.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        For a folder without any of the kinds.
    """
    model = load_model("generalist")
    found = [
        one
        for kind in kinds_to_learn(options)
        for one in learn_kind(kind, model, options)
    ]
    rows: list[tuple[Cell, ...]] = []
    kinds: dict[str, Any] = {}
    for one in found:
        figures = (one.before, one.learned, one.classifier)
        rounded = (round(figure, 3) for figure in figures)
        rows.append((one.kind, one.marked, one.way, *rounded, round(one.seconds, 1)))
        names = ("before", "learned", "classifier")
        kinds.setdefault(one.kind, {})[one.marked] = {
            name: round(figure, 4) for name, figure in zip(names, figures, strict=True)
        }
    summary: dict[str, Any] = {
        budget.figure: round(
            float(np.median([one.learned for one in found if one.marked == marked])), 4
        )
        for marked, budget in _BUDGETS.items()
    }
    summary |= {
        "least_gain": round(min(one.learned - one.before for one in found), 4),
        "least_lead_over_classifier": round(
            min(one.learned - one.classifier for one in found), 4
        ),
        "first_preview_seconds": round(
            float(np.median([one.seconds for one in found])), 2
        ),
        "preview_seconds": round(_seconds_again(options), 2),
        "kinds": kinds,
    }
    columns = (
        "kind",
        "marked",
        "what did best",
        "F1 before",
        "F1 learned",
        "F1 pixel classifier",
        "s to the first model",
    )
    notes = [
        "Stills are those that the generalist was not trained on, but it was trained "
        "on others of their sets.",
        "All are told the diameter that auto takes for the marked image and others of "
        "the same size, in which nothing is marked.",
    ]
    if options.quick:
        notes.append("Cut down: the network does not learn, and one other image each.")
    return SuiteResult(
        summary, (Table("Learning", columns, tuple(rows)),), notes=tuple(notes)
    )


def learn_kind(
    kind: LearnedKind, model: Model, options: BenchmarkOptions
) -> list[Outcome]:
    """Mark cells of a kind in each of the ways, learn, and score its other images.

    Parameters
    ----------
    kind : LearnedKind
        Images of a kind.
    model : Model
        What learning starts from.
    options : BenchmarkOptions
        As for `run`.

    Returns
    -------
    list of Outcome
        One for each way to mark.
    """
    diameter = _usual_diameter(kind, model, options)
    before = _found_by(kind, options, model, diameter)
    start = _f1(kind, before[1:])
    outcomes = []
    for marked, budget in _BUDGETS.items():
        marks = kind.labels
        if marked == "ten cells":
            marks = _ten_cells(kind.labels, before[0], options.seed)
        seconds, learned = _learned(
            kind, marks, model, options, diameter, budget.minutes
        )
        f1 = _f1(kind, _found_by(kind, options, learned.model)[1:])
        forest = _f1(kind, _pixel_classifier(kind, marks, options.seed))
        outcomes.append(
            Outcome(kind.name, marked, learned.way, start, f1, forest, seconds)
        )
    return outcomes


def kinds_to_learn(options: BenchmarkOptions) -> Iterator[LearnedKind]:
    """Read the stills that were kept out, and simulate movies.

    Parameters
    ----------
    options : BenchmarkOptions
        As for `run`.

    Yields
    ------
    LearnedKind
    """
    most = 1 if options.quick else 4
    for name, kept in kept_out_stills(options):
        kind = _of_stills(name, [_still(path) for path in kept], most)
        if kind is not None:
            yield kind
    for number, (name, diameter, n_cells) in enumerate(SIMULATED):
        movie = simulate_movie(
            _FRAMES,
            _SHAPE,
            n_cells,
            diameter=diameter,
            kind=name,
            seed=_SEED + number + options.seed,
        )
        last = (movie.frames[-1], movie.labels[-1])
        yield LearnedKind(f"simulated {name}", movie.frames[0], movie.labels[0], [last])


def _still(path: Path) -> tuple[_Frame, _Labels]:
    frames, labels = read_still(path)
    return frames[0, :_SIDE, :_SIDE], labels[0, :_SIDE, :_SIDE]


def _of_stills(
    name: str, stills: list[tuple[_Frame, _Labels]], most: int
) -> LearnedKind | None:
    """Choose what is learned from and what is scored; None with too few cells."""
    if not stills:
        return None
    if name in _VARIED:
        image, labels = max(stills, key=lambda one: len(np.unique(one[1])))
        middle = image.shape[1] // 2
        kind = LearnedKind(
            name,
            image[:, :middle],
            labels[:, :middle],
            [(image[:, middle:], labels[:, middle:])],
        )
    elif max(stills[0][0].shape) <= _SMALL:
        alike = [one for one in stills if one[0].shape == stills[0][0].shape]
        learned, others = alike[:_MOSAIC], alike[_MOSAIC:]
        numbered = [
            np.where(one > 0, one + 1000 * n, 0) for n, (_, one) in enumerate(learned)
        ]
        kind = LearnedKind(
            name,
            np.hstack([image for image, _ in learned]),
            np.hstack(numbered).astype(np.int32),
            others,
        )
    else:
        kind = LearnedKind(name, *stills[0], stills[1 : 1 + most])
    judged = any(one.any() for _, one in kind.others)
    return kind if judged and len(np.unique(kind.labels)) > _FEWEST else None


def _diameter(labels: _Labels) -> float:
    return float(np.sqrt(4 / np.pi * np.median(label_areas(labels)[1])))


def _usual_diameter(
    kind: LearnedKind, model: Model, options: BenchmarkOptions
) -> float:
    """Tell which diameter *auto* takes; that of the cells where it takes none."""
    plan = plan_run(kind.movie, model=model, device=options.device)
    diameter = plan.settings.embed.diameter
    return _diameter(kind.labels) if diameter == "auto" else float(diameter)


def _found_by(
    kind: LearnedKind,
    options: BenchmarkOptions,
    model: Model,
    diameter: float | None = None,
) -> list[_Labels]:
    """Segment what is learned from, then the other images, each on its own."""
    settings: dict[str, Any] = {"track": {"shortest_track": 1}}
    if diameter is not None:
        settings["embed"] = {"diameter": diameter}
    images = (kind.frame, *(image for image, _ in kind.others))
    return [
        segment_movie(
            image[np.newaxis], settings, model=model, device=options.device
        ).labels[0]
        for image in images
    ]


def _f1(kind: LearnedKind, found: list[_Labels]) -> float:
    total = Matches()
    for (_, truth), one in zip(kind.others, found, strict=True):
        total += match_cells(truth, one)
    return total.f1


def _ten_cells(labels: _Labels, found: _Labels, seed: int) -> _Labels:
    """Mark as a person would: the worst cells first, and what is wrongly found."""
    chance = np.random.default_rng(seed)
    cells, areas = label_areas(labels)
    large = areas >= _MARKED * np.median(areas)
    cells, areas = cells[large], areas[large]
    agreement = []
    for cell, area in zip(cells, areas, strict=True):
        inside = np.bincount(found[labels == cell])
        inside[0] = 0
        best = int(inside.argmax())
        union = area + np.count_nonzero(found == best) - inside[best]
        agreement.append(inside[best] / union if inside[best] else 0.0)
    marks = np.full(labels.shape, -1, np.int32)
    for cell in cells[np.argsort(agreement, kind="stable")][:_CELLS]:
        marks[labels == cell] = cell
    rows, columns = np.indices(labels.shape)
    radius = 0.4 * _diameter(labels)
    for _ in range(_STROKES):
        wrong = np.argwhere((labels == 0) & (found > 0) & (marks < 0))
        places = wrong if len(wrong) else np.argwhere((labels == 0) & (marks < 0))
        if len(places):
            row, column = places[chance.integers(len(places))]
            near = np.hypot(rows - row, columns - column) <= radius
            marks[near & (labels == 0)] = 0
    return marks


def _learned(
    kind: LearnedKind,
    marks: _Labels,
    model: Model,
    options: BenchmarkOptions,
    diameter: float,
    minutes: float,
) -> tuple[float, Learned]:
    """Learn; tell the seconds to the first model, and the last one."""
    movie = kind.movie
    learner = Learner(
        movie, model, diameter=diameter, seed=options.seed, device=options.device
    )
    shown = np.full(movie.shape, -1, np.int32)
    shown[_MARKED_FRAME] = marks
    annotations = read_annotations(movie, shown)
    seconds, last = 0.0, None
    budget = 0.0 if options.quick else minutes
    for step in learner.learn(annotations, minutes=budget):
        if step is not None:
            seconds = seconds or step.seconds
            last = step
    assert last is not None  # noqa: S101 (the first model always comes)
    return seconds, last


def _seconds_again(options: BenchmarkOptions) -> float:
    """Time from a further mark to the next model, in a frame of 512² pixels."""
    movie = simulate_movie(1, (512, 512), 60, kind="rods", diameter=24.0, seed=_SEED)
    learner = Learner(movie.frames, load_model("generalist"), device=options.device)
    seconds = 0.0
    for n_cells in (_CELLS, _CELLS + 1):
        marks = np.where(movie.labels <= n_cells, movie.labels, -1)
        marks[:, :64, :64][marks[:, :64, :64] < 0] = 0
        annotations = read_annotations(movie.frames, marks)
        steps = learner.learn(annotations, minutes=0)
        seconds = max(one.seconds for one in steps if one is not None)
    return seconds


def _pixel_classifier(kind: LearnedKind, marks: _Labels, seed: int) -> list[_Labels]:
    """Grow a random forest on Gaussian features, and part its cells by a watershed.

    This is what ilastik and convpaint offer, here on the same marks, with the same
    classes of pixels and as many trees as ours.
    """
    nothing = np.zeros((*marks.shape, 0), np.float32)
    classes = pixel_classes(marks)
    known = classes >= 0
    described = describe_pixels(_normalised(kind.frame), nothing)
    forest = grow_forest(described[known], classes[known], trees=_TREES, seed=seed)
    least = _SMALLEST * np.pi / 4 * _diameter(np.maximum(marks, 0)) ** 2
    found = []
    for image, labels in kind.others:
        nothing = np.zeros((*labels.shape, 0), np.float32)
        shares = forest.tell(describe_pixels(_normalised(image), nothing))
        inside = ndimage.gaussian_filter(shares[..., PixelClass.INSIDE], 1.0)
        cores, _ = ndimage.label(inside > 0.5)
        cell = shares[..., PixelClass.BACKGROUND] < 0.5
        cells = watershed(-inside, cores, mask=cell)
        large = np.bincount(cells.ravel()) >= least
        large[0] = False
        found.append((cells * large[cells]).astype(np.int32))
    return found


def _normalised(image: _Frame) -> NDArray[np.float32]:
    return normalise_robustly(image, 0.0)[0]
