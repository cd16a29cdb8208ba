"""A forest that tells the pixels of marked cells apart."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift._compiled import compiled_as_written
from fastershift.rshn import Forest, PixelClass
from fastershift.training._truth import UNKNOWN

__all__ = ["grow_forest", "pixel_classes"]

_Labels = npt.NDArray[np.int32]
_Image = npt.NDArray[np.float32]
_Tree: TypeAlias = tuple[
    npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32], _Image
]

# Width of the rim of a cell in pixels of the network, but at most a share of its half
# width; what lies around a cell within so many pixels is none of it.
_RIM, _RIM_SHARE = 2.0, 0.5
_AROUND = 1.5

# Pixels that a tree is grown on at most, and the least in a leaf.
_MOST_PIXELS = 15_000
_LEAST_LEAF = 3

# Splits are looked for between so many quantiles.
_BINS = 128
_QUANTILES = np.linspace(0, 1, _BINS + 1)[1:-1]


def pixel_classes(marked: _Labels) -> npt.NDArray[np.int8]:
    """Tell inside, rim and background of marked cells apart.

    What is unknown just around a cell is called background: where another cell touches
    it, what is learned there is a gap between both.

    Parameters
    ----------
    marked : (Y, X) int32
        Cells, 0 background, -1 unknown, at the size of the network.

    Returns
    -------
    (Y, X) int8
        A `PixelClass`, or -1.
    """
    classes = np.where(marked == 0, PixelClass.BACKGROUND, UNKNOWN).astype(np.int8)
    near = ndimage.distance_transform_edt(marked <= 0) <= _AROUND
    classes[near & (marked == UNKNOWN)] = PixelClass.BACKGROUND
    for cell, box in enumerate(ndimage.find_objects(np.maximum(marked, 0)), start=1):
        if box is None:
            continue
        own = marked[box] == cell
        depth = _depth(own, box, marked.shape)
        rim = min(_RIM, _RIM_SHARE * float(depth.max()))
        classes[box][own] = np.where(
            depth[own] > rim, PixelClass.INSIDE, PixelClass.OUTLINE
        )
    return classes


def _depth(
    own: npt.NDArray[np.bool_], box: tuple[slice, ...], shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Distance of pixels to the outside of their cell; beyond the frame it goes on."""
    around = [
        (int(side.start > 0), int(side.stop < length))
        for side, length in zip(box, shape, strict=True)
    ]
    (top, _), (left, _) = around
    depth = ndimage.distance_transform_edt(np.pad(own, around))
    inner: npt.NDArray[np.float64] = depth[
        top : top + own.shape[0], left : left + own.shape[1]
    ]
    return inner


def grow_forest(
    described: _Image, classes: npt.NDArray[np.int8], *, trees: int, seed: int
) -> Forest:
    """Grow a random forest.

    Features are cut into bins at their quantiles, and trees split between bins: an
    eighth of the time of exact splits, and forests that tell new pixels as well.

    Parameters
    ----------
    described : (P, F) float32
        See `describe_pixels`.
    classes : (P,) int8
        The `PixelClass` of each pixel.
    trees : int
        How many.
    seed : int
        Of all random draws.

    Returns
    -------
    Forest

    References
    ----------
    .. [1] L. Breiman, "Random forests", Machine Learning 45, 2001.
    """
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(classes))[:_MOST_PIXELS]
    rows, kinds = described[order], classes[order]
    levels = np.quantile(rows, _QUANTILES, axis=0, method="lower").astype(np.float32)
    bins = np.empty(rows.shape, np.uint8)
    for feature, edges in enumerate(levels.T):
        bins[:, feature] = np.searchsorted(edges, rows[:, feature])
    grown = []
    for _ in range(trees):
        drawn = np.bincount(
            chance.integers(len(kinds), size=len(kinds)), minlength=len(kinds)
        )
        of_class = np.bincount(kinds, drawn, minlength=len(PixelClass))
        # All classes weigh the same.
        weights = drawn / np.maximum(of_class, 1)[kinds]
        grown.append(_grow_tree(bins, kinds, weights, len(PixelClass), chance))
    return _planted(grown, levels)


def _planted(grown: Sequence[_Tree], levels: _Image) -> Forest:
    """Put trees one after the other."""
    sizes = [len(feature) for feature, *_ in grown]
    roots = np.cumsum([0, *sizes[:-1]]).astype(np.int32)
    feature, level, below, shares = (
        np.concatenate(parts) for parts in zip(*grown, strict=True)
    )
    leaf = feature < 0
    below = np.where(leaf, 0, below + np.repeat(roots, sizes)).astype(np.int32)
    above = np.where(leaf, 0, below + 1).astype(np.int32)
    threshold = np.where(leaf, 0, levels[level, feature]).astype(np.float32)
    return Forest(roots, feature, threshold, below, above, shares)


@compiled_as_written
def _grow_tree(
    bins: npt.NDArray[np.uint8],
    kinds: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float64],
    n_kinds: int,
    chance: np.random.Generator,
) -> _Tree:
    """Grow a tree on the pixels that weigh anything.

    Returns
    -------
    feature : (N,) int32
        -1 in a leaf.
    level : (N,) int64
        Pixels of this bin and those before it take the branch below.
    below : (N,) int32
        The next node; the branch above follows it.
    shares : (N, K) float32
        Of each class.
    """
    members = np.flatnonzero(weights)
    most = max(1, 2 * (members.size // _LEAST_LEAF))
    feature = np.full(most, -1, np.int32)
    level = np.zeros(most, np.int64)
    below = np.zeros(most, np.int32)
    shares = np.zeros((most, n_kinds), np.float32)
    # Members of each node.
    first, last = np.zeros(most, np.int64), np.zeros(most, np.int64)
    last[0] = members.size
    order = np.arange(bins.shape[1])
    count, node = 1, 0
    while node < count:
        own = members[first[node] : last[node]]
        whole = np.zeros(n_kinds)
        for pixel in own:
            whole[kinds[pixel]] += weights[pixel]
        shares[node] = whole / whole.sum()
        if own.size >= 2 * _LEAST_LEAF and shares[node].max() < 1:
            feature[node], level[node] = _best_split(
                bins, kinds, weights, own, whole, order, chance
            )
        if feature[node] >= 0:
            middle = first[node] + _part(own, bins[:, feature[node]], level[node])
            below[node] = count
            first[count], last[count] = first[node], middle
            first[count + 1], last[count + 1] = middle, last[node]
            count += 2
        node += 1
    return feature[:count], level[:count], below[:count], shares[:count]


@compiled_as_written
def _best_split(
    bins: npt.NDArray[np.uint8],
    kinds: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float64],
    own: npt.NDArray[np.int64],
    whole: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    chance: np.random.Generator,
) -> tuple[int, int]:
    """Find the feature and bin that part pixels best, by the Gini impurity.

    As many features are tried as the root of their number, and more until one parts the
    pixels; they are drawn by shuffling `order`. `whole` is the weight of each class.

    Returns
    -------
    (int, int)
        A feature of -1 where nothing parts them.
    """
    tried = max(1, int(np.sqrt(order.size)))
    weight = np.zeros((_BINS, whole.size))
    number = np.zeros(_BINS, np.int64)
    best, best_level, best_purity = -1, 0, 0.0
    for place in range(order.size):
        if place >= tried and best >= 0:
            break
        drawn = place + int(chance.random() * (order.size - place))
        order[place], order[drawn] = order[drawn], order[place]
        weight[:] = 0
        number[:] = 0
        low, high = _BINS, 0
        for pixel in own:
            at = bins[pixel, order[place]]
            weight[at, kinds[pixel]] += weights[pixel]
            number[at] += 1
            low, high = min(low, at), max(high, at)
        left = np.zeros(whole.size)
        n_left = 0
        for at in range(low, high):
            left += weight[at]
            n_left += number[at]
            if n_left < _LEAST_LEAF or number[at] == 0:
                continue
            if own.size - n_left < _LEAST_LEAF:
                break
            right = whole - left
            purity = (left**2).sum() / left.sum() + (right**2).sum() / right.sum()
            if purity > best_purity:
                best, best_level, best_purity = order[place], at, purity
    return best, best_level


@compiled_as_written
def _part(
    own: npt.NDArray[np.int64], of_feature: npt.NDArray[np.uint8], level: int
) -> int:
    """Put the pixels up to a bin before the others, and count them."""
    count = 0
    for place in range(own.size):
        pixel = own[place]
        if of_feature[pixel] <= level:
            own[place], own[count] = own[count], pixel
            count += 1
    return count
