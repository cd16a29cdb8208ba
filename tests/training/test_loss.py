"""The loss of embeddings on vectors drawn by hand: what it asks for, and of whom."""

import math

import pytest
import torch

from fastershift.training._loss import background_loss, embedding_loss, instance_loss

ATTRACTIONS = ["squared", "signed"]
NOBODY = torch.zeros((2, 2), dtype=torch.bool)
EACH_OTHER = ~torch.eye(2, dtype=torch.bool)


def towards(*degrees, length=1.0):
    """Vectors in a plane, by their angle."""
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    return length * torch.stack([angles.cos(), angles.sin()], dim=1)


def loss_of(vectors, cells, repel, attraction="squared"):
    cells = torch.tensor(cells)
    return float(instance_loss(vectors, cells, repel.T[cells], attraction))


@pytest.mark.parametrize("attraction", ATTRACTIONS)
def test_cells_of_one_direction_that_stand_square_to_others_cost_nothing(attraction):
    vectors = towards(10, 10, 100, 100, length=3.0)
    found = loss_of(vectors, [0, 0, 1, 1], EACH_OTHER, attraction)
    assert found == pytest.approx(0, abs=1e-5)


def test_pixels_are_pulled_to_the_mean_direction_of_their_cell():
    spread = towards(-20, 20, 80, 80)
    squared = loss_of(spread, [0, 0, 1, 1], NOBODY)
    signed = loss_of(spread, [0, 0, 1, 1], NOBODY, "signed")
    # The second cell agrees with itself, so that half of the first one's loss is left.
    assert squared == pytest.approx(math.sin(math.radians(20)) ** 2 / 2, abs=1e-5)
    assert signed == pytest.approx((1 - math.cos(math.radians(20))) / 2, abs=1e-5)


def test_neighbours_are_pushed_apart_by_the_square_of_their_cosine():
    vectors = towards(0, 0, 60, 60)
    for attraction in ATTRACTIONS:
        assert loss_of(vectors, [0, 0, 1, 1], EACH_OTHER, attraction) == pytest.approx(
            math.cos(math.radians(60)) ** 2, abs=1e-5
        )
        assert loss_of(vectors, [0, 0, 1, 1], NOBODY, attraction) == pytest.approx(
            0, abs=1e-5
        )


def test_opposite_neighbours_are_alike_to_the_published_loss_alone():
    vectors = towards(0, 0, 180, 180)
    assert loss_of(vectors, [0, 0, 1, 1], EACH_OTHER) == pytest.approx(1, abs=1e-5)
    assert loss_of(vectors, [0, 0, 1, 1], EACH_OTHER, "signed") == pytest.approx(
        0, abs=1e-5
    )


@pytest.mark.parametrize("attraction", ATTRACTIONS)
def test_a_cell_weighs_the_same_however_many_pixels_it_has(attraction):
    small = loss_of(towards(-20, 20, 80, 80), [0, 0, 1, 1], NOBODY, attraction)
    large = towards(*[-20, 20] * 30, 80, 80)
    assert loss_of(large, [0, 0] * 30 + [1, 1], NOBODY, attraction) == pytest.approx(
        small, abs=1e-5
    )


@pytest.mark.parametrize("attraction", ATTRACTIONS)
def test_how_long_vectors_are_does_not_matter(attraction):
    vectors = towards(0, 25, 60, 90)
    once = loss_of(vectors, [0, 0, 1, 1], EACH_OTHER, attraction)
    again = loss_of(7 * vectors, [0, 0, 1, 1], EACH_OTHER, attraction)
    assert again == pytest.approx(once, abs=1e-5)


def test_background_is_pulled_to_the_first_axis_and_cells_away():
    vectors = towards(0, 60, 90, 30)
    labels = torch.tensor([0, 0, 1, 1])
    expected = (1 - 0.25) / 2 + 0.75 / 2
    assert float(background_loss(vectors, labels)) == pytest.approx(expected, abs=1e-5)
    perfect = background_loss(towards(0, 180, 90, 270), labels)
    assert float(perfect) == pytest.approx(0, abs=1e-5)


def test_pixels_of_the_background_weigh_as_told():
    vectors, labels = towards(0, 90, 90), torch.tensor([0, 0, 1])
    weights = torch.tensor([1.0, 3.0, 1.0])
    assert float(background_loss(vectors, labels, weights)) == pytest.approx(
        0.75, abs=1e-5
    )
    assert float(background_loss(vectors, labels)) == pytest.approx(0.5, abs=1e-5)


def test_a_frame_of_one_kind_has_a_loss():
    vectors = towards(60, 60)
    for label, expected in ((0, 0.75), (1, 0.25)):
        labels = torch.tensor([label, label])
        assert float(background_loss(vectors, labels)) == pytest.approx(
            expected, abs=1e-5
        )


def clips(*drawn):
    """Labels (T, B, Y, X) of one frame for each clip, and perfect raw outputs."""
    labels = torch.tensor(drawn)[None]
    axes = torch.eye(4)
    raw = axes[labels.clamp(min=0)].movedim(-1, 2)
    return labels, raw


NEIGHBOURS = ~torch.eye(2, dtype=torch.bool)
ONE = [[0, 1, 1, 0], [0, 0, 0, 0], [2, 2, 0, 0], [0, 0, 0, 0]]
OTHER = [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [2, 2, 0, 0]]


def whole(raw, labels, neighbours, **options):
    return float(embedding_loss((raw,), labels, neighbours, **options))


def test_outputs_that_are_right_cost_nothing():
    labels, raw = clips(ONE)
    assert whole(raw, labels, (NEIGHBOURS,)) == pytest.approx(0, abs=1e-5)


def test_clips_of_a_batch_do_not_repel_each_other():
    # The same axes serve both clips, whose cells are strangers.
    labels, raw = clips(ONE, OTHER)
    assert whole(raw, labels, (NEIGHBOURS, NEIGHBOURS)) == pytest.approx(0, abs=1e-5)


def test_a_cell_is_one_in_all_frames_of_its_clip():
    labels, raw = clips(ONE)
    labels, raw = labels.repeat(2, 1, 1, 1), raw.repeat(2, 1, 1, 1, 1)
    assert whole(raw, labels, (NEIGHBOURS,)) == pytest.approx(0, abs=1e-5)
    # In the second frame the first cell has another vector: it is told apart.
    changed = raw.clone()
    changed[1, 0, :, 0, 1:3] = torch.eye(4)[3][:, None]
    assert whole(changed, labels, (NEIGHBOURS,)) > 0.1


def test_unknown_pixels_may_say_anything():
    labels, raw = clips(ONE)
    labels[0, 0, 3] = -1
    anything = raw.clone()
    anything[:, :, :, 3] = torch.randn(1, 1, 4, 4, generator=torch.manual_seed(0))
    assert whole(anything, labels, (NEIGHBOURS,)) == pytest.approx(0, abs=1e-5)


def test_hourglasses_are_supervised_alike():
    labels, raw = clips(ONE)
    wrong = raw.roll(1, dims=2)
    single = whole(wrong, labels, (NEIGHBOURS,))
    assert single > 0.5
    both = float(embedding_loss((wrong, wrong), labels, (NEIGHBOURS,)))
    assert both == pytest.approx(2 * single, rel=1e-5)


def test_mistakes_at_outlines_weigh_more_where_this_is_asked_for():
    large = torch.zeros(1, 1, 16, 16, dtype=torch.long)
    large[..., :8] = 1
    raw = torch.eye(4)[large].movedim(-1, 2)

    def share(column):
        """How much more a mistake in a column costs with the weight."""
        wrong = raw.clone()
        wrong[..., column] = torch.eye(4)[2][:, None]
        one = torch.zeros(1, 1, dtype=torch.bool)
        plain, weighed = (
            whole(wrong, large, (one,), border_weight=weight) for weight in (1.0, 5.0)
        )
        return weighed / plain

    # Cells end at column 8; two pixels on either side of it are near.
    assert share(8) > 1.5
    assert share(9) > 1.5
    assert share(11) < 1
