"""A forest that tells the pixels of marked cells apart."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift.rshn import Forest, PixelClass
from fastershift.training._truth import UNKNOWN

__all__ = ["grow_forest", "pixel_classes"]

_Labels = npt.NDArray[np.int32]
_Image = npt.NDArray[np.float32]

# Width of the rim of a cell in pixels of the network, but at most a share of its half
# width; what lies around a cell within so many pixels is none of it.
_RIM, _RIM_SHARE = 2.0, 0.5
_AROUND = 1.5

# Pixels that a tree is grown on at most, and the least in a leaf.
_MOST_PIXELS = 15_000
_LEAST_LEAF = 3


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
    # Takes a second to import, which only learning needs.
    from sklearn.ensemble import RandomForestClassifier

    order = np.random.default_rng(seed).permutation(len(classes))[:_MOST_PIXELS]
    grown = RandomForestClassifier(
        trees,
        min_samples_leaf=_LEAST_LEAF,
        class_weight="balanced_subsample",
        random_state=seed,
        n_jobs=1,
    ).fit(described[order], classes[order])
    sizes = [tree.tree_.node_count for tree in grown.estimators_]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    parts: dict[str, list[npt.NDArray[np.generic]]] = {}
    for root, grown_tree in zip(roots, grown.estimators_, strict=True):
        tree = grown_tree.tree_
        leaf = tree.children_left < 0
        shares = np.zeros((tree.node_count, len(PixelClass)), np.float32)
        values = tree.value[:, 0]
        shares[:, grown.classes_] = values / values.sum(axis=1, keepdims=True)
        found = {
            "feature": np.where(leaf, -1, tree.feature).astype(np.int32),
            "threshold": np.where(leaf, 0, tree.threshold).astype(np.float32),
            "below": np.where(leaf, 0, tree.children_left + root).astype(np.int32),
            "above": np.where(leaf, 0, tree.children_right + root).astype(np.int32),
            "shares": shares,
        }
        for name, value in found.items():
            parts.setdefault(name, []).append(value)
    return Forest(roots, **{k: np.concatenate(v) for k, v in parts.items()})
