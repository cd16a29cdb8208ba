"""Heads that are grown on marks, each judged on cells that it was not shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

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
from fastershift.training.learn._ways import (
    LEAST_GAIN,
    Judged,
    Rules,
    Seen,
    best_rules,
    judge_ways,
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


@dataclass(frozen=True, eq=False)
class _Look:
    """What a forest is told of the pixels of a frame that are near marks.

    Attributes
    ----------
    near : (Y, X) bool
        Those pixels.
    described : (P, F) float32
        What is told of each.
    classes, parts : (P,) int8
        Its `PixelClass` or -1, and the part of the marks it belongs to.
    """

    near: npt.NDArray[np.bool_]
    described: _Image
    classes: npt.NDArray[np.int8]
    parts: npt.NDArray[np.int8]

    @classmethod
    def of(cls, seen: Seen, diameter: float) -> "_Look":
        """Look at a marked frame."""
        classes = pixel_classes(seen.marked)
        away = ndimage.distance_transform_edt(classes == UNKNOWN)
        near = away <= _NEAR * diameter
        described = describe_pixels(seen.shown, seen.outputs)[near]
        return cls(near, described, classes[near], seen.part[near])

    def told(self, forest: Forest) -> _Image:
        """Tell the share of each class; all that is not near is background."""
        shares = np.zeros((*self.near.shape, len(PixelClass)), np.float32)
        shares[..., PixelClass.BACKGROUND] = 1
        shares[self.near] = forest.tell(self.described)
        return shares


def try_heads(seen: Sequence[Seen], diameter: float, seed: int) -> Judged | None:
    """Grow heads on the marks, judged on each part by those grown on the others.

    One asks for all that is told of a pixel, the other for the image alone: where the
    network does not know such cells, what it says is misleading.

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
        The better one; None where the marks show no background, or no inside of a
        cell.
    """
    looks = [_Look.of(one, diameter) for one in seen]
    tried = []
    for count in (looks[0].described.shape[1], count_features(0)):
        judged = _judged(seen, looks, count, diameter, seed)
        if judged is None:
            return None
        tried.append((*judged, count))
    of_all, of_image = tried
    better = of_image[0].quality > of_all[0].quality + LEAST_GAIN
    best, level, count = of_image if better else of_all
    forest = _grown(looks, count, _TREES, seed)
    assert forest is not None  # noqa: S101 (it was grown on fewer marks)
    said = [
        [fill_votes(look.told(forest), one.outputs, level, diameter)]
        for one, look in zip(seen, looks, strict=True)
    ]
    shown, _ = judge_ways(seen, said, best.rules, diameter)
    return replace(best, shown=shown, head=Head(forest, level))


def _judged(
    seen: Sequence[Seen],
    looks: Sequence[_Look],
    count: int,
    diameter: float,
    seed: int,
) -> tuple[Judged, float] | None:
    """Judge heads that ask for the first features, and find the best level."""
    shares: list[list[_Image]] = [[] for _ in looks]
    for part in range(1 + max(int(one.parts.max()) for one in looks)):
        forest = _grown(looks, count, _TREES_JUDGED, seed, part)
        if forest is None:
            return None
        for look, ways in zip(looks, shares, strict=True):
            ways.append(look.told(forest))

    def said(level: float) -> list[list[_Image]]:
        return [
            [fill_votes(share, one.outputs, level, diameter) for share in ways]
            for one, ways in zip(seen, shares, strict=True)
        ]

    level, ways = _LEVEL, said(_LEVEL)
    quality = judge_ways(seen, ways, Rules(), diameter)[0]
    for tried in _LEVELS:
        other = said(tried)
        reached = judge_ways(seen, other, Rules(), diameter)[0]
        if reached > quality + LEAST_GAIN:
            level, ways, quality = tried, other, reached
    return best_rules(seen, ways, Rules(), diameter), level


def _grown(
    looks: Sequence[_Look], count: int, trees: int, seed: int, but: int | None = None
) -> Forest | None:
    """Grow a forest on marks; None where all of one class are in the part left out."""
    known = [one.classes != UNKNOWN for one in looks]
    classes = np.concatenate(
        [one.classes[which] for one, which in zip(looks, known, strict=True)]
    )
    rows = np.concatenate(
        [one.described[which, :count] for one, which in zip(looks, known, strict=True)]
    )
    if but is not None:
        parts = np.concatenate(
            [one.parts[which] for one, which in zip(looks, known, strict=True)]
        )
        learned = parts != but
        if len(np.unique(classes[learned])) < len(np.unique(classes)):
            return None
        rows, classes = rows[learned], classes[learned]
    return grow_forest(rows, classes, trees=trees, seed=seed)
