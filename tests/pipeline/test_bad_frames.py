"""One bad frame is named, and neither model nor diameter is chosen by it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fastershift.labels import match_cells
from fastershift.pipeline import (
    BridgedMovie,
    Notice,
    describe_bad,
    find_bad_frames,
    track,
)
from fastershift.pipeline._bad_frames import good_frames
from fastershift.simulate import simulate_movie

FRAMES = 13


@pytest.fixture(scope="module")
def movie():
    made = simulate_movie(FRAMES, (96, 112), 8, diameter=16, seed=2)
    return np.stack(list(made.frames)).astype(np.uint16)


def _spoil(movie, frame, how):
    bad = movie.copy()
    if how == "black":
        bad[frame] = 0
    elif how == "flash":
        bad[frame] = 60000
    elif how == "noise":
        bad[frame] = np.random.default_rng(0).normal(300, 30, bad[0].shape)
    elif how == "8 bits":
        bad[frame] >>= 8
    elif how == "out of focus":
        bad[frame] = gaussian_filter(bad[frame].astype(float), 12)
    else:
        bad[frame] = bad[frame - 1]
    return bad


def _found(movie):
    return [notes for notes in find_bad_frames(movie) if notes is not None][-1]


def test_nothing_is_said_of_good_frames(movie):
    assert _found(movie) == {}
    assert describe_bad({}) == ""
    assert good_frames(movie) is movie


@pytest.mark.parametrize("frame", [0, 6, 12])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("black", "without contrast"),
        ("flash", "without contrast"),
        ("noise", "nothing but noise"),
        ("out of focus", "out of focus"),
        ("8 bits", "of another brightness"),
    ],
)
def test_a_bad_frame_is_named_and_not_used(movie, frame, how, said):
    bad = _spoil(movie, frame, how)
    assert _found(bad) == {frame: said}
    left = good_frames(bad)
    assert len(left) > 2
    assert not any(np.array_equal(one, bad[frame]) for one in left)


def test_a_frame_that_comes_twice_is_named(movie):
    bad = _spoil(movie, 5, "doubled")
    assert _found(bad) == {5: "the same as the frame before"}


def test_the_middle_stays_the_middle(movie):
    left = good_frames(_spoil(movie, 0, "black"))
    assert np.array_equal(left[len(left) // 2], movie[FRAMES // 2])


def test_nine_frames_around_the_middle_are_looked_at():
    movie = simulate_movie(40, (48, 48), 4, diameter=12, seed=2).frames
    bad = np.array(movie)
    bad[20] = 0
    left = good_frames(bad)
    # Those around the middle alone are eight without it.
    assert len(left) >= 9


def test_where_no_frame_is_good_all_are_kept(movie):
    black = np.zeros_like(movie)
    assert good_frames(black) is black
    assert len(_found(black)) == FRAMES


def test_frames_without_numbers_are_told():
    movie = np.random.default_rng(0).normal(size=(4, 40, 40))
    movie[2] = np.nan
    assert _found(movie)[2] == "without contrast"


def test_of_a_large_movie_some_frames_are_read():
    class Large:
        reads = 0

        def __len__(self):
            return 10**6

        def __getitem__(self, index):
            self.reads += 1
            return np.arange(400).reshape(20, 20) + index

    movie = Large()
    assert _found(movie) == {}
    assert movie.reads < 50


def test_a_run_tells_before_its_first_frame_and_in_its_report(movie, tiny_model):
    run = track(_spoil(movie, 6, "out of focus")[4:8], model=str(tiny_model))
    said = [event for event in run if isinstance(event, Notice)]
    assert [one.sentence for one in said] == [
        "Check what was found in frame 2 (out of focus)."
    ]
    assert run.result.provenance["notices"] == [said[0].sentence]


def test_many_frames_are_counted():
    sentence = describe_bad(dict.fromkeys(range(12), "out of focus") | {20: "black"})
    assert sentence == (
        "Check what was found in frames 0, 1, 2, 3, 4, 5, 6, 7 and 4 more "
        "(out of focus); 20 (black)."
    )


def test_as_many_frames_as_are_named_leave_none_over():
    assert "more" not in describe_bad(dict.fromkeys(range(8), "black"))
    assert "7 and 1 more" in describe_bad(dict.fromkeys(range(9), "black"))


def _throughout(labels):
    return set.intersection(*(set(np.unique(frame)) for frame in labels)) - {0}


@pytest.mark.parametrize(
    ("frame", "how"), [(0, "black"), (3, "black"), (3, "noise"), (5, "noise")]
)
def test_tracks_go_on_over_a_frame_that_shows_nothing(movie, frame, how):
    plain = track(movie[:6], model="generalist")
    bridged = track(_spoil(movie, frame, how)[:6], model="generalist")
    for run in (plain, bridged):
        *_, _ = run
    tracks = bridged.result.labels
    whole = [one for one in range(6) if one != frame]
    for t in whole:
        # The same cells as without the black frame, under the same names throughout.
        assert match_cells(plain.result.labels[t], tracks[t]).f1 > 0.9
    assert not tracks[frame].any()
    shown = len(_throughout(tracks[whole]))
    assert shown >= len(_throughout(plain.result.labels[whole]))
    for one in bridged.result.lineage.tracks:
        seen = np.flatnonzero((tracks == one.id).any(axis=(1, 2)))
        assert (one.first, one.last) == (seen[0], seen[-1])
    assert f"Frame {frame} shows nothing" in bridged.result.provenance["notices"][-1]
    assert bridged.result.reports[frame].cells == 0


def _stand_ins(movie, frames):
    seen = BridgedMovie(movie)
    return [seen.stand_in(t) for t in frames]


def test_the_nearest_frame_before_stands_in(movie):
    bad = movie.copy()
    bad[[0, 4, 5]] = 0
    bad = _spoil(bad, 12, "noise")
    assert _stand_ins(bad, [0, 1, 4, 5, 6, 12]) == [1, 1, 3, 3, 6, 11]
    bad[2:9] = 0
    # Too far for cells to be carried.
    assert _stand_ins(bad, [4, 5, 6]) == [1, 5, 9]
    assert _stand_ins(np.zeros_like(movie), [3]) == [3]


@pytest.mark.parametrize("how", ["out of focus", "8 bits", "doubled"])
def test_a_frame_that_shows_cells_is_kept(movie, how):
    assert _stand_ins(_spoil(movie, 6, how), range(FRAMES)) == list(range(FRAMES))


def test_what_is_no_image_is_left_to_whoever_reads_it(movie):
    colours = np.repeat(movie[..., None], 3, axis=-1)
    assert np.asarray(BridgedMovie(colours)[2]).shape == colours.shape[1:]
