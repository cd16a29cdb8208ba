"""Masks that are linked, and how they are spoiled before."""

from dataclasses import replace

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions
from fastershift.benchmark._links_score import score_links
from fastershift.benchmark._masks import DAMAGES, MaskMovie, spoil, thin_out
from fastershift.benchmark.linkers import LINKERS, Linked


def squares(n_frames=6):
    """Two cells, one of which has daughters in frame 3; ids are tracks."""
    labels = np.zeros((n_frames, 40, 40), np.int32)
    labels[:, 2:10, 2:10] = 1
    labels[:3, 20:28, 20:28] = 2
    labels[3:, 20:28, 16:22], labels[3:, 20:28, 26:32] = 3, 4
    last = n_frames - 1
    tracks = ((1, 0, last, 0), (2, 0, 2, 0), (3, 3, last, 2), (4, 3, last, 2))
    return MaskMovie("squares", labels, labels, tracks, 10 * labels)


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
    gone = thin_out(replace(movie, tracks=((5, 1, 1, 0), (6, 2, 5, 5))), 4)
    assert gone.tracks == ((6, 1, 1, 0),)


def test_frames_that_are_left_have_their_images():
    movie = thin_out(squares(), 2).first(2)
    np.testing.assert_array_equal(movie.frames(), 10 * squares().masks[[0, 2]])


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


@pytest.mark.slow  # the whole suite, a frame of 5,000 cells in it
def test_the_suite_leads_or_says_by_how_much_it_does_not():
    pytest.importorskip("traccuracy")
    from fastershift.benchmark import run_suite

    result = run_suite("linking", BenchmarkOptions(quick=True))
    assert result.summary["least_lead_tra"] > -0.01
    assert result.summary["seconds_5000"] > 0
    # Alternatives are better than the best of them.
    assert result.summary["least_gain_alternatives"] > 0
    # Each linker is in the table, or it is told why it is not.
    table = result.tables[0]
    run = {str(row[table.columns.index("linker")]) for row in table.rows}
    left_out = result.summary["left_out"]
    for peer in LINKERS:
        assert (peer.described() in run) != bool(left_out.get(peer.name))
    assert dict(result.tables[-1].rows) == left_out


def test_alternatives_are_compared_with_the_best_of_them(monkeypatch):
    pytest.importorskip("traccuracy")
    from fastershift.benchmark.linkers import PeerLinker
    from fastershift.benchmark.suites import _alternative_masks as suite

    right = squares()
    monkeypatch.setattr(PeerLinker, "missing", lambda _peer: "")
    truth = Linked(right.truth, [*right.tracks], None)
    monkeypatch.setattr(suite, "choose_by_ultrack", lambda *_given: truth)
    table, gains = suite.score_alternatives([right])
    assert table.columns[2:4] == ("best one alone", "fastershift")
    alone, ours, other = np.array([row[2:] for row in table.rows], float).T
    assert (other == 1).all()
    assert (ours >= alone).all()
    assert gains["least_gain_alternatives"] == round((ours - alone).min(), 4)
    assert gains["mean_lead_alternatives"] == round((ours - 1).mean(), 4)
    # Without the other program, its column is left out.
    monkeypatch.setattr(PeerLinker, "missing", lambda _peer: "is not installed")
    table, gains = suite.score_alternatives([right])
    assert len(table.columns) == 4
    assert "mean_lead_alternatives" not in gains


def test_a_lead_is_over_the_best_other_program():
    from fastershift.benchmark.suites._linking import _leads, _means

    tra = {
        ("one", "all frames"): {"fastershift": 0.9, "a": 0.8, "b": 0.85},
        ("two", "all frames"): {"fastershift": 0.7, "a": 0.72, "b": 0.1},
        ("two", "5 % missing"): {"fastershift": 0.6, "a": 0.5},
    }
    # With votes it is ours, too, and no other.
    tra["one", "all frames"]["fastershift, with votes"] = 0.99
    assert _leads(tra) == {
        "least_lead_tra": -0.02,
        "mean_lead_tra": round((0.05 - 0.02 + 0.1) / 3, 4),
        "mean_lead_tra_incomplete": 0.1,
    }
    table = _means(tra)
    assert table.columns == ("linker", "all frames", "5 % missing")
    means = {row[0]: row[1:] for row in table.rows}
    assert means["a"] == (0.76, 0.5)
    assert means["b"] == (round(0.475, 4), None)


def test_numbers_of_masks_tell_nothing_of_tracks():
    from fastershift.benchmark._masks import _numbered_anew

    movie = squares()
    anew = _numbered_anew(movie)
    for before, after in zip(movie.masks, anew.masks, strict=True):
        pairs = set(zip(before.ravel().tolist(), after.ravel().tolist(), strict=True))
        count = len(np.unique(before))
        assert len(pairs) == count
        assert (0, 0) in pairs
        assert set(np.unique(after)) == set(range(count))
    np.testing.assert_array_equal(anew.truth, movie.truth)


def test_the_first_frames_have_the_tracks_that_are_seen_in_them():
    short = squares().first(3)
    assert short.masks.shape == short.truth.shape == (3, 40, 40)
    assert short.tracks == ((1, 0, 2, 0), (2, 0, 2, 0))
    assert squares().first(4).tracks[2:] == ((3, 3, 3, 2), (4, 3, 3, 2))


def test_whole_cells_are_taken_where_there_are_enough_of_them(tmp_path):
    import tifffile

    from fastershift.benchmark._masks import mask_movies

    movie = squares()
    home = tmp_path / "data" / "SET"
    for t in range(len(movie.masks)):
        for name, content in (
            ("01/t{:03}.tif", movie.truth[t] * 10),
            ("01_GT/TRA/man_track{:03}.tif", movie.truth[t]),
            ("01_ST/SEG/man_seg{:03}.tif", np.where(movie.truth[t], 5, 0)),
        ):
            path = home / name.format(t)
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, content.astype(np.uint16))
    rows = "\n".join(" ".join(map(str, track)) for track in movie.tracks)
    (home / "01_GT" / "TRA" / "man_track.txt").write_text(rows)
    (found,) = mask_movies(BenchmarkOptions(data=tmp_path))
    assert found.name == "SET"
    np.testing.assert_array_equal(found.frames(), movie.truth * 10)
    assert found.tracks == movie.tracks
    np.testing.assert_array_equal(found.truth, movie.truth)
    # The silver truth holds one cell a frame, which is too few: markers are used.
    assert len(np.unique(found.masks[0])) == 3
    for t in range(len(movie.masks)):
        silver = home / "01_ST" / "SEG" / f"man_seg{t:03}.tif"
        wide = np.where(movie.truth[t], movie.truth[t], 0)
        wide[0:2, 2:10] = 1
        tifffile.imwrite(silver, wide.astype(np.uint16))
    (found,) = mask_movies(BenchmarkOptions(data=tmp_path))
    assert (found.masks[:, :2, 2:10] > 0).all()
