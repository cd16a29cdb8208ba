"""Problems of a result are told; a result without any is valid."""

import numpy as np
import pytest

from fastershift.tracking import Lineage, Track
from helpers.movies import FAMILY, every_movie
from helpers.validity import ctc_problems


def labels_of(lineage, n_frames=6):
    labels = np.zeros((n_frames, 4, 20), dtype=np.int32)
    for track in lineage.tracks:
        labels[track.first : track.last + 1, 1:3, 2 * track.id] = track.id
    return labels


@every_movie
def test_drawn_movies_are_valid(movie):
    assert ctc_problems(movie.labels, movie.lineage) == []


def test_valid_result_has_no_problems():
    assert ctc_problems(labels_of(FAMILY), FAMILY) == []


@pytest.mark.parametrize(
    ("tracks", "said"),
    [
        ([Track(1, 0, 5), Track(1, 0, 5)], "same id"),
        ([Track(0, 0, 5)], "below 1"),
        ([Track(1, 3, 2)], "from frame 3 to 2"),
        ([Track(1, -1, 2)], "from frame -1 to 2"),
        ([Track(1, 0, 5, 8)], "does not exist"),
        ([Track(1, 0, 3), Track(2, 3, 5, 1)], "before its parent ends"),
        ([Track(1, 0, 5, 1)], "before its parent ends"),
    ],
)
def test_invalid_tracks(tracks, said):
    lineage = Lineage(tuple(tracks))
    assert any(said in problem for problem in ctc_problems(labels_of(lineage), lineage))


def test_gap_and_stray_label():
    labels = labels_of(FAMILY)
    labels[3][labels[3] == 2] = 0
    labels[0, 0, 0] = 12
    assert ctc_problems(labels, FAMILY) == [
        "Track 2 has no pixel in frame 3.",
        "Label 12 of frame 0 belongs to no track.",
    ]


def test_label_outside_the_frames_of_its_track():
    labels = labels_of(FAMILY)
    labels[5, 0, 0] = 1
    assert ctc_problems(labels, FAMILY) == ["Label 1 of frame 5 belongs to no track."]


def test_nothing_is_valid():
    assert ctc_problems(np.zeros((3, 4, 5), dtype=int), Lineage()) == []
