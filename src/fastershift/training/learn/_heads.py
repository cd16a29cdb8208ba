"""Heads that are grown on marks, each judged on cells that it was not shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from torch import Tensor

from fastershift.rshn import (
    Forest,
    Head,
    PixelClass,
    count_features,
    describe_pixels,
    fill_votes,
)
from fastershift.training._truth import UNKNOWN
from fastershift.training.learn._grow import grow_forest, pixel_classes
from fastershift.training.learn._judge import Agreement
from fastershift.training.learn._ways import (
    LEAST_GAIN,
    Judged,
    Rules,
    Seen,
    best_rules,
    judge_parts,
    judge_rules,
    keep_votes,
)

__all__ = ["try_heads"]

_Image = npt.NDArray[np.float32]

# Trees of a forest, and of one that is only judged.
_TREES, _TREES_JUDGED = 50, 20

# Levels at which cores are parted: the usual one, and others.
_LEVEL, _LEVELS = 0.5, (0.4, 0.6)

# Pixels further from all marks than so many cell diameters do not change how cells are
# judged.
_NEAR = 1.5

# Below this logit of being in a cell the network is sure of background.
_NO_CELL = -2.0


@dataclass(frozen=True)
class _Way:
    """What a forest is grown on: features from the first on, and which pixels."""

    n_features: int
    unmarked: bool = False


@dataclass(frozen=True, eq=False)
class _Look:
    """What a forest is told of pixels of a frame.

    Attributes
    ----------
    near : (Y, X) bool
        Pixels near marks.
    described : (P, F) float32
        What is told of each.
    classes, parts : (P,) int8
        Its `PixelClass` or -1, and the part of the marks it belongs to.
    unmarked : (Q, F) float32
        What is told of pixels where nothing is marked, as many as are marked.
    believed : (Q,) int8
        Their `PixelClass`, if the model to start from is right.
    """

    near: npt.NDArray[np.bool_]
    described: _Image
    classes: npt.NDArray[np.int8]
    parts: npt.NDArray[np.int8]
    unmarked: _Image
    believed: npt.NDArray[np.int8]

    @classmethod
    def of(cls, seen: Seen, diameter: float, seed: int) -> "_Look":
        """Look at a marked frame."""
        classes = pixel_classes(seen.marked)
        away = ndimage.distance_transform_edt(classes == UNKNOWN)
        near = away <= _NEAR * diameter
        described = describe_pixels(seen.shown, seen.outputs)
        believed = _believed(seen, classes)
        places = np.flatnonzero(believed != UNKNOWN)
        count = min(len(places), int(np.count_nonzero(classes != UNKNOWN)))
        chosen = np.random.default_rng(seed).choice(places, count, replace=False)
        return cls(
            near,
            described[near],
            classes[near],
            seen.part[near],
            described.reshape(-1, described.shape[-1])[chosen],
            believed.ravel()[chosen],
        )

    def told(self, forest: Forest) -> _Image:
        """Tell the share of each class; all that is not near is background."""
        shares = np.zeros((*self.near.shape, len(PixelClass)), np.float32)
        shares[..., PixelClass.BACKGROUND] = 1
        shares[self.near] = forest.tell(self.described)
        return shares


def _believed(seen: Seen, classes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Tell the classes of pixels that nobody marked, as far as the network is sure.

    Where it finds no cell at all, it is believed in nothing.
    """
    if not (seen.unmarked > 0).any():
        return np.full(classes.shape, UNKNOWN, np.int8)
    believed = pixel_classes(seen.unmarked)
    doubtful = (believed == PixelClass.BACKGROUND) & (seen.outputs[..., 0] > _NO_CELL)
    believed[doubtful | (classes != UNKNOWN)] = UNKNOWN
    return believed


def try_heads(seen: Sequence[Seen], diameter: float, seed: int) -> Judged | None:
    """Grow heads on the marks, judged on each part by those grown on the others.

    One learns from the marks, and from what the model to start from finds elsewhere; a
    second from the marks alone; a third of them from the image alone: where the network
    does not know such cells, what it says is misleading.

    Parameters
    ----------
    seen : sequence of Seen
        Marked frames.
    diameter : float
        Cell diameter in network pixels.
    seed : int
        Of the forests.

    Returns
    -------
    Judged or None
        The best one; None where the marks show no background, or no inside of a cell.
    """
    looks = [_Look.of(one, diameter, seed) for one in seen]
    everything = looks[0].described.shape[1]
    ways = [_Way(everything), _Way(count_features(0))]
    if any(len(one.believed) for one in looks):
        ways.insert(0, _Way(everything, unmarked=True))
    best: tuple[_Way, list[list[_Image]]] | None = None
    quality = 0.0
    for way in ways:
        shares = _shares(looks, way, seed)
        if shares is None:
            return None
        said = _said(seen, shares, _LEVEL, diameter)
        reached = judge_parts(seen, said, Rules(), diameter)[0].quality
        if best is None or reached > quality + LEAST_GAIN:
            best, quality = (way, shares), reached
    assert best is not None  # noqa: S101 (there are two ways at least)
    forest = _grown(looks, best[0], _TREES, seed)
    assert forest is not None  # noqa: S101 (it was grown on fewer marks)
    level, (rules, marks, first) = _refined(seen, best[1], quality, diameter)
    head = Head(forest, level)
    filled = [
        keep_votes(head.fill_frame(one.shown, one.outputs, diameter), diameter)
        for one in seen
    ]
    judged = judge_rules(seen, filled, rules, diameter, head)
    return replace(judged, marks=marks, first=first)


def _shares(looks: Sequence[_Look], way: _Way, seed: int) -> list[list[_Image]] | None:
    """Tell the classes of each frame, by one forest for each part left out."""
    shares: list[list[_Image]] = [[] for _ in looks]
    for part in range(1 + max(int(one.parts.max()) for one in looks)):
        forest = _grown(looks, way, _TREES_JUDGED, seed, part)
        if forest is None:
            return None
        for look, told in zip(looks, shares, strict=True):
            told.append(look.told(forest))
    return shares


def _said(
    seen: Sequence[Seen],
    shares: Sequence[Sequence[_Image]],
    level: float,
    diameter: float,
) -> list[list[Tensor]]:
    return [
        [
            keep_votes(fill_votes(share, one.outputs, level, diameter), diameter)
            for share in told
        ]
        for one, told in zip(seen, shares, strict=True)
    ]


def _refined(
    seen: Sequence[Seen],
    shares: Sequence[Sequence[_Image]],
    quality: float,
    diameter: float,
) -> tuple[float, tuple[Rules, Agreement, Agreement]]:
    """Find the level and the rules that do best, from the quality at the usual one."""
    level = _LEVEL
    for tried in _LEVELS:
        said = _said(seen, shares, tried, diameter)
        reached = judge_parts(seen, said, Rules(), diameter)[0].quality
        if reached > quality + LEAST_GAIN:
            level, quality = tried, reached
    said = _said(seen, shares, level, diameter)
    return level, best_rules(seen, said, Rules(), diameter)


def _grown(
    looks: Sequence[_Look], way: _Way, trees: int, seed: int, but: int | None = None
) -> Forest | None:
    """Grow a forest on marks; None where all of one class are in the part left out."""
    rows, classes, missing = [], [], set()
    for one in looks:
        known = one.classes != UNKNOWN
        learned = known if but is None else known & (one.parts != but)
        missing |= set(one.classes[known].tolist())
        rows.append(one.described[learned, : way.n_features])
        classes.append(one.classes[learned])
    missing -= set(np.concatenate(classes).tolist())
    if missing:
        return None
    if way.unmarked:
        rows += [one.unmarked for one in looks]
        classes += [one.believed for one in looks]
    return grow_forest(
        np.concatenate(rows), np.concatenate(classes), trees=trees, seed=seed
    )
