"""What a stroke of the mouse means."""

import numpy as np
import pytest

from fastershift.plugin.learn._strokes import along, around, goes_around

SHAPE = (40, 50)


def ring(radius, share=1.0, middle=(20, 25)):
    """Places on a circle, of which a share is drawn."""
    turns = np.linspace(0, 2 * np.pi * share, 40)
    return [
        (round(middle[0] + radius * np.sin(t)), round(middle[1] + radius * np.cos(t)))
        for t in turns
    ]


@pytest.mark.parametrize(
    ("path", "closed"),
    [
        (ring(10), True),
        (ring(10, 0.9), True),  # nearly closed
        (ring(10, 0.6), False),
        ([(5, n) for n in range(5, 30)], False),
        ([(5, 5)] * 3, False),  # a click
        ([(5, n) for n in (5, 6, 7)], False),
    ],
)
def test_a_stroke_that_returns_goes_around_something(path, closed):
    assert goes_around(path) == closed


def test_what_a_stroke_goes_around_is_filled():
    mask = around(ring(10), SHAPE)
    assert mask.sum() == pytest.approx(np.pi * 100, rel=0.08)
    assert mask[20, 25]
    assert not mask[20, 37]


def test_strokes_beyond_the_frame_are_cut():
    mask = around(ring(10, middle=(0, 0)), SHAPE)
    assert mask.sum() == pytest.approx(np.pi * 10.5**2 / 4, rel=0.15)
    assert mask[0, 0]


@pytest.mark.parametrize("radius", [0, 2, 5])
def test_a_stroke_has_its_width_on_either_side(radius):
    mask = along([(20, 10), (20, 30)], SHAPE, radius)
    assert mask[20, 10:31].all()
    rows = np.flatnonzero(mask[:, 20])
    assert (rows.min(), rows.max()) == (20 - radius, 20 + radius)
    columns = np.flatnonzero(mask[20])
    assert (columns.min(), columns.max()) == (10 - radius, 30 + radius)


def test_places_far_apart_are_joined_and_a_click_is_a_spot():
    mask = along([(5, 5), (35, 5), (35, 45)], SHAPE, 0)
    assert mask[5:36, 5].all()
    assert mask[35, 5:46].all()
    assert mask.sum() == 31 + 40
    assert along([(7, 9)], SHAPE, 0).sum() == 1
    assert along([(7, 9)], SHAPE, 1).sum() == 5
