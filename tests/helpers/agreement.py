"""How far two computations of the same thing may differ.

Processors add numbers in different orders, and so do two ways of computing one sum.
Their last bits differ, and what follows from these: a seed stops a step earlier, a
vector half way between two modes joins the other one. Everything else must agree.
"""

import numpy as np
import torch

#: Share of the bandwidth by which two ways may end apart: a seed has converged when it
#: moves less than a thousandth of it, and one way may stop a few such steps earlier.
APART = 5e-3

#: Share of the seeds that may end elsewhere, or be discarded by one way only.
SEEDS = 0.01

#: Share of the pixels that may change their cell.
PIXELS = 1e-3

#: Step between neighbouring float16 numbers below 1, twice: embeddings are rounded.
EMBEDDING = 1e-3


def unit_rows(vectors):
    """Rows at length 1 in float64; rows of zeros stay."""
    rows = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def counterparts(centers, expected, bandwidth):
    """For each of the centres the one expected in its place, whatever the order.

    Clusters come by the number of points in their windows, and points on the edge of a
    window are counted by one way only.
    """
    centers, expected = np.asarray(centers), np.asarray(expected)
    assert centers.shape == expected.shape, "another number of clusters"
    partner = (unit_rows(centers) @ unit_rows(expected).T).argmax(axis=1)
    assert len(set(partner.tolist())) == len(partner), "two clusters for one"
    away = np.linalg.norm(centers - expected[partner], axis=1)
    lengths = np.linalg.norm(expected[partner], axis=1)
    assert (away <= APART * bandwidth * np.maximum(lengths, 1)).all(), away.max()
    return partner


def assert_same_clusters(points, found, expected, bandwidth):
    """Check centres and labels of two ways.

    Parameters
    ----------
    points : (n, d)
        What was clustered.
    found, expected : centres (k, d) and labels (n,) of each way
        Centres in any order, -1 for no cluster.
    bandwidth : float
        Of the clustering.

    Returns
    -------
    (k + 1,) int
        Number expected for each number found; the last one stands for -1.
    """
    (centers, labels), (wanted, wanted_labels) = found, expected
    partner = np.append(counterparts(centers, wanted, bandwidth), -1)
    ours, theirs = partner[labels], np.asarray(wanted_labels)
    differ = np.flatnonzero(ours != theirs)
    cosines = np.sort(unit_rows(np.asarray(points)[differ]) @ unit_rows(wanted).T)
    clear = cosines[:, -1] - cosines[:, -2:].min(axis=1) > 2 * APART * bandwidth
    clear |= np.minimum(ours, theirs)[differ] < 0
    assert not clear.any(), f"points {differ[clear]} belong to one mode clearly"
    return partner


def assert_same_clustering(points, found, expected, bandwidth=0.1):
    """Check two results of `cluster` for the same points and draws."""
    host = [
        {name: np.asarray(getattr(one, name).cpu()) for name in _TENSORS}
        for one in (found, expected)
    ]
    partner = assert_same_clusters(
        points, *((one["centers"], one["labels"]) for one in host), bandwidth
    )
    seeds, modes = host[0]["seeds"], partner[host[0]["seed_modes"]]
    wanted, wanted_modes = host[1]["seeds"], host[1]["seed_modes"]
    n = min(len(seeds), len(wanted))
    same = (seeds[:n] == wanted[:n]) & (modes[:n] == wanted_modes[:n])
    longest = max(len(seeds), len(wanted))
    assert longest - same.sum() <= SEEDS * longest, "too many seeds end elsewhere"


_TENSORS = ("centers", "labels", "seeds", "seed_modes")


def disagreement(found, expected):
    """Share of the pixels whose cell differs; the numbers of cells do not matter."""
    pairs, counts = np.unique(
        np.stack([np.ravel(found), np.ravel(expected)]), axis=1, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    agreed, taken = 0, (set(), set())
    for (one, other), count in zip(pairs.T[order].tolist(), counts[order], strict=True):
        if one in taken[0] or other in taken[1] or (one == 0) != (other == 0):
            continue
        taken[0].add(one)
        taken[1].add(other)
        agreed += count
    return (np.size(found) - agreed) / max(1, np.size(found))


def assert_same_cells(found, expected, but_for=PIXELS):
    """Check that two label images hold the same cells, under any numbers.

    Parameters
    ----------
    found, expected : int arrays of one shape
        0 is background.
    but_for : float
        Share of the pixels that may differ; more in images of few pixels.
    """
    assert np.shape(found) == np.shape(expected)
    share = disagreement(found, expected)
    assert share <= but_for, f"{share:.2%} of the pixels belong to another cell"


def assert_same_embedding(found, expected):
    """Check embeddings of two ways, or of two runs: libraries may add otherwise."""
    torch.testing.assert_close(
        found.float(), expected.float(), rtol=0, atol=EMBEDDING, equal_nan=True
    )
