"""Cells that were segmented frame by frame are linked by what the links cost."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.tracking import (
    Finalizer,
    MaskLinker,
    VotedPlaces,
    make_linker,
    mend_masks,
    place_cells,
)
from fastershift.tracking._drift import estimate_drift
from fastershift.tracking._mask_frame import MaskFrame


def discs(places, radius=5, shape=(120, 120)):
    """Draw discs, numbered in the order of their places; None draws nothing."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    frame = np.zeros(shape, np.int32)
    for number, place in enumerate(places, start=1):
        if place is not None:
            size = radius if len(place) == 2 else place[2]
            inside = np.hypot(rows - place[0], columns - place[1]) <= size
            frame[inside] = number
    return frame


def link(frames, settings=None, voted=None, *, shuffle=True):
    """Link frames; return the track of each disc, and the finished lineage."""
    settings = settings or TrackSettings(shortest_track=1)
    linker, finalizer = MaskLinker(settings), Finalizer(settings)
    linked = []
    for time, frame in enumerate(frames):
        rank = np.random.default_rng(time).permutation(99) + 1
        given = np.where(frame > 0, rank[frame - 1], 0) if shuffle else frame
        linked.append(linker.add(given, None if voted is None else voted[time]))
        finalizer.add(linked[-1])
    names, lineage = finalizer.finish(linker.descent())
    final = [names.apply(time, frame) for time, frame in enumerate(linked)]
    tracks = [
        {int(n): int(f[frame == n][0]) for n in np.unique(frame[frame > 0])}
        for frame, f in zip(frames, final, strict=True)
    ]
    return tracks, lineage


GRID = [(15 + 14 * row, 15 + 14 * column) for row in range(5) for column in range(5)]


def test_numbers_of_the_frames_mean_nothing():
    rng = np.random.default_rng(0)
    frames = [discs(np.array(GRID) + rng.uniform(-2, 2, (25, 2))) for _ in range(4)]
    tracks, lineage = link(frames)
    assert all(one == tracks[0] for one in tracks)
    assert len(lineage.tracks) == 25


def test_a_move_of_the_stage_is_taken_out():
    places = np.array([(20, 20), (24, 47), (52, 30), (70, 64), (40, 75), (78, 22)])
    tracks, _ = link([discs(places), discs(places + np.array([18, 25]))])
    assert tracks[0] == tracks[1]


@pytest.mark.parametrize("move", [0, 7, 29, 30, 31, 40, 90])
def test_frames_overlap_where_the_stage_has_shown_both(move):
    """However far it has moved: beyond the frame, nothing is shared."""
    rng = np.random.default_rng(0)
    before, now = rng.integers(0, 4, (2, 30, 40)).astype(np.int32)
    for row, column in np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1)]) * move:
        lies = np.zeros((30 + 2 * move, 40 + 2 * move), np.int32)
        lies[move : move + 30, move : move + 40] = before
        there = lies[move - row :, move - column :][:30, :40]
        both = (there > 0) & (now > 0)
        pairs, counts = np.unique(
            np.stack([there[both], now[both]]) - 1, axis=1, return_counts=True
        )
        union = np.bincount(before.ravel())[1:][pairs[0]] - counts
        union += np.bincount(now.ravel())[1:][pairs[1]]
        found = MaskFrame(now).shared(MaskFrame(before), np.array([row, column], float))
        for one, expected in zip(found, (*pairs, counts / union), strict=True):
            np.testing.assert_array_equal(one, expected)


def test_a_mother_has_two_daughters_and_ends():
    frames = [discs([(40, 40, 7), (90, 90, 7)])] * 2
    frames += [discs([None, (90, 90, 7), (40, 34, 5), (40, 46, 5)])] * 3
    tracks, lineage = link(frames)
    assert lineage.divisions() == {tracks[0][1]: (tracks[2][3], tracks[2][4])}
    assert tracks[0][2] == tracks[4][2]


def test_a_division_that_costs_too_much_is_none():
    frames = [discs([(40, 40, 7)]), discs([None, (40, 34, 5), (40, 46, 5)])]
    settings = TrackSettings(shortest_track=1, division_cost=5)
    _, lineage = link(frames, settings)
    assert not lineage.divisions()


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_cell_is_found_again_within_the_longest_gap(missing):
    both = [(40, 40), (80, 80)]
    frames = [discs(both), *[discs([(40, 40)])] * missing, discs(both)]
    _, lineage = link(frames, TrackSettings(shortest_track=1, longest_gap=2))
    goes_on = [track.parent for track in lineage.tracks if track.first == missing + 1]
    assert len(goes_on) == 1
    assert bool(goes_on[0]) == (missing <= 2)


def test_a_mask_that_is_cut_in_one_frame_has_not_divided():
    whole, halves = discs([(40, 40, 7)]), discs([(40, 40, 7)])
    halves[(halves > 0) & (np.arange(120) > 40)] = 2
    _, lineage = link([whole, whole, halves, whole, whole])
    assert not lineage.divisions()
    assert max(track.last - track.first for track in lineage.tracks) == 4


def test_moves_are_compared_with_those_of_the_same_cell():
    """Also where a mask that was cut is whole again, and a cell comes back."""
    linker = MaskLinker(TrackSettings(shortest_track=1, longest_gap=2))
    for time in range(5):
        stands = None if time == 3 else (20, 20)
        mask = [(90, 85, 5), (90, 95, 5)] if time == 3 else [(90, 90, 9)]
        linker.add(discs([stands, (50, 20 + 3 * time), *mask]))
    # The one that moves does so evenly, and the others stand.
    assert linker._persistence == pytest.approx(1)


def test_a_vote_tells_neighbours_apart_where_overlap_cannot():
    before = np.array(GRID)
    after = before + np.array([0, 14])  # each stands where its neighbour stood
    after = np.array([place for place in after if place[1] < 80])
    before_of = [tuple(place - np.array([0, 14])) for place in after]
    voted = VotedPlaces(np.array(before_of, float), np.ones(len(after)))
    frames = [discs(before), discs(after)]
    settings = TrackSettings(shortest_track=1, vote_weight=0.8)
    tracks, _ = link(frames, settings, voted=[None, voted], shuffle=False)
    kept = [GRID.index(place) + 1 for place in before_of]
    assert [tracks[0][one] for one in kept] == list(tracks[1].values())


def test_frames_may_be_empty():
    empty = np.zeros((120, 120), np.int32)
    one = discs([(40, 40)])
    tracks, _ = link([empty, one, one, empty, empty])
    assert [len(frame) for frame in tracks] == [0, 1, 1, 0, 0]
    assert tracks[1] == tracks[2]


def test_frames_of_another_size_are_refused():
    linker = MaskLinker(TrackSettings())
    linker.add(np.zeros((4, 5), np.int32))
    with pytest.raises(InputError, match="expected"):
        linker.add(np.zeros((5, 4), np.int32))


def test_cells_are_placed_where_scipy_finds_them():
    rng = np.random.default_rng(0)
    frame = rng.choice([0, 3, 7, 400], (30, 40)).astype(np.int32)
    cells = place_cells(frame)
    np.testing.assert_array_equal(cells.ids, [3, 7, 400])
    expected = ndimage.center_of_mass(np.ones_like(frame), frame, cells.ids)
    np.testing.assert_allclose(cells.places, expected)
    np.testing.assert_array_equal(cells.areas, [(frame == i).sum() for i in cells.ids])


def test_pairs_are_linked_as_their_frames_are():
    frames = [discs(np.array(GRID) + step) for step in range(4)]
    settings = TrackSettings(linker="costs")
    by_pairs, by_frames = make_linker(settings), MaskLinker(settings)
    expected = [by_frames.add(frame) for frame in frames]
    found = []
    for first, second in pairwise(frames):
        # The cells of a pair may be numbered in any way.
        by_pairs.add(np.stack([first, np.where(second > 0, 26 - second, 0)]))
        found += by_pairs.release()
    np.testing.assert_array_equal(np.stack(found) > 0, np.stack(expected) > 0)
    assert all(np.array_equal(found[0] == n, expected[0] == n) for n in range(26))
    assert by_pairs.descent() == by_frames.descent()


def test_a_gap_is_filled_on_the_way_from_its_beginning_to_its_end():
    frames = np.stack(
        [discs([place, (100, 100)]) for place in ((20, 20), None, None, (20, 32))]
    )
    frames[1][discs([(20, 30)]) > 0] = 7  # takes the place on the way
    filled = mend_masks(frames, 2)
    assert filled == [(1, 1), (2, 1)]
    middle = ndimage.center_of_mass(frames[2] == 1)
    np.testing.assert_allclose(middle, (20, 28))
    assert (frames[1] == 7).sum() == (discs([(20, 30)]) > 0).sum()


def test_a_mask_that_covers_two_cells_is_shared_between_them():
    apart = discs([(40, 40, 8), (40, 57, 8)])
    frames = np.stack([apart] * 3)
    frames[1][apart > 0] = 1
    frames[1][38:43, 44:54] = 1
    linker = MaskLinker(TrackSettings())
    linked = np.stack([linker.add(frame) for frame in frames])
    assert not linker.descent().parents
    assert len(mend_masks(linked, 2)) == 1
    assert ((linked[1] > 0) == (frames[1] > 0)).all()
    assert (linked[1] == linked[0])[apart > 0].mean() > 0.97


def test_a_mask_of_one_cell_is_not_shared():
    frames = np.stack([discs([(40, 40), (40, 50)]) for _ in range(3)])
    frames[1][frames[1] == 2] = 0
    frames[1][discs([(40, 47)]) > 0] = 1  # the neighbour stands where it was
    frames[1][discs([(40, 40)]) > 0] = 0
    before = frames.copy()
    mend_masks(frames, 2)
    assert (frames[1][before[1] == 1] == 1).all()


def test_parts_of_a_mask_that_was_cut_are_one_cell():
    whole, halves = discs([(40, 40, 7)]), discs([(40, 40, 7)])
    halves[(halves > 0) & (np.arange(120) > 40)] = 2
    frames = [whole, whole, halves, whole, whole]
    tracks, lineage = link(frames)
    assert tracks[2] == {1: 1, 2: 1}
    assert [(track.first, track.last) for track in lineage.tracks] == [(0, 4)]
    _, lineage = link(frames, TrackSettings(shortest_track=1, mend_masks=False))
    assert len(lineage.tracks) == 2


def test_a_cell_without_neighbours_may_move_farther_than_one_in_a_crowd():
    moved = [(20, 20), (20, 45), (95, 95)], [(20, 20), (20, 45), (95, 75)]
    tracks, _ = link([discs(places) for places in moved])
    assert tracks[0] == tracks[1]
    places = np.array(GRID)
    # In the crowd a cell goes, and another comes two places beside it.
    frames = [discs(places[1:]), discs(np.delete(places, 2, axis=0))]
    tracks, _ = link(frames)
    assert tracks[1][1] not in tracks[0].values()


def test_few_cells_that_agree_by_chance_are_no_drift():
    places = np.array([(20, 20), (24, 67), (62, 30), (70, 94), (90, 65), (98, 22)])
    moves = np.array([(4, 4), (4, 4), (4, 4), (0, 0), (-6, 6), (-5, -8)])
    np.testing.assert_array_equal(estimate_drift(places, places + moves, 10), 0)
    moved = places + np.array((4, 4))
    np.testing.assert_allclose(estimate_drift(places, moved, 10), (4, 4))


def test_long_gaps_and_empty_frames_are_left():
    one = discs([(20, 20)])
    frames = np.stack([one, np.zeros_like(one), one])
    assert mend_masks(frames, 2) == []
    assert not frames[1].any()
    frames[1][90:95, 90:95] = 9
    assert mend_masks(frames, 0) == []
