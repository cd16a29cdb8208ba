"""Scores of a network on validation frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastershift.evaluation import Scores, score_arrays
from fastershift.pipeline import TrackedMovie, track
from fastershift.rshn import Model
from fastershift.training._picture import side_by_side
from fastershift.training._truth import UNKNOWN, TruthSequence

__all__ = ["PartScores", "Validation", "ValidationPart", "choose_part", "validate"]

# Validation must stay cheap: this many frames, this many network pixels a side.
_FRAMES = 3
_SIDE = 512

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ValidationPart:
    """Some frames of a movie on which a network is judged.

    Attributes
    ----------
    name : str
        Of the movie.
    frames : ndarray
        (T, Y, X) raw.
    labels, markers, outlines : ndarray of int32
        (T, Y, X), see `TruthSequence`.
    diameter : float
        Cell diameter in pixels.
    """

    name: str
    frames: NDArray[np.generic]
    labels: Labels
    markers: Labels
    outlines: Labels
    diameter: float

    @property
    def shown(self) -> int:
        """Frame for a picture: the middle one of those with truth."""
        known = [t for t, one in enumerate(self.labels) if (one != UNKNOWN).any()]
        return known[len(known) // 2] if known else len(self.frames) // 2


@dataclass(frozen=True)
class PartScores:
    """SEG and TRA of a part; None where there is no such truth."""

    name: str
    seg: float | None
    tra: float | None

    @property
    def values(self) -> dict[str, float]:
        """The scores there are, by their usual names."""
        both = {"SEG": self.seg, "TRA": self.tra}
        return {key: round(one, 4) for key, one in both.items() if one is not None}


@dataclass(frozen=True, eq=False)
class Validation:
    """What a network made of all parts.

    Attributes
    ----------
    parts : tuple of PartScores
        One for each.
    picture : ndarray of uint8
        (Y, X, 3); a frame of the first part, its truth and the result side by side.
    """

    parts: tuple[PartScores, ...]
    picture: NDArray[np.uint8]

    @property
    def score(self) -> float:
        """Mean over the parts of (SEG + TRA) / 2, or of the one that there is."""
        means = [np.mean(list(p.values.values())) for p in self.parts if p.values]
        return float(np.mean(means)) if means else 0.0

    @property
    def seg(self) -> float | None:
        """Mean SEG of the parts."""
        return _mean([part.seg for part in self.parts])

    @property
    def tra(self) -> float | None:
        """Mean TRA of the parts."""
        return _mean([part.tra for part in self.parts])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None


def choose_part(
    truth: TruthSequence, name: str, network_diameter: float
) -> ValidationPart | None:
    """Take the frames with most outlines, cut to where the cells are.

    Parameters
    ----------
    truth : TruthSequence
        What is kept out of the training.
    name : str
        Of the movie.
    network_diameter : float
        Cell diameter in network pixels.

    Returns
    -------
    ValidationPart or None
        At most 3 frames of at most 512 network pixels a side; None where no cell is
        marked.
    """
    length = min(_FRAMES, len(truth.frames))
    outlined = np.array([np.count_nonzero(one) for one in truth.outlines])
    sums = np.convolve(outlined, np.ones(length), "valid")
    first = int(sums.argmax())
    chosen = truth.cut(first, first + length)
    markers = np.stack(chosen.markers)
    if not markers.any():
        return None
    side = int(_SIDE * truth.diameter / network_diameter)
    window = tuple(
        _window(float(places.mean()), size, side)
        for places, size in zip(
            np.nonzero(markers.any(0)), markers.shape[1:], strict=True
        )
    )
    here = (slice(None), *window)
    return ValidationPart(
        name,
        np.stack(chosen.frames)[here],
        np.stack(chosen.labels)[here],
        markers[here],
        np.stack(chosen.outlines)[here],
        truth.diameter,
    )


def _window(centre: float, size: int, side: int) -> slice:
    first = min(max(round(centre - side / 2), 0), max(size - side, 0))
    return slice(first, first + side)


def _only_judged(found: Labels, part: ValidationPart) -> Labels:
    """Leave out cells of which nobody can say whether they are there."""
    judged = found.copy()
    for labels, known, markers in zip(judged, part.labels, part.markers, strict=True):
        length = int(labels.max()) + 1
        area = np.bincount(labels.ravel(), minlength=length)
        open_area = np.bincount(labels[known == UNKNOWN], minlength=length)
        marked = np.bincount(labels[markers > 0], minlength=length) > 0
        unjudged = (2 * open_area > area) & ~marked
        labels[unjudged[labels]] = 0
    return judged


def score_part(labels: Labels, part: ValidationPart) -> Scores:
    """Compare a result with as much truth as there is.

    Parameters
    ----------
    labels : ndarray of int32
        (T, Y, X) track ids.
    part : ValidationPart
        With the truth.

    Returns
    -------
    Scores
        Divisions count as ends and beginnings, as do gaps: cells leave and come back
        where frames are cut.
    """
    found = _only_judged(labels, part)
    outlined = {t: frame for t, frame in enumerate(part.outlines) if frame.any()}
    return score_arrays(found, None, part.markers, None, outlined)


def validate(
    model: Model,
    parts: Sequence[ValidationPart],
    bandwidth: float,
    *,
    device: str = "auto",
    stopped: Callable[[], bool] = lambda: False,
) -> Validation | None:
    """Segment and track the parts, and compare with their truth.

    Parameters
    ----------
    model : Model
        The network.
    parts : sequence of ValidationPart
        At least one.
    bandwidth : float
        h of the clustering.
    device : str
        Where to compute.
    stopped : callable
        Asked again and again; once it says True, nothing more is done.

    Returns
    -------
    Validation or None
        None when it was stopped.
    """
    results: list[TrackedMovie] = []
    for part in parts:
        settings = {
            "embed": {"diameter": part.diameter},
            "cluster": {"bandwidth": bandwidth},
        }
        run = track(part.frames, settings, model=model, device=device)
        for _ in run:
            if stopped():
                return None
        results.append(run.result)
    scores = []
    for part, result in zip(parts, results, strict=True):
        found = score_part(result.labels, part)
        scores.append(PartScores(part.name, found.seg, found.tra))
    part, result = parts[0], results[0]
    picture = side_by_side(
        part.frames[part.shown], part.labels[part.shown], result.labels[part.shown]
    )
    return Validation(tuple(scores), picture)
