"""How certain it is that what votes for one centre is one cell."""

import numpy as np
import pytest

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances import cells_of_pieces, find_voted_instances, pair_voters
from fastershift.instances._certainty import FACTS, cell_certainty, cell_facts
from helpers.votes import kept_votes, pair_of, true_votes

DIAMETER = 12.0
PLACES = [(12, 12), (12, 40), (40, 12), (40, 40)]


def discs(radius=DIAMETER / 2, shape=(56, 56)):
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(PLACES, 1):
        labels[np.hypot(rows - row, columns - column) <= radius] = number
    return labels


def votes(labels, sure=2.0):
    """What a network says that is less sure than one that knows the truth."""
    raw = true_votes(labels, DIAMETER)
    raw[..., 0] = np.where(labels > 0, sure, -8.0)
    raw[..., 7] = np.log(0.05)
    return raw


def voters_of(*raws):
    kept = [kept_votes(raw, DIAMETER) for raw in raws]
    return pair_voters(*pair_of(kept, DIAMETER), TrackSettings())


def facts_of(raw, labels):
    voters = voters_of(raw).frames[0]
    facts, areas = cell_facts(voters, labels.ravel()[voters.pixels], DIAMETER)
    return [dict(zip(FACTS, row, strict=True)) for row in facts], areas


def certainties(raw, labels):
    voters = voters_of(raw).frames[0]
    return cell_certainty(voters, labels.ravel()[voters.pixels], DIAMETER)


def cells(*raws, **chosen):
    return find_voted_instances(
        voters_of(*raws), ClusterSettings(bandwidth=0.01), smallest_cell=1, **chosen
    )


class TestFacts:
    def test_a_disc_in_the_middle_of_its_votes(self):
        labels = discs()
        facts, areas = facts_of(votes(labels), labels)
        assert areas.tolist() == [0, *np.bincount(labels.ravel())[1:]]
        disc = facts[1]
        assert disc["odds"] == pytest.approx(2.0, abs=0.02)
        assert disc["error"] == pytest.approx(0.05, rel=0.01)
        assert disc["log area"] == pytest.approx(0, abs=0.05)
        assert disc["log width"] == pytest.approx(0, abs=0.01)
        assert disc["votes beside the middle"] == pytest.approx(0, abs=0.02)
        assert disc["log elongation"] == pytest.approx(0, abs=0.01)
        assert disc["odds beside others"] == disc["error beside others"] == 0

    def test_a_bar_is_as_elongated_as_its_sides(self):
        labels = np.zeros((56, 56), np.int32)
        labels[20:24, 10:42] = 1
        facts, _ = facts_of(votes(labels), labels)
        assert facts[1]["log elongation"] == pytest.approx(np.log(32 / 4), rel=0.03)

    def test_a_line_of_pixels_has_a_finite_elongation(self):
        labels = np.zeros((56, 56), np.int32)
        labels[20, 10:20] = 1
        assert np.isfinite(certainties(votes(labels), labels)).all()

    def test_votes_for_a_place_beside_the_cell(self):
        labels = discs()
        raw = votes(labels)
        raw[labels == 2, 1] += 0.5
        facts, _ = facts_of(raw, labels)
        assert facts[2]["votes beside the middle"] == pytest.approx(0.5, abs=0.02)

    def test_others_count_by_their_area(self):
        """Three specks do not say what is usual beside one large cell."""
        labels = discs()
        for number in (2, 3, 4):
            keep = labels == number
            keep[40 if number > 2 else 12, 40 if number % 2 == 0 else 12] = False
            labels[keep] = 0
        raw = votes(labels)
        raw[labels > 1, 0] = 0.5
        facts, _ = facts_of(raw, labels)
        assert facts[1]["odds beside others"] == 0
        assert facts[2]["odds beside others"] == pytest.approx(-1.5, abs=0.02)

    def test_numbers_without_a_pixel_and_none_at_all(self):
        labels = discs()
        labels[labels == 2] = 0
        found = certainties(votes(discs()), labels)
        assert found[0] == found[2] == 0
        assert (found[[1, 3, 4]] > 0.5).all()
        nothing = np.zeros_like(labels)
        assert certainties(votes(nothing), nothing).tolist() == [0]


class TestLessCertain:
    """What makes the second of four equal cells less certain than the others."""

    def check(self, raw, labels):
        found = certainties(raw, labels)
        assert found[2] < found[[1, 3, 4]].min() - 0.02

    def test_where_the_network_is_less_sure_of_it(self):
        labels = discs()
        raw = votes(labels)
        raw[labels == 2, 0] = 0.4
        self.check(raw, labels)

    def test_where_its_votes_may_be_far_off(self):
        labels = discs()
        raw = votes(labels)
        raw[labels == 2, 7] = np.log(0.5)
        self.check(raw, labels)

    def test_where_its_centre_is_elsewhere(self):
        labels = discs()
        raw = votes(labels)
        raw[labels == 2, 2] += 0.6
        self.check(raw, labels)

    def test_where_it_is_small(self):
        labels = discs()
        rows, columns = np.indices(labels.shape)
        labels[(labels == 2) & (np.hypot(rows - 12, columns - 40) > 2)] = 0
        self.check(votes(labels), labels)

    def test_a_frame_that_is_dim_all_over_is_not(self):
        labels = discs()
        alike = certainties(votes(labels, 0.6), labels)[1:]
        assert np.ptp(alike) < 0.01
        raw = votes(labels)
        raw[labels == 2, 0] = 0.6
        assert certainties(raw, labels)[2] < alike[1]


class TestDropped:
    def unsure(self):
        labels = discs()
        raw = votes(labels)
        raw[labels == 2, 0] = 0.3
        raw[labels == 2, 7] = np.log(0.6)
        return labels, raw

    def test_cells_that_are_less_likely(self):
        labels, raw = self.unsure()
        assert np.asarray(cells(raw).labels).max() == 4
        found = cells(raw, least_certainty=0.3)
        assert np.array_equal(found.labels[0] > 0, (labels > 0) & (labels != 2))
        assert np.asarray(found.pieces).max() == 4

    def test_the_frame_in_which_a_cell_is_more_certain_counts(self):
        labels, raw = self.unsure()
        both = cells(votes(labels), raw)
        number = both.labels[0][12, 40]
        assert both.labels[1][12, 40] == number
        sure = certainties(votes(labels), labels)[2]
        assert both.certainty[number] == pytest.approx(sure, abs=0.02)
        assert both.certainty[number] > 2 * certainties(raw, labels)[2]

    def test_the_same_cells_are_left_of_the_pieces(self):
        _, raw = self.unsure()
        everything, fewer = cells(raw), cells(raw, least_certainty=0.3)
        again = cells_of_pieces(
            np.asarray(everything.pieces), 1, everything.certainty, 0.3
        )
        assert np.array_equal(again, fewer.labels)
