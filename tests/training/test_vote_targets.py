"""What a network that votes should say, and that the loss asks for just that."""

import numpy as np
import pytest
import torch

from fastershift.training._votes_loss import vote_targets, votes_loss
from helpers.movies import A_CELL_DIVIDES, A_CELL_ENTERS_LATE, every_movie
from helpers.votes import true_votes

DIAMETER = 6.0


def clip_of(movie, larger=3):
    """Labels (T, Y, X) of a drawn movie, with cells a few pixels wide."""
    return movie.labels.repeat(larger, axis=1).repeat(larger, axis=2)


def predecessors_of(movie):
    """(T, K + 1): each cell is itself or its mother in the frame before; 0 for none."""
    tracks = {track.id: track for track in movie.lineage.tracks}
    table = torch.full((len(movie.labels), len(tracks) + 1), -1)
    for t in range(1, len(movie.labels)):
        for number, track in tracks.items():
            there = track.first < t <= track.last
            mother = tracks.get(track.parent)
            came = mother is not None and mother.last == t - 1
            table[t, number] = number if there else track.parent if came else 0
    return table


def targets_of(*movies):
    labels = torch.from_numpy(np.stack([clip_of(one) for one in movies], axis=1))
    tables = [predecessors_of(one) for one in movies]
    return vote_targets(labels.long(), tables, DIAMETER)


@every_movie
def test_targets_are_what_a_network_without_a_mistake_says(movie):
    targets, labels = targets_of(movie), clip_of(movie)
    origin = {t.id: t.parent for t in movie.lineage.tracks if t.parent}
    for t, frame in enumerate(labels):
        before = labels[t - 1] if t else None
        there = set() if before is None else set(np.unique(before).tolist())
        moved = {k: v for k, v in origin.items() if k not in there}
        raw = true_votes(frame, DIAMETER, before=before, origin=moved)
        inside = frame > 0
        np.testing.assert_array_equal(targets.cell[t], inside)
        ways = np.moveaxis(raw, -1, 0)
        np.testing.assert_allclose(
            targets.own[t].numpy()[:, inside], ways[1:3, inside], atol=1e-5
        )
        linked = targets.linked[t].numpy()
        np.testing.assert_allclose(
            targets.previous[t].numpy()[:, linked], ways[3:5, linked], atol=1e-5
        )
        if t:
            np.testing.assert_array_equal(linked, inside & (ways[5] < 0))
            np.testing.assert_array_equal(targets.fresh[t], inside & (ways[5] > 0))
        else:
            assert not targets.judged[t].any()


def test_clips_of_a_batch_do_not_meet():
    both = targets_of(A_CELL_DIVIDES, A_CELL_DIVIDES)
    alone = targets_of(A_CELL_DIVIDES)
    for name in ("cell", "own", "previous", "linked", "fresh", "width", "share"):
        found, expected = getattr(both, name), getattr(alone, name)
        for clip in (0, 1):
            torch.testing.assert_close(found[clip::2], expected)


def test_all_pixels_of_a_cell_weigh_as_the_root_of_its_area():
    targets, labels = targets_of(A_CELL_ENTERS_LATE), clip_of(A_CELL_ENTERS_LATE)
    for cell in (1, 2):
        inside = torch.from_numpy(labels[2] == cell)
        area = int(inside.sum())
        assert float(targets.share[2][inside].sum()) == pytest.approx(area**0.5)
    assert not targets.share[2][torch.from_numpy(labels[2] == 0)].any()


@pytest.mark.parametrize(("side", "width"), [(3, 3), (5, 5), (9, 9), (1, 1)])
def test_the_width_of_a_square_is_its_side(side, width):
    labels = torch.zeros((1, 1, 16, 16), dtype=torch.long)
    labels[0, 0, 3 : 3 + side, 3 : 3 + side] = 1
    found = vote_targets(labels, [torch.full((1, 2), -1)], DIAMETER)
    inside = labels[0, 0] > 0
    told = DIAMETER * found.width[0][inside].exp()
    assert torch.allclose(told, told[0])
    # Erosions alternate between a square and a cross: corners are left longer.
    assert float(told[0]) == pytest.approx(width, abs=2)


def outputs_of(movie):
    """Perfect outputs (T, B, C, Y, X), and all else the loss needs."""
    labels = clip_of(movie)
    targets = targets_of(movie)
    raw = []
    for t, frame in enumerate(labels):
        one = torch.from_numpy(np.moveaxis(true_votes(frame, DIAMETER), -1, 0)).clone()
        one[3:5] = targets.previous[t]
        one[5] = torch.where(targets.fresh[t], 9.0, -9.0)
        one[6] = targets.width[t]
        one[7] = -5.0
        raw.append(one)
    labels = torch.from_numpy(labels).long()[:, None]
    return torch.stack(raw)[:, None], labels, [predecessors_of(movie)]


@pytest.mark.parametrize("channel", range(8))
def test_every_mistake_costs(channel):
    raw, labels, tables = outputs_of(A_CELL_DIVIDES)
    best = float(votes_loss([raw], labels, tables, diameter=DIAMETER))
    wrong = raw.clone()
    wrong[:, :, channel] = -wrong[:, :, channel] if channel in (0, 5) else 1.0
    assert float(votes_loss([wrong], labels, tables, diameter=DIAMETER)) > best + 0.05


def test_nothing_is_asked_of_unknown_pixels_and_of_votes_in_the_background():
    raw, labels, tables = outputs_of(A_CELL_DIVIDES)
    labels[:, :, :, :3] = -1
    best = votes_loss([raw], labels, tables, diameter=DIAMETER)
    other = raw.clone()
    other[:, :, :, :, :3] = 7.0
    torch.testing.assert_close(
        votes_loss([other], labels, tables, diameter=DIAMETER), best
    )
    other = raw.clone()
    other[:, :, 1:] = torch.where(labels[:, :, None] > 0, raw[:, :, 1:], 7.0)
    torch.testing.assert_close(
        votes_loss([other], labels, tables, diameter=DIAMETER), best
    )


def test_hourglasses_are_summed_and_only_frames_with_outputs_count():
    raw, labels, tables = outputs_of(A_CELL_DIVIDES)
    wrong = raw + 0.3
    one, other, both = (
        float(votes_loss(outputs, labels, tables, diameter=DIAMETER))
        for outputs in ([raw], [wrong], [raw, wrong])
    )
    assert both == pytest.approx(one + other)
    last = votes_loss([wrong[-1:]], labels, tables, diameter=DIAMETER)
    spoilt = wrong.clone()
    spoilt[:-1] = 5
    torch.testing.assert_close(
        votes_loss([spoilt[-1:]], labels, tables, diameter=DIAMETER), last
    )


def test_how_far_votes_are_off_does_not_move_the_votes():
    raw, labels, tables = outputs_of(A_CELL_DIVIDES)
    raw[:, :, 1:3] += 0.4
    leaning = raw.clone().requires_grad_()
    votes_loss([leaning], labels, tables, diameter=DIAMETER).backward()
    doubtful = raw.clone()
    doubtful[:, :, 7] = 2.0
    doubtful.requires_grad_()
    votes_loss([doubtful], labels, tables, diameter=DIAMETER).backward()
    torch.testing.assert_close(leaning.grad[:, :, 1:3], doubtful.grad[:, :, 1:3])
    # Votes that are off, and sure: the certainty has to go down.
    inside = labels > 0
    assert (leaning.grad[:, :, 7][inside] <= 0).all()
