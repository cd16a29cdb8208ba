"""How good a result will be: by how little it depends on the diameter."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings
from fastershift.instances import unsure_share
from fastershift.labels import Matches, match_cells, resize_labels
from fastershift.pipeline._diameter import embed_stills, segment_pair, whole_cells
from fastershift.pipeline._samples import Sample, take_samples
from fastershift.rshn import EmbeddingKind, FrameSource, Model

__all__ = ["Quality", "Stability", "expected_f1", "expected_quality", "stability"]

# Cells across the part of a frame on which a model is compared with itself, and the
# factor by which the diameter is changed for that.
_ACROSS = 7
_CHANGE = 1.12

# Such a part is this many pixels wide at least.
_LEAST_SIDE = 32

# Every second frame is looked at first; with so many cells the others tell little more.
_ENOUGH = 40.0

# Fewer whole cells than this, found at either diameter, say little about the others.
_FEWEST = 5

# Log odds of the expected F1 over the agreement, slope and offset, by what pixels are:
# fitted to 95 sets of images of 19 kinds, some blurred, noisy or told a wrong diameter
# (scripts/models/calibrate_quality.py).
_LINES: Mapping[EmbeddingKind, tuple[float, float]] = {
    "votes": (6.2, -3.25),
    "cosine": (6.8, -3.65),
}

# Four sets in five lie within so many log odds of what is expected.
_MARGIN = 1.3

# Log odds by which a frame is worse for each unsure pixel per pixel of its cells.
_UNSURE = 3.0

# Below this a result is doubtful.
_DOUBTFUL = 0.5


class Stability(NamedTuple):
    """How a model does on parts of a movie.

    Attributes
    ----------
    agreement : float
        Mean F1, at overlaps (IoU) of 0.5 and of 0.75, of the cells that are found at
        diameters an eighth smaller and larger.
    unsure : float
        See `fastershift.instances.unsure_share`.
    diameter : float
        Mean diameter in pixels of a frame of the middle half of the whole cells; 0
        where they are too few. It moves less than the median when sizes come in two
        groups, as before and after divisions.
    cells : float
        That were compared: the mean of those found at either diameter.
    """

    agreement: float
    unsure: float
    diameter: float
    cells: float


@dataclass(frozen=True)
class Quality:
    """How good a result is expected to be.

    Attributes
    ----------
    f1, low, high : float
        F1 of the cells at an overlap (IoU) of 0.5, and the interval in which it lies
        in four cases of five.
    unsure : float
        Unsure pixels per pixel of cells where that was found out.
    """

    f1: float
    low: float
    high: float
    unsure: float

    @property
    def doubtful(self) -> bool:
        """Whether half of the cells or more may be wrong."""
        return self.f1 < _DOUBTFUL

    def of_frame(self, unsure: float) -> float:
        """Expect an F1 for a frame from its share of unsure pixels."""
        return _share(_odds(self.f1) - _UNSURE * (unsure - self.unsure))

    def record(self) -> dict[str, Any]:
        """Return plain values for files."""
        rounded = {
            name: round(getattr(self, name), 2) for name in ("f1", "low", "high")
        }
        return {**rounded, "doubtful": self.doubtful}

    def sentence(self) -> str:
        """Tell it to the user."""
        expected = f"F1 {self.f1:.2f} ({self.low:.2f} to {self.high:.2f})"
        if not self.doubtful:
            return f"Expected quality: {expected}."
        return (
            f"Expected quality: {expected}. The model does not know these cells: "
            "measure the diameter, try another model, or let it learn from some cells."
        )


def stability(
    samples: Sequence[Sample], model: Model, settings: Settings, *, device: str = "auto"
) -> Stability:
    """Tell how little the cells that a model finds depend on the diameter it is told.

    A model that knows the kind of image finds the same cells at a diameter that is an
    eighth smaller or larger; on others its result falls apart. Frames are looked at
    where they are richest: every second one, and the others where cells are few.

    Parameters
    ----------
    samples : sequence of Sample
        What to look at.
    model : Model
        The network.
    settings : Settings
        With a diameter in numbers.
    device : str
        As for `Embedder`.

    Returns
    -------
    Stability
        An agreement of 0 without any sample.
    """
    diameter = settings.embed.diameter
    assert diameter != "auto"  # noqa: S101 (known by now)
    side = max(_LEAST_SIDE, round(_ACROSS * diameter))
    parts = [sample.frame[sample.richest(side)] for sample in samples]
    total = Matches()
    seen: list[_Seen] = []
    for some in (parts[::2], parts[1::2]):
        if not some or _compared(total) >= _ENOUGH:
            break
        smaller, larger = (
            _see(some, told, model, settings, device)
            for told in (diameter / _CHANGE, diameter * _CHANGE)
        )
        for one, other in zip(smaller, larger, strict=True):
            total += match_cells(one.labels, other.labels)
        seen += smaller + larger
    diameters = np.concatenate([one.diameters for one in seen]) if seen else np.empty(0)
    return Stability(
        total.agreement,
        float(np.mean([one.unsure for one in seen])) if seen else 0.0,
        _middle(diameters) if diameters.size >= _FEWEST else 0.0,
        _compared(total),
    )


class _Seen(NamedTuple):
    """What a model finds in a part of a frame when it is told a diameter."""

    labels: npt.NDArray[np.int32]
    diameters: npt.NDArray[np.float64]
    unsure: float


def _see(
    parts: Sequence[npt.NDArray[np.generic]],
    told: float,
    model: Model,
    settings: Settings,
    device: str,
) -> list[_Seen]:
    embed = settings.embed.model_copy(update={"diameter": told})
    changed = settings.model_copy(update={"embed": embed})
    seen = []
    for pair in embed_stills(parts, model, changed, device=device):
        labels = segment_pair(pair, model, changed)
        diameters = whole_cells(labels) * told / model.card.diameter
        unsure = unsure_share(pair.embeddings[0])
        seen.append(_Seen(resize_labels(labels, parts[0].shape), diameters, unsure))
    return seen


def _compared(matches: Matches) -> float:
    """Count the cells that were compared: the mean of those found either way."""
    return (matches.truth + matches.found) / 2


def _middle(values: npt.NDArray[np.float64]) -> float:
    """Average the middle half."""
    quarter = values.size // 4
    return float(np.sort(values)[quarter : values.size - quarter].mean())


def expected_f1(agreement: float, embedding: EmbeddingKind) -> float:
    """Expect an F1 from the agreement of `stability`.

    Parameters
    ----------
    agreement : float
        0 to 1.
    embedding : {"cosine", "votes"}
        What the outputs of the model mean.

    Returns
    -------
    float
        0 to 1.
    """
    slope, offset = _LINES[embedding]
    return _share(slope * agreement + offset)


def expected_quality(
    movie: FrameSource,
    model: Model,
    settings: Settings,
    *,
    device: str = "auto",
    known: Stability | None = None,
) -> Quality:
    """Expect how good the cells of a movie will be.

    The log odds of the F1 rise with the agreement of `stability`.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        The whole movie.
    model, settings, device
        As for `stability`.
    known : Stability, optional
        What `stability` gave for them before.

    Returns
    -------
    Quality
    """
    found = known or stability(take_samples(movie), model, settings, device=device)
    odds = _odds(expected_f1(found.agreement, model.card.embedding))
    low, high = _share(odds - _MARGIN), _share(odds + _MARGIN)
    return Quality(_share(odds), low, high, found.unsure)


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _odds(share: float) -> float:
    return math.log(share / (1 - share))
