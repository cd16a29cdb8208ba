"""Small movies drawn by hand, each with the tracks that are true, and their embeddings.

A movie is a picture of characters: its frames stand side by side, a digit is a pixel of
that cell, a dot is background. `every_movie` runs a test once for each of them.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances import find_instances, pair_codes
from fastershift.tracking import Lineage, Track


@dataclass(frozen=True)
class Movie:
    """Cells of a few frames, and their tracks."""

    labels: np.ndarray
    lineage: Lineage

    def pairs(self):
        """Frames t and t + 1, each pair numbered as it likes."""
        for time in range(len(self.labels) - 1):
            pair = self.labels[time : time + 2]
            rank = np.random.default_rng(time).permutation(9) + 1
            yield np.where(pair > 0, rank[pair - 1], 0)


def embed(codes, channels=8, noise=0.03, seed=0):
    """Unit vectors along axis ``code`` with noise, as (F, C, Y, X) float16."""
    codes = np.asarray(codes)
    vectors = np.eye(channels)[codes]
    vectors = vectors + np.random.default_rng(seed).normal(0, noise, vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.moveaxis(vectors, -1, 1).astype(np.float16)


def find_cells(
    embeddings,
    cluster=None,
    *,
    track=None,
    background="axis",
    mask=None,
    smallest_cell=5,
    seed=0,
    **options,
):
    """Find the cells of a pair; draws depend on the seed alone."""
    cluster = cluster or ClusterSettings()
    pair = pair_codes(
        embeddings, cluster, track or TrackSettings(), background=background, mask=mask
    )
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator} | options
    return find_instances(pair, cluster, smallest_cell=smallest_cell, **options)


def drawn(picture):
    """Labels (T, Y, X) of a picture."""
    rows = [row.split() for row in picture.split("\n") if row.strip()]
    frames = zip(*rows, strict=True)
    return np.array(
        [[[int(c) if c != "." else 0 for c in row] for row in f] for f in frames],
        dtype=np.int32,
    )


def movie(picture, *tracks):
    return Movie(drawn(picture), Lineage(tuple(Track(*track) for track in tracks)))


ONE_CELL_MOVES = movie(
    """
    .......... .......... .......... ..........
    .111...... ..111..... ...111.... ....111...
    .111...... ..111..... ...111.... ....111...
    .111...... ..111..... ...111.... ....111...
    .......... .......... .......... ..........
    """,
    (1, 0, 3),
)

TWO_CELLS_TOUCH_THEN_ONE_LEAVES = movie(
    """
    ............ ............ ............ ............ ............
    .111....222. .111...222.. .111222..... .111........ .111........
    .111....222. .111...222.. .111222..... .111........ .111........
    .111....222. .111...222.. .111222..... .111........ .111........
    ............ ............ ............ ............ ............
    """,
    (1, 0, 4),
    (2, 0, 2),
)

A_CELL_ENTERS_LATE = movie(
    """
    .......... .......... .......... ..........
    .111...... .111...... .111...222 .111..222.
    .111...... .111...... .111...222 .111..222.
    .......... .......... .........2 ..........
    """,
    (1, 0, 3),
    (2, 2, 3),
)

A_CELL_DIVIDES = movie(
    """
    ............ ............ ............ ............
    ...111111... ...111111... ..222..333.. .222....333.
    ...111111... ...111111... ..222..333.. .222....333.
    ...111111... ...111111... ..222..333.. .222....333.
    ............ ............ ............ ............
    """,
    (1, 0, 1),
    (2, 2, 3, 1),
    (3, 2, 3, 1),
)

A_CELL_COMES_BACK = movie(
    """
    .......... .......... .......... .......... ..........
    .111..222. .111..222. .111...... .111..333. .111..333.
    .111..222. .111..222. .111...... .111..333. .111..333.
    .......... .......... .......... .......... ..........
    """,
    (1, 0, 4),
    (2, 0, 1),
    (3, 3, 4, 2),
)

NO_CELL = movie(
    """
    ..... ..... .....
    ..... ..... .....
    """
)

ONE_CELL_FILLS_THE_FRAME = movie(
    """
    11111 11111 11111
    11111 11111 11111
    """,
    (1, 0, 2),
)

#: 1 divides into 2 and 3; 3 is seen again as 4; 4 divides into three.
FAMILY = Lineage(
    (
        Track(1, 0, 1),
        Track(2, 2, 5, 1),
        Track(3, 2, 3, 1),
        Track(4, 4, 4, 3),
        Track(5, 5, 5, 4),
        Track(6, 5, 5, 4),
        Track(7, 5, 5, 4),
    )
)

MOVIES = {
    "one cell moves": ONE_CELL_MOVES,
    "two cells touch, then one leaves": TWO_CELLS_TOUCH_THEN_ONE_LEAVES,
    "a cell enters late": A_CELL_ENTERS_LATE,
    "a cell divides": A_CELL_DIVIDES,
    "a cell comes back": A_CELL_COMES_BACK,
    "no cell": NO_CELL,
    "one cell fills the frame": ONE_CELL_FILLS_THE_FRAME,
}

every_movie = pytest.mark.parametrize("movie", MOVIES.values(), ids=MOVIES)
