"""What decides on which side of an outline uncertain pixels fall."""

import pytest
import torch

from fastershift.training import background_loss


def best_angle(share_of_cells, balance):
    """Where the loss is least for pixels that cannot be told apart."""
    labels = torch.zeros(1000, dtype=torch.int64)
    labels[: round(1000 * share_of_cells)] = 1
    cosines = torch.linspace(0, 1, 101)
    losses = []
    for cosine in cosines:
        embedding = torch.stack([cosine, (1 - cosine**2).sqrt()])
        losses.append(background_loss(embedding.expand(1000, 2), labels, None, balance))
    return float(cosines[int(torch.stack(losses).argmin())])


def test_balanced_classes_draw_a_rare_class_into_uncertain_pixels():
    # A fifth of these similar pixels are cells: most are background, and called so.
    assert best_angle(0.2, "pixel") == 1
    assert best_angle(0.8, "pixel") == 0


@pytest.mark.parametrize("balance", ["class", "pixel"])
def test_both_agree_when_the_classes_are_as_many(balance):
    labels = torch.tensor([0, 1])
    embedding = torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    loss = background_loss(embedding, labels, None, balance)
    assert loss == pytest.approx(1 - 0.36)


def test_unknown_pixels_do_not_count():
    labels = torch.tensor([0, 1, -1, -1])
    embedding = torch.tensor([[0.6, 0.8], [0.0, 1.0], [1.0, 0.0], [0.3, 0.9]])
    assert background_loss(embedding, labels, None, "pixel") == pytest.approx(1 - 0.36)
