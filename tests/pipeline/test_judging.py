"""Numbers by which diameters and models are judged, and sentences about them."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastershift.config import resolve_settings
from fastershift.pipeline import FrameReport, Quality, smallest_cell
from fastershift.pipeline._choice import Choice, _weighed
from fastershift.pipeline._diameter import whole_cells
from fastershift.pipeline._pair import given_report
from fastershift.pipeline._quality import Stability
from fastershift.pipeline._samples import Sample, take_samples
from fastershift.pipeline._trials import Trial
from fastershift.pipeline.masks import voted_by_masks
from fastershift.rshn import load_model
from fastershift.tracking import place_cells
from helpers.votes import centres_of, kept_votes, pair_of, true_votes

SURE = Trial(40.0, 40.0, 30, 0.95)


@pytest.mark.parametrize(
    "worse",
    [
        Trial(40.0, 60.0, 30, 0.95),  # larger than it was told
        Trial(40.0, 26.0, 30, 0.95),  # smaller
        Trial(40.0, 40.0, 3, 0.95),  # fewer cells
        Trial(40.0, 40.0, 30, 0.8),  # less sure
        Trial(20.0, 20.0, 30, 0.95),  # as small as texture
        Trial(40.0, 40.0, 30, 0.95, agreement=0.9),
    ],
)
def test_each_doubt_makes_a_trial_worse(worse):
    assert 0 < worse.score < SURE.score < 1


def test_a_trial_without_cells_or_certainty_is_worth_nothing():
    assert Trial(40.0, 0.0, 0, 0.0).score == 0
    assert Trial(40.0, 40.0, 30, 0.4).score == 0
    assert Trial(40.0, 0.0, 0, 0.0).taken == 40
    assert Trial(40.0, 50.0, 9, 0.9).taken == 50


def test_too_large_counts_as_much_as_too_small():
    large, small = Trial(40.0, 60.0, 30, 0.9), Trial(40.0, 40 / 1.5, 30, 0.9)
    assert large.score == pytest.approx(small.score)


def test_the_score_of_a_trial():
    # e^(-1/2) at a factor of e^0.8; a half for three cells; 2 * 0.75 - 1.
    trial = Trial(320.0, 320 * math.exp(0.8), 3, 0.75)
    assert trial.score == pytest.approx(math.exp(-0.5) / 2 / 2)


def test_the_agreement_of_few_cells_counts_less():
    few, many = (_weighed(Stability(0.9, 0.0, 20.0, cells)) for cells in (2, 200))
    assert few == pytest.approx(0.45)
    assert 0.88 < many < 0.9


def choice(*trials, diameter="auto", embedding="votes"):
    asked = SimpleNamespace(diameter=diameter)
    card = SimpleNamespace(embedding=embedding)
    model = SimpleNamespace(name="generalist", card=card, sha256="1")
    return Choice(model, None, asked, False, None, {"1": trials, "2": (SURE, SURE)})


def test_what_was_tried_is_told_where_it_decided():
    one, other = Trial(20.0, 22.4, 9, 0.9, 0.81), Trial(80.0, 0.0, 0, 0.0, 0.5)
    both = choice(one, other)
    assert both.sentence() == (
        "Tried generalist at several diameters: 22 px (agreement 0.81); next best: "
        "80 px (agreement 0.50)."
    )
    assert both.next_best == 80
    alone = choice(one)
    assert alone.sentence().endswith("22 px (agreement 0.81).")
    assert alone.next_best is None


@pytest.mark.parametrize("decided", [{"diameter": 30.0}, {"embedding": "cosine"}])
def test_where_trials_did_not_decide_nothing_is_said_of_them(decided):
    tried = choice(SURE, Trial(20.0, 20.0, 9, 0.9), **decided)
    assert (tried.sentence(), tried.next_best) == ("", None)
    assert choice().sentence() == ""


@pytest.mark.parametrize(
    ("name", "left_open", "bandwidth", "words"),
    [
        ("generalist", True, 0.01, []),
        ("generalist", True, 0.05, ["several cells as one"]),
        ("nuclei", False, 0.35, []),
        ("nuclei", True, 0.35, ["not free for any use"]),
        ("nuclei", False, 0.02, ["pieces of cells"]),
    ],
)
def test_a_model_is_doubted_where_it_was_not_chosen(name, left_open, bandwidth, words):
    model = load_model(name)
    settings = resolve_settings(
        user={"cluster": {"bandwidth": bandwidth}}, card=model.card.settings
    )
    said = Choice(model, settings, settings.embed, left_open).warnings()
    assert len(said) == len(words)
    assert all(word in one for word, one in zip(words, said, strict=True))


@given(st.floats(0.05, 0.95), st.floats(0, 1), st.floats(0, 1))
def test_more_unsure_pixels_never_make_a_frame_better(f1, less, more):
    quality = Quality(f1, f1 / 2, (1 + f1) / 2, 0.1)
    less, more = sorted((less, more))
    assert quality.of_frame(less) >= quality.of_frame(more)
    assert 0 <= quality.of_frame(more) <= 1


@pytest.mark.parametrize(("f1", "doubtful"), [(0.5, False), (0.499, True)])
def test_below_a_half_a_result_is_doubtful(f1, doubtful):
    quality = Quality(f1, 0.2, 0.8, 0.1)
    assert quality.doubtful == quality.record()["doubtful"] == doubtful
    assert ("does not know" in quality.sentence()) == doubtful
    assert quality.record() == {
        "f1": 0.5,
        "low": 0.2,
        "high": 0.8,
        "doubtful": doubtful,
    }


def test_the_smallest_cell_is_a_share_of_a_disc_or_half_of_what_was_published():
    share = resolve_settings(user={"track": {"smallest_cell": 0.5}})
    assert smallest_cell(share, 20.0) == pytest.approx(0.5 * math.pi * 10**2)
    pixels = resolve_settings(user={"track": {"smallest_cell_pixels": 30}})
    assert smallest_cell(pixels, 20.0) == 15


def test_cells_that_the_frame_cuts_are_not_measured():
    labels = np.zeros((20, 30), np.int32)
    labels[5:9, 5:9] = 1
    labels[0:4, 12:16] = 2
    labels[16:, 12:16] = 3
    labels[8:12, :3] = 4
    labels[8:12, 27:] = 5
    labels[12:14, 20:25] = 7
    diameters = np.sort(whole_cells(labels))
    # Discs of 10 and of 16 pixels.
    np.testing.assert_allclose(math.pi / 4 * diameters**2, [10, 16])
    assert whole_cells(np.zeros((4, 4), np.int32)).size == 0


def test_the_richest_square_is_where_intensities_vary():
    seen = np.zeros((40, 60), np.float32)
    seen[25:35, 40:50] = np.indices((10, 10)).sum(axis=0) % 2
    sample = Sample(0, seen, seen)
    rows, columns = sample.richest(10)
    assert (rows, columns) == (slice(25, 35), slice(40, 50))
    assert sample.richest(50) == (slice(0, 40), slice(0, 50))
    assert sample.richest(99) == (slice(0, 40), slice(0, 60))


@pytest.mark.parametrize(
    ("count", "taken"),
    [(1, [0]), (3, [0, 1, 2]), (9, [0, 2, 4, 6, 8]), (15, [1, 4, 7, 10, 13])],
)
def test_samples_are_spread_evenly(count, taken):
    rng = np.random.default_rng(0)
    movie = rng.normal(size=(count, 12, 12))
    samples = take_samples(movie)
    assert len(samples) == len(taken)
    for sample, number in zip(samples, taken, strict=True):
        np.testing.assert_array_equal(sample.frame, movie[number])


def test_frames_without_contrast_are_no_samples():
    movie = np.random.default_rng(0).normal(size=(3, 12, 12))
    movie[1] = 5
    assert len(take_samples(movie)) == 2
    assert take_samples(np.zeros((3, 12, 12))) == ()


def test_a_report_of_given_cells_counts_them():
    labels = np.zeros((10, 10), np.int32)
    labels[:2, :5], labels[5:, 5:] = 3, 8
    report = given_report(4, labels, 0.25, 0.5)
    assert (report.frame, report.cells, report.clusters, report.seeds) == (4, 2, 2, 0)
    assert report.foreground == pytest.approx(0.35)
    assert (report.network_ms, report.linking_ms) == (250, 500)
    record = FrameReport(**{**vars(report), "foreground": 0.123456}).record()
    assert record["foreground"] == 0.1235
    assert record["cells"] == 2


@pytest.mark.parametrize("scale", [1, 2])
def test_masks_vote_for_where_their_cells_were(scale):
    """The network may see the frame smaller than it is."""
    before = np.zeros((40, 60), np.int32)
    before[4:12, 4:12] = 1
    before[20:30, 30:40] = 2
    now = np.roll(before, (3, 5), (0, 1))
    now[32:38, 4:10] = 3  # a new cell
    kept = [kept_votes(true_votes(now, 10.0, before=before), 10.0)] * 2
    _, votes = pair_of(kept, 10.0)
    image = now.repeat(scale, axis=0).repeat(scale, axis=1)
    settings = resolve_settings(user={})
    found = voted_by_masks(votes, image, place_cells(image), settings)
    wanted = np.array([centres_of(before)[cell] for cell in (1, 2)])
    # Pixel centres of a finer image lie half a fine pixel further in.
    np.testing.assert_allclose(
        found.places[:2], scale * (wanted + 0.5) - 0.5, atol=0.3 * scale
    )
    assert (found.certainty[:2] > 0.9).all()
    assert found.certainty[2] < 0.1
