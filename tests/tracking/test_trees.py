"""The layout of trees and their text, for lineages small, random and deep."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastershift.tracking import (
    Lineage,
    Track,
    branch,
    family,
    lay_out_tree,
    newick,
)
from helpers.movies import FAMILY

#: Another cell comes first, and lives alone.
MORE = Lineage((Track(8, 1, 4), *FAMILY.tracks))


@st.composite
def lineages(draw):
    tracks = [Track(1, 0, draw(st.integers(0, 3)))]
    for number in range(2, draw(st.integers(2, 30))):
        parent = draw(st.integers(0, number - 1))
        if parent:
            first = tracks[parent - 1].last + draw(st.integers(1, 3))
        else:
            first = draw(st.integers(0, 9))
        tracks.append(Track(number, first, first + draw(st.integers(0, 4)), parent))
    return Lineage(tuple(draw(st.permutations(tracks))))


def test_columns_of_a_family():
    layout = lay_out_tree(MORE)
    assert layout.ids.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert layout.columns.tolist() == [1.0, 0, 2, 2, 1, 2, 3, 4]
    assert layout.first.tolist() == [0, 2, 2, 4, 5, 5, 5, 1]
    assert layout.last.tolist() == [1, 5, 3, 4, 5, 5, 5, 4]
    assert layout.parents.tolist() == [-1, 0, 0, 2, 3, 3, 3, -1]


def test_a_part_is_drawn_by_itself():
    layout = lay_out_tree(MORE, [4, 5, 6, 8])
    assert layout.ids.tolist() == [4, 5, 6, 8]
    assert layout.parents.tolist() == [-1, 0, 0, -1]


def test_families_and_branches():
    assert family(MORE, 5) == (1, 2, 3, 4, 5, 6, 7)
    assert family(MORE, 8) == (8,)
    assert family(MORE, 9) == ()
    assert branch(MORE, 4) == (1, 3, 4, 5, 6, 7)
    assert branch(MORE, 2) == (1, 2)
    assert branch(MORE, 9) == ()


def test_newick_of_a_family():
    assert newick(MORE) == "(2:4,((5:1,6:1,7:1)4:1)3:2)1:2;\n8:4;\n"
    assert newick(MORE, [8]) == "8:4;\n"
    assert newick(Lineage()) == ""


@given(lineages())
def test_no_two_tracks_of_a_column_meet(lineage):
    layout = lay_out_tree(lineage)
    order = np.lexsort((layout.first, layout.columns))
    same = np.diff(layout.columns[order]) == 0
    assert (layout.last[order][:-1] < layout.first[order][1:])[same].all()


@given(lineages())
def test_newick_tells_all_parents_and_lengths(lineage):
    parents, spans = read_newick(newick(lineage))
    assert parents == {track.id: track.parent for track in lineage.tracks}
    ends = {track.id: track.last for track in lineage.tracks}
    for track in lineage.tracks:
        start = ends[track.parent] if track.parent else track.first - 1
        assert spans[track.id] == track.last - start


def read_newick(text):
    """Read parents and branch lengths: a node's children stand before it."""
    parents, lengths = {}, {}
    for line in text.splitlines():
        levels, below = [[]], []
        for token in re.findall(r"\(|\)|\d+:\d+|,|;", line):
            if token == "(":
                levels.append([])
            elif token == ")":
                below = levels.pop()
            elif ":" in token:
                number, length = map(int, token.split(":"))
                lengths[number] = length
                parents |= dict.fromkeys(below, number)
                levels[-1].append(number)
                below = []
            if token in "(,":
                below = []
        assert len(levels) == 1
        parents |= dict.fromkeys(levels[0], 0)
    return parents, lengths


def test_a_deep_lineage_is_no_trouble():
    deep = Lineage(tuple(Track(n, n, n, n - 1) for n in range(1, 5001)))
    assert set(lay_out_tree(deep).columns) == {0}
    assert newick(deep).count(":") == 5000
    assert len(branch(deep, 2500)) == len(family(deep, 1)) == 5000


def test_parents_that_cannot_be_are_left_out():
    circle = Lineage((Track(1, 0, 3, 2), Track(2, 1, 2, 1), Track(3, 4, 5, 99)))
    layout = lay_out_tree(circle)
    assert layout.parents.tolist() == [-1, -1, -1]
    assert family(circle, 1) == (1,)
