"""The loss and a training step against reference numbers of the original code."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fastershift.rshn import network_from_published, normalise_embedding
from fastershift.training import background_loss, instance_loss

DATA = Path(__file__).parents[1] / "data"


def load(name):
    with np.load(DATA / name) as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope="module")
def reference():
    return load("loss.npz")


@pytest.fixture(scope="module")
def training():
    return load("train_small.npz")


def pixels(embedding):
    """Put (1, C, T, Y, X) into one row a pixel."""
    return embedding[0].flatten(1).T


def instance_term(embedding, slots):
    """Loss of slots (K, T, Y, X): 1 is the cell, 2 are its neighbours."""
    slots = torch.from_numpy(slots.reshape(len(slots), -1))
    cells = (slots == 1).any(0)
    return instance_loss(
        pixels(embedding)[cells],
        (slots == 1).to(torch.int64).argmax(0)[cells],
        (slots == 2).T[cells],
    )


def background_term(embedding, mask):
    """Loss of a mask (1, T, Y, X): 1 is background, 2 are cells."""
    values = torch.from_numpy(mask.astype(np.int64)).flatten()
    labels = torch.where(values == 0, -1, values - 1)
    return background_loss(pixels(embedding), labels)


def embedding_of(reference, dtype=torch.float32):
    return torch.from_numpy(reference["emb"]).to(dtype).requires_grad_()


@pytest.mark.parametrize(
    ("case", "slots"),
    [
        ("tra", "inst"),
        ("tra_slot0_no_other", "inst_slot0_no_other"),
        ("tra_last_no_other", "inst_last_no_other"),
    ],
)
def test_instance_loss(reference, case, slots):
    loss = instance_term(embedding_of(reference), reference[slots])
    assert loss.item() == pytest.approx(float(reference[f"{case}_loss"]), abs=1e-6)
    alone = np.where(reference[slots] == 1, 1, 0).astype(np.uint8)
    within = instance_term(embedding_of(reference), alone)
    expected = float(reference[f"{case}_term0"].mean())
    assert within.item() == pytest.approx(expected, abs=1e-6)
    between = float((loss - within).detach())
    assert between == pytest.approx(float(reference[f"{case}_term1"].mean()), abs=1e-6)


def test_no_instances_cost_nothing(reference):
    nothing = np.zeros_like(reference["inst"])
    loss = instance_term(embedding_of(reference), nothing)
    assert loss.item() == float(reference["tra_all_empty_loss"]) == 0


def test_background_loss(reference):
    mask = reference["bac"]
    embedding = embedding_of(reference)
    loss = background_term(embedding, mask)
    assert loss.item() == pytest.approx(float(reference["bac_loss"]), abs=1e-6)
    for value, term in ((1, "bac_term0"), (2, "bac_term1")):
        one = background_term(embedding, np.where(mask == value, mask, 0))
        assert one.item() == pytest.approx(float(reference[term][0]), abs=1e-6)


@pytest.mark.parametrize(
    ("term", "mask", "expected"),
    [
        (instance_term, "inst", "tra_grad"),
        (instance_term, "inst_slot0_no_other", "tra_slot0_no_other_grad"),
        (background_term, "bac", "bac_grad"),
    ],
)
def test_gradient_of_the_losses(reference, term, mask, expected):
    embedding = embedding_of(reference)
    term(embedding, reference[mask]).backward()
    wanted = reference[expected]
    difference = np.abs(embedding.grad.numpy() - wanted).max()
    assert difference < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize(("epsilon", "case"), [(1e-12, "1e12"), (1e-4, "1e4")])
def test_normalising_and_its_gradient(reference, epsilon, case):
    vectors = torch.from_numpy(reference["l2n_x"]).requires_grad_()
    unit = normalise_embedding(vectors, epsilon=epsilon)
    np.testing.assert_allclose(
        unit.detach(), reference[f"l2n_y_eps{case}"], rtol=1e-6, atol=1e-6
    )
    (unit * torch.from_numpy(reference["l2n_w"])).sum().backward()
    wanted = reference[f"l2n_grad_eps{case}"]
    # Relative to each row: a gradient along a long vector is a small difference.
    allowed = 1e-5 * np.abs(wanted).max(axis=1, keepdims=True)
    assert (np.abs(vectors.grad.numpy() - wanted) <= allowed).all()


@pytest.fixture(scope="module")
def small():
    """Weights and frames of the small network."""
    return load("rshn_small.npz")


def small_network(small):
    weights = {key[2:]: value for key, value in small.items() if key.startswith("w/")}
    return network_from_published(weights).double().train()


def terms(network, frames, training):
    """All terms of the published training loss, by name."""
    first, second, _ = network(frames)
    losses = {}
    for number, output in enumerate((first, second)):
        embedding = output.permute(1, 2, 0, 3, 4)
        losses[f"loss_bac_emb_{number}"] = background_term(embedding, training["bac"])
        losses[f"loss_tra_emb_{number}"] = instance_term(embedding, training["inst"])
    kernels = [p for name, p in network.named_parameters() if name.endswith("weight")]
    losses["loss_reg"] = 1e-5 * sum(kernel.square().sum() for kernel in kernels) / 2
    return losses


def as_ours(training, prefix):
    """Published tensors by the names of our parameters; the mapping is linear."""
    published = {
        key.removeprefix(prefix): value
        for key, value in training.items()
        if key.startswith(prefix)
    }
    return network_from_published(published).state_dict()


def test_training_gradient(small, training):
    network = small_network(small)
    frames = torch.from_numpy(small["frames"]).double().permute(0, 3, 1, 2)[:, None]
    losses = terms(network, frames, training)
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(float(training[name]), abs=1e-5)
    total = sum(losses.values())
    assert total.item() == pytest.approx(float(training["total"]), abs=1e-5)
    total.backward()
    wanted = as_ours(training, "g/")
    for name, parameter in network.named_parameters():
        difference = (parameter.grad - wanted[name]).norm() / wanted[name].norm()
        assert float(difference) < 1e-4, name


def test_five_steps_of_adam(small, training):
    """With the epsilon where TensorFlow has it, outside the bias correction."""
    network = small_network(small)
    frames = torch.from_numpy(small["frames"]).double().permute(0, 3, 1, 2)[:, None]
    parameters = dict(network.named_parameters())
    mean = {name: torch.zeros_like(one) for name, one in parameters.items()}
    square = {name: torch.zeros_like(one) for name, one in parameters.items()}
    for step, expected in enumerate(training["loss_after_k_adam_steps"], start=1):
        total = sum(terms(network, frames, training).values())
        assert total.item() == pytest.approx(float(expected), abs=1e-5)
        if step > 5:
            break
        network.zero_grad()
        total.backward()
        rate = 1e-4 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        with torch.no_grad():
            for name, one in parameters.items():
                mean[name].lerp_(one.grad, 0.1)
                square[name].lerp_(one.grad**2, 0.001)
                one -= rate * mean[name] / (square[name].sqrt() + 1e-8)
    wanted = as_ours(training, "after5/")
    for name, one in parameters.items():
        assert float((one - wanted[name]).detach().abs().max()) < 1e-5, name
