"""Marks of a person: their pixels, their parts, and the values that they decide."""

import numpy as np
import pytest

from fastershift.config import resolve_settings
from fastershift.errors import InputError
from fastershift.rshn import ModelCard, PixelClass
from fastershift.training import decide_settings
from fastershift.training._picture import side_by_side
from fastershift.training.learn import _ways
from fastershift.training.learn._grow import pixel_classes
from fastershift.training.learn._judge import Agreement
from fastershift.training.learn._ways import (
    _LEAST_GAIN,
    Judged,
    Rules,
    Seen,
    best_rules,
    keep_out,
)
from helpers.steps import returned

SIDE = 24


def marked(*cells, background=()):
    """A frame of which nothing is known but square cells and some background."""
    labels = np.full((SIDE, SIDE), -1, np.int32)
    for top, left, height, width in background:
        labels[top : top + height, left : left + width] = 0
    for number, (top, left, height, width) in enumerate(cells, start=1):
        labels[top : top + height, left : left + width] = number
    return labels


def test_pixels_of_a_cell_are_inside_but_for_a_rim():
    classes = pixel_classes(marked((4, 4, 10, 10)))
    assert (classes[6:12, 6:12] == PixelClass.INSIDE).all()
    for rim in (classes[4, 4:14], classes[13, 4:14], classes[4:14, 4], classes[5, 6:9]):
        assert (rim == PixelClass.OUTLINE).all()


def test_what_is_just_around_a_cell_is_a_gap_and_what_is_far_is_unknown():
    classes = pixel_classes(marked((8, 8, 6, 6), background=[(20, 20, 4, 4)]))
    assert (classes[7, 7:15] == PixelClass.BACKGROUND).all()
    assert classes[5, 10] == -1
    assert (classes[20:, 20:] == PixelClass.BACKGROUND).all()


def test_a_cell_that_touches_another_keeps_all_of_its_pixels():
    classes = pixel_classes(marked((8, 4, 6, 6), (8, 10, 6, 6)))
    both = classes[8:14, 4:16]
    assert set(np.unique(both)) == {PixelClass.INSIDE, PixelClass.OUTLINE}
    # Where they touch, both have a rim.
    assert (classes[10:12, 9:11] == PixelClass.OUTLINE).all()


def test_thin_cells_have_an_inside_too():
    classes = pixel_classes(marked((4, 4, 3, 14)))
    assert (classes[5, 6:16] == PixelClass.INSIDE).all()


def test_a_cell_is_in_one_part_in_all_frames():
    frames = {
        0: marked((1, 1, 4, 4), (1, 10, 4, 4), (10, 1, 4, 4), (10, 10, 4, 4)),
        3: marked((2, 2, 4, 4), (2, 11, 4, 4), (11, 2, 4, 4), (11, 11, 4, 4)),
        4: marked(background=[(0, 0, 5, 5)]),
    }
    parts = keep_out(frames, [1, 2, 3, 4], seed=1)
    for cell in (1, 2, 3, 4):
        found = {
            int(part) for t in (0, 3) for part in np.unique(parts[t][frames[t] == cell])
        }
        assert len(found) == 1
    sizes = [
        sum(parts[0][frames[0] == cell].max() == part for cell in (1, 2, 3, 4))
        for part in range(3)
    ]
    assert sorted(sizes) == [1, 1, 2]
    # What has no cell is in one part as a whole; what lies beside one is in its part.
    assert len(np.unique(parts[4])) == 1
    assert parts[0][0, 0] == parts[0][1, 1]


def test_the_draw_of_parts_follows_the_seed():
    frames = {0: marked(*[(1, 3 * n + 1, 2, 2) for n in range(7)])}
    cells = list(range(1, 8))
    first, again, other = (keep_out(frames, cells, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_values_are_recommended_as_settings():
    rules = Rules(0.02, 0.3, 0.25)
    settings = resolve_settings(card=rules.as_settings())
    assert settings.cluster.bandwidth == 0.02
    assert settings.track.foreground == 0.3
    assert settings.track.smallest_cell == 0.25


def agreement(quality):
    return Agreement(overlap=quality * 10, hits=10)


def decided(monkeypatch, quality_of, *, learned=False):
    """Values that are chosen when each of them reaches a quality."""
    tried = []

    def judge(_seen, _said, rules, _diameter):
        yield
        tried.append(rules)
        return agreement(quality_of(rules)), agreement(0.5)

    monkeypatch.setattr(_ways, "judge_parts", judge)
    rules, marks, first = returned(best_rules([], [], Rules(), 20.0, learned=learned))
    assert marks.quality == pytest.approx(quality_of(rules))
    assert first.quality == 0.5
    return rules, tried


def test_values_change_only_for_a_clear_gain(monkeypatch):
    def little_better(rules):
        return 0.5 + (rules != Rules()) * 0.9 * _LEAST_GAIN

    rules, tried = decided(monkeypatch, little_better)
    assert rules == Rules()
    assert len(tried) == 1 + 3 + 2 + 2 + 2


def test_values_are_chosen_one_after_the_other(monkeypatch):
    def quality(rules):
        gains = [rules.bandwidth == 0.02, rules.foreground == 0.7]
        return 0.5 + 1.5 * _LEAST_GAIN * sum(gains)

    rules, tried = decided(monkeypatch, quality)
    assert rules == Rules(bandwidth=0.02, foreground=0.7)
    # Later values are tried together with those that were chosen.
    assert all(one.bandwidth == 0.02 for one in tried[4:])


def test_h_is_not_searched_for_where_a_head_speaks(monkeypatch):
    rules, tried = decided(monkeypatch, lambda rules: 0.5, learned=True)
    assert rules == Rules()
    assert {one.bandwidth for one in tried} == {Rules().bandwidth}
    assert len(tried) == 1 + 2 + 2 + 2


def judged(marks, expected, *, learned):
    return Judged(
        agreement(marks),
        agreement(marks / 2),
        0.9,
        expected,
        Rules(),
        learned=learned,
    )


def test_what_has_learned_is_worth_what_the_worse_witness_says():
    for better in (0.8, 1.0):
        assert (
            judged(0.6, better, learned=True).worth
            == judged(better, 0.6, learned=True).worth
            == judged(0.6, 0.6, learned=True).worth
        )
    assert judged(0.7, 0.7, learned=True).worth > judged(0.6, 0.8, learned=True).worth


def test_both_witnesses_count_for_what_has_not_learned():
    usual = judged(0.6, 0.6, learned=False)
    assert judged(0.8, 0.6, learned=False).worth > usual.worth
    assert judged(0.6, 0.8, learned=False).worth > usual.worth
    assert usual.first_worth < usual.worth


def test_one_part_of_the_marks_can_be_judged_alone():
    labels = marked((2, 2, 6, 6), (2, 14, 6, 6), background=[(0, 0, SIDE, SIDE)])
    part = np.zeros((SIDE, SIDE), np.int8)
    part[:, 11:] = 1
    image = np.zeros((SIDE, SIDE), np.float32)
    seen = Seen(image, image[..., None], labels, part, labels)
    found = np.where(labels == 1, 5, 0).astype(np.int32)
    assert seen.judge(found).quality == pytest.approx(1 / 1.5)
    assert seen.judge(found, 0).quality == 1
    assert seen.judge(found, 1).quality == 0


def test_a_picture_shows_frame_truth_and_result():
    truth = marked((4, 4, 8, 8), background=[(0, 0, 12, SIDE)])
    frame = np.tile(np.arange(SIDE, dtype=np.uint16) * 100, (SIDE, 1))
    found = np.where(truth == 1, 7, 0).astype(np.int32)
    picture = side_by_side(frame, truth, found)
    assert picture.shape == (SIDE + 4, 3 * SIDE + 12, 3)
    assert picture.dtype == np.uint8
    panels = [picture[2:-2, 2 + n * (SIDE + 4) :][:, :SIDE] for n in range(3)]
    assert np.ptp(panels[0], axis=-1).max() == 0, "the frame is grey"
    assert np.ptp(panels[1][6:10, 6:10], axis=-1).min() > 0, "cells have a colour"
    assert np.ptp(panels[2][6:10, 6:10], axis=-1).min() > 0
    # Where nothing is known, the truth is darker than the frame.
    assert (panels[1][20, 12:] < panels[0][20, 12:]).all()
    np.testing.assert_array_equal(panels[2][20, 12:], panels[0][20, 12:])


def test_a_picture_of_nothing_is_a_picture():
    nothing = np.zeros((SIDE, SIDE), np.int32)
    frame = np.full((SIDE, SIDE), np.nan)
    assert np.isfinite(side_by_side(frame, nothing, nothing)).all()


def card(**changes):
    values = {"name": "start", "filters": 8, "levels": 3, "channels": 16}
    return ModelCard(**(values | {"diameter": 12.0} | changes))


def test_a_model_to_start_from_decides_the_network_and_the_rate():
    settings = decide_settings({"size": 64}, start=card())
    assert (settings.filters, settings.levels, settings.size) == (8, 3, 64)
    assert settings.network_diameter == 12
    wide = decide_settings({}, start=card(deep_filters=12, block=2))
    assert wide.network().widths == (8, 8, 12)
    assert wide.network().block == 2
    fresh = decide_settings({})
    assert settings.learning_rate < fresh.learning_rate
    chosen = decide_settings({"learning_rate": 1e-3}, start=card())
    assert chosen.learning_rate == 1e-3
    assert decide_settings({"filters": None}) == fresh


def test_what_a_network_is_cannot_be_changed():
    assert decide_settings({"filters": 8}, start=card()).filters == 8
    with pytest.raises(InputError, match="filters is 8 in the model start"):
        decide_settings({"filters": 9}, start=card())
