"""Heads that are grown on marks, each judged on cells that it was not shown."""

from collections.abc import Generator, Sequence
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
from fastershift.training.learn._ways import (
    Judged,
    Rules,
    Seen,
    best_rules,
    judge_parts,
    keep_votes,
)
from fastershift.training.learn._witness import Witness

__all__ = ["load_loops", "try_heads"]

_Image = npt.NDArray[np.float32]

# Trees for each part of the marks that is kept out.
_TREES = 15

# Level at which cores are parted, and others that are tried with the best forest.
_LEVEL, _OTHER_LEVELS = 0.6, (0.5, 0.7)

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


@dataclass(frozen=True, eq=False)
class _Grown:
    """Forests of a way, each grown on all parts of the marks but one.

    Attributes
    ----------
    forest : Forest
        All of them together: each cell was shown to most of its trees.
    shares : list of list of (Y, X, 3) float32
        What is told of each frame by each, which has not learned from that part.
    elsewhere : list of list of (y, x, 3) float32
        What all of them tell of the looks of the witness.
    """

    forest: Forest
    shares: list[list[_Image]]
    elsewhere: list[list[_Image]]


def try_heads(
    seen: Sequence[Seen], diameter: float, seed: int, witness: Witness
) -> Generator[None, None, Judged | None]:
    """Grow heads on the marks, judged on each part by those grown on the others.

    It yields at places to stop.

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
    witness : Witness
        Of what they find elsewhere.

    Returns
    -------
    Judged or None
        The best one; None where the marks show no background, or no inside of a cell.
    """
    looks, described = [], []
    for one in seen:
        yield
        looks.append(_Look.of(one, diameter, seed))
    for pair in witness.looks:
        yield
        described.append([describe_pixels(*look) for look in pair])
    everything = looks[0].described.shape[1]
    ways = [_Way(everything), _Way(count_features(0))]
    if any(len(one.believed) for one in looks):
        ways.insert(0, _Way(everything, unmarked=True))
    best: tuple[_Grown, Judged] | None = None
    for way in ways:
        grown = yield from _grow(looks, way, seed, described)
        if grown is None:
            return None
        judged = yield from _judge(grown, seen, witness, _LEVEL, diameter)
        if best is None or _both(judged) > _both(best[1]):
            best = grown, judged
    assert best is not None  # noqa: S101 (there are two ways at least)
    grown, judged = best
    for level in _OTHER_LEVELS:
        other = yield from _judge(grown, seen, witness, level, diameter)
        judged = max(judged, other, key=_both)
    return (yield from _with_rules(judged, grown, seen, diameter))


def load_loops() -> None:
    """Load the compiled loops of forests; the very first time it takes seconds."""
    described = np.arange(12, dtype=np.float32).reshape(6, 2)
    classes = np.repeat(np.array(PixelClass, np.int8), 2)
    grow_forest(described, classes, trees=1, seed=0).tell(described)


def _both(judged: Judged) -> float:
    """Compare heads of the same marks: both witnesses count the same."""
    return judged.marks.quality + judged.expected


def _grow(
    looks: Sequence[_Look],
    way: _Way,
    seed: int,
    described: Sequence[Sequence[_Image]],
) -> Generator[None, None, _Grown | None]:
    """Grow a forest for each part left out; None where one has all of a class."""
    forests = []
    shares: list[list[_Image]] = [[] for _ in looks]
    for part in range(1 + max(int(one.parts.max()) for one in looks)):
        shown = _shown(looks, way, part)
        if shown is None:
            return None
        yield
        forests.append(grow_forest(*shown, trees=_TREES, seed=seed + part))
        for look, told in zip(looks, shares, strict=True):
            yield
            told.append(look.told(forests[-1]))
    forest = Forest.join(forests)
    elsewhere = []
    for pair in described:
        yield
        elsewhere.append([forest.tell(one) for one in pair])
    return _Grown(forest, shares, elsewhere)


def _judge(
    grown: _Grown,
    seen: Sequence[Seen],
    witness: Witness,
    level: float,
    diameter: float,
) -> Generator[None, None, Judged]:
    """Judge forests at a level by both witnesses."""
    said = yield from _said(seen, grown.shares, level, diameter)
    marks, first = yield from judge_parts(seen, said, Rules(), diameter)
    found = []
    for shares, pair in zip(grown.elsewhere, witness.looks, strict=True):
        yield
        votes = [
            keep_votes(fill_votes(share, outputs, level, diameter), diameter)
            for share, (_, outputs) in zip(shares, pair, strict=True)
        ]
        found.append([Rules().cells(one, diameter) for one in votes])
    expected = witness.expected(found)
    head = Head(grown.forest, level)
    return Judged(marks, first, 0.0, expected, Rules(), head, learned=True)


def _with_rules(
    judged: Judged, grown: _Grown, seen: Sequence[Seen], diameter: float
) -> Generator[None, None, Judged]:
    """Find the rules that do best, and how all forests together do on all marks."""
    assert judged.head is not None  # noqa: S101 (a head was judged)
    level = judged.head.level
    said = yield from _said(seen, grown.shares, level, diameter)
    rules, marks, first = yield from best_rules(
        seen, said, Rules(), diameter, learned=True
    )
    together = [[np.stack(told).mean(axis=0)] for told in grown.shares]
    said = yield from _said(seen, together, level, diameter)
    agreed, _ = yield from judge_parts(seen, said, rules, diameter)
    return replace(judged, rules=rules, marks=marks, first=first, shown=agreed.quality)


def _said(
    seen: Sequence[Seen],
    shares: Sequence[Sequence[_Image]],
    level: float,
    diameter: float,
) -> Generator[None, None, list[list[Tensor]]]:
    """Keep what is told of each frame as votes."""
    said = []
    for one, told in zip(seen, shares, strict=True):
        said.append(list[Tensor]())
        for share in told:
            yield
            votes = fill_votes(share, one.outputs, level, diameter)
            said[-1].append(keep_votes(votes, diameter))
    return said


def _shown(
    looks: Sequence[_Look], way: _Way, but: int
) -> tuple[_Image, npt.NDArray[np.int8]] | None:
    """Take all pixels but those of a part; None where all of one class are in it."""
    rows, classes, missing = [], [], set()
    for one in looks:
        known = one.classes != UNKNOWN
        learned = known & (one.parts != but)
        missing |= set(one.classes[known].tolist())
        rows.append(one.described[learned, : way.n_features])
        classes.append(one.classes[learned])
    missing -= set(np.concatenate(classes).tolist())
    if missing:
        return None
    if way.unmarked:
        rows += [one.unmarked for one in looks]
        classes += [one.believed for one in looks]
    return np.concatenate(rows), np.concatenate(classes)
