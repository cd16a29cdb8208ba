"""Masks that are linked, and how they are spoiled before."""

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions
from fastershift.benchmark._links_score import score_links
from fastershift.benchmark._masks import DAMAGES, MaskMovie, spoil, thin_out


def squares(n_frames=6):
    """Two cells, one of which has daughters in frame 3; ids are tracks."""
    labels = np.zeros((n_frames, 40, 40), np.int32)
    labels[:, 2:10, 2:10] = 1
    labels[:3, 20:28, 20:28] = 2
    labels[3:, 20:28, 16:22], labels[3:, 20:28, 26:32] = 3, 4
    last = n_frames - 1
    tracks = ((1, 0, last, 0), (2, 0, 2, 0), (3, 3, last, 2), (4, 3, last, 2))
    return MaskMovie("squares", labels, labels, tracks)


def test_the_truth_has_every_point():
    pytest.importorskip("traccuracy")
    movie = squares()
    scores = score_links(movie, movie.truth, movie.tracks)
    assert (scores.tra, scores.aogm, scores.division_f1) == (1, 0, 1)


def test_a_lost_division_costs_two_links():
    pytest.importorskip("traccuracy")
    movie = squares()
    alone = [(track, first, last, 0) for track, first, last, _ in movie.tracks]
    scores = score_links(movie, movie.truth, alone)
    assert scores.aogm == 2 * 1.5
    assert scores.division_f1 == 0


def test_tracks_of_frames_left_out_pass_their_daughters_on():
    movie = squares()
    thin = thin_out(movie, 4)
    assert thin.tracks == ((1, 0, 1, 0), (2, 0, 0, 0), (3, 1, 1, 2), (4, 1, 1, 2))
    gone = thin_out(
        MaskMovie("m", movie.masks, movie.truth, ((5, 1, 1, 0), (6, 2, 5, 5))), 4
    )
    assert gone.tracks == ((6, 1, 1, 0),)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_spoiled_mask_is_what_it_is_called(damage):
    movie = squares()
    spoiled = spoil(movie, damage, 1.0)
    cells = [len(np.unique(frame)) - 1 for frame in spoiled.masks]
    before = [len(np.unique(frame)) - 1 for frame in movie.masks]
    expected = {
        "missing": [0] * 6,
        "merged": [1] * 6,
        "split": [2 * n for n in before],
    }
    assert cells == expected[damage]


def test_the_suite_leads_or_says_by_how_much_it_does_not():
    pytest.importorskip("traccuracy")
    from fastershift.benchmark import run_suite

    result = run_suite("linking", BenchmarkOptions(quick=True))
    assert result.summary["least_lead_tra"] > -0.01
    assert result.summary["seconds_5000"] > 0
    assert any("trackastra" in note for note in result.notes)
