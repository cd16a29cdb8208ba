"""Which number a corrected cell gets."""

import numpy as np
import pytest

from fastershift.editing import (
    Cells,
    Region,
    numbers_of_parts,
    track_after,
    track_before,
)
from helpers.movies import movie

# 1 ends under two thirds of BOTH; half of 2, which ends too, is in it; 3 goes on.
ENDS = movie(
    """
    ......... ......... .........
    .1111.... ......... .........
    .1111.... ......... .........
    2222..333 ......333 ......333
    ......333 ......333 ......333
    """,
    (1, 0, 0),
    (2, 0, 0),
    (3, 0, 2),
)
BOTH = Region.of(np.ones((3, 2), bool), 1, 1)


def cells_of(movie):
    return Cells(movie.labels.copy(), movie.lineage)


def test_tracks_wait_for_the_labels_until_the_first_change():
    asked = []

    def lineage(spans):
        asked.append(dict(spans))
        return ENDS.lineage

    for change in (
        lambda cells: cells.tracks,
        lambda cells: cells.children(1),
        lambda cells: list(cells.prepare()),
        lambda cells: cells.recolor(0, BOTH, 5),
        lambda cells: cells.rename([0], {1: 5}),
        lambda cells: cells.replace_frame(0, cells.labels[1].copy()),
    ):
        asked.clear()
        cells = Cells(ENDS.labels.copy(), lineage)
        cells.frame(0)
        assert not asked
        change(cells)
        assert cells.lineage == ENDS.lineage
        assert asked == [{1: (0, 0), 2: (0, 0), 3: (0, 2)}]


def backwards(movie_):
    """The same cells from the last frame to the first."""
    last = len(movie_.labels) - 1
    tracks = ((t.id, last - t.last, last - t.first) for t in movie_.lineage.tracks)
    turned = movie(".", *tracks)
    return Cells(movie_.labels[::-1].copy(), turned.lineage)


def test_a_cell_goes_on_with_the_track_it_shares_most_with():
    assert track_before(cells_of(ENDS), 1, BOTH) == 1
    assert track_after(backwards(ENDS), 1, BOTH) == 1


def test_a_track_that_is_still_there_is_not_taken():
    here = Region.of(np.ones((2, 3), bool), 3, 6)
    assert track_before(cells_of(ENDS), 1, here) == 0
    assert track_after(backwards(ENDS), 1, here) == 0


def test_nothing_comes_before_the_first_frame_or_after_the_last():
    assert track_before(cells_of(ENDS), 0, BOTH) == 0
    assert track_after(cells_of(ENDS), 2, BOTH) == 0


@pytest.mark.parametrize(("width", "number"), [(3, 1), (2, 0)])
def test_cells_of_two_frames_share_three_tenths_of_the_smaller(width, number):
    labels = np.zeros((2, 3, 30), np.int32)
    labels[0, 1, :10] = 1
    cells = Cells(labels, movie(".", (1, 0, 0)).lineage)
    cell = Region.of(np.ones((1, 20), bool), 1, 10 - width)
    assert track_before(cells, 1, cell) == number
    turned = Cells(labels[::-1].copy(), movie(".", (1, 1, 1)).lineage)
    assert track_after(turned, 0, cell) == number


def test_a_parent_goes_on_only_where_its_daughters_are_not_yet():
    picture = """
        .... .... ....
        .11. .... 2..3
        """
    cell = Region.of(np.ones((1, 2), bool), 1, 1)
    late = movie(picture, (1, 0, 0), (2, 2, 2, 1), (3, 2, 2, 1))
    assert track_before(cells_of(late), 1, cell) == 1
    assert track_before(cells_of(late), 2, cell) == 0
    early = movie(
        """
        .... .... ....
        .11. 2..3 2..3
        """,
        (1, 0, 0),
        (2, 1, 2, 1),
        (3, 1, 2, 1),
    )
    assert track_before(cells_of(early), 1, cell) == 0
    daughter = Region.of(np.ones((1, 1), bool), 1, 0)
    assert track_after(cells_of(early), 0, daughter) == 0


def test_a_mother_goes_on_beside_her_bud():
    budding = movie(
        """
        .... .... ....
        .11. .112 ...2
        """,
        (1, 0, 1),
        (2, 1, 2, 1),
    )
    cell = Region.of(np.ones((1, 2), bool), 1, 1)
    assert track_before(cells_of(budding), 2, cell) == 1


# 1 and 2 become one cell, called 2, in frame 1; 4 ends there, too.
MERGED = movie(
    """
    ............ ............
    .111.222.44. .222222222..
    .111.222.44. .222222222..
    ............ ............
    """,
    (1, 0, 0),
    (2, 0, 1),
    (4, 0, 0),
)


def part(left, right):
    return Region.of(np.ones((2, right - left), bool), 1, left)


def test_parts_keep_the_numbers_they_had_in_the_frame_before():
    cells = cells_of(MERGED)
    assert numbers_of_parts(cells, 1, 2, [part(1, 4), part(4, 10)]) == (1, 2)
    assert numbers_of_parts(cells, 1, 2, [part(4, 8), part(1, 4), part(8, 10)]) == (
        2,
        1,
        4,
    )


def test_two_parts_of_one_former_cell_do_not_share_its_number():
    cells = cells_of(MERGED)
    parts = [part(1, 3), part(3, 4), part(4, 10)]
    assert numbers_of_parts(cells, 1, 2, parts) == (1, 0, 2)


def test_a_cell_that_was_not_there_before_leaves_its_number_to_the_first_part():
    cells = cells_of(MERGED)
    assert numbers_of_parts(cells, 0, 2, [part(5, 6), part(6, 8)]) == (2, 0)
