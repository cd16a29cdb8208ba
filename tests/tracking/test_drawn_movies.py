"""Cells of drawn movies become the tracks that are true."""

import numpy as np
import pytest

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.tracking import Lineage, Linker, Track, keep_numbers
from helpers.movies import (
    A_CELL_COMES_BACK,
    A_CELL_DIVIDES,
    A_CELL_ENTERS_LATE,
    TWO_CELLS_TOUCH_THEN_ONE_LEAVES,
    embed,
    every_movie,
    find_cells,
)
from helpers.tracks import finalize, stack_of
from helpers.validity import ctc_problems

SETTINGS = TrackSettings(parent_dilation=3)


def tracked(pairs, settings=SETTINGS, **options):
    linker = Linker(settings)
    for pair in pairs:
        linker.add(pair)
    return finalize(stack_of(linker), settings, **options)


@every_movie
def test_pairs_become_the_true_tracks(movie):
    """Whatever numbers the cells have in each pair."""
    labels, lineage = tracked(movie.pairs())
    assert np.array_equal(labels, movie.labels)
    assert lineage == movie.lineage


@every_movie
def test_embeddings_become_the_true_tracks(movie):
    cluster = ClusterSettings(min_cluster_size=1)
    frames = range(len(movie.labels) - 1)
    pairs = [movie.labels[time : time + 2] for time in frames]
    found = [find_cells(embed(pair), cluster).labels for pair in pairs]
    labels, lineage = tracked(found)
    assert np.array_equal(labels, movie.labels)
    assert lineage == movie.lineage


def test_daughters_out_of_reach_have_no_parent():
    labels, lineage = tracked(
        A_CELL_DIVIDES.pairs(), TrackSettings(parent_dilation=0, division_search=0)
    )
    assert np.array_equal(labels, A_CELL_DIVIDES.labels)
    assert [track.parent for track in lineage.tracks] == [0, 0, 0]


@pytest.mark.parametrize(("search", "parent"), [(2, 2), (1, 0)])
def test_a_cell_that_was_gone_is_looked_for_so_many_frames_back(search, parent):
    settings = TrackSettings(parent_dilation=3, division_search=search)
    _, lineage = tracked(A_CELL_COMES_BACK.pairs(), settings)
    assert lineage.tracks[2] == Track(3, 3, 4, parent)


@pytest.mark.parametrize(("shortest", "kept"), [(2, [1, 2]), (3, [1])])
def test_short_tracks_are_dropped(shortest, kept):
    settings = SETTINGS.model_copy(update={"shortest_track": shortest})
    last = A_CELL_ENTERS_LATE.labels[-1]
    it_leaves = np.stack([last, np.where(last == 1, 1, 0)])
    labels, lineage = tracked([*A_CELL_ENTERS_LATE.pairs(), it_leaves], settings)
    assert [track.id for track in lineage.tracks] == kept
    assert np.unique(labels).tolist() == [0, *kept]


@pytest.mark.parametrize(
    ("columns", "spans"), [(2, [(0, 3), (2, 3)]), (3, [(0, 3), (3, 3)]), (4, [])]
)
def test_a_cell_is_erased_while_it_lies_within_the_border(columns, spans):
    # Cell 1 lies in columns 1 to 3; the other enters with three columns, then moves in.
    labels, lineage = tracked(A_CELL_ENTERS_LATE.pairs(), border=(0, columns))
    assert [(track.first, track.last) for track in lineage.tracks] == spans
    assert ctc_problems(labels, lineage) == []


def test_a_preview_keeps_the_numbers_of_the_result():
    movie = TWO_CELLS_TOUCH_THEN_ONE_LEAVES
    for frame, pair in zip(movie.labels, movie.pairs(), strict=False):
        assert np.array_equal(keep_numbers(pair[0], [frame]), frame)


def test_a_lineage_knows_who_divides():
    lineage = A_CELL_DIVIDES.lineage
    assert lineage.divisions() == {1: (2, 3)}
    assert A_CELL_COMES_BACK.lineage.divisions() == {}
    assert A_CELL_COMES_BACK.lineage.children(2) == (3,)
    assert Lineage().divisions() == {}
